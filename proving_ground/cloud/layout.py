"""Where the cloud's files stand, on the host and in its containers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proving_ground.settings import Folders

ETC = "/etc/ground"
"""Configuration, in every container of the cloud."""

RUN = "/run/ground"
"""Sockets and locks, in every container of the cloud. A fixed path: it stands in Nova's table of cells, which
comes from the cache, and a Unix socket's path may not be long (unix(7))."""

VENV = "/opt/cloud/venv"


@dataclass(frozen=True, slots=True)
class Layout:
    """`state` has the same path on the host and inside: drivers hand folders below it to Docker."""

    state: Path

    @property
    def etc(self) -> Path:
        return self.state / "etc"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def database(self) -> Path:
        return self.state / "mysql"

    @property
    def passwords(self) -> Path:
        return self.state / "passwords.json"

    @property
    def bootstrapped(self) -> Path:
        """There once Keystone knows everybody; holds the hash of what was told."""
        return self.state / "bootstrapped"

    def mounts(self) -> dict[Path, str]:
        return {self.state: str(self.state), self.etc: ETC, self.run: RUN}


def layout(folders: Folders) -> Layout:
    return Layout(folders.state / "cloud")
