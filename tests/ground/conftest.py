"""What every test of the ground needs: the ground, up."""

from __future__ import annotations

import pytest

from proving_ground.progress import Progress
from proving_ground.settings import Folders, folders


@pytest.fixture(scope="session")
def ground() -> Folders:
    """The folders of the ground. Fails, not skips, where it is not up: a skip would look like a proof."""
    found = folders()
    if not (found.state / "up").exists():
        pytest.fail("the proving ground is not up: run `make ground-up`, or all of it with `make prove`")
    return found


@pytest.fixture(scope="session")
def progress(ground: Folders) -> Progress:
    """Times of steps, on stderr and as estimates for the next run."""
    return Progress(ground.cache / "timings.json")
