"""What the operator says, one line an event on stderr: JSON for machines, or text for people.

A traceback here is frames and names of types. The texts of exceptions are left out, also of kopf's, since a
library may put a request's body or a password into them.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

from replank.domain.errors import ReplankError
from replank.engine.private_log import frames_of

LOG: Final = logging.getLogger("replank.operator")
_FIELDS: Final = "replank"
Format = Literal["json", "text"]


def note(event: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Something happened. `event`: a few stable words; `fields`: what is different each time."""
    LOG.log(level, event, extra={_FIELDS: fields})


def note_error(event: str, error: ReplankError, level: int = logging.WARNING, /, **fields: object) -> None:
    """Something did not work."""
    note(event, level, code=error.code, error=error.reason, todo=error.todo, **fields)


def note_bug(event: str, error: BaseException, /, **fields: object) -> None:
    """Something that nobody expected, with where it happened."""
    note(event, logging.ERROR, bug=type(error).__name__, traceback=frames_of(error), **fields)


def log_to(stream: TextIO | None = None, *, style: Format = "json") -> None:
    """From now on everything that this process and its libraries log goes there (None: stderr)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # It says so of every request.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        return json.dumps(line, ensure_ascii=False, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={_short(value)}" for key, value in _fields(record).items())
        return f"{_time(record)} {record.levelname:<7} {record.getMessage()}{fields}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = dict(getattr(record, _FIELDS, {}))
    if record.exc_info and record.exc_info[1] is not None:
        fields |= {"bug": type(record.exc_info[1]).__name__, "traceback": frames_of(record.exc_info[1])}
    return fields


def _short(value: object) -> str:
    if isinstance(value, list):
        return "".join(f"\n    {line}" for line in value)
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
