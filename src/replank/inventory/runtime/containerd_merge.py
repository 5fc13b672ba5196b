"""What containerd makes of config.toml and its imports. The rules before 2.0 and after are not the same.

Before 2.0 (services/server/config/config.go of 1.6.38 and 1.7.29): a file loaded later replaces a whole
plugin table; lists at the top are joined; the last version that any file names holds for all of them, and the
daemon refuses one above 2. So a root of version 3 with a drop-in of version 2 boots, and the root's plugin
settings count for nothing.

From 2.0 on (cmd/containerd/server/config/config.go of 2.3.5): every file is brought to the newest version
first, then plugin tables are joined key by key, an empty value included; lists inside them are replaced.

The tests hold both against what containerd's own code does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdFile, ContainerdInForce, Path
from replank.inventory.runtime.containerd_homes import canonical, home_of
from replank.inventory.runtime.containerd_setting import GRPC, TTRPC, Line
from replank.inventory.runtime.refusals import not_understood
from replank.inventory.runtime.tree import Table, at, grown, leaves

_REPLACED_ENTRIES: Final = frozenset({"timeouts", "proxy_plugins", "stream_processors"})
_NEW_FAMILIES: Final = (
    *(
        "io.containerd.cri.v1.",
        "io.containerd.server.v1.",
        "io.containerd.shim.v1.",
        "io.containerd.metrics.v1.",
    ),
    *("io.containerd.monitor.task.v1.", "io.containerd.monitor.container.v1."),
    "io.containerd.image-verifier.v1.",
)
"""Plugins that containerd 1.x does not have, so that it never looks at their tables."""

_Written = dict[Path, tuple[JSON, ContainerdFile]]


def in_force(files: Sequence[ContainerdFile], line: Line) -> ContainerdInForce:
    """What containerd `line` runs with, of files in the order of loading.

    Raises `Refused` RP474: it would not start on them.
    """
    written = _merged_by_1(files) if line < (2, 0) else _merged_by_2(files, 3 if line < (2, 3) else 4)
    origins = {path: file for path, (_, file) in written.items()}
    dropped = {path for file in files for path in _homes(file, file.withheld)}
    secrets = {path for file in files for path in _homes(file, file.secret)}
    ignored = [
        (path, file.path)
        for file in files
        for path, _ in leaves(canonical(file.tree, file.version))
        if path not in origins
    ]
    return ContainerdInForce(
        source="merged",
        tree=grown([(path, value) for path, (value, _) in sorted(written.items())]),
        withheld=tuple(sorted(dropped & set(origins))),
        secret=tuple(sorted(secrets & set(origins))),
        origins=tuple(sorted((path, file.path) for path, file in origins.items())),
        ignored=tuple(sorted(set(ignored))),
    )


def _homes(file: ContainerdFile, paths: Sequence[Path]) -> Iterator[Path]:
    return (home_of(path, file.version) for path in paths)


def _merged_by_1(files: Sequence[ContainerdFile]) -> _Written:
    """Before 2.0. Merged in the files' own layout; only then the last version says what it means."""
    written: _Written = {}
    version = 1
    deciding: ContainerdFile | None = None
    for file in files:
        if file.version:
            version, deciding = file.version, file
        for path, value in leaves(file.tree):
            if path[0] != "plugins":
                _put_top(written, path, value, file, joined=True)
        for plugin in _tables(file, "plugins"):
            _forget(written, ("plugins", plugin))
        for path, value in leaves(file.tree):
            if path[0] == "plugins":
                written[path] = (value, file)
    _check_1(written, version, deciding)
    kept = {path: entry for path, entry in written.items() if _read_by_1(path, version)}
    homed: _Written = {}
    for path, (value, file) in kept.items():
        moved = canonical(grown([(path, value)]), version)
        homed.update({home: (inner, file) for home, inner in leaves(moved)})
    _derive_ttrpc(homed)
    return homed


