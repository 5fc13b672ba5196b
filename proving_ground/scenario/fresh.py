"""Legacy clusters as scenarios want them: named, made once by a run, found again by the same run."""

from __future__ import annotations

from proving_ground.legacy import create, packages
from proving_ground.legacy.layout import LegacyCluster, Traits, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import settled
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

PLAIN = LegacyCluster(name="plain", number=1)
"""Three control planes and two workers, nothing odd."""

SMALL = LegacyCluster(name="small", number=2, control_planes=1, worker_groups=(WorkerGroup(count=1),))
"""One control plane and one worker: the least that can be taken over."""

GROWN = LegacyCluster(
    name="grown",
    number=3,
    control_planes=1,
    worker_groups=(
        WorkerGroup(name="worker", count=1, allowed_address_pairs=("10.13.0.0/16",)),
        WorkerGroup(name="large", count=1, flavor="m1.large", taint="dedicated=batch:NoSchedule"),
    ),
    traits=Traits(
        audit=True,
        encryption=True,
        extra_sans=("kube.example.com",),
        api_server_flags={"event-ttl": "2h"},
        hand_edited_manifest=True,
        provider_id="region",
    ),
)
"""What years of operation do to a cluster."""


DOCKER = LegacyCluster(
    name="docker",
    number=61,
    control_planes=1,
    worker_groups=(WorkerGroup(count=1),),
    kubernetes="1.23",
    runtime="docker",
)
"""A cluster that was left at the last version whose kubelet speaks to Docker by itself."""


SWAP = LegacyCluster(name="swap", number=62, control_planes=1, worker_groups=(WorkerGroup(count=1),))
"""One control plane and one worker, whose container runtime is swapped."""


KUBESPRAY = LegacyCluster(
    name="kubespray",
    number=60,
    control_planes=1,
    worker_groups=(WorkerGroup(count=1),),
    traits=Traits(encryption=True, provider_id="none"),
    layout="kubespray",
    load_balancer=False,
)
"""What Kubespray leaves with its defaults, and encryption at rest."""


_made_here: set[str] = set()
"""Names of the clusters that this process made."""


def fresh_cluster(folders: Folders, cluster: LegacyCluster, progress: Progress) -> Kube:
    """Makes the cluster, or finds it made by this process, and waits until its Nodes and workload are as they
    should be. What another run was killed over is destroyed first: nobody knows how far it had changed it."""
    if cluster.name not in _made_here:
        create.destroy(folders, cluster, progress)
    _made_here.add(cluster.name)
    packages.ensure(folders, cluster.kubernetes, progress)
    create.create(folders, cluster, progress)
    workload = Kube(folders.cluster(cluster.name) / "kubeconfig")
    until(f"{cluster.name} Nodes", lambda: settled.nodes_ready(workload, cluster.nodes), limit_s=180)
    until(f"{cluster.name} kube-system", lambda: settled.system_pods_ready(workload), limit_s=180)
    if cluster.traits.workload:
        until(f"{cluster.name} workload", lambda: settled.workload_serves(workload), limit_s=180)
    return workload
