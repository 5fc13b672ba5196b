"""The runtime of one node. Whatever can fail to be seen is a `Fact`; secrets have no field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.hosts import KubeletFacts, Package
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration
from replank.inventory.runtime.docker_facts import DockerConfiguration
from replank.inventory.runtime.network_facts import CniNetwork, StoredAddress
from replank.inventory.runtime.registry_facts import RegistryCertificates, RegistryHosts, RegistryLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRoom:
    """The file system that holds the data root. `mount`: where it is mounted. Bytes."""

    mount: str
    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFile:
    """A file or drop-in that sets the runtime, by its hash (hexadecimal)."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file that a swap changes, with its text. `mode`: octal, `0644`.

    `text` None: it holds something that is not kept (`why_not`), so that replank cannot write it anew.
    """

    path: str
    text: str | None
    mode: str = "0644"
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLimit:
    """A resource limit of a unit. `name`: systemd's, LimitNOFILE. `value`: `soft:hard`, or one for both."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySetting:
    """A proxy that the runtime uses. `name`: HTTP_PROXY, HTTPS_PROXY or NO_PROXY.

    `value`: without login. `login`: there was one, and it was dropped. `kind` says how it reaches the daemon:
    a line of a unit or drop-in, an EnvironmentFile, daemon.json or a flag. `where`: the file, or the flag.
    """

    name: str
    value: str
    where: str
    kind: Literal["environment", "environment-file", "daemon.json", "flag"] = "environment"
    login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInUse:
    """An image of the runtime's store. `references`: with tags. `digests`: `repository@sha256:...`.

    `bytes`: as the runtime counts it. `schema1`: it came as a Docker manifest of schema 1.
    """

    id: str
    references: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    bytes: int = 0
    pinned: bool = False
    schema1: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherContainer:
    """A container that no kubelet made. `running` False: it is there, stopped."""

    id: str
    name: str
    image: str
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerUser:
    """Something on the host that calls Docker's CLI. `word`: the line's first word, never the line."""

    kind: Literal["cron", "unit", "script"]
    path: str
    line: int
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerdDaemon:
    """containerd as its unit starts it.

    `program`, `config`: paths. `arguments`: the rest of its command line. `shim`: containerd-shim-runc-v2,
    first in the daemon's PATH, with its hash (hexadecimal). `path`: that PATH. `kill_mode`: systemd's.
    """

    unit: str
    program: str
    config: str
    arguments: tuple[str, ...]
    shim: RuntimeFile
    path: tuple[str, ...]
    kill_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedPackage:
    """A version of a package that the node's apt can fetch, as its index has it.

    `architecture`: dpkg's, amd64. `sha256`: of the .deb, hexadecimal; "" where the index names none.
    `bytes`: the .deb's size, 0 where the index names none.
    """

    name: str
    version: str
    architecture: str
    sha256: str
    bytes: int


_NOT_LOOKED_AT: Final = Unknown("containerd's unit was not looked at")
_NOT_ASKED_FOR: Final = Unknown("this survey did not ask what the node's package manager offers")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRuntime:
    """All about the runtime of one node.

    `name`: docker | containerd | cri-o. `shim`: what speaks CRI for Docker, dockershim | cri-dockerd | "".
    `endpoint`: the kubelet's, `unix:///...`. `limits`: of the unit that containers inherit from
    (Docker's containerd, or containerd itself). `image_bytes`: all images together. `kubelet_files`: the
    files that set the kubelet's runtime (kubeadm-flags.env, config.yaml, instance-config.yaml,
    /etc/default/kubelet).
    `crictl`: /etc/crictl.yaml, None if there is none. `selinux`: enforcing | permissive | disabled.
    `sandbox_image`: the image that sandboxes run, "" if nothing names one. `deprecations`: what `ctr
    deprecations list` shows, which is only what happened since the daemon started. `daemon`: None where
    Docker alone runs. `offered`: the packages of containerd that apt can fetch, None on a node without apt.
    """

    node: str
    name: Fact[str]
    version: Fact[str]
    kernel: Fact[str]
    shim: Fact[str]
    endpoint: Fact[str]
    storage_driver: Fact[str]
    data_root: Fact[str]
    state_dir: Fact[str]
    disk: Fact[DiskRoom]
    image_bytes: Fact[int]
    cgroup_version: Fact[Literal["v1", "v2"]]
    cgroup_driver: Fact[str]
    kubelet_version: Fact[str]
    kubelet: Fact[KubeletFacts]
    kubelet_files: Fact[tuple[TextFile, ...]]
    crictl: Fact[TextFile | None]
    files: Fact[tuple[RuntimeFile, ...]]
    docker: Fact[DockerConfiguration | None]
    containerd: Fact[ContainerdConfiguration | None]
    registry_hosts: Fact[tuple[RegistryHosts, ...]]
    registry_certificates: Fact[tuple[RegistryCertificates, ...]]
    registry_logins: Fact[tuple[RegistryLogin, ...]]
    proxies: Fact[tuple[ProxySetting, ...]]
    limits: Fact[tuple[UnitLimit, ...]]
    selinux: Fact[str]
    sandbox_image: Fact[str]
    images: Fact[tuple[ImageInUse, ...]]
    cni: Fact[tuple[CniNetwork, ...]]
    cni_bin_dirs: Fact[tuple[str, ...]]
    addresses: Fact[tuple[StoredAddress, ...]]
    other_containers: Fact[tuple[OtherContainer, ...]]
    packages: Fact[tuple[Package, ...]]
    docker_users: Fact[tuple[DockerUser, ...]]
    deprecations: Fact[tuple[str, ...]]
    daemon: Fact[ContainerdDaemon | None] = _NOT_LOOKED_AT
    offered: Fact[tuple[OfferedPackage, ...] | None] = _NOT_ASKED_FOR
