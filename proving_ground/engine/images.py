"""Images: built by Docker's own builder from the Dockerfiles in `images/`, tagged by their content."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import docker
from docker.errors import BuildError, ImageNotFound

from proving_ground.errors import GroundError
from proving_ground.settings import LABEL

Content = bytes | Path
"""A file of a build: its bytes, or where they stand."""

PROGRAM = 0o755
FILE = 0o644


def build(
    client: docker.DockerClient,
    name: str,
    files: Mapping[str, Content],
    arguments: Mapping[str, str] | None = None,
    network: Literal["host", "none"] = "host",
) -> str:
    """Builds `files` (path in the build context -> content; one is `Dockerfile`) unless an image of the same
    content is there. Returns its reference, `replank-ground/<name>:<hash of the content>`.

    The context is written with fixed times and owners, so that the same files give the same hash everywhere.
    `network`: what the build's commands reach.
    """
    arguments = {**_proxies(), **(arguments or {})}
    digest = content_hash(files, arguments)
    reference = f"replank-ground/{name}:{digest[:16]}"
    try:
        client.images.get(reference)
    except ImageNotFound:
        _build(client, name, reference, files, arguments, network)
    return reference


def content_hash(files: Mapping[str, Content], arguments: Mapping[str, str]) -> str:
    """SHA-256 over names, modes and bytes of the files, and the arguments."""
    digest = hashlib.sha256(repr(sorted(arguments.items())).encode())
    for path in sorted(files):
        content = files[path]
        digest.update(f"\0{path}\0{_mode(content):o}\0".encode())
        if isinstance(content, Path):
            with content.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        else:
            digest.update(content)
    return digest.hexdigest()


def archive(files: Mapping[str, Content]) -> io.BytesIO | io.BufferedRandom:
    """The files as a tar stream with fixed times and owners, at its start."""
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - handed on to the caller
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path in sorted(files):
            content = files[path]
            entry = tarfile.TarInfo(path)
            entry.mode = _mode(content)
            if isinstance(content, Path):
                entry.size = content.stat().st_size
                with content.open("rb") as source:
                    tar.addfile(entry, source)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    stream.seek(0)
    return stream


def files_below(folder: Path, prefix: str = "") -> dict[str, Content]:
    """Every file below a folder as build content, by its path relative to it."""
    return {
        prefix + path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _build(
    client: docker.DockerClient,
    name: str,
    reference: str,
    files: Mapping[str, Content],
    arguments: Mapping[str, str],
    network: str,
) -> None:
    with archive(files) as context:
        try:
            client.images.build(
                fileobj=context,
                custom_context=True,
                tag=reference,
                rm=True,
                forcerm=True,
                network_mode=network,
                buildargs=dict(arguments),
                labels={LABEL: f"image-{name}"},
            )
        except BuildError as error:
            lines = "".join(str(line.get("stream", "")) for line in error.build_log)
            raise GroundError(
                f"image {name}",
                str(error.msg),
                "Read the lines above; the build goes on from the failed step.",
                lines,
            ) from error


def _mode(content: Content) -> int:
    if isinstance(content, Path) and content.stat().st_mode & 0o100:
        return PROGRAM
    return FILE


def _proxies() -> dict[str, str]:
    """The host's way out, for package installs in a build. Docker does not keep these in the image."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
    return {name: os.environ[name] for name in names if name in os.environ}
