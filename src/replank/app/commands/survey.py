"""`replank survey`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err, out, print_json, show_error
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import fleet_option, json_option, snapshots_option
from replank.app.progress import SurveyProgress
from replank.app.store import SnapshotStore
from replank.app.wiring import live_readers, offline_readers
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.unseen import unseen_sources
from replank.survey.fleet import Surveyed, SurveyOptions, survey_fleet


@click.command("survey")
@click.argument("clusters", nargs=-1)
@fleet_option
@snapshots_option
@click.option("--offline", is_flag=True, help="Read the states alone; everything else stays unknown.")
@click.option("--workers", is_flag=True, help="Reach workers over SSH too, not only control planes.")
@click.option(
    "--runtime", is_flag=True, help="Look at the container runtime of every Node too, for a runtime swap."
)
@click.option(
    "--parallel", type=click.IntRange(1, 500), default=10, show_default=True, help="Clusters at once."
)
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="Seconds to wait for one answer.",
)
@json_option
def command(
    clusters: tuple[str, ...],
    fleet: Path,
    snapshots: Path,
    offline: bool,
    workers: bool,
    runtime: bool,
    parallel: int,
    timeout: float,
    as_json: bool,
) -> int:
    """Look at CLUSTERS (default: all of the fleet), read only, and write a snapshot of each.

    What cannot be seen is written down as unknown, with the reason; it stops neither the other sources nor
    the other clusters. Exit status: 0 all was seen, 2 something was not, 1 a cluster could not be
    seen at all.
    """
    configs = clusters_named(read_fleet(fleet), clusters)
    readers = offline_readers() if offline else live_readers(parallel=8, timeout_s=timeout)
    options = SurveyOptions(parallel=parallel, workers=workers, runtime=runtime)
    store = SnapshotStore(snapshots)

    async def run(progress: SurveyProgress) -> list[Surveyed]:
        results = []
        async for result in survey_fleet(configs, readers, options, progress):
            if result.snapshot is not None:
                store.write(result.snapshot, datetime.now(UTC))
            results.append(result)
        return results

    with SurveyProgress(len(configs)) as progress:
        results = sorted(asyncio.run(run(progress)), key=lambda r: r.cluster)
    return _report(results, store, as_json)


def _report(results: list[Surveyed], store: SnapshotStore, as_json: bool) -> int:
    from replank.report.terminal.survey_view import survey_dict, survey_view

    seen = [r.snapshot for r in results if r.snapshot is not None]
    if as_json:
        print_json([survey_dict(snapshot) for snapshot in seen])
    else:
        for snapshot in seen:
            out().print(survey_view(snapshot))
    failed = [r for r in results if r.error is not None]
    for result in failed:
        if result.error is not None:
            show_error(result.error)
    err().print(f"{len(seen)} of {len(results)} snapshots written to {store.folder}/", highlight=False)
    if failed:
        return EXIT_ERROR
    return EXIT_ATTENTION if any(_partly(snapshot) for snapshot in seen) else EXIT_OK


def _partly(snapshot: Snapshot) -> bool:
    return bool(unseen_sources(snapshot))
