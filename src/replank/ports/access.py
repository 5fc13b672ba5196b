"""The systems of one cluster, as steps and checks use them. Documents are the APIs' own JSON objects.

Every method raises `Transient` (worth another try), `Refused` (another try changes nothing) or, for writes
without the lease, `Hold`; nothing else. Every write's request or audit ID goes to `ports/receipts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from replank.domain.errors import Transient
from replank.ports.log_agents import LogAgents, NoLogAgents
from replank.ports.nodes import Nodes, NoNodes

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object of a Kubernetes API. `namespace` "" = a kind without one."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ObjectRef:
        """Of an object with apiVersion, kind and metadata."""
        meta = document["metadata"]
        return cls(document["apiVersion"], document["kind"], meta.get("namespace", ""), meta["name"])


class Conflict(Transient):
    """HTTP 409 or 412 (precondition): somebody else wrote in between. Look again, then decide again."""


class KubeApi(Protocol):
    """One API server, management or workload."""

    async def get(self, ref: ObjectRef) -> Document | None:
        """The object, None where there is none."""
        ...

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> tuple[Document, ...]:
        """Objects sorted by namespace and name. `namespace` "" = all."""
        ...

    async def apply(
        self, document: Mapping[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> Document:
        """Server-side apply as field manager `replank`; the object as the server would keep it.

        Raises `Refused` where another manager owns a field (unless `force`), or a webhook or schema says no.
        """
        ...

    async def create(self, document: Mapping[str, Any]) -> Document:
        """A new object. Raises `Conflict` where it exists."""
        ...

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        """JSON merge patch (RFC 7386), as field manager `replank`. Raises `Conflict` where the version is
        another one by now; `Refused` where there is no such object."""
        ...

    async def json_patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> Document:
        """JSON patch (RFC 6902). Raises `Conflict` where a `test` operation fails."""
        ...

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        """Deletes exactly that object, dependents left to the garbage collector (Background). False where it
        is gone already. Raises `Conflict` where uid or version differ."""
        ...

    async def evict(self, ref: ObjectRef, *, uid: str) -> None:
        """Has exactly that pod evicted (policy/v1); one that is gone already is fine. Raises `Hold` (RP955)
        where a PodDisruptionBudget says no."""
        ...

    async def log(self, pod: ObjectRef, *, last_lines: int = 0, most_bytes: int = 0) -> str:
        """What the only container of a pod has written, the runtime's time before each line.

        0 = no bound; else the last lines, or the first bytes. Raises `Refused` where there is no such pod, or
        nothing of it runs yet.
        """
        ...

    async def document(self, path: str) -> Document:
        """The JSON object at `path` (`/version`, `/apis/...`). `Refused` where there is none."""
        ...

    async def ready(self) -> str:
        """ "" where `/readyz` answers ok, else what it says."""
        ...

    async def whoami(self) -> str:
        """The user that the API server takes us for (SelfSubjectReview)."""
        ...

    async def works_with(self, kubeconfig: bytes) -> str:
        """ "" where the server named in `kubeconfig` answers `/readyz` to it, else why not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialTrial:
    """What an application credential could do. `reads`: "" or what was refused. `writes`: call -> status
    code of a harmless write to a real thing (a port's and a server's own name written again)."""

    reads: str
    writes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudLogin:
    """What a clouds.yaml for another credential of the same project needs. `cacert`: PEM, "" = none.
    `verify` False: the operator's own clouds.yaml says that certificates are not checked."""

    auth_url: str
    region: str
    interface: str
    cacert: str
    project_id: str
    verify: bool = True


