"""A world in memory, with virtual time and seeded faults, for the very step code that runs for real.

`World` documents of `testbed/world.py` are put behind the ports of `ports/access.py`. Controllers with the
rules of Cluster API and CAPO act on them whenever time passes. Nothing here knows the wall clock: the same
seed gives the same events, whatever the machine.

- `objects.py`, `project.py`, `etcd.py`: what the systems hold, as plain documents
- `kube.py`, `cloud.py`, `hosts.py`, `states.py`, `judge.py`, `clock.py`: the ports
- `controllers/`: what Cluster API and CAPO do with the documents
- `faults.py`, `outsiders.py`: what goes wrong, and who meddles
- `invariants.py`: what must hold after every event
- `explore.py`: one seed, from the plan to the outcome
"""
