"""Who wrote what to a plane, read from the API server's audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.management.plane import Plane


@dataclass(frozen=True, slots=True)
class Write:
    """One request that was to change something. `time`: RFC 3339, when the answer was sent; `verb`: create,
    update, patch, delete, deletecollection; `code`: the answer's HTTP status; `dry_run`: nothing was stored;
    `body`: what was sent, for those kinds whose bodies audit-policy.yaml keeps."""

    time: str
    user: str
    agent: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    dry_run: bool
    body: Mapping[str, Any]


def writes(plane: Plane, since: str = "") -> Iterator[Write]:
    """All writes after `since` (a `Write.time`), the oldest first. A write is in the log before its client
    has the answer: the log's default mode is blocking."""
    for file in _files(plane.audit_log):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    break  # just being written
                event = json.loads(line)
                if event["stageTimestamp"] > since:
                    yield _write(event)


def _files(log: Path) -> list[Path]:
    """The log and what was rotated away from it (lumberjack puts a sortable time into the name)."""
    return [*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), *([log] if log.exists() else [])]


def _write(event: Mapping[str, Any]) -> Write:
    target = event.get("objectRef", {})
    return Write(
        time=event["stageTimestamp"],
        user=event["user"]["username"],
        agent=event.get("userAgent", ""),
        verb=event["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        dry_run="dryRun=All" in event.get("requestURI", ""),
        body=event.get("requestObject") or {},
    )
