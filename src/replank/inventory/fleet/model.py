"""One fleet, resolved: defaults and patterns are merged, placeholders filled, paths made absolute.

What a person writes in fleet.yaml is read by `inventory/fleet/loader.py`; these dataclasses are what the
rest of replank works with. No secret stands here: credentials stay in clouds.yaml, kubeconfigs and SSH keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from replank.domain.roles import Role

QUIET_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSource:
    """Where a state is.

    `kind`: `file` (a v4 state file), `folder` (a Terraform working folder with a local back end, or a folder
    of state files), `show-json` (a file with the output of `terraform show -json`), `pull`
    (`<command> state pull`, run in the folder `path`). `workspace`: "" = the default one, or for `pull` the
    one that is selected. `command`: terraform or tofu, only for `pull`. `only`: glob patterns of resource
    addresses or modules that belong to this cluster; empty = all.
    """

    kind: Literal["file", "folder", "show-json", "pull"]
    path: str
    workspace: str = ""
    command: str = "terraform"
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRef:
    """A cloud of clouds.yaml at path `clouds_yaml` ("" = where openstacksdk looks); `region` "" = its own."""

    name: str
    clouds_yaml: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigRef:
    """A context in a kubeconfig. `context`: "" = the current one."""

    path: str
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccess:
    """How to reach machines by SSH.

    `key`: path of a private key, "" = the agent. `jump`: `[user@]host[:port]`, "" = direct. `sudo`: use
    `sudo -n` for what root alone may read. `known_hosts`: path, "" = ~/.ssh/known_hosts. The host key is
    always checked unless `check_host_key` is False, which failures and the snapshot then repeat.
    `address`: which address of a server to use: fixed, floating, or any (fixed first).
    """

    user: str
    key: str = ""
    port: int = 22
    jump: str = ""
    sudo: bool = True
    known_hosts: str = ""
    check_host_key: bool = True
    address: Literal["any", "fixed", "floating"] = "any"
    connect_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePodAccess:
    """How to reach nodes without SSH: a short-lived privileged pod on each, made through the API.

    `image`: what it runs; has `chroot`, and is on the nodes or can be pulled there. `pull_secret`: a Secret
    in the pods' namespace for that, "" = none.
    """

    image: str
    pull_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementTarget:
    """The management cluster that is to own the cluster. `kubeconfig` None: not reachable from here."""

    namespace: str
    kubeconfig: KubeconfigRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMachines:
    """What a machine made *after* the takeover is made of; "" = as the legacy machines of its group.

    `image`, `flavor`: name or ID. `ssh_key`: keypair name.
    """

    image: str = ""
    flavor: str = ""
    ssh_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Settles what cannot be seen: servers whose name matches the glob `server` have this role and group."""

    server: str
    role: Role | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdSnapshots:
    """Where a takeover keeps its etcd snapshots, encrypted with age.

    `folder`: absolute path on the operator's machine. `recipients`: age recipients (`age1...`) or ssh public
    keys (a line of an authorized_keys file), never a path; empty = the public half of the key that
    `ssh.key` names. `max_age_minutes`: the control plane is handed over only after a younger snapshot.
    """

    folder: str = ""
    recipients: tuple[str, ...] = ()
    max_age_minutes: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CapoCredentials:
    """What CAPO logs in with.

    `kind`: `made` (an application credential made for the cluster, which cannot write until the takeover is
    settled), or what is there already: `secret` (the Secret `name` in the management namespace) or `identity`
    (the OpenStackClusterIdentity `name`). `cloud`: the cloud's name in the clouds.yaml of those two.
    """

    kind: Literal["made", "secret", "identity"] = "made"
    name: str = ""
    cloud: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """Something of the cluster that must answer all the time while it is taken over.

    `kind`: `tcp` (a connection is taken), `http` (a GET is answered 2xx), `counter` (a GET is answered with a
    number that grows at least every `period_s` seconds), `dns` (`query` has an address), `api` (`/readyz` of
    the API server of `kubeconfig`). `address`: `host:port` or a URL; "" for api. `reuse`: one connection for
    all requests. `over`: how a dns target is asked. `ca`: path of the CA of an https target, "" = the
    system's. `timeout_s`: a slower answer is none.
    """

    name: str
    kind: Literal["tcp", "http", "counter", "dns", "api"]
    address: str = ""
    reuse: bool = False
    period_s: float = 1.0
    query: str = "kubernetes.default.svc.cluster.local"
    over: Literal["udp", "tcp"] = "udp"
    ca: str = ""
    timeout_s: float = 1.0
    kubeconfig: KubeconfigRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """One cluster of the fleet, resolved.

    `load_balancer`: who keeps the API load balancer after the takeover; auto lets the planner decide and
    say why. `rename_servers`: allow renaming servers that CAPO could not find by name otherwise.
    `lock_state`: hold the Terraform back end's own lock while the cluster is in work. `quiet_seconds`: how
    long the controllers are left alone before the last look and CAPO's right to write. `probes`: what is
    watched beside the API endpoint. `node_pod`: how nodes are reached for a runtime swap where there is no
    `ssh`; never both.
    """

    name: str
    state: tuple[StateSource, ...]
    cloud: CloudRef | None
    kubeconfig: KubeconfigRef | None
    ssh: SshAccess | None
    management: ManagementTarget
    new_machines: NewMachines = NewMachines()
    new_control_planes: NewMachines = NewMachines()
    overrides: tuple[Override, ...] = ()
    load_balancer: Literal["auto", "managed", "unmanaged"] = "auto"
    rename_servers: bool = False
    lock_state: bool = True
    etcd_snapshot: EtcdSnapshots = EtcdSnapshots()
    credentials: CapoCredentials = CapoCredentials()
    quiet_seconds: int = QUIET_SECONDS
    probes: tuple[ProbeTarget, ...] = ()
    node_pod: NodePodAccess | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All clusters, sorted by name. `path`: the fleet.yaml it came from."""

    path: str
    clusters: tuple[ClusterConfig, ...] = field(default=())
