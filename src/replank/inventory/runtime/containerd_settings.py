"""Every setting of containerd 1.6 to 2.3 that replank knows: its home, since when, until when, its default.

Paths are those of configuration version 4, the canonical layout (`containerd_homes.py`); `*` stands for any
one name. A setting that is not here is unknown: its value is not kept, and a translation stops on it.

Source: containerd 1.6.38, 1.7.29, 2.0.7, 2.1.5, 2.2.1 and 2.3.5: pkg/cri/config/config*.go or
internal/cri/config/config*.go, services/server/config or cmd/containerd/server/config/config.go, and the
configuration structs of the built-in plugins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_cri_settings import CRI_SETTINGS
from replank.inventory.runtime.containerd_daemon_settings import DAEMON_SETTINGS
from replank.inventory.runtime.containerd_setting import Line, Path, Setting

SETTINGS: Final[tuple[Setting, ...]] = (*DAEMON_SETTINGS, *CRI_SETTINGS)


def _by_shape(settings: Iterable[Setting]) -> Mapping[tuple[int, str], tuple[Setting, ...]]:
    shapes: dict[tuple[int, str], list[Setting]] = defaultdict(list)
    for setting in settings:
        shapes[len(setting.path), setting.path[-1]].append(setting)
    return {shape: tuple(found) for shape, found in shapes.items()}


_SHAPES: Final = _by_shape(SETTINGS)


def setting_at(path: Path) -> Setting | None:
    """The setting at a canonical path, None if replank knows none there. An exact path wins over a `*`."""
    candidates = (*_SHAPES.get((len(path), path[-1]), ()), *_SHAPES.get((len(path), "*"), ()))
    matching = [s for s in candidates if all(a in ("*", b) for a, b in zip(s.path, path, strict=True))]
    return min(matching, key=lambda s: s.path.count("*"), default=None)


def default_of(path: Path, line: Line) -> JSON:
    """The default of the setting at `path` in containerd `line`; None if there is none."""
    setting = setting_at(path)
    return setting.default(line) if setting is not None and setting.known_to(line) else None
