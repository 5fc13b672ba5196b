"""replank's survey, audit and plan on clusters of the ground: replank says what the ground knows it made."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.ground, pytest.mark.timeout(1800)]


def replank(*arguments: object, accept: tuple[int, ...] = (0,)) -> str:
    """stdout of a replank command as a shell sees it."""
    done = subprocess.run(
        [sys.executable, "-m", "replank", *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode in accept, done.stderr + done.stdout
    return done.stdout
