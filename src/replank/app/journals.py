"""Which journal a command uses: `--journal`, $REPLANK_JOURNAL, or a file beside fleet.yaml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from replank.domain.errors import Refused

F = TypeVar("F", bound=Callable[..., Any])

FOLDER = ".replank"
FILE = "journal.db"
SQLITE = "sqlite:///"


def journal_option(function: F) -> F:
    """`--journal`."""
    return click.option(
        "--journal",
        "journal",
        envvar="REPLANK_JOURNAL",
        metavar="URL",
        help="Where runs are kept: sqlite:///FILE or postgresql://...  Default: $REPLANK_JOURNAL, else "
        f"{FOLDER}/{FILE} beside the fleet file.",
    )(function)


def journal_url(given: str | None, fleet: Path, *, make: bool = False) -> str:
    """The journal's URL.

    `make`: a file that is not there yet will be made; else it is refused (RP845), as reading starts nothing.
    Whether a database can be used at all is the engine's to say (RP811).
    """
    if given and not given.startswith(SQLITE):
        return given
    path = Path(given.removeprefix(SQLITE)) if given else fleet.absolute().parent / FOLDER / FILE
    path = path.absolute()
    if not make and not path.is_file():
        raise Refused(
            "RP845",
            "There is no journal yet",
            "no run was started from here",
            "Start one with `replank apply PLAN`, or name the journal with --journal or the fleet file with "
            "--fleet.",
            where=str(path),
        )
    return f"{SQLITE}{path}"
