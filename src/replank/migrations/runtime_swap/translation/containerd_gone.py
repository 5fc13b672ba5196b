"""Settings of containerd that are not what they were in the line to come."""

from __future__ import annotations

from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_setting import RUNTIME
from replank.inventory.runtime.containerd_settings import setting_at
from replank.inventory.runtime.tree import Path
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome

_CONTAINERD: Final = ("plugins", RUNTIME, "containerd")
_LINUX_V1: Final = "io.containerd.runtime.v1.linux"
_OLD_SHIMS: Final = frozenset({"io.containerd.runc.v1", _LINUX_V1})
_OLD_HANDLERS: Final = {"default_runtime": "default", "untrusted_workload_runtime": "untrusted"}
_CRI_PLUGINS: Final = frozenset(
    {"cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"}
)
_GONE_PLUGINS: Final = frozenset({"io.containerd.snapshotter.v1.aufs", _LINUX_V1, "aufs", "linux"})
_CHANGES: Final = "containerd 2.0, docs/containerd-2.0.md"


def meaning_stop(draft: Draft, path: Path, name: str, where: str, value: JSON) -> bool:
    """True if the value is one that the target no longer knows: a stop was added."""
    new = draft.target.line >= (2, 0)
    if new and path[-1] == "runtime_type" and value in _OLD_SHIMS:
        _stop(
            draft,
            ("RP452", name, where, value),
            "containerd 2.x has this shim no more, and could not look after the pods that run under it.",
            "Set io.containerd.runc.v2, restart this runtime's pods on the old one, then survey again.",
        )
        return True
    if new and path[-1] == "snapshotter" and value == "aufs":
        why = "containerd 2.0 has no aufs, so no image and no container would be found."
        _stop(
            draft,
            ("RP445", name, where, value),
            why,
            "Move the node to overlayfs first: drain it, set it up anew.",
        )
        return True
    if path == ("disabled_plugins",) and isinstance(value, list) and _CRI_PLUGINS & set(map(shown, value)):
        why = "The CRI plugin is switched off, so this containerd does not serve the kubelet."
        _stop(draft, ("RP465", name, where, value), why, "See which runtime the kubelet uses.")
        return True
    if new and path == ("required_plugins",) and isinstance(value, list):
        gone = sorted(_GONE_PLUGINS & set(map(shown, value)))
        if gone:
            why = f"containerd 2.x has no {gone[0]}, and would not start without it."
            _stop(draft, ("RP465", name, where, value), why, "Take it out of required_plugins.")
            return True
    return False


def gone(draft: Draft, path: Path, name: str, where: str, value: JSON) -> None:
    """The row of a setting that the target does not read."""
    setting = setting_at(path)
    if path[:3] == _CONTAINERD and len(path) > 4 and path[3] in _OLD_HANDLERS:
        _old_handler(draft, path, name, where, value)
    elif setting is not None and (value in ("", [], False, 0) or value == setting.default((1, 7))):
        draft.changed.add(path)
        draft.row(
            name,
            where,
            shown(value),
            Outcome.NOT_NEEDED,
            why="It is gone, and stood at its default.",
            source=_CHANGES,
        )
    elif path[-1] in ("runtime_engine", "runtime_root", "systemd_cgroup", "no_pivot") or path[1:2] == (
        _LINUX_V1,
    ):
        why = "It belongs to the shim of containerd 1.0, which is gone."
        todo = "Move to io.containerd.runc.v2 and its options on the old containerd first."
        _stop(draft, ("RP452", name, where, value), why, todo)
    else:
        why = f"containerd {draft.target.containerd} has no such setting."
        _stop(
            draft,
            ("RP465", name, where, value),
            why,
            "Find out what depends on it, take it out, survey again.",
        )


def _old_handler(draft: Draft, path: Path, name: str, where: str, value: JSON) -> None:
    """default_runtime and untrusted_workload_runtime are handlers like all others (ValidatePluginConfig)."""
    handler = _OLD_HANDLERS[path[3]]
    home = (*_CONTAINERD, "runtimes", handler, *path[4:])
    draft.changed |= {path, home}
    setting = setting_at(home)
    if setting is None or not setting.known_to(draft.target.line):
        gone(draft, home, name, where, value)
        return
    if meaning_stop(draft, home, name, where, value):
        return
    draft.set(home, value)
    if path[4:] == ("runtime_type",) and value and handler == "default":
        draft.set((*_CONTAINERD, "default_runtime_name"), handler)
        draft.changed.add((*_CONTAINERD, "default_runtime_name"))
    draft.row(
        name,
        where,
        shown(value),
        Outcome.REPLACED,
        became=f"runtimes.{handler}.{'.'.join(path[4:])} = {shown(value)}",
        why="It is a handler like all others since containerd 1.3.",
        source="containerd 1.7.29, pkg/cri/config/config.go ValidatePluginConfig",
    )


def _stop(draft: Draft, what: tuple[str, str, str, JSON], why: str, todo: str) -> None:
    code, name, where, value = what
    draft.stop(code, name, where, shown(value), why=why, todo=todo, source=_CHANGES)
