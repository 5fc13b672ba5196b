"""The words of a runtime's figures before and after its swap, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from replank.report.run.before_after import Figure, NodeFigures

HEADS: Final = {
    "pod start": "Pod start, ms",
    "memory": "Memory, MiB",
    "CPU": "CPU, millicores",
    "log lines": "Log lines/s",
}
"""Figures in the order of the table, and what stands above them."""

_ASKED_FOR: Final = ("log lines",)
"""Measured only where somebody names an image for it."""

HOW: Final = (
    "Pod start: the median of the pods that replank started one after another, from the request to make one "
    "until its kubelet told that the container was started. Memory: of the runtime's daemons and shims, what "
    "they share counted once. CPU: theirs, over ten seconds in which replank started no pod. The kubelet is "
    "in neither. Both depend on how many pods are there, and a daemon that was just restarted has less "
    "memory than one that has run for weeks."
)
HOW_LOG: Final = (
    "Log lines: of a pod that writes lines of a hundred bytes as fast as it can, by the times that the "
    "runtime puts beside them."
)

_DECIMALS: Final = {"MiB": 1}


def heads_of(nodes: Sequence[NodeFigures]) -> dict[str, str]:
    """Those of `HEADS` that the table has: what nobody asked for has no column."""
    return {
        what: head
        for what, head in HEADS.items()
        if what not in _ASKED_FOR or any(figure_of(node, what) is not None for node in nodes)
    }


def how_of(nodes: Sequence[NodeFigures]) -> str:
    """How the figures of the table were measured."""
    return f"{HOW} {HOW_LOG}" if any(what in _ASKED_FOR for what in heads_of(nodes)) else HOW


def figure_of(node: NodeFigures, what: str) -> Figure | None:
    """None where it was not measured on both sides."""
    return next((figure for figure in node.figures if figure.what == what), None)


def value_words(figure: Figure, value: float) -> str:
    """`812` or `210,400`, without its unit."""
    return f"{value:,.{_DECIMALS.get(figure.unit, 0)}f}"


def change_words(figure: Figure) -> str:
    """`-21 %`, or the difference where there was nothing before."""
    percent = figure.change_percent
    if percent is None:
        return f"{figure.change:+.{_DECIMALS.get(figure.unit, 0)}f}"
    return f"{round(percent):+d} %" if round(percent) else "0 %"
