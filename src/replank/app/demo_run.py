"""The demo runs replank's commands as a shell would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replank.app.cli import EXIT_OK, cli
from replank.app.console import err

if TYPE_CHECKING:
    from replank.app.wiring import Wiring


def replank(*arguments: str, wiring: Wiring | None = None) -> int:
    """One command, its line shown before; its exit status. `wiring`: None = the real world."""
    err().print(f"$ replank {' '.join(arguments)}", style="bold", highlight=False, soft_wrap=True)
    status = cli.main(args=list(arguments), prog_name="replank", standalone_mode=False, obj=wiring)
    err().print()
    return status if isinstance(status, int) else EXIT_OK


def say(text: str) -> None:
    """A line of the demo's own, between two commands."""
    err().print(text, highlight=False, markup=False, soft_wrap=True)