def _merged_by_2(files: Sequence[ContainerdFile], newest: int) -> _Written:
    """From 2.0 on. Each file in the newest layout, then key by key."""
    written: _Written = {}
    for file in files:
        if file.version > newest:
            raise _will_not_start(
                file.path, f"it is of version {file.version}, {newest} is the newest it reads"
            )
        own: _Written = {
            path: (value, file) for path, value in leaves(canonical(_migrated(file), file.version))
        }
        if file.version < 4:
            _derive_ttrpc(own)
        for path, (value, _) in own.items():
            if path[0] == "plugins":
                _clear_way(written, path)
                written[path] = (value, file)
            else:
                _put_top(written, path, value, file, joined=False)
    for key in ("disabled_plugins", "required_plugins"):
        value, owner = written.get((key,), ([], None))
        if owner is not None and isinstance(value, list) and any("." not in str(name) for name in value):
            raise _will_not_start(owner.path, f"{key} names a plugin that is no io.containerd.x.vx")
    return written


def _put_top(written: _Written, path: Path, value: JSON, file: ContainerdFile, *, joined: bool) -> None:
    """A setting outside of plugins: empty values count for nothing, lists are joined, entries replaced."""
    if path[0] in _REPLACED_ENTRIES:
        for known in [known for known in written if known[:2] == path[:2] and written[known][1] is not file]:
            del written[known]
        written[path] = (value, file)
        return
    if not value:
        written.setdefault(path, (value, file))
        return
    before = written[path][0] if path in written else None
    if isinstance(value, list) and isinstance(before, list):
        new = value if joined else [item for item in value if item not in before]
        value = [*before, *new]
    written[path] = (value, file)


def _tables(file: ContainerdFile, key: str) -> tuple[str, ...]:
    table = file.tree.get(key)
    return tuple(table) if isinstance(table, dict) else ()


def _forget(written: _Written, start: Path) -> None:
    for path in [path for path in written if path[: len(start)] == start]:
        del written[path]


def _clear_way(written: _Written, path: Path) -> None:
    """A value replaces a table of that name, and a table a value."""
    _forget(written, path)
    for length in range(3, len(path)):
        written.pop(path[:length], None)


def _check_1(written: _Written, version: int, deciding: ContainerdFile | None) -> None:
    where = deciding.path if deciding is not None else "config.toml"
    if version > 2:
        raise _will_not_start(where, f"it is of version {version}, containerd 1.x reads 1 and 2")
    if version < 2:
        return
    named = [(path[1], file) for path, (_, file) in written.items() if path[0] == "plugins"]
    for key in ("disabled_plugins", "required_plugins"):
        value, file = written.get((key,), ([], None))
        if file is not None and isinstance(value, list):
            named += [(str(name), file) for name in value]
    for name, file in named:
        if not name.startswith("io.containerd.") or name.count(".") < 3:
            raise _will_not_start(file.path, "a plugin has no full name (io.containerd.x.vx) in version 2")


def _read_by_1(path: Path, version: int) -> bool:
    if path[0] != "plugins":
        return True
    return "." not in path[1] if version < 2 else not path[1].startswith(_NEW_FAMILIES)


def _migrated(file: ContainerdFile) -> Table:
    """The file's tree without what containerd 2.x loses when it migrates a file of version 1 or 2.

    plugins/cri/images/plugin.go migrateConfig gives up where the table `containerd` has no `runtimes`, before
    it has moved snapshotter, disable_snapshot_annotations and discard_unpacked_layers.
    """
    if file.version > 2:
        return dict(file.tree)
    names = ("cri", "io.containerd.grpc.v1.cri") if file.version < 2 else ("io.containerd.grpc.v1.cri",)
    lost = {
        ("plugins", name, "containerd", key)
        for name in names
        for key in ("snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers")
        if at(file.tree, ("plugins", name, "containerd", "runtimes")) is None
    }
    return grown([(path, value) for path, value in leaves(file.tree) if path not in lost])


def _derive_ttrpc(written: _Written) -> None:
    """Up to version 3, the ttrpc socket follows the grpc one unless it has an address of its own."""
    address, file = written.get(("plugins", GRPC, "address"), ("", None))
    own = written.get(("plugins", TTRPC, "address"), ("", None))[0]
    if file is None or not address or own:
        return
    written["plugins", TTRPC, "address"] = (f"{address}.ttrpc", file)
    for key in ("uid", "gid"):
        written.setdefault(("plugins", GRPC, key), (0, file))
        inherited = written["plugins", GRPC, key][0]
        if not written.get(("plugins", TTRPC, key), (0, file))[0]:
            written["plugins", TTRPC, key] = (inherited, file)


def _will_not_start(where: str, why: str) -> Exception:
    return not_understood(
        "RP474", where, f"containerd would not start on it: {why}", "Correct the file, then survey again."
    )
