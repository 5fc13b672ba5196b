"""The operator's life in memory: rounds of `guards/work` in virtual time, with faults and deaths.

What stands in `testbed/simulation` is used where it fits: loop, clock, objects, API server, faults.

- `layout.py`: an adopted 3+2 cluster with its workloads, as documents
- `project.py`, `cloud.py`: servers, pool, floating IPs and volumes, and the port on them
- `kube.py`: the API servers, with conditions told through the status
- `world.py`: all of it together; `machines.py`, `owners.py`, `workload.py`: who acts on it, with the rules of
  Cluster API 1.14 and Kubernetes
- `scenario.py`, `happenings.py`: what happens to the cluster; `lives.py`: operators that come and go
- `invariants.py`: what must hold after every event, and at the end
- `explore.py`: one seed
"""
