"""Which run an operator means, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from replank.domain.errors import Refused
from replank.journal.event import Event
from replank.journal.state import RunState, state_of
from replank.plan import codec
from replank.plan.codec import AnyPlan
from replank.ports.journal import Journal, Run

IN_WORK = ("running", "paused", "waiting-for-approval", "refused")
"""Not at an end: to be resumed, undone or given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A run with its events and what they add up to."""

    run: Run
    events: tuple[Event, ...]
    state: RunState

    @property
    def plan(self) -> AnyPlan:
        """The plan as the journal keeps it. Parsed anew each time (a second for a big one)."""
        return plan_of(self.run)

    @property
    def goal(self) -> str:
        """The stage that the run was last asked to go to, "" = the end."""
        started = [e for e in self.events if e.kind in ("run-started", "resumed") and "until" in e.data]
        return str(started[-1].data["until"] or "") if started else ""


def plan_of(run: Run) -> AnyPlan:
    """The plan as the journal keeps it. Raises `Refused` RP032 to RP036."""
    return codec.load(run.plan.encode(), where=f"the plan of run {run.id}")


def step_ids(run: Run) -> tuple[str, ...]:
    """Steps of the run's plan, without those of stages that are carried out only on request.

    Much faster than to read the plan whole, for lists of many runs.
    """
    document = yaml.load(run.plan, Loader=yaml.CSafeLoader)
    stages = [stage for stage in document["stages"] if not stage.get("on_request")]
    return tuple(step["id"] for stage in stages for step in stage["steps"])


def migration_of(run: Run) -> str:
    """What kind of plan the run carries out, by the same quick way."""
    return str(yaml.load(run.plan, Loader=yaml.CSafeLoader)["migration"])


async def standing(journal: Journal, run: Run) -> Standing:
    """Reads the run's events."""
    events = await journal.events(run.id)
    return Standing(run=run, events=events, state=state_of(events))


async def newest(journal: Journal, cluster: str) -> Standing | None:
    """The cluster's newest run, None if it has none."""
    of_cluster = [run for run in await journal.runs() if run.cluster == cluster]
    return await standing(journal, of_cluster[-1]) if of_cluster else None


async def newest_of_each(journal: Journal, cluster: str) -> dict[str, Standing]:
    """Migration -> the cluster's newest run of it."""
    runs = {migration_of(run): run for run in await journal.runs() if run.cluster == cluster}
    return {migration: await standing(journal, run) for migration, run in runs.items()}


def chosen_run(runs: Iterable[Run], named: str) -> Run:
    """By ID, by cluster (its newest), or by the beginning of an ID. Raises `Refused` RP809.

    `runs`: oldest first.
    """
    known = tuple(runs)
    by_id = [run for run in known if run.id == named]
    by_cluster = [run for run in known if run.cluster == named]
    if by_id or by_cluster:
        return (by_id or by_cluster)[-1]
    beginning = [run for run in known if named and run.id.startswith(named)]
    if len(beginning) == 1:
        return beginning[0]
    if beginning:
        why = f"{len(beginning)} runs begin so: {_listed(beginning)}"
    else:
        why = f"the journal has {_listed(known)}" if known else "the journal has no runs"
    raise Refused(
        "RP809",
        f"There is no one run {named!r}",
        why,
        "Name a run by its ID, the beginning of it, or its cluster; `replank status` lists them.",
    )


def _listed(runs: Iterable[Run], most: int = 8) -> str:
    names = [f"{run.id} ({run.cluster})" for run in runs]
    more = f" and {len(names) - most} older ones" if len(names) > most else ""
    return ", ".join(names[-most:]) + more


def stage_named(plan: AnyPlan, name: str) -> str:
    """The stage's name. Raises `Refused` RP806."""
    names = [stage.name for stage in plan.stages]
    if not name or name in names:
        return name
    raise Refused(
        "RP806",
        f"The plan of {plan.cluster} has no stage {name}",
        f"its stages are {', '.join(names)}",
        "Name one of them.",
    )


def utc(seconds: float) -> str:
    """ISO 8601, to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def require_in_work(found: Standing, doing: str) -> None:
    """Raises `Refused` RP856 where the run is at an end: there is nothing to `doing`."""
    if found.state.status in IN_WORK:
        return
    run = found.run
    raise Refused(
        "RP856",
        f"Run {run.id} of cluster {run.cluster} is {found.state.status}",
        f"there is nothing left to {doing}",
        f"`replank undo {run.id}` gives the cluster back; `replank apply PLAN` goes further or begins again.",
    )
