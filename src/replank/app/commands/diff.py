"""`replank diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import out, print_json
from replank.app.options import json_option
from replank.app.store import SUFFIX, read_file

if TYPE_CHECKING:
    from replank.inventory.snapshot_diff import SnapshotChange
    from replank.plan.compare import Change

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("diff")
@click.argument("a", type=_FILE)
@click.argument("b", type=_FILE)
@json_option
def command(a: Path, b: Path, as_json: bool) -> int:
    """Tell in words what differs between A and B: two snapshots, or two plans.

    Exit status: 0 nothing differs, 1 an error, 2 something does.
    """
    from dataclasses import asdict

    from replank.report.terminal.diff_view import diff_view

    changes: tuple[SnapshotChange | Change, ...] = (
        _snapshots(a, b) if a.name.endswith(SUFFIX) else _plans(a, b)
    )
    if as_json:
        print_json([asdict(change) for change in changes])
    else:
        out().print(diff_view(changes))
    return EXIT_ATTENTION if changes else EXIT_OK


def _snapshots(a: Path, b: Path) -> tuple[SnapshotChange, ...]:
    from replank.inventory.facts import codec
    from replank.inventory.snapshot_diff import diff

    first, second = (codec.load(read_file(p, what="The snapshot"), where=str(p)) for p in (a, b))
    return diff(first, second)


def _plans(a: Path, b: Path) -> tuple[Change, ...]:
    from replank.plan import codec
    from replank.plan.compare import compare

    first, second = (codec.load(read_file(p, what="The plan"), where=str(p)) for p in (a, b))
    return compare(first, second)
