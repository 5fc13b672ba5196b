"""replank as a shell sees it."""

from __future__ import annotations

import subprocess
import sys


def replank(*arguments: object, accept: tuple[int, ...] = (0,)) -> str:
    """stdout of a replank command that ends with an accepted status."""
    done = subprocess.run(
        [sys.executable, "-m", "replank", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in accept, done.stderr + done.stdout
    return done.stdout
