"""A runtime's figures before and after its swap, a row a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from replank.report.performance_words import change_words, figure_of, heads_of, how_of, value_words
from replank.report.run.before_after import NodeFigures
from replank.report.terminal.layout import bullets, say, section, table


def performance_view(nodes: Sequence[NodeFigures]) -> RenderableType:
    """Nothing where nothing was measured."""
    if not nodes:
        return Group()
    missing = list(_missing(nodes))
    return section(
        "Performance, before and after",
        _table(nodes),
        *([bullets(missing, mark="!")] if missing else []),
        say(how_of(nodes), "dim"),
    )


def _table(nodes: Sequence[NodeFigures]) -> Table:
    heads = heads_of(nodes)
    return table(("Node", *heads.values(), "Pods"), [_row(node, heads) for node in nodes])


def _row(node: NodeFigures, heads: Iterable[str]) -> tuple[str, ...]:
    return (node.node, *(_cell(node, what) for what in heads), _pods(node))


def _cell(node: NodeFigures, what: str) -> str:
    figure = figure_of(node, what)
    if figure is None:
        return "not on both sides"
    before, after = (value_words(figure, value) for value in (figure.before, figure.after))
    return f"{before} -> {after} ({change_words(figure)})"


def _pods(node: NodeFigures) -> str:
    return " -> ".join("?" if pods is None else str(pods) for pods in (node.pods_before, node.pods_after))


def _missing(nodes: Sequence[NodeFigures]) -> Iterator[str]:
    for node in nodes:
        for line in node.not_measured:
            yield f"{node.node}, {line}"
        for line in node.left:
            yield f"{node.node}: pods may be left, {line}"
