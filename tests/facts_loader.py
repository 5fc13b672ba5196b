"""Fact files: small changes to the healthy cluster, and what the audit must say of them.

`tests/facts/<code>/triggers.yaml` and `quiet.yaml`:

    says: one line, what is told here
    settings: {load_balancer: managed}          # AuditSettings beside the defaults below
    changes:
    - {op: replace, path: "/kubernetes/nodes[name=plain-worker-1]/ready", value: false}
    - {op: add, path: "/kubernetes/workloads/-", value: {...}}
    - {op: remove, path: "/hosts[server=plain-cp-2]"}
    expect:
    - {code: RP301, subject: Node plain-worker-1}  # also `unknown: true`, `severity: note`

A path is like JSON Pointer's, but list items are chosen by their fields: `[field=value,other=value]` (as
text), or all of them by `[*]`. A `/` in a key is written `~1`. A path that meets nothing is an error, so
that no case passes because a name in healthy.yaml has changed.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from replank.audit.finding import AuditSettings
from replank.inventory.facts import codec
from replank.inventory.facts.snapshot import Snapshot
from yaml_files import read_yaml_file

FACTS = Path(__file__).parent / "facts"
NOW = datetime(2026, 11, 24, tzinfo=UTC)

Document = dict[str, Any]
_SEGMENT = re.compile(r"/((?:[^/\[\]]|\[[^\]]*\])+)")
_SELECTED = re.compile(r"([^\[\]]+)\[([^\]]*)\]")


@dataclass(frozen=True)
class Expected:
    """A finding that must be there. `unknown`, `severity` None: whatever."""

    code: str
    subject: str
    unknown: bool = False
    severity: str | None = None


@dataclass(frozen=True)
class Case:
    """One fact file."""

    path: Path
    says: str
    settings: AuditSettings
    changes: tuple[Document, ...]
    expect: tuple[Expected, ...]

    @property
    def code(self) -> str:
        """The code that the file is about."""
        return self.path.parent.name

    def snapshot(self) -> Snapshot:
        """The healthy cluster with the changes; for a runtime swap it runs on Docker (`runtimes.yaml`)."""
        document = healthy_on_docker() if self.code.startswith("RP4") else healthy()
        for change in self.changes:
            apply(document, change)
        return snapshot_of(document)


@cache
def _healthy() -> str:
    return json.dumps(read_yaml_file(FACTS / "healthy.yaml"))


def healthy() -> Document:
    """A fresh copy of the healthy cluster's document."""
    document: Document = json.loads(_healthy())
    return document


@cache
def _runtimes() -> str:
    return json.dumps(read_yaml_file(FACTS / "runtimes.yaml"))


def healthy_on_docker() -> Document:
    """The healthy cluster with its runtimes: Docker with cri-dockerd on every Node, nothing in the way."""
    section = json.loads(_runtimes())
    common = section.pop("node")
    section["nodes"] = [{**copy.deepcopy(common), "node": name} for name in section["nodes"]]
    return healthy() | {"runtimes": section}


def snapshot_of(document: Document) -> Snapshot:
    """The document as every snapshot is read: through the codec."""
    return codec.load(json.dumps(document).encode(), where="tests/facts")


def case_files() -> list[Path]:
    """The fact files of the takeover's audit, sorted."""
    return sorted(FACTS.glob("RP[1-35-9]*/*.yaml"))


def runtime_case_files() -> list[Path]:
    """The fact files of the audit of a runtime swap, sorted."""
    return sorted(FACTS.glob("RP4*/*.yaml"))


@cache
def case(path: Path) -> Case:
    """Reads one fact file. Raises on keys that it does not know."""
    data = read_yaml_file(path)
    unknown = set(data) - {"says", "settings", "changes", "expect"}
    if unknown or not data.get("says"):
        raise ValueError(f"{path}: unknown keys {sorted(unknown)} or nothing said")
    given = {**{"now": NOW.isoformat()}, **data.get("settings", {})}
    given["now"] = datetime.fromisoformat(given["now"])
    return Case(
        path=path,
        says=data["says"],
        settings=AuditSettings(**given),
        changes=tuple(data.get("changes", ())),
        expect=tuple(Expected(**entry) for entry in data.get("expect", ())),
    )


def apply(document: Document, change: Document) -> None:
    """Makes one change in place. LookupError: the path meets nothing. ValueError: a bad form."""
    if set(change) - {"op", "path", "value"}:
        raise ValueError(f"unknown keys in {change}")
    path: str = change["path"]
    segments = _SEGMENT.findall(path)
    if "/" + "/".join(segments) != path:
        raise ValueError(f"not a path: {path}")
    parents: list[Any] = [document]
    for segment in segments[:-1]:
        parents = [child for parent in parents for child in _children(parent, segment, path)]
    for parent in parents:
        _change(parent, segments[-1], change)


def _split(segment: str) -> tuple[str, str | None]:
    selected = _SELECTED.fullmatch(segment)
    name, selector = (selected[1], selected[2]) if selected else (segment, None)
    return name.replace("~1", "/"), selector


def _children(parent: Any, segment: str, path: str) -> list[Any]:
    name, selector = _split(segment)
    if not isinstance(parent, dict) or name not in parent:
        raise LookupError(f"{path}: there is no {name}")
    if selector is None:
        return [parent[name]]
    return [parent[name][index] for index in _chosen(parent[name], selector, path)]


def _chosen(items: list[Any], selector: str, path: str) -> list[int]:
    if selector == "*":
        return list(range(len(items)))
    wanted = [condition.partition("=")[::2] for condition in selector.split(",")]
    found = [i for i, item in enumerate(items) if all(str(item[key]) == value for key, value in wanted)]
    if not found:
        raise LookupError(f"{path}: nothing is [{selector}]")
    return found


def _change(parent: Any, segment: str, change: Document) -> None:
    op, path = change["op"], change["path"]
    value = copy.deepcopy(change.get("value"))
    if segment == "-" and op == "add":
        parent.append(value)
        return
    name, selector = _split(segment)
    if op == "add":
        if selector is not None or name in parent:
            raise LookupError(f"{path}: it is there already")
        parent[name] = value
        return
    if name not in parent:
        raise LookupError(f"{path}: there is no {name}")
    if selector is None:
        _set_or_remove(parent, name, op, value)
        return
    for index in reversed(_chosen(parent[name], selector, path)):
        _set_or_remove(parent[name], index, op, copy.deepcopy(value))


def _set_or_remove(parent: Any, key: Any, op: str, value: Any) -> None:
    if op == "replace":
        parent[key] = value
    elif op == "remove":
        del parent[key]
    else:
        raise ValueError(f"unknown op {op}")


def unknown(why: str) -> Document:
    """An unknown fact as a snapshot writes it."""
    return {"unknown": why, "code": "RP000"}


def cases_of(kind: str) -> Iterator[Case]:
    """All cases of one kind: `triggers` or `quiet`."""
    for path in case_files():
        if path.stem == kind:
            yield case(path)
