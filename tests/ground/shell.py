"""replank as a shell sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def replank(*arguments: object, accept: tuple[int, ...] = (0,), cwd: Path | None = None) -> str:
    """stdout of a replank command that ends with an accepted status."""
    done = subprocess.run(
        [sys.executable, "-m", "replank", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
    )
    assert done.returncode in accept, done.stderr + done.stdout
    return done.stdout
