"""`replank probe`."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err, out, print_json
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import fleet_option, json_option, reports_option
from replank.inventory.fleet.model import ClusterConfig

if TYPE_CHECKING:
    from replank.probe.judge import ProbeResult

_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_S: Final = 7 * 24 * 3600.0


def _seconds(_ctx: click.Context, param: click.Parameter, value: str | None) -> float:
    """`90`, `90s`, `5m`, `2h` in seconds, up to a week; 0 where nothing is given."""
    if value is None:
        return 0.0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", value)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise click.BadParameter(f"{value!r} is no time such as 90s, 5m or 2h, up to a week", param=param)
    return seconds


@click.command("probe")
@click.argument("cluster")
@click.option(
    "--for", "length", callback=_seconds, metavar="TIME", default="5m", show_default=True, help="How long."
)
@click.option(
    "--baseline",
    callback=_seconds,
    metavar="TIME",
    help="Measure this long before, to compare with. Without it nothing excuses a failed sample.",
)
@fleet_option
@reports_option
@json_option
def command(cluster: str, length: float, baseline: float, fleet: Path, reports: Path, as_json: bool) -> int:
    """Probe CLUSTER at 10 Hz for a time: its API endpoint, and what `probes` in fleet.yaml names.

    Nothing of the cluster is changed. Every sample goes to a record beside the reports. Ctrl-C ends it early;
    the result is then of the time until there.

    Exit status: 0 passed, 2 inconclusive (too little could be seen), 1 failed, or an error.
    """
    from replank.probe.record import result_dict
    from replank.report.terminal.probe_view import probe_view

    (config,) = clusters_named(read_fleet(fleet), (cluster,))
    record = reports / f"{cluster}-{int(time.time())}.probe.jsonl"
    record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    result = asyncio.run(_probed(config, record, length, baseline))
    err().print(f"record: {record}", highlight=False)
    if as_json:
        print_json(result_dict(result))
    else:
        out().print(probe_view(result))
    return {"passed": EXIT_OK, "inconclusive": EXIT_ATTENTION, "failed": EXIT_ERROR}[result.outcome]


async def _probed(config: ClusterConfig, record: Path, length: float, baseline: float) -> ProbeResult:
    """Probes that end by themselves raise RP984; their record says what they saw until then."""
    from replank.app.interrupts import Interrupts
    from replank.app.wiring import wiring

    enough = asyncio.Event()

    async def stop() -> None:
        enough.set()

    def tell(_: str) -> None:
        err().print("Ending the probes. Once more leaves at once.", highlight=False)

    async with wiring().probes(config, record, baseline) as probes:
        with Interrupts(stop, tell=tell):
            if baseline:
                err().print(f"{config.name}: measuring the baseline for {baseline:g} s", highlight=False)
                await _first(probes.baseline_over(), enough.wait())
            if not enough.is_set():
                err().print(f"{config.name}: probing for {length:g} s", highlight=False)
                await _first(asyncio.sleep(length), enough.wait(), probes.ended())
    return probes.result()


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Until one of them is over. Raises what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        over, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in over:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
