"""The fleets: the demo's three clusters, and any number of them for benchmarks."""

from __future__ import annotations

from datetime import UTC, datetime

from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.scaled import scaled_specs
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup, Workload
from replank.testbed.world import World

PLAIN = ClusterSpec(name="plain", registry_login=False)

GROUPS = ClusterSpec(
    name="groups",
    version="v1.35.4",
    terraform="module",
    cni="cilium",
    audit_policy=True,
    encryption=True,
    oidc=True,
    proxy=True,
    workers=(
        WorkerGroup(name="general", count=3, zones=("az1", "az2", "az3")),
        WorkerGroup(
            name="database",
            count=2,
            flavor="m1.xlarge",
            zones=("az1", "az2"),
            labels={"example.org/pool": "database"},
            taints=("example.org/dedicated=database:NoSchedule",),
            kubelet_config={"maxPods": 60},
            ports="implicit",
        ),
        WorkerGroup(
            name="gpu",
            count=1,
            flavor="g1.gpu",
            zones=("az3",),
            labels={"example.org/pool": "gpu", "example.org/accelerator": "a40"},
            taints=("example.org/accelerator=true:NoSchedule",),
            boot="volume",
        ),
    ),
    workloads=(
        Workload(name="web", replicas=3, budget=2, load_balancer=True),
        Workload(name="postgres", kind="StatefulSet", replicas=2, claims=True, budget=1, group="database"),
        Workload(name="trainer", namespace="research", replicas=1, local_storage=True, group="gpu"),
    ),
    webhook=True,
)

FLAWED = ClusterSpec(
    name="flawed",
    control_planes=4,
    kubeadm_api="v1beta3",
    version="v1.32.9",
    terraform="legacy",
    port_name="{server}-nic0",
    workers=(WorkerGroup(name="worker", count=4, zones=("az1", "az2"), docker=(1,)),),
    audit_policy=True,
    workloads=(
        Workload(name="web", replicas=2, budget=1),
        Workload(name="queue", kind="StatefulSet", replicas=1, claims=True),
    ),
    defects=(
        "server-shutoff",
        "image-gone",
        "tainted",
        "deposed",
        "state-locked",
        "address-pairs",
        "port-renamed",
        "shared-network",
        "control-plane-fip",
        "member-missing",
        "allowed-cidrs",
        "etcd-member-name",
        "certificate-near-expiry",
        "ca-key-missing",
        "manifest-edited",
        "audit-policy-differs",
        "no-sudo",
        "made-by-ansible",
        "provider-id-empty",
        "kubelet-skew",
        "budget-never-allows",
        "autoscaler",
        "join-rbac-missing",
        "cluster-info-unsigned",
        "token-only",
        "server-gone",
    ),
)

DEMO = (PLAIN, GROUPS, FLAWED)

ON_DOCKER = ClusterSpec(
    name="on-docker",
    control_planes=1,
    workers=(WorkerGroup(name="worker", count=2, docker=(0, 1)),),
    registry_login=False,
    tidy_docker=True,
)


def demo_world(seed: int = 1, now: datetime | None = None) -> World:
    """A healthy plain cluster, one with several worker groups, one flawed on purpose.

    `now`: None = the clock's time, so that certificates are valid while the twin runs.
    """
    return generate(seed, DEMO, now or datetime.now(UTC))


def docker_world(seed: int = 1, now: datetime | None = None) -> World:
    """One cluster whose workers run Docker, ready for a switch to containerd but for its log agent. `now` as
    for `demo_world`."""
    return generate(seed, (ON_DOCKER,), now or datetime.now(UTC))


def scaled_world(count: int, *, seed: int, now: datetime | None = None) -> World:
    """`count` clusters that vary over the features. `now` as for `demo_world`."""
    return generate(seed, scaled_specs(count, seed), now or datetime.now(UTC))
