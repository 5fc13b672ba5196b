"""The Debian userland below every other image: debootstrap's minimal base with the host's apt settings."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from proving_ground.engine.docker_engine import install_packages
from proving_ground.errors import GroundError
from proving_ground.settings import LABEL, Folders

RELEASE = "bookworm"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
APT_FORMAT = "deb $(SITE) $(RELEASE) $(COMPONENT)"


def ensure_base(client: docker.DockerClient, folders: Folders) -> str:
    """The reference of the base image, made where it is missing. Takes a minute or two; its files are kept in
    the cache."""
    sources = _apt_sources()
    settings = {
        p.name: p.read_bytes() for p in sorted(Path("/etc/apt/apt.conf.d").glob("*")) if _is_transport(p)
    }
    digest = hashlib.sha256()
    for piece in (RELEASE.encode(), sources.encode(), *settings.values(), _read(CERTIFICATES), b"1"):
        digest.update(hashlib.sha256(piece).digest())
    key = digest.hexdigest()[:16]
    reference = f"replank-ground/base:{key}"
    try:
        client.images.get(reference)
        return reference
    except ImageNotFound:
        pass
    file = folders.cache / "images" / f"base-{key}.tar"
    if not file.exists():
        _bootstrap(folders, file, sources, settings)
    client.api.import_image_from_file(
        str(file), repository="replank-ground/base", tag=key, changes=[f"LABEL {LABEL}=image-base"]
    )
    return reference


def _bootstrap(folders: Folders, file: Path, sources: str, settings: dict[str, bytes]) -> None:
    if not shutil.which("debootstrap"):
        install_packages("debootstrap", folders=folders)
    file.parent.mkdir(parents=True, exist_ok=True)
    root = file.with_suffix(".rootfs")
    shutil.rmtree(root, ignore_errors=True)
    site = next(line.split()[1] for line in sources.splitlines() if line.split()[2] == RELEASE)
    folders.logs.mkdir(parents=True, exist_ok=True)
    log = folders.logs / "debootstrap.log"
    with log.open("wb") as output:
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(root), site],
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise GroundError(
            "base image", "debootstrap failed", f"Read {log}.", log.read_text(errors="replace")[-3000:]
        )
    (root / "etc/apt/sources.list").write_text(sources)
    for name, content in settings.items():
        (root / "etc/apt/apt.conf.d" / name).write_bytes(content)
    # Packages in images must not start services; dpkg need not flush each file to disk.
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    (root / "etc/dpkg/dpkg.cfg.d/ground").write_text("force-unsafe-io\n")
    if CERTIFICATES.exists():  # the host may trust an authority of its own, on the way to its registries
        shutil.copyfile(CERTIFICATES, root / str(CERTIFICATES).lstrip("/"))
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    fresh = file.with_suffix(".new")
    with tarfile.open(fresh, "w") as tar:
        tar.add(root, ".")
    fresh.replace(file)
    shutil.rmtree(root)


def _apt_sources() -> str:
    """The host's own Debian sources of the release, one line each."""
    if not shutil.which("apt-get"):
        raise GroundError("base image", "this is not a Debian machine", "Run the ground on Debian or Ubuntu.")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", APT_FORMAT, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = sorted({line for line in listed.stdout.splitlines() if line.split()[2].startswith(RELEASE)})
    if not any(line.split()[2] == RELEASE for line in lines):
        raise GroundError(
            "base image",
            f"apt on this host knows no source of Debian {RELEASE}",
            f"Add a source of {RELEASE} to /etc/apt/sources.list.d.",
        )
    return "\n".join(lines) + "\n"


def _is_transport(path: Path) -> bool:
    """Whether an apt setting says how to reach the archive (proxy, dates), not what to do with packages."""
    text = _read(path)
    return b"Acquire::" in text and b"Post-Invoke" not in text and b"GzipIndexes" not in text


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
