"""What a setting of containerd is: its home, since when, until when, its default. And the plugins' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from replank.inventory.facts.json_value import JSON

Line = tuple[int, int]
Path = tuple[str, ...]

RUNTIME: Final = "io.containerd.cri.v1.runtime"
IMAGES: Final = "io.containerd.cri.v1.images"
CRI: Final = "io.containerd.grpc.v1.cri"
GRPC: Final = "io.containerd.server.v1.grpc"
GRPC_TCP: Final = "io.containerd.server.v1.grpc-tcp"
TTRPC: Final = "io.containerd.server.v1.ttrpc"
DEBUG: Final = "io.containerd.server.v1.debug"
METRICS: Final = "io.containerd.server.v1.metrics"
HISTOGRAM: Final = "io.containerd.metrics.v1.grpc-prometheus"
SHIMS: Final = "io.containerd.shim.v1.manager"
TASK: Final = "io.containerd.runtime.v2.task"
TRANSFER: Final = "io.containerd.transfer.v1.local"
OPT: Final = "io.containerd.internal.v1.opt"
NRI: Final = "io.containerd.nri.v1.nri"

UNSET: Final = "(no default)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. `since`, `gone`: lines of containerd (`gone` is the first without it).

    `defaults`: from which line on which default holds; empty where there is none that could be told.
    """

    path: Path
    since: Line = (1, 6)
    gone: Line | None = None
    defaults: tuple[tuple[Line, JSON], ...] = ()

    def known_to(self, line: Line) -> bool:
        """True if containerd of this line reads the setting."""
        return self.since <= line and (self.gone is None or line < self.gone)

    def default(self, line: Line) -> JSON:
        """The default of this line; None if there is none."""
        found: JSON = None
        for start, value in self.defaults:
            if start <= line:
                found = value
        return found


def settings(
    prefix: Path, names: Mapping[str, JSON], *, since: Line = (1, 6), gone: Line | None = None
) -> list[Setting]:
    return [
        Setting(
            path=(*prefix, *name.split("/")),
            since=since,
            gone=gone,
            defaults=() if default == UNSET else ((since, default),),
        )
        for name, default in names.items()
    ]


def changed(path: Path, *defaults: tuple[Line, JSON], since: Line = (1, 6)) -> Setting:
    return Setting(path=path, since=since, defaults=defaults)


def plugin(name: str) -> Path:
    return ("plugins", name)
