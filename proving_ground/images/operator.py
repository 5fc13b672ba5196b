"""The image of replank's operator, from its Dockerfile and a wheel as users build it on Debian's Python.

Made on demand. The wheels come to the host by pip; the build itself has no network.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import docker

from proving_ground.engine.images import Content, build, content_hash, files_below
from proving_ground.errors import GroundError
from proving_ground.images.base import ensure_base
from proving_ground.progress import Progress
from proving_ground.settings import HERE, Folders

REPOSITORY = HERE.parent
DOCKERFILE = REPOSITORY / "src" / "replank" / "controllers" / "deploy" / "Dockerfile"
LOCK = REPOSITORY / "requirements-dev.lock"
PROJECT = ("pyproject.toml", "README.md", "LICENSE")
"""What a wheel is made of besides `src`."""

PYTHON = "3.11"
"""Of the base's Debian release."""

_PIN = re.compile(r"^(\S+==[^\\\n]+?) *\\?$", re.MULTILINE)
"""`name==version`, with its marker."""


def ensure_operator(client: docker.DockerClient, folders: Folders, progress: Progress) -> str:
    """The reference of the image. Made anew when replank's sources, its lock or the Dockerfile change.

    Raises `GroundError` with the end of pip's or Docker's output.
    """
    with progress.step("operator: wheels"):
        own = _own_wheel(folders)
        needed = _needed_wheels(folders, own)
    python: dict[str, Content] = {"Dockerfile": HERE / "images" / "python" / "Dockerfile"}
    with progress.step("image python"):
        base = build(client, "python", python, {"BASE": ensure_base(client, folders)})
    files: dict[str, Content] = {
        "Dockerfile": DOCKERFILE,
        f"wheels/{own.name}": own,
        **files_below(needed, "wheels/"),
    }
    with progress.step("image operator"):
        arguments = {"BASE": base, "PIP_ARGS": "--no-index"}
        return build(client, "operator", files, arguments, network="none")


def _own_wheel(folders: Folders) -> Path:
    """replank's wheel, from a copy of its sources: setuptools leaves traces where it builds."""
    sources = {name: REPOSITORY / name for name in PROJECT} | {
        path: content
        for path, content in files_below(REPOSITORY / "src", "src/").items()
        if ".egg-info/" not in path
    }
    place = folders.cache / "images" / f"operator-wheel-{content_hash(sources, {})[:16]}"
    if not place.exists():
        with tempfile.TemporaryDirectory() as work:
            for path, content in sources.items():
                assert isinstance(content, Path)
                (Path(work) / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(content, Path(work) / path)
            fresh = _fresh(place)
            _pip("wheel", ["--no-deps", "--wheel-dir", str(fresh), work])
        fresh.rename(place)
    return next(place.glob("replank-*.whl"))


def _needed_wheels(folders: Folders, own: Path) -> Path:
    """A folder with the wheels of all that the operator needs, in the versions of the lock."""
    about: dict[str, Content] = {"lock": LOCK, "pyproject.toml": REPOSITORY / "pyproject.toml"}
    place = folders.cache / "images" / f"operator-needs-{content_hash(about, {})[:16]}"
    if not place.exists():
        fresh = _fresh(place)
        lock = LOCK.read_text()
        # Constraints with hashes would ask for a requirement with hashes of everything.
        pins = fresh / "pins.txt"
        pins.write_text("".join(f"{line}\n" for line in _PIN.findall(lock)))
        target = ["--only-binary=:all:", "--python-version", PYTHON, "--dest", str(fresh)]
        _pip("download", [*target, "--constraint", str(pins), f"{own}[operator]"])
        pins.unlink()
        (fresh / own.name).unlink()
        for wheel in fresh.iterdir():
            if f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" not in lock:
                raise GroundError("operator's wheels", f"{wheel.name} is not the lock's", "Run `make lock`.")
        fresh.rename(place)
    return place


def _fresh(place: Path) -> Path:
    """An empty folder, to be renamed to `place` once it is whole."""
    fresh = place.with_name(f".{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


def _pip(command: str, arguments: Sequence[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GroundError(
            "operator's wheels",
            f"`pip {command}` failed",
            f"Run it by hand: pip {command} {' '.join(arguments)}",
            done.stdout[-1500:] + done.stderr[-2500:],
        )
