"""containerd 1.6, 1.7 or 2.x to a newer containerd: in place, or as a second one with a root of its own."""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import is_known
from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration, ContainerdInForce
from replank.inventory.runtime.containerd_merge import in_force
from replank.inventory.runtime.containerd_setting import IMAGES
from replank.inventory.runtime.containerd_settings import setting_at
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.tree import Path, at, dotted, leaves
from replank.inventory.runtime.versions import Version, parse_version
from replank.migrations.runtime_swap.translation.containerd_defaults import pin_defaults, warn_of_drop_ins
from replank.migrations.runtime_swap.translation.containerd_gone import gone, meaning_stop
from replank.migrations.runtime_swap.translation.containerd_places import (
    OWN_PLACES,
    TTRPC_ADDRESS,
    check_cgroup_driver,
    place_of,
    translate_places,
)
from replank.migrations.runtime_swap.translation.containerd_registries import (
    is_registry_host,
    translate_mirrors,
)
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.kubelet import move_kubelet
from replank.migrations.runtime_swap.translation.model import Outcome, Target, Translation
from replank.migrations.runtime_swap.translation.needs import (
    check_images,
    check_kubelet,
    check_sandbox,
)
from replank.migrations.runtime_swap.translation.registry_logins import keep_logins
from replank.migrations.runtime_swap.translation.render import config_toml, dotted_home, drop_in
from replank.migrations.runtime_swap.translation.unit import translate_limits, translate_proxies

_DOWNLOADS: Final = ("plugins", IMAGES, "max_concurrent_downloads")
_DURATIONS: Final = frozenset(
    {
        *("schedule_delay", "startup_delay", "interval", "per_verifier_timeout"),
        *("plugin_registration_timeout", "plugin_request_timeout"),
    }
)
"""Settings that containerd prints in Go's own form (`1000ms` as `1s`)."""

_MIGRATION: Final = "containerd 2.3.5, ConfigMigration of its plugins; docs/cri/config.md"


def from_containerd(node: NodeRuntime, target: Target) -> Translation:
    """The translation of a node that runs containerd. Every setting in its files has a row."""
    draft = Draft(node=node, target=target)
    configuration = draft.seen(node.containerd, "containerd's configuration")
    text = draft.seen(node.version, "containerd's version")
    version = parse_version(text) if text is not None else None
    if configuration is None or version is None:
        if is_known(node.containerd) and is_known(node.version):
            _stop_unreadable(draft, "The node does not run containerd, or its version is none.")
        return draft.finished()
    try:
        old = in_force(configuration.files, version.line)
    except Refused as error:
        _stop_not_starting(draft, configuration, version, error)
        return draft.finished()
    _check_dump(draft, configuration, old)
    _settings(draft, configuration, old)
    _ignored(draft, old)
    translate_places(draft, old, version)
    pin_defaults(draft, version.line)
    if len(configuration.files) > 1 and (version.line < (2, 0)) != (target.line < (2, 0)):
        warn_of_drop_ins(draft, configuration, version.line, old)
    check_kubelet(draft)
    check_cgroup_driver(draft)
    check_sandbox(draft)
    check_images(draft)
    if at(old.tree, place_of("socket")) != target.socket and not target.in_place:
        move_kubelet(draft, from_docker=False)
    translate_proxies(draft, None)
    translate_limits(draft)
    keep_logins(draft)
    _write(draft, old, version)
    return draft.finished()


def _check_dump(draft: Draft, configuration: ContainerdConfiguration, old: ContainerdInForce) -> None:
    """What replank reads out of the files must be what the daemon itself says."""
    dump = draft.seen(configuration.dump, "containerd config dump")
    if dump is None:
        return
    said = dict(leaves(dump.tree))
    hidden = {*old.withheld, *dump.withheld}
    for path, value in leaves(old.tree):
        setting = setting_at(path)
        if path in hidden or setting is None or path[-1] in _DURATIONS:
            continue
        if path in said and said[path] != value:
            draft.stop(
                "RP464",
                dotted(path),
                dict(old.origins).get(path, configuration.path),
                shown(value),
                why=f"The files say so, containerd itself says {shown(said[path])}.",
                todo="Report it with both files: replank reads them in another way than this containerd.",
                source="containerd config dump",
            )


def _settings(draft: Draft, configuration: ContainerdConfiguration, old: ContainerdInForce) -> None:
    origins = dict(old.origins)
    registries: list[tuple[Path, str, JSON]] = []
    kept_aside = _only_secrets(configuration)
    for path, value in leaves(old.tree):
        where = origins.get(path, configuration.path)
        name = dotted(path)
        if path in old.secret:
            _secret(draft, name, where, aside=where in kept_aside)
        elif path in old.withheld or setting_at(path) is None:
            _unknown(draft, name, where)
        elif is_registry_host(path) and draft.target.line >= (2, 0):
            registries.append((path, name, value))
        elif path not in OWN_PLACES and path != TTRPC_ADDRESS:
            _setting(draft, path, name, where, value)
    if registries:
        translate_mirrors(draft, old, registries)
    for file in configuration.files:
        if file.imports:
            _imports(draft, file.path, file.imports)


