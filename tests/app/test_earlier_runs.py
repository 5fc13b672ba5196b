"""Which run goes on, and which plan is refused, by what the journal has of a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from replank.app.earlier import refuse_out_of_order, run_to_carry_on
from replank.app.plan_files import PlanFile
from replank.app.runs import Standing
from replank.domain.errors import Refused
from replank.journal.event import Event, EventKind
from replank.journal.state import state_of
from replank.plan import codec
from replank.plan.draft import Draft, stage
from replank.plan.model import Irreversible, Undo
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.journal import Run

SWAP, COMMIT = "swap-worker-1", "commit"
Happening = tuple[EventKind, str]
DONE: tuple[Happening, ...] = (("run-done", ""),)
COMMITTED: tuple[Happening, ...] = (*DONE, ("resumed", COMMIT), ("run-done", COMMIT))
HALF: tuple[Happening, ...] = (("paused", ""),)


def a_plan(made_by: str = "replank 1", migration: str = "runtime-swap") -> PlanFile:
    swap = Draft(slug="swap", kind="runtime.swap", says="Swap", undo=Undo(kind="runtime.undo", says="Back."))
    commit = Draft(
        slug="commit", kind="runtime.commit", says="Commit", undo=Irreversible(irreversible="It is given up.")
    )
    plan = RuntimeSwapPlan(
        migration="runtime-swap",
        cluster="shop",
        made_by=made_by,
        snapshot_sha256="0" * 64,
        kubernetes_version="v1.35.4",
        ready=True,
        settings={},
        findings=(),
        points_of_no_return=(),
        stages=(
            stage(SWAP, "Swap worker-1", "The daemon is restarted.", "It serves.", [swap]),
            stage(COMMIT, "Give up", "Days later.", "It is gone.", [commit], on_request=True),
        ),
        to="containerd 2.3.5",
        bundle=(),
        nodes=(),
        ship_first=(),
    )
    text, sha256 = codec.dump(plan), codec.sha256(plan)
    return PlanFile(path=Path("plan.yaml"), text=text, plan=replace(plan, migration=migration), sha256=sha256)


def stood(file: PlanFile, *happenings: Happening) -> Standing:
    """A run of the plan in which this happened after its start."""
    run = Run(
        id=f"shop-{file.sha256[:4]}",
        cluster="shop",
        plan_sha256=file.sha256,
        plan=file.text,
        fleet="fleet.yaml",
        started_at=0.0,
        holder="ana",
        schema="replank.run/v1",
    )
    told: tuple[Happening, ...] = (("run-started", ""), *happenings)
    events = tuple(
        Event(at=float(at), kind=kind, direction="apply", step="", data={"until": until})
        for at, (kind, until) in enumerate(told)
    )
    return Standing(run=run, events=events, state=state_of(events))


def refusal(file: PlanFile, newest: dict[str, Standing], until: str = "") -> Refused:
    with pytest.raises(Refused) as refused:
        run_to_carry_on(file, until, newest)
    return refused.value


def test_a_cluster_that_was_taken_over_may_get_another_runtime() -> None:
    taken = stood(a_plan("a takeover", "takeover"), *DONE)
    assert run_to_carry_on(a_plan(), "", {"takeover": taken}) is None


def test_a_cluster_whose_runtime_was_swapped_may_be_taken_over() -> None:
    swapped = stood(a_plan("a swap"), *DONE)
    assert run_to_carry_on(a_plan(migration="takeover"), "", {"runtime-swap": swapped}) is None


@pytest.mark.parametrize("migration", ["takeover", "runtime-swap"])
def test_a_run_of_the_other_migration_that_is_half_done_is_in_the_way(migration: str) -> None:
    other = "takeover" if migration == "runtime-swap" else "runtime-swap"
    half = stood(a_plan("the other", other), *HALF)
    error = refusal(a_plan(migration=migration), {other: half})
    assert error.code == "RP851"
    assert half.run.id in error.todo


def test_a_second_takeover_is_refused_whatever_came_between() -> None:
    newest = {
        "takeover": stood(a_plan("the first", "takeover"), *DONE),
        "runtime-swap": stood(a_plan("a swap"), *COMMITTED),
    }
    assert refusal(a_plan("the second", "takeover"), newest).code == "RP850"


def test_a_swap_that_is_not_committed_is_in_the_way_of_the_next() -> None:
    error = refusal(a_plan("the next"), {"runtime-swap": stood(a_plan(), *DONE)})
    assert error.code == "RP850"
    assert "--until commit" in error.todo


def test_a_committed_swap_is_not_in_the_way_of_the_next() -> None:
    assert run_to_carry_on(a_plan("the next"), "", {"runtime-swap": stood(a_plan(), *COMMITTED)}) is None


def test_the_same_swap_goes_on_to_its_commit_and_is_then_there() -> None:
    standing = stood(a_plan(), *DONE)
    assert run_to_carry_on(a_plan(), COMMIT, {"runtime-swap": standing}) is standing.run
    assert refusal(a_plan(), {"runtime-swap": stood(a_plan(), *COMMITTED)}, COMMIT).code == "RP850"


def after(standing: Standing, *, begun: bool = True) -> Standing:
    """The same run, but later than the others. `begun`: a step of it was."""
    step = Event(at=0.5, kind="step-started", direction="apply", step="swap-worker-1/swap", data={})
    events = (standing.events[0], *([step] if begun else []), *standing.events[1:])
    return Standing(run=replace(standing.run, started_at=9.0), events=events, state=state_of(events))


def undone(standing: Standing) -> Standing:
    """The same run, given back."""
    kinds: tuple[EventKind, ...] = ("resumed", "step-done", "run-done")
    steps = ("", "swap-worker-1/swap", "")
    back = tuple(
        Event(at=9.0, kind=kind, direction="undo", step=step, data={})
        for kind, step in zip(kinds, steps, strict=True)
    )
    events = (*standing.events, *back)
    return Standing(run=standing.run, events=events, state=state_of(events))


def test_a_takeover_is_not_undone_under_a_swap_that_stands() -> None:
    taken = stood(a_plan("a takeover", "takeover"), *DONE)
    for happened in (DONE, HALF, (("aborted", ""),)):
        swapped = after(stood(a_plan("a swap"), *happened))
        with pytest.raises(Refused) as refused:
            refuse_out_of_order(taken, {"takeover": taken, "runtime-swap": swapped})
        assert refused.value.code == "RP886"
        assert f"replank undo {swapped.run.id}" in refused.value.todo


def test_a_later_run_hinders_no_undo_once_it_is_undone_or_committed_or_if_it_did_nothing() -> None:
    taken = stood(a_plan("a takeover", "takeover"), *DONE)
    for later in (
        undone(after(stood(a_plan("a swap"), *DONE))),
        after(stood(a_plan("a swap"), *COMMITTED)),
        after(stood(a_plan("a swap"), *HALF), begun=False),
    ):
        refuse_out_of_order(taken, {"takeover": taken, "runtime-swap": later})


def test_the_later_run_itself_is_undone_first() -> None:
    taken, swapped = stood(a_plan("a takeover", "takeover"), *DONE), after(stood(a_plan("a swap"), *DONE))
    refuse_out_of_order(swapped, {"takeover": taken, "runtime-swap": swapped})
