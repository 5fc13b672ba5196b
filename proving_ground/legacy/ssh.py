"""SSH to machines of the ground, as the platform team's operator."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import IO

from proving_ground.errors import GroundError
from proving_ground.settings import Folders

USER = "debian"


def options(folders: Folders, known_hosts: Path) -> list[str]:
    """Options of ssh(1): the operator's key, host keys accepted at first sight and checked from then on."""
    return [
        *("-i", str(folders.ssh_key)),
        *("-o", f"UserKnownHostsFile={known_hosts}"),
        *("-o", "StrictHostKeyChecking=accept-new"),
        *("-o", "IdentitiesOnly=yes"),
        *("-o", "ConnectTimeout=10"),
        *("-o", "LogLevel=ERROR"),
    ]


def run(
    folders: Folders,
    known_hosts: Path,
    address: str,
    command: str,
    limit_s: float = 120,
    stdin: IO[bytes] | None = None,
) -> bytes:
    """stdout of a command on a machine. Raises `GroundError` with stderr where it fails."""
    done = subprocess.run(
        ["ssh", *options(folders, known_hosts), f"{USER}@{address}", command],
        stdin=stdin,
        capture_output=True,
        timeout=limit_s,
        check=False,
    )
    if done.returncode:
        raise GroundError(
            f"machine {address}",
            f"`{command}` ended with {done.returncode}",
            f"Log in: ssh {' '.join(options(folders, known_hosts))} {USER}@{address}",
            done.stderr.decode(errors="replace"),
        )
    return done.stdout
