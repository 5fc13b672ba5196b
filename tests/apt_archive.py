"""An archive for apt with one package, in a folder; and how this machine's own apt looks at it alone."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

TRACE = "/var/lib/was-installed"
_CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: replank's tests <nobody@example.org>
Description: stands in for containerd
 It is only unpacked.
"""


def build_deb(folder: Path, name: str, version: str, programs: Mapping[str, bytes]) -> Path:
    """A real .deb with programs in /usr/bin, and a script that must never run: it would leave a trace where
    it runs, /var/lib/was-installed."""
    tree = folder / "tree"
    for program, content in programs.items():
        path = tree / "usr/bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(_CONTROL.format(name=name, version=version))
    (control / "preinst").write_text(f"#!/bin/sh\ntouch {TRACE}\n")
    (control / "preinst").chmod(0o755)
    pool = folder / "pool"
    pool.mkdir()
    deb = pool / f"{name}_all.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, deb],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return deb


def write_index(deb: Path, name: str, version: str) -> None:
    """Packages, as dpkg-scanpackages writes it."""
    data = deb.read_bytes()
    more = f"Filename: ./{deb.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    text = _CONTROL.format(name=name, version=version)
    first, _, rest = text.partition("Description")
    (deb.parent / "Packages").write_text(f"{first}{more}Description{rest}\n")


def configure(folder: Path) -> Path:
    """apt.conf for APT_CONFIG: lists, cache, status of its own, and this archive alone. apt has read it."""
    for name in ("lists/partial", "cache/archives/partial", "etc"):
        (folder / name).mkdir(parents=True)
    status = folder / "status"
    status.write_text("Package: apt\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n\n")
    (folder / "etc/sources.list").write_text(f"deb [trusted=yes] file:{folder}/pool ./\n")
    path = folder / "apt.conf"
    path.write_text(
        f'Dir::State::lists "{folder}/lists";\nDir::State::status "{status}";\n'
        f'Dir::Cache "{folder}/cache";\nDir::Etc::sourcelist "{folder}/etc/sources.list";\n'
        f'Dir::Etc::sourceparts "/dev/null";\nAPT::Sandbox::User "root";\n'
    )
    subprocess.run(
        ["apt-get", "update"],
        check=True,
        capture_output=True,
        timeout=60,
        env={"APT_CONFIG": str(path), "PATH": "/usr/bin:/bin"},
    )
    return path
