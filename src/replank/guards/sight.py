"""What one round has seen of a cluster. Times are seconds since 1970; what could not be seen is `Unknown`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replank.domain.unknown import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSight:
    """A Machine.

    `node` "": none yet. `owner`: `Kind/name` of its controller, "" = none. `deployment` "": no
    MachineDeployment's. `addresses`: internal IPs. `server`: the UUID in its providerID, "" = none.
    `deleting_since`: its deletionTimestamp. `waits_for`: reason of its condition Deleting. `waiting_since`:
    when it began to wait for the hook that it waits for, None = just now. `outdated`: its condition UpToDate
    is False. `chosen`: annotated `cluster.x-k8s.io/delete-machine`. `serving`: its API server answers by
    KCP's word (APIServerPodHealthy), or for a worker its Node is Ready.
    """

    name: str
    uid: str
    role: Literal["control-plane", "worker"]
    node: str = ""
    owner: str = ""
    deployment: str = ""
    addresses: tuple[str, ...] = ()
    server: str = ""
    hooks: frozenset[str] = frozenset()
    deleting_since: float | None = None
    waits_for: str = ""
    waiting_since: float | None = None
    outdated: bool = False
    chosen: bool = False
    serving: bool = False
    resource_version: str = ""

    @property
    def keeper(self) -> str:
        """Who replaces it when it is outdated: its MachineDeployment, else its owner."""
        return f"MachineDeployment/{self.deployment}" if self.deployment else self.owner


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSight:
    """A Node. `going`: it carries replank's taint. `open`: Ready, not cordoned, without that taint.
    `reserved`: other taints keep most pods away, as they do on control planes."""

    name: str
    going: bool = False
    open: bool = True
    reserved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSight:
    """A pod that a drain would evict: none of a DaemonSet, no static one, none that has ended, none that
    Cluster API's drain skips. `owner`: `Kind/name` of the top controller, "" = a bare pod."""

    namespace: str
    name: str
    node: str
    owner: str
    ready: bool
    budgets: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSight:
    """A PodDisruptionBudget. `bound`: as its owner wrote it (`minAvailable 1`). `never`: it allows no
    disruption whatever the state of its pods."""

    place: str
    bound: str
    allowed: int
    pods: int
    never: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSight:
    """A Deployment that replank may scale, or has scaled, for a moment. `surged_from`: the number to go back
    to, None = not surged. `allowed`: its owner allows it and nothing else scales it."""

    namespace: str
    name: str
    replicas: int
    allowed: bool
    surged_from: int | None = None
    resource_version: str = ""

    @property
    def owner(self) -> str:
        return f"Deployment/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSight:
    """The workload cluster. `attached`: node -> PersistentVolumes that a VolumeAttachment holds there.
    `endpoints`: node -> `namespace/service` that still send new connections to a pod there that a drain
    takes away."""

    nodes: Mapping[str, NodeSight]
    pods: tuple[PodSight, ...] = ()
    budgets: Mapping[str, BudgetSight] = field(default_factory=dict)
    deployments: tuple[DeploymentSight, ...] = ()
    attached: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSight:
    """A member of a pool. `state`: Octavia's operating_status. `weight`: 0 = no new connections. `ours`: it
    carries the operator's tag."""

    id: str
    name: str
    address: str
    port: int
    state: str
    weight: int = 1
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingIpSight:
    """A floating IP of the project on a port of `server`."""

    id: str
    address: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSight:
    """The project. `pools`: pool ID -> members. `addresses`: fixed IPs of all its ports. `volumes`: server ->
    volumes that Nova holds attached and that do not go with the server. A server that was not asked about is
    not in it."""

    pools: Mapping[str, Fact[tuple[MemberSight, ...]]] = field(default_factory=dict)
    addresses: Fact[frozenset[str]] = frozenset()
    floating_ips: Fact[tuple[FloatingIpSight, ...]] = ()
    volumes: Mapping[str, Fact[tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All that a round decides on. `at`: when it began to look.

    `deleting`: the Cluster itself is being deleted. `paused`: nobody acts on it. `rolling`: owners
    (`Kind/name`) that replace outdated Machines by themselves: neither paused nor OnDelete.
    """

    namespace: str
    cluster: str
    at: float
    machines: tuple[MachineSight, ...]
    deleting: bool = False
    paused: bool = False
    rolling: frozenset[str] = frozenset()
    workload: Fact[WorkloadSight]
    cloud: Fact[CloudSight]
