"""What JSON, CRI and regular expressions make of a line: parts that several agents have in common."""

from __future__ import annotations

import json
import re

from replank.inventory.log_agents.probes import Content

_CONTENT_NAMES = ("log", "message", "content", "msg", "body", "output")
_OTHER_NAMES = ("time", "timestamp", "ts", "stream", "logtag", "flags", "flag", "tag", "_p")


def json_content(line: str, key: str = "log") -> Content | None:
    """A JSON object's text at `key`; None for what is no object or has no such text."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    text = found.get(key) if isinstance(found, dict) else None
    return Content(text=text, field=key) if isinstance(text, str) else None


def json_time(line: str, key: str = "time") -> str:
    """The time in a JSON line, "" where there is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return ""
    time = found.get(key, "") if isinstance(found, dict) else ""
    return time if isinstance(time, str) else ""


def cri_content(line: str, field: str) -> Content | None:
    """A line cut at its first three spaces."""
    parts = line.split(" ", 3)
    if len(parts) != 4 or parts[1] not in ("stdout", "stderr") or line.startswith("{"):
        return None
    return Content(text=parts[3], field=field, tagged=True)


def regexp_content(pattern: re.Pattern[str], line: str, content_field: str = "") -> Content | None:
    """What a regular expression's groups hold. The content is `content_field`, or the group named as
    usual.
    """
    matched = pattern.search(line)
    if matched is None:
        return None
    groups = {name: value or "" for name, value in matched.groupdict().items()}
    field = content_field or _content_group(groups)
    if field not in groups:
        return None
    tagged = any(value.split(":")[0] in ("P", "F") for name, value in groups.items() if name != field)
    return Content(text=groups[field], field=field, tagged=tagged)


def _content_group(groups: dict[str, str]) -> str:
    for name in _CONTENT_NAMES:
        if name in groups:
            return name
    others = [name for name in groups if name.lower() not in _OTHER_NAMES]
    return others[-1] if others else ""
