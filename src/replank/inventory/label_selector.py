"""Kubernetes' label selectors (apimachinery v1, LabelSelectorAsSelector)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OPERATORS: Final = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether `selector` (matchLabels, matchExpressions) takes an object with these labels. An empty one
    takes all. Raises KeyError for an operator that is none of `OPERATORS`."""
    exact = selector.get("matchLabels") or {}
    terms = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _meets(term, labels) for term in terms
    )


def _meets(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    there, values = term["key"] in labels, term.get("values") or []
    among = there and labels[term["key"]] in values
    return {"In": among, "NotIn": not among, "Exists": there, "DoesNotExist": not there}[term["operator"]]
