"""The files that a container of a log agent sees, as far as ConfigMaps and Secrets hold them."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from replank.inventory.log_agents.agent import Place, SourceRef
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.workload import AgentContainer

Texts: TypeAlias = Mapping[SourceRef, Mapping[str, str]]
"""What ConfigMaps and Secrets say, by key. They are read, and kept nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedFile:
    """A file of the configuration. `text` stays out of what is shown of it: it may hold secrets."""

    path: str
    source: SourceRef | None
    key: str
    text: str = field(repr=False)

    def place(self, line: int) -> Place:
        return Place(source=self.source, key=self.key, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """All files by path. `missing`: sources that are mounted and were not given (no right, or not there)."""

    by_path: Mapping[str, MountedFile]
    missing: tuple[SourceRef, ...] = ()

    def get(self, path: str) -> MountedFile | None:
        return self.by_path.get(posixpath.normpath(path))

    def matching(self, pattern: str) -> tuple[MountedFile, ...]:
        """Files that a glob takes, in the order of their paths."""
        wanted = posixpath.normpath(pattern)
        return tuple(
            file
            for path, file in sorted(self.by_path.items())
            if fnmatch.fnmatchcase(path, wanted) and path.count("/") == wanted.count("/")
        )

    def require(self, paths: Iterable[str]) -> MountedFile:
        """The first of the paths that is there.

        Raises `Refused` RP486 (a mounted source was not given) or RP485 (built into the image).
        """
        tried = list(paths)
        for path in tried:
            if (file := self.get(path)) is not None:
                return file
        if self.missing:
            raise unreadable("RP486", f"{', '.join(map(str, self.missing))} could not be read")
        raise unreadable("RP485", f"{tried[0]} is not mounted from a ConfigMap")


def mounted(container: AgentContainer, texts: Texts) -> Files:
    """The files of a container. A source that `texts` lacks is told in `missing`."""
    found: dict[str, MountedFile] = {}
    missing: list[SourceRef] = []
    for mount in container.mounts:
        if mount.source is None:
            continue
        if mount.source not in texts:
            missing.append(mount.source)
            continue
        keys = mount.items or {key: key for key in texts[mount.source]}
        for name, key in keys.items():
            if key not in texts[mount.source] or (mount.sub_path and name != mount.sub_path):
                continue
            path = mount.path if mount.sub_path else posixpath.join(mount.path, name)
            path = posixpath.normpath(path)
            found[path] = MountedFile(path=path, source=mount.source, key=key, text=texts[mount.source][key])
    return Files(by_path=found, missing=tuple(dict.fromkeys(missing)))
