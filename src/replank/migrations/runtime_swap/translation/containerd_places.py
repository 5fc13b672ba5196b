"""Where the containerd to come has its root, state and sockets, and its cgroup driver."""

from __future__ import annotations

from typing import Final

from replank.inventory.runtime.containerd_facts import ContainerdInForce
from replank.inventory.runtime.containerd_setting import GRPC, OPT, RUNTIME, TTRPC
from replank.inventory.runtime.containerd_settings import default_of
from replank.inventory.runtime.tree import Path, at, dotted
from replank.inventory.runtime.versions import Version
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome
from replank.migrations.runtime_swap.translation.needs import kubelet_cgroup_driver, own_paths

OWN_PLACES: Final[dict[Path, str]] = {
    ("root",): "root",
    ("state",): "state",
    ("plugins", GRPC, "address"): "socket",
}
TTRPC_ADDRESS: Final = ("plugins", TTRPC, "address")
_DECISION: Final = "docs/decisions/0006-runtime-swap.md"


def place_of(name: str) -> Path:
    return next(path for path, own in OWN_PLACES.items() if own == name)


def translate_places(draft: Draft, old: ContainerdInForce, version: Version) -> None:
    """root, state and socket: the same in place, its own else."""
    target = draft.target
    origins = dict(old.origins)
    wanted = {"root": target.root, "state": target.state, "socket": target.socket}
    taken: dict[str, str] = {}
    for path, name in OWN_PLACES.items():
        before = shown(at(old.tree, path)) or shown(default_of(path, version.line))
        taken[before.rstrip("/")] = "the containerd that is there"
        where = origins.get(path, "containerd's default")
        if target.in_place and before != wanted[name]:
            draft.stop(
                "RP467",
                dotted(path),
                where,
                before,
                why=f"In place the new containerd has the same {name}, and the plan says {wanted[name]}.",
                todo=f"Plan with {name} {before}.",
                source=_DECISION,
            )
            continue
        draft.set(path, wanted[name])
        same = before == wanted[name]
        draft.row(
            dotted(path),
            where,
            before,
            Outcome.CARRIED_OVER if same else Outcome.REPLACED,
            became=f"{name} = {wanted[name]}",
            why="The same, so that pods stay." if same else "The new containerd has its own.",
            source=_DECISION,
        )
        if not same:
            draft.changed.add(path)
    _ttrpc(draft, old, version)
    if not target.in_place:
        draft.changed |= {TTRPC_ADDRESS, ("plugins", OPT, "path")}
        draft.set(("plugins", OPT, "path"), target.opt)
        own_paths(draft, taken)


def _ttrpc(draft: Draft, old: ContainerdInForce, version: Version) -> None:
    """In place the old one: shims of running pods know it. (A file of version 4 does not derive it.)"""
    target = draft.target
    before = shown(at(old.tree, TTRPC_ADDRESS)) or shown(default_of(TTRPC_ADDRESS, version.line))
    draft.set(TTRPC_ADDRESS, before if target.in_place else f"{target.socket}.ttrpc")
    if at(old.tree, TTRPC_ADDRESS) is not None:
        kept = at(old.tree, TTRPC_ADDRESS) == at(draft.tree, TTRPC_ADDRESS)
        draft.row(
            dotted(TTRPC_ADDRESS),
            dict(old.origins).get(TTRPC_ADDRESS, "containerd's default"),
            shown(at(old.tree, TTRPC_ADDRESS)),
            Outcome.CARRIED_OVER if kept else Outcome.REPLACED,
            became=shown(at(draft.tree, TTRPC_ADDRESS)),
            why="It goes with the socket.",
            source=_DECISION,
        )


def check_cgroup_driver(draft: Draft) -> None:
    """SystemdCgroup of every runc handler must be what the kubelet has."""
    kubelet = draft.seen(draft.node.kubelet, "the kubelet's flags and configuration")
    if kubelet is None:
        return
    asked_of_cri = (
        draft.target.line >= (2, 0)
        and draft.target.kubelet.line >= (1, 31)
        and "cgroupDriver" not in kubelet.config
    )
    wanted = kubelet_cgroup_driver(kubelet) == "systemd"
    handlers = at(draft.tree, ("plugins", RUNTIME, "containerd", "runtimes"))
    table = handlers if isinstance(handlers, dict) else {"runc": {}}
    for name, handler in sorted(table.items()):
        fields = handler if isinstance(handler, dict) else {}
        if fields.get("runtime_type", "io.containerd.runc.v2") != "io.containerd.runc.v2":
            continue
        set_to = at(fields, ("options", "SystemdCgroup")) is True
        if set_to != wanted and not asked_of_cri:
            draft.stop(
                "RP449",
                f"runtimes.{name}.options.SystemdCgroup",
                "config.toml",
                shown(set_to),
                why=f"The kubelet's driver is {'systemd' if wanted else 'cgroupfs'}: they must be equal.",
                todo="Bring them in line on the old containerd first (drain the node), then survey again.",
                source="kubernetes documentation, Configuring a cgroup driver",
            )
