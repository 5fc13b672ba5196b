"""What `replank init --from DIR` found on disk, and which clusters it seems to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from replank.inventory.facts.terraform import StateFile
from replank.inventory.terraform.select import servers

# Words that follow the cluster's name in a server's name.
_ROLE_WORDS: Final = frozenset(
    [
        *("k8s", "kube", "kubernetes", "control", "controlplane", "controller", "cp", "master", "masters"),
        *("server", "worker", "workers", "node", "nodes", "agent", "etcd", "bastion", "jump", "jumphost"),
        *("lb", "loadbalancer", "haproxy", "gfs", "ingress", "infra", "storage", "gpu", "monitoring"),
    ]
)
_CONTROL_WORDS: Final = frozenset({"control", "controlplane", "controller", "cp", "master", "masters"})
# Names of files and folders that say nothing about a cluster.
_GENERIC: Final = frozenset(
    """terraform tf tofu opentofu openstack state states tfstate infra infrastructure main default kube
    kubernetes k8s cluster clusters env envs environments src deploy inventory backup . ..""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundServers:
    """Servers of one top-level module (`""`: the root) of a state. `clusters`: as their metadata says."""

    module: str
    names: tuple[str, ...]
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundState:
    """A state. `path`: as fleet.yaml would name it, from its own folder. `ssh_users`: from metadata."""

    kind: Literal["file", "folder", "show-json", "pull"]
    path: str
    workspace: str = ""
    command: str = "terraform"
    servers: tuple[FoundServers, ...] = ()
    ssh_users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundClouds:
    """A clouds.yaml and the names of its clouds."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKubeconfig:
    """A kubeconfig and its contexts. `current`: the current one, "" if none."""

    path: str
    contexts: tuple[str, ...]
    current: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything found. `folder`: where it was looked for. `problems`: what could not be read, and why."""

    folder: str
    states: tuple[FoundState, ...] = ()
    clouds: tuple[FoundClouds, ...] = ()
    kubeconfigs: tuple[FoundKubeconfig, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessedState:
    """A state, or the part of it below `module`, that seems to be one cluster's."""

    state: FoundState
    module: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessedCluster:
    """A cluster that the states seem to hold."""

    name: str
    states: tuple[GuessedState, ...]


def servers_of(state: StateFile) -> tuple[FoundServers, ...]:
    """The servers of `state` by the top-level module they lie in, sorted."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for server in servers(state.resources):
        module = ".".join(re.findall(r'[^.\["]+(?:\["(?:[^"\\]|\\.)*"\]|\[[0-9]+\])?', server.module)[:2])
        metadata = server.attributes.get("metadata")
        cluster = ""
        if isinstance(metadata, dict):
            keys = ("cluster", "cluster_name", "cluster-name")
            cluster = next((str(metadata[key]) for key in keys if metadata.get(key)), "")
        groups.setdefault(module, []).append((str(server.attributes.get("name", "")), cluster))
    return tuple(
        FoundServers(
            module=module,
            names=tuple(sorted(name for name, _ in members)),
            clusters=tuple(sorted({cluster for _, cluster in members if cluster})),
        )
        for module, members in sorted(groups.items())
    )


def ssh_users_of(state: StateFile) -> tuple[str, ...]:
    """The login names that Kubespray's module writes into the metadata of its servers."""
    found = set()
    for server in servers(state.resources):
        metadata = server.attributes.get("metadata")
        user = metadata.get("ssh_user") if isinstance(metadata, dict) else None
        if isinstance(user, str) and re.fullmatch(r"[a-z_][a-z0-9_-]*", user):
            found.add(user)
    return tuple(sorted(found))


def guess_clusters(states: Iterable[FoundState]) -> tuple[GuessedCluster, ...]:
    """The clusters that `states` seem to hold, sorted by name.

    States whose servers share a name are one cluster's. A state in which several top-level modules have
    control planes of their own holds several clusters.
    """
    by_name: dict[str, list[GuessedState]] = {}
    for state in states:
        parts = {
            dns_label(_name_of([group]) or group.module.rpartition("module.")[2]): group.module
            for group in state.servers
            if group.module and _has_control_plane(group)
        }
        if len(parts) < 2:
            parts = {dns_label(_name_of(state.servers) or _name_of_place(state)): ""}
        for name, module in parts.items():
            by_name.setdefault(name, []).append(GuessedState(state=state, module=module))
    return tuple(GuessedCluster(name=name, states=tuple(s)) for name, s in sorted(by_name.items()))


def dns_label(text: str) -> str:
    """The nearest valid cluster name: `Prod_1` gives `prod-1`, nothing usable gives `cluster`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or "cluster"


def _has_control_plane(group: FoundServers) -> bool:
    return any(_CONTROL_WORDS & set(re.split(r"[-_.0-9]+", name.lower())) for name in group.names)


def _name_of(groups: Iterable[FoundServers]) -> str:
    """What metadata calls the cluster, else the most frequent beginning of its servers' names."""
    groups = tuple(groups)
    told = sorted({cluster for group in groups for cluster in group.clusters})
    if len(told) == 1:
        return told[0]
    stems = Counter(stem for group in groups for name in group.names if (stem := _stem(name)))
    return min(stems, key=lambda stem: (-stems[stem], stem)) if stems else ""


def _stem(name: str) -> str:
    """`prod-1` of `prod-1-cp-0`; "" where no word tells a role, or the name begins with it."""
    parts = re.split(r"([-_.])", name)
    for i in range(2, len(parts), 2):
        if parts[i].lower().rstrip("0123456789") in _ROLE_WORDS:
            return "".join(parts[: i - 1])
    return ""


def _name_of_place(state: FoundState) -> str:
    if state.workspace not in ("", "default"):
        return state.workspace
    parts = [part for part in state.path.split("/") if part]
    if state.kind in ("file", "show-json") and parts:
        parts[-1] = re.sub(r"\.(tfstate|json)$", "", parts[-1])
    meaningful = [part for part in parts if part.lower() not in _GENERIC and not part.endswith(".tfstate.d")]
    return meaningful[-1] if meaningful else "cluster"
