"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def fleet_option(function: F) -> F:
    """`--fleet`, the path of fleet.yaml."""
    return click.option(
        "-f",
        "--fleet",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("fleet.yaml"),
        show_default=True,
        help="The fleet file.",
    )(function)


def snapshots_option(function: F) -> F:
    """`--snapshots`, the folder of snapshots."""
    return click.option(
        "--snapshots",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("snapshots"),
        show_default=True,
        help="Folder of the snapshots.",
    )(function)


def reports_option(function: F) -> F:
    """`--reports`, the folder of run reports."""
    return click.option(
        "--reports",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("reports"),
        show_default=True,
        help="Folder of the run reports.",
    )(function)


def json_option(function: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def _moment(_ctx: click.Context, param: click.Parameter, value: str | None) -> datetime:
    """ISO 8601; without a zone it is UTC; none = now. The only clock that audit and plan get."""
    if value is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is no ISO 8601 date or time, such as 2027-01-31"
        raise click.BadParameter(message, param=param) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def at_option(function: F) -> F:
    """`--at`, the time by which certificates and the like are judged."""
    return click.option(
        "--at",
        callback=_moment,
        metavar="TIME",
        help="Judge expiry as of this time instead of now (ISO 8601).",
    )(function)
