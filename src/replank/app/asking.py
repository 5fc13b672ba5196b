"""Questions on a terminal that neither block the event loop nor outlive it."""

from __future__ import annotations

import asyncio
import sys
from typing import Protocol

from replank.app.console import err
from replank.domain.errors import Refused


class Ask(Protocol):
    """Shows a question and gives the line typed, "" at the end of input."""

    async def __call__(self, question: str) -> str: ...


class Terminal:
    """Asks on stderr, reads standard input."""

    async def __call__(self, question: str) -> str:
        """Implements `Ask`."""
        err().print(question, end="", markup=False)
        return (await _line()).strip()


async def confirmed(ask: Ask | None, question: str, *, yes: bool) -> bool:
    """Whether to begin. Raises `Refused` RP855 where there is nobody to ask."""
    return yes or await _asked(ask, f"{question} Only `yes` begins: ") == "yes"


async def named(ask: Ask | None, cluster: str, *, yes: bool) -> bool:
    """Whether the cluster's name was typed. Raises `Refused` RP855 where there is nobody to ask."""
    return yes or await _asked(ask, f"Type the cluster's name ({cluster}): ") == cluster


async def _asked(ask: Ask | None, question: str) -> str:
    if ask is None:
        raise Refused(
            "RP855",
            "Nobody can be asked",
            "this is no terminal, and --yes was not given",
            "Read what is above, and give --yes.",
        )
    return await ask(question)


def terminal() -> Ask | None:
    """Somebody to ask, None where nobody sits there."""
    return Terminal() if sys.stdin.isatty() and sys.stderr.isatty() else None


async def _line() -> str:
    """A thread blocked in `input` would keep the process from ending after Ctrl-C; a watched file doesn't."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    number = sys.stdin.fileno()
    loop.add_reader(number, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(number)
    return sys.stdin.readline()
