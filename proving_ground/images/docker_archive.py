"""Container images without a builder: a docker-archive that the same files give byte for byte.

The format is what `docker save` wrote until 2023 and every runtime reads (moby, image/spec/v1.2.md):
`manifest.json`, and of each image a configuration and its layers.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from proving_ground.engine.images import Content
from proving_ground.errors import GroundError

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LONG_AGO = "1970-01-01T00:00:00Z"
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Layer:
    """An uncompressed tar and its SHA-256."""

    file: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is made of, lowest layer first. `reference`: name and tag."""

    reference: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()

    @property
    def configuration(self) -> bytes:
        """The OCI image configuration. It names the image, so that images of the same layers stay apart: a
        runtime shows a container under any name of its image."""
        labels = {"org.opencontainers.image.ref.name": self.reference}
        settings: dict[str, object] = {"Env": [_PATH], "WorkingDir": "/", "Labels": labels}
        if self.entrypoint:
            settings["Entrypoint"] = list(self.entrypoint)
        document = {
            "architecture": architecture(),
            "os": "linux",
            "created": _LONG_AGO,
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in self.layers]},
            "history": [{"created": _LONG_AGO} for _ in self.layers],
        }
        return json.dumps(document, sort_keys=True).encode()


def architecture() -> str:
    """This machine's, in Go's words."""
    machine = platform.machine()
    return _GO_NAMES.get(machine, machine)


def layer_of(file: Path) -> Layer:
    """A tar that is there already."""
    with file.open("rb") as stream:
        return Layer(file, hashlib.file_digest(stream, "sha256").hexdigest())


def write_layer(file: Path, programs: Mapping[str, Content], links: Mapping[str, str] | None = None) -> Layer:
    """Writes `programs` (path -> content, all executable) and symbolic links (path -> target) as one layer,
    with the folders they need and a /tmp."""
    links = links or {}
    folders = {str(parent) for path in (*programs, *links) for parent in PurePosixPath(path).parents} - {"."}
    with tarfile.open(file, "w") as tar:
        tar.addfile(_entry("tmp", tarfile.DIRTYPE, 0o1777))
        for folder in sorted(folders):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
        for path in sorted(programs):
            content = programs[path]
            entry = _entry(path, tarfile.REGTYPE, 0o755)
            if isinstance(content, Path):
                entry.size = content.stat().st_size
                with content.open("rb") as source:
                    tar.addfile(entry, source)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        for path in sorted(links):
            entry = _entry(path, tarfile.SYMTYPE, 0o777)
            entry.linkname = links[path]
            tar.addfile(entry)
    return layer_of(file)


def write(file: Path, images: Sequence[Image]) -> None:
    """Writes the images as one archive; a layer that several have stands in it once. Replaces `file` at the
    end."""
    references = [image.reference for image in images]
    if len(set(references)) != len(references):
        raise GroundError("container images", "two images of one name", f"Look at the list: {references}")
    fresh = file.with_name(f".{file.name}.new")
    with tarfile.open(fresh, "w") as tar:
        for layer in {layer.digest: layer for image in images for layer in image.layers}.values():
            entry = _entry(_layer_path(layer), tarfile.REGTYPE, 0o644)
            entry.size = layer.file.stat().st_size
            with layer.file.open("rb") as source:
                tar.addfile(entry, source)
        manifest = []
        for image in images:
            name = f"{hashlib.sha256(image.configuration).hexdigest()}.json"
            _add(tar, name, image.configuration)
            layers = [_layer_path(layer) for layer in image.layers]
            manifest.append({"Config": name, "RepoTags": [image.reference], "Layers": layers})
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    fresh.replace(file)


def _layer_path(layer: Layer) -> str:
    return f"{layer.digest}/layer.tar"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = _entry(name, tarfile.REGTYPE, 0o644)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry
