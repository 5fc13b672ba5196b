"""A plan for a node whose file system is a folder: what a chroot would do for `swap_node.py`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_DEFAULTS: Final = {"units": "/etc/systemd/system", "systemd_runtime": "/run/systemd/system", "proc": "/proc"}
_NO_PATHS: Final = frozenset({"content", "expected", "socket", "final_socket"})
"""Texts of files, and what programs compare: they stay as they are."""


def rooted_plan(plan: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """`plan.json` with every path below `root`, and with files of whoever runs this.

    What is below it already stays: the plan that a node has begun with is read again.
    """
    paths = {**_DEFAULTS, **plan.get("paths", {})}
    return {key: _rooted(value, root, key) for key, value in {**plan, "paths": paths}.items()}


def _rooted(value: Any, root: Path, key: str) -> Any:
    if key in _NO_PATHS:
        return value
    if isinstance(value, Mapping):
        return {name: _rooted(inner, root, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rooted(inner, root, "") for inner in value]
    if key in ("uid", "gid") and isinstance(value, int):
        return os.getuid() if key == "uid" else os.getgid()
    if isinstance(value, str) and value.startswith("/") and not Path(value).is_relative_to(root):
        return f"{root}{value}"
    return value
