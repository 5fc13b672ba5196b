"""The words of a runtime's figures before and after its swap, the same in the terminal and on the page."""

from __future__ import annotations

from typing import Final

from replank.report.run.before_after import Figure, NodeFigures

HEADS: Final = {"pod start": "Pod start, ms", "memory": "Memory, MiB", "CPU": "CPU, millicores"}
"""Figures in the order of the table, and what stands above them."""

HOW: Final = (
    "Pod start: the median of the pods that replank started one after another, from the request to make one "
    "until its kubelet told that the container was started. Memory: of the runtime's daemons and shims, what "
    "they share counted once. CPU: theirs, over ten seconds in which replank started no pod. The kubelet is "
    "in neither. Both depend on how many pods are there, and a daemon that was just restarted has less "
    "memory than one that has run for weeks."
)

_DECIMALS: Final = {"MiB": 1}


def figure_of(node: NodeFigures, what: str) -> Figure | None:
    """None where it was not measured on both sides."""
    return next((figure for figure in node.figures if figure.what == what), None)


def value_words(figure: Figure, value: float) -> str:
    """`812`, without its unit."""
    return f"{value:.{_DECIMALS.get(figure.unit, 0)}f}"


def change_words(figure: Figure) -> str:
    """`-21 %`, or the difference where there was nothing before."""
    percent = figure.change_percent
    if percent is None:
        return f"{figure.change:+.{_DECIMALS.get(figure.unit, 0)}f}"
    return f"{round(percent):+d} %" if round(percent) else "0 %"
