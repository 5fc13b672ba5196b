"""Server-side apply of the status subresource, as the conditions of Cluster API's kinds meet it.

`status.conditions` is a list that is a map by `type` (cluster-api v1.14.0, `+listMapKey=type`): whoever
applies one condition owns that one and leaves the others alone. Other lists are atomic here. Everything
outside of `status` is ignored (apiextensions-apiserver, pkg/registry/customresource/status_strategy.go).

Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from replank.testbed.simulation.documents import Document, copied, plain
from replank.testbed.simulation.field_managers import FieldManager, Path, leaves, merged_fields

SUBRESOURCE: Final = "status"
# metav1.Condition: all of them are required; `observedGeneration` is not.
_CONDITION: Final = {
    "type": re.compile(r"[A-Za-z0-9./_-]{1,316}"),
    "status": re.compile(r"True|False|Unknown"),
    "reason": re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,1022}[A-Za-z0-9_])?"),
    "message": re.compile(r".{0,32768}", re.DOTALL),
    "lastTransitionTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
}


class Misshapen(Exception):
    """The schema says no; the text is the server's. `strict`: because of a field that it does not know."""

    def __init__(self, message: str, *, strict: bool = False) -> None:
        super().__init__(message)
        self.strict = strict


def status_applied(
    live: Document, wanted: Mapping[str, Any], managers: Iterable[FieldManager], name: str, *, force: bool
) -> tuple[Document, tuple[FieldManager, ...]]:
    """The object after manager `name` applied the status of `wanted`, and who owns what then.

    Raises `Misshapen`, and `FieldConflict` where another manager owns a field of the status.
    """
    status = wanted.get("status") or {}
    for index, condition in enumerate(status.get("conditions") or []):
        _check(condition, f"status.conditions[{index}]")
    has, fields = _keyed(live.get("status") or {}), _keyed(status)
    merged, owners = merged_fields(
        {"status": has}, _leaves(fields), _leaves(has), managers, name, force=force, subresource=SUBRESOURCE
    )
    result: Document = copied(live)
    result["status"] = _listed(merged["status"])
    return result, owners


def _check(condition: Mapping[str, Any], where: str) -> None:
    for field, pattern in _CONDITION.items():
        value = condition.get(field)
        if value is None:
            raise Misshapen(f"{where}.{field}: Required value")
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Misshapen(f"{where}.{field}: Invalid value: {json.dumps(value)}")
    if unknown := sorted(set(condition) - set(_CONDITION) - {"observedGeneration"}):
        message = f'strict decoding error: unknown field "{where}.{unknown[0]}"'
        raise Misshapen(message, strict=True)


def _leaves(keyed: Document) -> dict[Path, Any]:
    return {path: value for path, value in leaves(keyed, (SUBRESOURCE,)).items() if value != {}}


def _keyed(status: Mapping[str, Any]) -> Document:
    """The conditions as the map that they are."""
    result: Document = plain(status)
    conditions = result.pop("conditions", None) or []
    by_type = {f"k:{json.dumps({'type': c['type']}, separators=(',', ':'))}": c for c in conditions}
    return {**result, "conditions": by_type}


def _listed(keyed: Document) -> Document:
    """As `_keyed` found it; a condition of which nothing is left is gone."""
    result: Document = plain(keyed)
    conditions = [condition for condition in result.pop("conditions").values() if condition]
    return {**result, **({"conditions": conditions} if conditions else {})}
