"""Stage 8: the guards come off. `apply` runs it only when it is asked to (`--until hand-over`)."""

from __future__ import annotations

from collections.abc import Iterator

from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.stages.draft import Takeover, cloud_unchanged, nothing_deleting
from replank.plan.draft import Draft, check, stage
from replank.plan.model import Stage, Undo

HAND_OVER = "hand-over"
"""The stage's name, and the word by which a person agrees to it."""


def hand_over(given: Takeover) -> Stage:
    """The guards, and nothing else."""
    return stage(
        HAND_OVER,
        "Hand over",
        "Take the guards off the Machines, once somebody has decided that Cluster API may replace them.",
        "Cluster API drains, deletes and replaces machines as it is asked to.",
        list(_guards(given)),
        on_request=True,
    )


def _guards(given: Takeover) -> Iterator[Draft]:
    if not given.machines:
        return
    yield Draft(
        slug="guards",
        kind="cluster-api.remove-guards",
        says="Take the guard hooks off every Machine: from now on Cluster API may drain and delete one when "
        "asked to.",
        params={"objects": [key("Machine", m.machine) for m in given.machines]},
        before=(nothing_deleting(given), check("cluster-api.keep", "Nothing is marked for replacement")),
        after=(
            check(
                "cluster-api.unguarded",
                "No Machine carries a guard, and none is being deleted",
                machines=[m.machine for m in given.machines],
            ),
            cloud_unchanged(given),
        ),
        undo=Undo(
            kind="cluster-api.add-guards",
            says="Put the guards on again. A machine that was replaced in between does not come back.",
        ),
        approval=HAND_OVER,
    )
