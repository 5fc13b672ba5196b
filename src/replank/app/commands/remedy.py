"""`replank remedy`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from replank.app.asking import named
from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err, out, print_json, show_error
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import fleet_option, json_option
from replank.app.wiring import wiring
from replank.domain.errors import ReplankError
from replank.inventory.fleet.model import ClusterConfig

if TYPE_CHECKING:
    from replank.migrations.runtime_swap.log_agents.changes import ClusterRemedies
    from replank.report.remedies import ToldCluster

_PARALLEL: Final = 8


@click.command("remedy")
@click.argument("clusters", nargs=-1)
@fleet_option
@click.option("--apply", is_flag=True, help="Write the ConfigMaps that are shown, after asking.")
@click.option(
    "--undo",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="RECORD",
    help="Put back what an --apply wrote, by its record.",
)
@click.option("--managed", is_flag=True, help="Write ConfigMaps too that Helm, Argo CD, Flux or others keep.")
@click.option("--yes", is_flag=True, help="Do not ask for the cluster's name.")
@json_option
def command(
    clusters: tuple[str, ...],
    fleet: Path,
    apply: bool,
    undo: Path | None,
    managed: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Show what lets the log agents of CLUSTERS (default: all) read Docker's and CRI lines alike.

    Reads their workloads and ConfigMaps from the clusters as they are now: what each agent reads, the change
    of each ConfigMap as a diff in which everything that may be a secret is masked, and what has to be done by
    hand. Without --apply nothing is changed. No Secret is read or written, and no workload is restarted.

    --apply writes exactly what was shown, and a record (mode 0600, without secrets) beside the fleet file;
    `replank remedy CLUSTER --undo RECORD` puts the edited places back.

    Exit status: 0 every agent's configuration reads both formats (with --undo: all is as it was before), 2
    something is to be done or was not begun, 1 an error.
    """
    configs = clusters_named(read_fleet(fleet), clusters)
    if undo is not None:
        if apply or len(clusters) != 1:
            raise click.UsageError("--undo takes one CLUSTER, and no --apply")
        return asyncio.run(_undo(configs[0], undo, yes=yes, as_json=as_json))
    return asyncio.run(_remedies(configs, fleet, apply=apply, managed=managed, yes=yes, as_json=as_json))


async def _remedies(
    configs: Sequence[ClusterConfig], fleet: Path, *, apply: bool, managed: bool, yes: bool, as_json: bool
) -> int:
    from replank.app.remedies_told import told as as_told
    from replank.report.remedies import remedies_dict

    told: dict[str, ToldCluster] = {}
    statuses = []
    for config, found in zip(configs, await _looked(configs), strict=True):
        if isinstance(found, ReplankError):
            show_error(found, subject=config.name)
            statuses.append(EXIT_ERROR)
            continue
        told[config.name] = shown = as_told(config.name, found)
        _show(shown, as_json=as_json, asks=apply and not yes)
        try:
            status = _status(found)
            if apply:
                status, told[config.name] = await _applied(
                    config, found, shown, fleet, managed=managed, yes=yes, as_json=as_json
                )
        except ReplankError as error:
            show_error(error, subject=config.name)
            status = EXIT_ERROR
        statuses.append(status)
    if as_json:
        print_json({name: remedies_dict(cluster) for name, cluster in told.items()})
    return _worst(statuses)


async def _looked(configs: Sequence[ClusterConfig]) -> list[ClusterRemedies | ReplankError]:
    from replank.app.remedies import look

    few = asyncio.Semaphore(_PARALLEL)

    async def one(config: ClusterConfig) -> ClusterRemedies | ReplankError:
        async with few:
            err().print(f"{config.name}: looking at its log agents", highlight=False, markup=False)
            try:
                return await look(config)
            except ReplankError as error:
                return error

    return await asyncio.gather(*map(one, configs))


def _show(shown: ToldCluster, *, as_json: bool, asks: bool) -> None:
    """Who is asked sees what about, also where stdout is JSON."""
    from replank.report.terminal.remedy_view import remedy_view

    if not as_json:
        out().print(remedy_view(shown))
    elif asks:
        err().print(remedy_view(shown))


async def _applied(
    config: ClusterConfig,
    found: ClusterRemedies,
    shown: ToldCluster,
    fleet: Path,
    *,
    managed: bool,
    yes: bool,
    as_json: bool,
) -> tuple[int, ToldCluster]:
    """Asks and writes. Exit status, and what is to be told."""
    from replank.app.remedies import look, to_be_written, write
    from replank.report.terminal.remedy_view import written_view

    changes = to_be_written(found, managed=managed)
    if left := len(found.changes) - len(changes):
        _say(f"{config.name}: {left} of {len(found.changes)} ConfigMaps are not written; why stands above")
    if not changes:
        _say(f"{config.name}: there is nothing to write")
        return _status(found), shown
    _say(f"{config.name}: to be written: {', '.join(f'{c.live.namespace}/{c.live.name}' for c in changes)}")
    if not await named(wiring().ask(), config.name, yes=yes):
        _say(f"{config.name}: nothing was written")
        return EXIT_ATTENTION, shown
    written = await write(config, found, managed=managed, fleet=fleet, now=datetime.now(UTC))
    done = replace(shown, written=written.maps, record=str(written.record))
    if not as_json:
        out().print(written_view(done))
    if written.error is not None:
        _say(f"{config.name}: the record of what was begun: {written.record}")
        show_error(written.error, subject=config.name)
        return EXIT_ERROR, done
    return _status(await look(config)), done


async def _undo(config: ClusterConfig, record: Path, *, yes: bool, as_json: bool) -> int:
    from replank.app.remedies_undone import TO_BE_UNDONE, look_back, take_back
    from replank.app.remedy_records import read_record
    from replank.report.remedies import undo_dict
    from replank.report.terminal.remedy_view import undo_view

    recorded = read_record(record, config.name)
    places = await look_back(config, recorded)
    if not as_json or not yes:
        (err() if as_json else out()).print(undo_view(config.name, places))
    if any(place.outcome == TO_BE_UNDONE for place in places):
        if not await named(wiring().ask(), config.name, yes=yes):
            _say(f"{config.name}: nothing was written")
            return EXIT_ATTENTION
        places = await take_back(config, recorded)
        if not as_json:
            out().print(undo_view(config.name, [replace(place, diff="") for place in places]))
    if as_json:
        print_json(undo_dict(config.name, places))
    return EXIT_ERROR if any(place.code for place in places) else EXIT_OK


def _status(found: ClusterRemedies) -> int:
    return EXIT_OK if all(agent.is_done for agent in found.agents) else EXIT_ATTENTION


def _worst(statuses: Sequence[int]) -> int:
    return next((status for status in (EXIT_ERROR, EXIT_ATTENTION) if status in statuses), EXIT_OK)


def _say(text: str) -> None:
    err().print(text, highlight=False, markup=False)
