"""The part of a runtime swap that was put on a node, to be called here as Python would run it there."""

from __future__ import annotations

import importlib.util
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from replank.testbed.node.rooted import rooted_plan


def load_part(program: Path, root: Path) -> ModuleType:
    """The module in `program`, for which `root` is the root of the file system."""
    name = f"swap_node_{program.stat().st_ino}"
    spec = importlib.util.spec_from_file_location(name, program, loader=_Uncached(program))
    assert spec is not None
    assert spec.loader is not None
    part = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(part)
    read = part.read_plan

    def read_plan(path: Path) -> dict[str, Any]:
        return rooted_plan(read(path), root)

    vars(part)["read_plan"] = read_plan
    return part


class _Uncached(SourceLoader):
    """Leaves no bytecode beside the file, as for a program."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002  (it loads one file)
        """Where it lies."""
        return str(self._path)

    def get_data(self, path: str) -> bytes:
        """Its content."""
        return Path(path).read_bytes()
