"""Whether a live object still has every field that the plan wrote.

A subset comparison: what others added is no difference. An empty list or mapping and an absent one are the
same to Kubernetes, but for labels and annotations, whose keys mean something by being there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from replank.inventory.facts.json_value import JSON

_NOT_COMPARED: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
_KEYED: Final = ("labels", "annotations")


def departures(
    planned: Mapping[str, Any], live: Mapping[str, Any], lifted: Collection[str] = ()
) -> list[str]:
    """Paths of the plan's fields that are not so, e.g. `spec.replicas`; never their values.

    `lifted`: paths that the takeover itself has changed since.
    """
    found: list[str] = []
    for part in _KEYED:
        path = f"metadata.{part}"
        wanted, there = planned["metadata"].get(part) or {}, live["metadata"].get(part) or {}
        found += [f"{path}[{name}]" for name in sorted(wanted) if there.get(name) != wanted[name]]
    for name in sorted(set(planned) - _NOT_COMPARED):
        found += _compare(planned[name], live.get(name), name)
    return [path for path in found if path not in lifted]


def additions(planned: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, JSON]:
    """What stands in the object besides the plan: path -> value, e.g. defaults that a webhook set."""
    found: dict[str, JSON] = {}
    for part in _KEYED:
        wanted, there = planned["metadata"].get(part) or {}, live["metadata"].get(part) or {}
        found |= {f"metadata.{part}[{name}]": there[name] for name in sorted(set(there) - set(wanted))}
    for name in sorted(set(planned) - _NOT_COMPARED):
        found |= dict(_added(planned[name], live.get(name), name))
    return found


def _compare(planned: Any, live: Any, path: str) -> Iterator[str]:
    if isinstance(planned, Mapping | list) and not planned and live is None:
        return
    if isinstance(planned, Mapping):
        if not isinstance(live, Mapping):
            yield path
            return
        for name in sorted(planned):
            yield from _compare(planned[name], live.get(name), f"{path}.{name}")
    elif isinstance(planned, list):
        if not isinstance(live, list) or len(live) != len(planned):
            yield path
            return
        for number, (wanted, there) in enumerate(zip(planned, live, strict=True)):
            yield from _compare(wanted, there, f"{path}[{number}]")
    elif planned != live or isinstance(planned, bool) != isinstance(live, bool):
        yield path


def _added(planned: Any, live: Any, path: str) -> Iterator[tuple[str, JSON]]:
    if isinstance(planned, Mapping) and isinstance(live, Mapping):
        for name in sorted(live):
            if name in planned:
                yield from _added(planned[name], live[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}", live[name]
    elif isinstance(planned, list) and isinstance(live, list):
        for number, (wanted, there) in enumerate(zip(planned, live, strict=False)):
            yield from _added(wanted, there, f"{path}[{number}]")
