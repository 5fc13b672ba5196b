"""`plan.json`: what replank tells one node to do. It holds no secrets, only names, paths, hashes and texts.

`swap_node.py` reads it without this module (it stands alone on the node); `tests/runtime_node` holds the two
together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from replank.domain.errors import Refused
from replank.migrations.runtime_swap.node.words import Strategy

SCHEMA = "replank-swap-plan/1"
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file to write.

    `mode`: permission bits. `found_sha256`: the hash (hexadecimal) of what stands there when the plan is
    made, None for no file, `ANY` where that does not matter. The switch is refused if it is another by then.
    """

    path: str
    content: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    found_sha256: str | None = ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A file that stands on the node already. `sha256`: hexadecimal."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that the node's apt fetches and does not install. `sha256`: of the .deb, hexadecimal.

    Its programs are put into `folder`: `programs` must be in it, `optional` may be. The node notes their
    hashes once the .deb has proven to be the planned one.
    """

    name: str
    version: str
    sha256: str
    folder: str
    programs: tuple[str, ...]
    optional: tuple[str, ...] = ()
    seconds: int = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """`bytes` have to be free on the file system of `path`."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubelet:
    """`healthz`: URL that answers 200. `pods_folder`: a pod without a folder there is gone from the API."""

    unit: str = "kubelet.service"
    healthz: str = "http://127.0.0.1:10248/healthz"
    config: str = "/var/lib/kubelet/config.yaml"
    flags_file: str = "/var/lib/kubelet/kubeadm-flags.env"
    pods_folder: str = "/var/lib/kubelet/pods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Containerd:
    """The new daemon.

    `daemon`, `config`: paths. `socket`: where it listens (in place: the old daemon's, too). `files`: its
    configuration, and for a switch its unit and registries. `runtime`: the CRI's runtime whose cgroup driver
    counts. Only for a switch: `state`, and `folders` (root, then state) that undo removes.
    """

    unit: str
    daemon: str
    config: str
    socket: str
    files: tuple[PlannedFile, ...]
    daemon_arguments: tuple[str, ...] = ()
    runtime: str = "runc"
    state: str = ""
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Settings (`table.key` to value, as `swap_node.settings` reads a `config dump`) to be in force.

    Others may stand at the daemon's defaults, unless `whole`: then these are all that there is. None: not
    compared. The value `ANY` stands for whatever is there: put it wherever a value is a secret.
    """

    new: dict[str, str] | None = None
    old: dict[str, str] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """What is said of the pods by uid (static pods: the hash of their configuration).

    This alone may change between staging and the start. `restartable`: restartPolicy Always. `agreed`: pods
    that would be started twice and may be, or `refuse`. `not_waited_for`: whoever has gone by API.
    """

    restartable: tuple[str, ...] = ()
    agreed: tuple[str, ...] | str = "refuse"
    not_waited_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """A TCP port that has to answer afterwards if it answers before. `uid`: its pod, if it is known."""

    port: int
    host: str = "127.0.0.1"
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace:
    """containerd to containerd. `path`: the rest of the daemon's PATH, after old shim and new binaries."""

    old_daemon: str
    old_config: str
    old_shim: Binary
    old_shim_folder: str
    path: tuple[str, ...]
    drop_in: str = "/etc/systemd/system/containerd.service.d/90-replank.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """`units`: what is stopped and disabled, in this order; `unit`, among them, is the daemon's."""

    unit: str = "docker.service"
    units: tuple[str, ...] = ("docker.socket", "docker.service")
    data_root: str = "/var/lib/docker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image to carry over. `save`: its name for `docker save`, empty if it has none but digests.

    `id`: of its configuration, with `sha256:`. `references`: containerd's names for it, `save`'s own first.
    """

    id: str
    references: tuple[str, ...]
    bytes: int
    save: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cni:
    """`cache`, `new_cache`: cached results of the old and new runtime. `stores`: host-local's, only read."""

    cache: str = "/var/lib/cni/cache/results"
    new_cache: str = "/var/lib/cni/results"
    bin_folders: tuple[str, ...] = ("/opt/cni/bin",)
    stores: tuple[str, ...] = ("/var/lib/cni/networks",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """`remove_data`: what is below Docker's data root goes, unless something there is not Kubernetes'.
    `commands` (packages) are run then, too, in order; they may be run twice, each at most `seconds`."""

    remove_containers: bool = True
    remove_data: bool = True
    commands: tuple[tuple[str, ...], ...] = ()
    seconds: int = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Docker to a second containerd. `files`: what the switch moves in place (kubelet, crictl, drop-ins).

    `final_socket`: where containerd listens with these files, empty if it does not move; `restart_containerd`
    if they change what it has read. `image_reserve_bytes` stay free beside the images.
    """

    images: tuple[Image, ...]
    files: tuple[PlannedFile, ...]
    docker: Docker = field(default_factory=Docker)
    cni: Cni = field(default_factory=Cni)
    commit: Commit = field(default_factory=Commit)
    final_socket: str = ""
    restart_containerd: bool = False
    image_reserve_bytes: int = 1 << 30
    image_seconds: int = 1800
    pod_logs: str = "/var/log/pods"
    stop_seconds: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The whole of `plan.json`. `deadline_seconds`: from the start; `verify_seconds`: to be well."""

    id: str
    node: str
    strategy: Strategy
    cgroup_driver: str
    containerd: Containerd
    deadline_seconds: int = 900
    verify_seconds: int = 300
    poll_seconds: float = 1.0
    kubelet: Kubelet = field(default_factory=Kubelet)
    pods: Pods = field(default_factory=Pods)
    room: tuple[Room, ...] = ()
    binaries: tuple[Binary, ...] = ()
    expected: Expected = field(default_factory=Expected)
    host_ports: tuple[HostPort, ...] = ()
    accepted_plugin_errors: tuple[str, ...] = ()
    gently: tuple[str, ...] = ("nice", "-n", "19", "ionice", "-c", "3")
    tools: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    package: Package | None = None
    in_place: InPlace | None = None
    switch: Switch | None = None
    schema: str = SCHEMA


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order: Order


def to_json(order: Order) -> bytes:
    """`plan.json`: sorted keys, UTF-8, a final newline. Without `package` where there is none: so orders of
    before there was one keep their ID."""
    data = _Envelope(order=order).model_dump(mode="json")["order"]
    if order.package is None:
        del data["package"]
    return (json.dumps(data, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def from_json(data: bytes, *, where: str) -> Order:
    """The order in `data`. Raises `Refused` RP498."""
    try:
        order = _Envelope.model_validate_json(json.dumps({"order": json.loads(data)})).order
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _unreadable(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}", where) from error
    except ValueError as error:
        raise _unreadable("it is not JSON", where) from error
    if order.schema != SCHEMA:
        raise _unreadable(f"it says {order.schema!r}, this replank reads {SCHEMA!r}", where)
    return order


def _unreadable(why: str, where: str) -> Refused:
    return Refused(
        "RP498",
        "The node's plan cannot be read",
        why,
        "Let replank write it again; it is not edited by hand.",
        where=where,
    )
