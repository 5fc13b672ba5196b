"""`replank verify`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import out, print_json
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import fleet_option, json_option
from replank.app.progress import SurveyProgress
from replank.app.wiring import wiring


@click.command("verify")
@click.argument("cluster")
@fleet_option
@json_option
def command(cluster: str, fleet: Path, as_json: bool) -> int:
    """Say whether CLUSTER is fully Cluster API's, and what a rollout would replace its machines by.

    Looks at the management cluster, the workload cluster, OpenStack and the states of fleet.yaml, read only,
    without a plan: at any time after a takeover, and for clusters that Cluster API made.

    Each answer has a code (`replank explain CODE`). Exit status: 0 all pass (notes are no faults), 2
    something fails or could not be seen, 1 an error.
    """
    from replank.app.verifying import verified
    from replank.report.json_view import verification_dict
    from replank.report.terminal.verify_view import verify_view

    (config,) = clusters_named(read_fleet(fleet), (cluster,))
    with SurveyProgress(1) as progress:
        found = asyncio.run(verified(config, wiring().readers(), progress))
    if as_json:
        print_json(verification_dict(found))
    else:
        out().print(verify_view(found))
    return EXIT_OK if found.passed else EXIT_ATTENTION
