"""What other runs of the cluster mean for applying a plan, or undoing a run, now."""

from __future__ import annotations

from collections.abc import Mapping

from replank.app.plan_files import PlanFile
from replank.app.runs import IN_WORK, Standing
from replank.domain.errors import Refused
from replank.journal.event import Event
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.journal import Run


def run_to_carry_on(file: PlanFile, until: str, newest: Mapping[str, Standing]) -> Run | None:
    """The run that goes on, None for a new one.
    `newest`: migration -> the cluster's newest run of it. `until`: "" = the end.

    A cluster that is taken over may get another runtime, and the other way round; but one at a time.

    Raises `Refused` RP850 (there already), RP851 (another plan, or an undo, is half done).
    """
    for migration, other in newest.items():
        if migration != file.plan.migration and _half_done(other):
            raise _other_plan(file, other)
    earlier = newest.get(file.plan.migration)
    if earlier is None or earlier.state.status == "aborted" or wholly_undone(earlier):
        return None
    if earlier.run.plan_sha256 != file.sha256:
        if _has_no_way_back(earlier):
            return None
        raise _other_plan(file, earlier)
    if earlier.state.status in IN_WORK:
        if earlier.state.direction == "undo":
            raise _half_undone(file, earlier)
        return earlier.run
    if earlier.state.status == "done" and not _further(file, until, earlier):
        raise _there_already(file, earlier)
    return earlier.run


def refuse_out_of_order(found: Standing, newest: Mapping[str, Standing]) -> None:
    """A run is undone before those that it was built on. `newest`: as for `run_to_carry_on`.

    Raises `Refused` RP886 where a later run of another migration still stands. One without a way back does
    not hinder: there is nothing of it to undo.
    """
    for later in newest.values():
        if later.run.started_at <= found.run.started_at or later.run.id == found.run.id:
            continue
        stands = any(step.started for step in later.state.steps.values())
        if stands and not _has_no_way_back(later):
            raise Refused(
                "RP886",
                f"Run {found.run.id} of cluster {found.run.cluster} is not undone yet",
                f"run {later.run.id}, which began after it, is {later.state.status} and has changed what "
                "this one would put back",
                f"Undo that one first: replank undo {later.run.id}",
            )


def wholly_undone(standing: Standing) -> bool:
    """Undone to the start; an undo that stopped at a stage left something, and its run goes on."""
    return standing.state.status == "undone" and not _reached(standing)


def _half_done(standing: Standing) -> bool:
    """It is in work, or its undo stopped at a stage."""
    undone_in_part = standing.state.status == "undone" and not wholly_undone(standing)
    return standing.state.status in IN_WORK or undone_in_part


def _has_no_way_back(standing: Standing) -> bool:
    """A runtime swap that was committed: what was before it is gone, and the next swap begins from there."""
    if standing.state.status != "done" or not isinstance(plan := standing.plan, RuntimeSwapPlan):
        return False
    return _reached(standing) == plan.stages[-1].name


def _reached(standing: Standing) -> str:
    """Where the run last came to an end: a stage, "" = the very end (or start, for an undo)."""
    done: list[Event] = [event for event in standing.events if event.kind == "run-done"]
    return str(done[-1].data.get("until") or "") if done else ""


def _further(file: PlanFile, until: str, earlier: Standing) -> bool:
    stages = [stage.name for stage in file.plan.stages]

    usual = sum(1 for stage in file.plan.stages if not stage.on_request) - 1

    def place(name: str) -> int:
        return stages.index(name) if name in stages else usual

    return place(until) > place(_reached(earlier))


def _there_already(file: PlanFile, earlier: Standing) -> Refused:
    stage = _reached(earlier)
    return Refused(
        "RP850",
        f"Cluster {file.cluster} is there already",
        f"run {earlier.run.id} carried this plan out{f' up to stage {stage}' if stage else ''}",
        f"There is nothing to do. `replank report {earlier.run.id}` shows it, "
        f"`replank undo {earlier.run.id}` gives it back.",
        where=str(file.path),
    )


def _other_plan(file: PlanFile, earlier: Standing) -> Refused:
    done = earlier.state.status == "done"
    return Refused(
        "RP850" if done else "RP851",
        f"Cluster {file.cluster} is {'there already' if done else 'in work'} by another plan",
        f"run {earlier.run.id} is {earlier.state.status}, its plan has SHA-256 "
        f"{earlier.run.plan_sha256[:12]}, this one {file.sha256[:12]}",
        f"Undo it first: replank undo {earlier.run.id}{_or_end_it(file, earlier)}",
        where=str(file.path),
    )


def _or_end_it(file: PlanFile, earlier: Standing) -> str:
    if earlier.state.status != "done":
        return f"; or let it go on: replank resume {earlier.run.id}"
    if file.plan.migration == "runtime-swap":
        return "; or commit it: replank apply its plan with --until commit"
    return ""


def _half_undone(file: PlanFile, earlier: Standing) -> Refused:
    return Refused(
        "RP851",
        f"Cluster {file.cluster} is being given back",
        f"the undo of run {earlier.run.id} is {earlier.state.status}",
        f"Let it end: replank resume {earlier.run.id}",
        where=str(file.path),
    )
