"""replank as a shell sees it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str


def replank(*arguments: object, accept: tuple[int, ...] = (0,), cwd: Path | None = None) -> str:
    """stdout of a replank command that ends with an accepted status."""
    done = replank_ended(*arguments, cwd=cwd)
    assert done.status in accept, done.stderr + done.stdout
    return done.stdout


def replank_ended(*arguments: object, cwd: Path | None = None) -> Ended:
    """A replank command, however it ends."""
    done = subprocess.run(
        [sys.executable, "-m", "replank", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