class Cloud(Protocol):
    """One OpenStack project. Documents as Nova (2.73), Neutron v2.0, Octavia v2 and Keystone v3 answer."""

    async def server(self, server_id: str) -> Document | None: ...

    async def servers(self) -> tuple[Document, ...]: ...

    async def port(self, port_id: str) -> Document | None: ...

    async def ports(self, network_id: str = "") -> tuple[Document, ...]: ...

    async def rename_server(self, server_id: str, name: str) -> None: ...

    async def lock_server(self, server_id: str, reason: str) -> None:
        """Locks with the reason. A locked one stays as it is."""
        ...

    async def unlock_server(self, server_id: str) -> None: ...

    async def set_port(self, port_id: str, *, name: str, tags: Sequence[str]) -> None:
        """Writes the name and the whole set of tags."""
        ...

    async def balancing(self, kind: str, thing_id: str, pool_id: str = "") -> Document | None:
        """`kind`: load-balancer, listener, pool, monitor or member (with its pool)."""
        ...

    async def set_balancing(
        self, kind: str, thing_id: str, values: Mapping[str, Any], pool_id: str = ""
    ) -> None:
        """Updates fields, waiting out PENDING_UPDATE of the load balancer (409 immutable: `Transient`)."""
        ...

    async def application_credentials(self) -> tuple[Document, ...]:
        """Ours, without secrets: id, name, roles, expires_at."""
        ...

    async def create_application_credential(self, name: str, secret: str, roles: Sequence[str]) -> Document:
        """Keystone takes the secret that it is given, so that one written down before can be used."""
        ...

    async def delete_application_credential(self, credential_id: str) -> None: ...

    async def try_credential(
        self, credential_id: str, secret: str, *, server_id: str, port_id: str, write: bool
    ) -> CredentialTrial:
        """Logs in with it, reads, and where `write` tries harmless writes to the server and the port."""
        ...

    async def login(self) -> CloudLogin: ...

    async def whoami(self) -> str:
        """`user@project` as Keystone knows us."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdMember:
    """`id`: hexadecimal. `name` "" = never started."""

    id: str
    name: str
    peer_urls: tuple[str, ...]
    learner: bool
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdSnapshot:
    """`path`: the encrypted file. `revision`, `keys`: as `etcdutl snapshot status` says (0 = not told)."""

    path: str
    sha256: str
    bytes: int
    taken_at: float
    revision: int = 0
    keys: int = 0


class Hosts(Protocol):
    """The cluster's machines over SSH, by the name of their server."""

    async def read_secret(self, machine: str, path: str) -> bytes:
        """A file's content, kept in memory only. `Refused` where it cannot be read."""
        ...

    async def etcd_members(self, machine: str) -> tuple[EtcdMember, ...]:
        """As etcd on that machine says, sorted by name."""
        ...

    async def etcd_snapshot(self, machine: str) -> EtcdSnapshot:
        """Takes a snapshot, verifies its checksum, writes it encrypted to the configured place."""
        ...

    async def newest_snapshot(self) -> EtcdSnapshot | None:
        """The newest of this cluster in the configured place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StateNow:
    """A Terraform state as it is now. `resources`: address -> ID. `locked_by`: "" = nobody is seen."""

    serial: int
    lineage: str
    resources: Mapping[str, str]
    locked_by: str = ""


class States(Protocol):
    """The states of fleet.yaml, by `StateSource.path` as the plan has it (`TerraformState.source`)."""

    async def now(self, source: str, workspace: str) -> StateNow: ...

    async def changes(self, source: str, workspace: str) -> str | None:
        """ "" where `terraform plan` has nothing to do, else its summary; None where it cannot be run here (a
        state file without its configuration)."""
        ...

    async def lock(self, source: str, workspace: str, holder: str) -> str:
        """Takes the back end's own lock; says how it is held, "" where the back end has none."""
        ...

    async def unlock(self, source: str, workspace: str, holder: str) -> None:
        """Gives back the lock that `holder` took; any other stays."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """A Machine or MachineSet that a controller would replace. `why`: upstream's own words or ours."""

    object: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`by`: `cluster-api v1.14.0` (upstream's code) or `replank` (its own comparison)."""

    by: str
    rolling: tuple[Rolling, ...]


class Judge(Protocol):
    """Would it roll?"""

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        """`objects`: `Kind/name` -> live object: KubeadmControlPlane, MachineDeployments, MachineSets,
        Machines, KubeadmConfigs, OpenStackMachines."""
        ...


class Clock(Protocol):
    """Time. Simulations have their own."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Everything that a cluster's steps may touch."""

    cloud: Cloud
    management: KubeApi
    workload: KubeApi
    hosts: Hosts
    states: States
    judge: Judge
    clock: Clock
    nodes: Nodes = field(default_factory=NoNodes)
    log_agents: LogAgents = field(default_factory=NoLogAgents)
