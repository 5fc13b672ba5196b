"""Where tracebacks of bugs go: never into a journal, a report or onto a terminal.

A traceback here is frames and type names. The texts of exceptions are left out, since a library may put a
request's body or a password into them.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path

_LOG = logging.getLogger("replank.private")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False
_LOG.setLevel(logging.ERROR)


def keep_private_log(path: Path) -> None:
    """From now on appended to `path`, mode 0600. A second call with the same path changes nothing."""
    if any(getattr(handler, "baseFilename", "") == str(path.absolute()) for handler in _LOG.handlers):
        return
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _LOG.addHandler(handler)


def frames_of(error: BaseException) -> list[str]:
    """Where it happened, and what caused it, without any exception's text."""
    lines: list[str] = []
    link: BaseException | None = error
    while link is not None and len(lines) < 200:
        lines.append(type(link).__name__)
        lines.extend(line.rstrip() for line in traceback.format_tb(link.__traceback__))
        link = link.__cause__ or link.__context__
    return lines


def note_bug(doing: str, error: BaseException) -> None:
    """Writes down where it happened."""
    # A library that configures logging for itself may have disabled all loggers that there were.
    _LOG.disabled = False
    try:
        _LOG.error("\n".join([doing, *frames_of(error)]))
    except OSError as full:
        # The journal has the bug by its type; a log that cannot be written must not end the run in its stead.
        sys.stderr.write(f"replank: the private log cannot be written: {full.strerror}\n")
