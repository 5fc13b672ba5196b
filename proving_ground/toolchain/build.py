"""Go modules -> binaries, one build at a time, kept by content."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from proving_ground.engine.docker_engine import install_packages
from proving_ground.errors import GroundError
from proving_ground.settings import Folders
from proving_ground.toolchain import openapi
from proving_ground.toolchain.groups import Group, group


def is_built(folders: Folders, name: str) -> bool:
    """Whether the group's binaries are those that its files ask for."""
    wanted = group(name)
    return _read(_stamp(folders, wanted)) == wanted.key


def build(folders: Folders, name: str) -> None:
    """Builds a group unless it is built. An interrupted build leaves no half of it: binaries are moved into
    place together, and Go's own cache holds what was compiled.

    Raises `GroundError` with the compiler's last lines.
    """
    wanted = group(name)
    if is_built(folders, name):
        return
    fresh = wanted.place(folders).with_name(f".{wanted.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        flags = ["-trimpath", "-ldflags", wanted.linker_flags]
        if wanted.openapi:
            file = openapi.completed(wanted, partial(_go, folders, wanted), Path(work))
            flags += ["-modfile", str(file)]
        for binary, package in wanted.binaries.items():
            _go(folders, wanted, ["build", *flags, "-o", str(fresh / binary), package])
    if not wanted.binaries:
        _go(folders, wanted, ["mod", "download"])
    place = wanted.place(folders)
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)
    _stamp(folders, wanted).write_text(wanted.key)


def module_folder(folders: Folders, name: str, module: str = "") -> Path:
    """Where Go keeps the source of a module of the group (by default its own), for CRDs and manifests."""
    wanted = group(name)
    module = module or wanted.module
    _go(folders, wanted, ["mod", "download", module])
    return Path(_go(folders, wanted, ["list", "-m", "-f", "{{.Dir}}", module]).strip())


def environment(folders: Folders) -> dict[str, str]:
    """Go's settings: its caches below our folder, no other toolchain than the one that is installed, no C."""
    return {
        **os.environ,
        "GOMODCACHE": str(folders.cache / "go" / "mod"),
        "GOCACHE": str(folders.cache / "go" / "build"),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
        "CGO_ENABLED": "0",
    }


def require_go(folders: Folders) -> None:
    """Raises `GroundError` where there is no Go that is new enough, after trying Debian's package."""
    if not shutil.which("go"):
        install_packages("golang-go", folders=folders)
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    numbers = version.strip().removeprefix("go").split(".")
    if (int(numbers[0]), int(numbers[1])) < (1, 26):
        raise GroundError(
            "toolchain",
            f"Go is {version.strip()}, and 1.26 is needed",
            "Install Go 1.26 or newer, first in PATH.",
        )


def _go(folders: Folders, wanted: Group, arguments: list[str]) -> str:
    done = subprocess.run(
        ["go", *arguments],
        cwd=wanted.folder,
        env=environment(folders),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GroundError(
            f"toolchain {wanted.name}",
            f"`go {arguments[0]}` failed",
            f"Run it by hand in {wanted.folder}; a registry that refused a module once may serve it later.",
            done.stderr[-4000:],
        )
    return done.stdout


def _stamp(folders: Folders, wanted: Group) -> Path:
    return folders.binaries / f"{wanted.name}.key"


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
