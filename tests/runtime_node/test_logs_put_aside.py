"""What an undo puts aside of containerd's logs is all of them, on whatever file system they lie."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest
from node_runs import Runs

from replank.migrations.runtime_swap.node import swap_node


def _on_another_file_system(source: str, target: str) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


@pytest.mark.parametrize("links", [True, False])
def test_lines_that_are_written_while_pods_are_stopped_are_put_aside_too(
    runs: Callable[[str], Runs], monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(swap_node.os, "link", _on_another_file_system)
    node = runs("switch")
    node.do("stage")
    node.do("run")
    (log, *_) = sorted(node.world.path("var/log/pods").rglob("1.log"))

    def hook(point: str) -> None:
        if point.startswith("before crictl") and " stopp " in point:
            with log.open("a") as lines:
                lines.write(f"{point}\n")
            node.world.hook = lambda _: None

    node.world.hook = hook
    assert node.do("undo")["outcome"] == "undone"
    kept = [p.read_text() for p in (node.base / "kept").rglob("1.log*") if p.is_file()]
    assert any(" stopp " in text for text in kept)
