"""Defaults that change between one containerd and the next, and drop-ins that change their meaning."""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration, ContainerdInForce
from replank.inventory.runtime.containerd_merge import in_force
from replank.inventory.runtime.containerd_setting import NRI, RUNTIME, Line
from replank.inventory.runtime.containerd_settings import default_of
from replank.inventory.runtime.tree import Path, at, dotted, leaves
from replank.migrations.runtime_swap.translation.containerd_registries import CONFIG_PATH
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome
from replank.migrations.runtime_swap.translation.needs import SANDBOX, check_kernel

_LOW_PORTS: Final = (
    ("plugins", RUNTIME, "enable_unprivileged_ports"),
    ("plugins", RUNTIME, "enable_unprivileged_icmp"),
)
_PINNED: Final = (SANDBOX, *_LOW_PORTS, ("plugins", NRI, "disable"))
"""Settings whose old default is written down, so that the swap itself changes nothing for pods."""

_CDI: Final = ("plugins", RUNTIME, "enable_cdi")
_SOURCE: Final = "containerd 1.6 to 2.3, defaults in config_unix.go; docs/containerd-2.0.md"


def pin_defaults(draft: Draft, old: Line) -> None:
    """Rows for defaults that differ: old ones are written down, but for CDI and registries' folders."""
    new = draft.target.line
    for path in _PINNED:
        before, after = default_of(path, old), default_of(path, new)
        if at(draft.tree, path) is not None or before in (None, after):
            continue
        draft.set(path, before)
        _row(draft, path, before, after, f"{path[-1]} = {shown(before)}", "The old default is written down.")
    if new >= (2, 0):
        for path in _LOW_PORTS:
            if at(draft.tree, path) is True and not check_kernel(draft, unprivileged=True):
                draft.set(path, False)
                draft.changed.add(path)
    _cdi(draft, old)
    _registry_folders(draft, old)


def _row(draft: Draft, path: Path, before: JSON, after: JSON, became: str, why: str) -> None:
    draft.row(
        dotted(path),
        "containerd's default",
        shown(before),
        Outcome.CARRIED_OVER,
        became=became,
        why=f"The default is {shown(after)} in the containerd to come. {why}",
        source=_SOURCE,
    )


def _cdi(draft: Draft, old: Line) -> None:
    before, after = default_of(_CDI, old), default_of(_CDI, draft.target.line)
    if at(draft.tree, _CDI) is not None or before == after or after is None:
        return
    draft.changed.add(_CDI)
    draft.row(
        dotted(_CDI),
        "containerd's default",
        shown(before) or "(no CDI)",
        Outcome.REPLACED,
        became=f"enable_cdi = {shown(after)}, the new default",
        why="It only adds: a pod gets a CDI device when something asks for it. Off is deprecated.",
        source=_SOURCE,
    )


def _registry_folders(draft: Draft, old: Line) -> None:
    """From 2.2 on, containerd reads two folders of registry settings where nothing names one."""
    before, after = default_of(CONFIG_PATH, old), default_of(CONFIG_PATH, draft.target.line)
    if at(draft.tree, CONFIG_PATH) or before == after:
        return
    hosts = draft.seen(draft.node.registry_hosts, "hosts.toml files") or ()
    certificates = draft.seen(draft.node.registry_certificates, "Docker's certificates of registries") or ()
    there = [*(one.path for one in hosts), *(one.path for one in certificates)]
    draft.changed.add(CONFIG_PATH)
    code = "RP468" if there else ""
    draft.row(
        dotted(CONFIG_PATH),
        "containerd's default",
        shown(before) or "(none)",
        Outcome.REPLACED,
        became=f"{shown(after)}, the new default",
        why="It cannot be switched off; an empty folder changes nothing.",
        source="containerd 2.2, plugins/cri/images/plugin.go",
        code=code,
    )
    if code:
        draft.warn(
            code,
            dotted(CONFIG_PATH),
            ", ".join(there),
            why="These files were not read so far, and will be.",
            todo="Look whether they say what you want, or remove them.",
        )


def warn_of_drop_ins(
    draft: Draft, configuration: ContainerdConfiguration, old: Line, before: ContainerdInForce
) -> None:
    """What the files left as they are would mean to the new daemon (the plan replaces them by one file)."""
    try:
        after = in_force(configuration.files, draft.target.line)
    except Refused as error:
        _warn(draft, configuration, f"the new containerd would not start on them ({error.why})")
        return
    then = dict(leaves(after.tree))
    now = dict(leaves(before.tree))
    differing = [
        path
        for path in sorted(set(then) | set(now))
        if then.get(path, default_of(path, old)) != now.get(path, default_of(path, old))
    ]
    if differing:
        names = ", ".join(dotted(path) for path in differing[:8])
        more = f" and {len(differing) - 8} more" if len(differing) > 8 else ""
        _warn(draft, configuration, f"{names}{more} would be another value")


def _warn(draft: Draft, configuration: ContainerdConfiguration, what: str) -> None:
    draft.warn(
        "RP457",
        "imports",
        ", ".join(file.path for file in configuration.files),
        why=f"Before and after 2.0 these files mean different things: {what}.",
        todo="Nothing, if what is in force now is wanted: the plan writes that. Else correct it first.",
    )
