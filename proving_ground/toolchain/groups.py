"""The groups of versions.toml: which binaries there are, and what each is built from."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from proving_ground.errors import GroundError
from proving_ground.settings import Folders

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Group:
    """A Go module folder and the programs that are built from it. `version`: what is stamped into them.
    `openapi`: the package of the module whose API definitions must be generated first, "" = none."""

    name: str
    folder: Path
    module: str
    version: str
    binaries: Mapping[str, str]
    stamp: tuple[str, ...]
    openapi: str = ""

    @property
    def linker_flags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {variable}={self.version}" for variable in self.stamp)])

    @property
    def key(self) -> str:
        """Hash of all that the binaries depend on but the compiler: go.mod, go.sum, own sources, flags."""
        digest = hashlib.sha256(f"{self.linker_flags} {sorted(self.binaries.items())}".encode())
        digest.update(self.openapi.encode())
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                digest.update(f"\0{path.relative_to(self.folder)}\0".encode() + path.read_bytes())
        return digest.hexdigest()[:16]

    def place(self, folders: Folders) -> Path:
        """The folder of the group's binaries."""
        return folders.binaries / self.name


@cache
def groups() -> Mapping[str, Group]:
    """All groups by name."""
    tables = tomllib.loads((HERE / "versions.toml").read_text())
    return {name: _group(name, table) for name, table in tables.items()}


def group(name: str) -> Group:
    """One group. Raises `GroundError` with the names there are."""
    try:
        return groups()[name]
    except KeyError:
        raise GroundError("toolchain", f"no group {name!r}", f"One of: {', '.join(groups())}") from None


def binary(folders: Folders, group_name: str, name: str) -> Path:
    """Where a program of a group stands. Raises `GroundError` where it was not built."""
    path = group(group_name).place(folders) / name
    if not path.exists():
        raise GroundError(
            "toolchain", f"{path} is missing", f"Run `make ground-up`, or `--with {group_name}`."
        )
    return path


def _group(name: str, table: Mapping[str, object]) -> Group:
    binaries = table["binaries"]
    stamp = table.get("stamp", [])
    assert isinstance(binaries, dict)
    assert isinstance(stamp, list)
    return Group(
        name=name,
        folder=(HERE / "modules" / str(table.get("folder", name))).resolve(),
        module=str(table.get("module", "")),
        version=str(table.get("as", table.get("version", ""))),
        binaries=binaries,
        stamp=tuple(stamp),
        openapi=str(table.get("openapi", "")),
    )
