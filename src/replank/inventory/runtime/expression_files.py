"""Rules of Prometheus and Grafana's dashboards, as far as they depend on Docker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from replank.inventory.runtime.expression_facts import DockerExpression
from replank.inventory.runtime.vanishing import may_depend, pieces_of

_DEEPEST: Final = 8
"""Rows in rows: Grafana has two levels."""


def rules_in(groups: Any, *, namespace: str, source: str, key: str = "") -> Iterator[DockerExpression]:
    """Of `groups:`, as of a rule file and of a PrometheusRule's spec; whatever has another shape is left
    out."""
    for group in _items(groups):
        for rule in _items(_get(group, "rules")):
            what: Literal["alert", "recording"] = "alert" if _get(rule, "alert") else "recording"
            pieces = pieces_of(_text(_get(rule, "expr")))
            if pieces:
                name = _text(_get(rule, "alert")) or _text(_get(rule, "record")) or "(no name)"
                yield DockerExpression(
                    namespace=namespace, source=source, key=key, what=what, name=name, pieces=pieces
                )


def expressions_in(text: str, *, namespace: str, source: str, key: str) -> tuple[DockerExpression, ...]:
    """Of one value of a ConfigMap: a dashboard as JSON, a rule file as YAML. A value that is neither has
    none: Grafana and Prometheus do not load it either."""
    if not may_depend(text):
        return ()
    place = {"namespace": namespace, "source": source, "key": key}
    if text.lstrip().startswith("{"):
        return tuple(_panels(_json(text), place))
    if "groups:" in text and "expr:" in text:
        return tuple(rules_in(_get(_yaml(text), "groups"), **place))
    return ()


def _panels(document: Any, place: dict[str, str]) -> Iterator[DockerExpression]:
    """Of a dashboard, or of one under `dashboard`, as Grafana's API exports it."""
    inner = _get(document, "dashboard")
    for panel in _each_panel(inner if isinstance(inner, dict) else document, _DEEPEST):
        found = [
            piece
            for target in _items(_get(panel, "targets"))
            for piece in pieces_of(_text(_get(target, "expr")))
        ]
        if found:
            yield DockerExpression(
                **place,
                what="panel",
                name=_text(_get(panel, "title")) or "(no title)",
                pieces=tuple(dict.fromkeys(found)),
            )


def _each_panel(holder: Any, deeper: int) -> Iterator[Any]:
    """`panels`, those in rows (`panels[].panels`), and Grafana's older `rows[].panels`."""
    for panel in (*_items(_get(holder, "panels")), *_items(_get(holder, "rows"))):
        yield panel
        if deeper:
            yield from _each_panel(panel, deeper - 1)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _yaml(text: str) -> Any:
    try:
        return YAML(typ="safe").load(text)
    except (YAMLError, ValueError, RecursionError):
        return None


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
