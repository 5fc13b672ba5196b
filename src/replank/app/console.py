"""stdout for data, stderr for everything else; colours only on a terminal."""

from __future__ import annotations

import json
import sys
from functools import cache

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from replank.domain.errors import ReplankError


@cache
def out() -> Console:
    """Data. Off a terminal 120 columns wide, so that files do not depend on a window."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=False)


@cache
def err() -> Console:
    """Progress and messages."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else 120, highlight=False)


def print_json(data: object) -> None:
    """One JSON document on stdout, indented, keys in the order given."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def show_error(error: ReplankError, *, subject: str = "") -> None:
    """What, where, why, what to do; never a traceback."""
    console = err()
    head = Text.assemble(
        (f"{error.code} ", "bold red"), (f"{subject}: " if subject else ""), (error.what, "bold")
    )
    console.print(head)
    lines = [line for line in (f"at {error.where}" if error.where else "", error.why, error.todo) if line]
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, 6)))
    console.print(Padding(Text(f"More: replank explain {error.code}", style="dim"), (0, 0, 0, 6)))
