"""What a test says past pytest, for whoever waits."""

from __future__ import annotations

import pytest


class Told:
    """Prints at once. Lines that begin with `proof: ` are kept in docs/proof.md."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, line: str) -> None:
        with self._capture.disabled():
            print(line, flush=True)
