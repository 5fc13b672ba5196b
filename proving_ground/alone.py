"""One `up` or `down` at a time: two of them pull each other's parts away."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from proving_ground.errors import GroundError
from proving_ground.settings import Folders


@contextmanager
def alone(folders: Folders) -> Iterator[None]:
    """Held while the context lasts; the kernel lets go with the process. Raises `GroundError` where another
    process holds it."""
    folders.root.mkdir(parents=True, exist_ok=True)
    with (folders.root / "busy").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GroundError(
                "ground",
                "another `up` or `down` is at work on it",
                "Wait for it, or end it, then run this again.",
            ) from None
        yield