def _setting(draft: Draft, path: Path, name: str, where: str, value: JSON) -> None:
    setting = setting_at(path)
    if meaning_stop(draft, path, name, where, value):
        return
    if setting is None or not setting.known_to(draft.target.line):
        gone(draft, path, name, where, value)
        return
    draft.set(path, value)
    home = dotted_home(path, version=draft.target.config_version, line=draft.target.line)
    why = "The setting is the same" + (", at another place." if dotted(home) != name else ".")
    if path == _DOWNLOADS and draft.target.line >= (2, 1) and value != 3:
        why = (
            "As before; with it containerd 2.1 and newer pull images as 2.0 did, not by the transfer service."
        )
    draft.row(
        name,
        where,
        shown(value),
        Outcome.CARRIED_OVER,
        became=f"{dotted(home)} = {shown(value)}",
        why=why,
        source=_MIGRATION,
    )


def _secret(draft: Draft, name: str, where: str, *, aside: bool) -> None:
    """Logins are never carried. A file that holds nothing else can stay, and is imported."""
    if aside and (2, 0) <= draft.target.line < (2, 4):
        if where not in draft.imports:
            draft.imports.append(where)
        draft.row(
            name,
            where,
            "(a secret)",
            Outcome.CARRIED_OVER,
            became=f"imports = [{where}]",
            why="The file holds logins alone: the new containerd reads it itself, replank does not.",
            source="containerd 2.3.5, docs/cri/registry.md",
        )
        return
    draft.stop(
        "RP442",
        name,
        where,
        "(a secret)",
        why="A login or token stands in containerd's configuration, and replank carries no secrets.",
        todo="Use imagePullSecrets or a kubelet credential provider, or put the logins alone into a drop-in.",
        source="containerd 2.3.5, docs/cri/registry.md",
    )


def _unknown(draft: Draft, name: str, where: str) -> None:
    draft.stop(
        "RP441",
        name,
        where,
        "(withheld)",
        why="replank does not know this setting, or this value of it.",
        todo="Say what it does: replank translates nothing by guess. Or take it out of the file.",
        source=_MIGRATION,
    )


def _imports(draft: Draft, where: str, imports: tuple[str, ...]) -> None:
    draft.row(
        "imports",
        where,
        ", ".join(imports),
        Outcome.REPLACED,
        became=f"one file, {draft.target.config_path}",
        why="What the imported files had in force stands in it. A tool that writes there later must be told.",
        source="docs/decisions/0006-runtime-swap.md",
    )


def _ignored(draft: Draft, old: ContainerdInForce) -> None:
    """Settings that stand in a file and were not in force: another file's table replaced theirs."""
    for path, where in old.ignored:
        draft.row(
            dotted(path),
            where,
            "(not in force)",
            Outcome.NOT_NEEDED,
            why="It stands in the file, but another file's table replaced it, or containerd cannot read it.",
            source="containerd 1.7.29, services/server/config/config.go mergeConfig",
            code="RP459",
        )
        draft.warn(
            "RP459",
            dotted(path),
            where,
            why="The setting stands in a file and is not in force.",
            todo="If it is wanted, put it into the file that wins, and see what changes, before the swap.",
        )


def _only_secrets(configuration: ContainerdConfiguration) -> frozenset[str]:
    """Paths of imported files that hold logins and nothing else."""
    return frozenset(
        file.path
        for file in configuration.files[1:]
        if file.secret and all(path in file.secret for path, _ in leaves(file.tree)) and not file.imports
    )


def _stop_unreadable(draft: Draft, why: str) -> None:
    draft.stop(
        "RP440",
        "containerd's configuration",
        "the node",
        "(none)",
        why=why,
        todo="Translate the node as what it is.",
        source="replank",
    )


def _stop_not_starting(
    draft: Draft, configuration: ContainerdConfiguration, version: Version, error: Refused
) -> None:
    draft.stop(
        "RP464",
        "version",
        configuration.path,
        ", ".join(f"{file.path}: {file.version or 1}" for file in configuration.files),
        why=f"containerd {version} would not start on these files at its next restart: {error.why}.",
        todo="Correct the files for the containerd that runs, then survey again: an undo has to start it.",
        source="containerd 1.7.29, services/server/config/config.go ValidateV2",
    )


def _write(draft: Draft, old: ContainerdInForce, version: Version) -> None:
    target = draft.target
    text = config_toml(draft.tree, version=target.config_version, line=target.line, imports=draft.imports)
    own = 2 if version.line < (2, 0) else 3 if version.line < (2, 3) else 4
    before = config_toml(old.tree, version=own, line=version.line)
    draft.write(target.config_path, text, before=before)
    if draft.unit_lines:
        path = f"/etc/systemd/system/{target.unit}.d/50-replank-settings.conf"
        draft.write(path, drop_in(sorted(draft.unit_lines)))
