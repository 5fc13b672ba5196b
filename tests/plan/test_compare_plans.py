"""Two plans compared: every difference is told, in words, under its area."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, given, settings
from plan_strategies import PLANS
from test_plan_file import small_plan

from replank.plan.compare import Change, compare
from replank.plan.model import Irreversible, PlanCheck, PlanFinding, Stage, Step, Undo
from replank.plan.takeover import PlannedMachine, PortName, TakeoverPlan


def machine(name: str, **changes: object) -> PlannedMachine:
    one = PlannedMachine(
        machine=name,
        role="worker",
        server_id=f"id-{name}",
        server_name=name,
        node=name,
        provider_id=f"openstack:///id-{name}",
        group="workers",
        version="v1.34.4",
        failure_domain="az1",
        ports=(PortName(id="p", old="", new=f"{name}-0"),),
    )
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


def step(name: str, undo: Undo | Irreversible) -> Step:
    return Step(id=f"align/{name}", kind="k", says=f"Do {name}.", undo=undo)


UNDO = Undo(kind="u", says="Put it back.")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(PLANS, PLANS)
def test_nothing_differs_exactly_if_the_plans_are_equal(a: TakeoverPlan, b: TakeoverPlan) -> None:
    assert compare(a, a) == ()
    assert (compare(a, b) == ()) == (a == b)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(PLANS, PLANS)
def test_one_part_taken_from_another_plan_is_seen(a: TakeoverPlan, b: TakeoverPlan) -> None:
    for field in dataclasses.fields(TakeoverPlan):
        other = dataclasses.replace(a, **{field.name: getattr(b, field.name)})
        assert (compare(a, other) == ()) == (a == other), field.name


def test_a_plan_that_is_ready_now_says_so_first() -> None:
    changes = compare(small_plan(ready=False), small_plan(ready=True, kubernetes_version="v1.35.0"))
    assert changes == (
        Change("Verdict", "", "ready now"),
        Change("Settings and versions", "", "kubernetes version: v1.34.4 -> v1.35.0"),
    )


def test_machines_are_told_by_name_and_field() -> None:
    a = small_plan(machines=(machine("w-1"), machine("w-2")))
    b = small_plan(machines=(machine("w-2", failure_domain="az2"), machine("w-3")))
    assert compare(a, b) == (
        Change("Machines", "w-1", "removed (worker of workers)"),
        Change("Machines", "w-2", "failure_domain: az1 -> az2"),
        Change("Machines", "w-3", "added (worker of workers)"),
    )


def test_a_step_that_lost_its_undo_is_told() -> None:
    def plan(undo: Undo | Irreversible) -> TakeoverPlan:
        stage = Stage(name="align", title="Align", says="s", rest="r", steps=(step("1", undo),))
        return small_plan(stages=(stage,))

    says = {(c.subject, c.says) for c in compare(plan(UNDO), plan(Irreversible(irreversible="gone")))}
    assert ("step align/1", "undo.irreversible added: gone") in says


def test_another_order_of_steps_is_a_difference() -> None:
    def plan(*names: str) -> TakeoverPlan:
        stage = Stage(
            name="align", title="Align", says="s", rest="r", steps=tuple(step(n, UNDO) for n in names)
        )
        return small_plan(stages=(stage,))

    assert compare(plan("1", "2"), plan("2", "1")) == (Change("Steps", "", "the order of the steps changed"),)


def test_manifests_are_told_by_path() -> None:
    a = small_plan(manifests={"Machine/w": {"spec": {"args": [{"name": "v", "value": "2"}], "paused": True}}})
    b = small_plan(manifests={"Machine/w": {"spec": {"args": [{"name": "v", "value": "4"}]}}})
    assert compare(a, b) == (
        Change("Manifests", "Machine/w", "spec.args[v].value: 2 -> 4"),
        Change("Manifests", "Machine/w", "spec.paused removed: true"),
    )


def test_a_finding_that_went_is_told_with_its_severity() -> None:
    finding = PlanFinding(
        code="RP207", severity="blocker", subject="etcd", evidence=("e",), consequence="c", remedy="r"
    )
    assert compare(small_plan(findings=(finding,)), small_plan()) == (
        Change("Findings", "RP207 etcd", "removed (blocker)"),
    )


def test_one_more_step_is_not_told_as_a_change_of_all_that_follow() -> None:
    def plan(*ids: str) -> TakeoverPlan:
        steps = tuple(Step(id=i, kind="k", says=f"Do {i[-1]}.", undo=UNDO) for i in ids)
        return small_plan(stages=(Stage(name="s", title="S", says="s", rest="r", steps=steps),))

    assert compare(plan("s/01-a", "s/02-b"), plan("s/01-c", "s/02-a", "s/03-b")) == (
        Change("Steps", "step s/01-c", "added (Do c.)"),
        Change("Steps", "", "some steps have another number"),
    )


def test_many_details_of_one_step_are_counted() -> None:
    def plan(value: str) -> TakeoverPlan:
        one = Step(id="s/01-a", kind="k", says="Do.", undo=UNDO, params={f"p{n}": value for n in range(9)})
        return small_plan(stages=(Stage(name="s", title="S", says="s", rest="r", steps=(one,)),))

    changes = compare(plan("x"), plan("y"))
    assert [c.says for c in changes] == [
        "params.p0: x -> y",
        "params.p1: x -> y",
        "params.p2: x -> y",
        "and 6 more details",
    ]


def test_a_check_or_undo_that_went_is_told_however_many_details_changed() -> None:
    def plan(value: str, checks: tuple[PlanCheck, ...], undo: Undo | Irreversible) -> TakeoverPlan:
        params = {f"p{n}": value for n in range(9)}
        one = Step(id="s/01-a", kind="k", says="Do.", undo=undo, params=params, after=checks)
        return small_plan(stages=(Stage(name="s", title="S", says="s", rest="r", steps=(one,)),))

    check = PlanCheck(kind="no-new-server", says="No new server.")
    changes = compare(plan("x", (check,), UNDO), plan("y", (), Irreversible(irreversible="gone")))
    says = [change.says.split(":")[0] for change in changes]
    assert says[:4] == [
        "after[no-new-server] removed",
        "undo.irreversible added",
        "undo.kind removed",
        "undo.says removed",
    ]


def test_items_of_a_list_are_matched_by_what_tells_them_apart() -> None:
    ports = [{"id": "p1", "subnets": ["a"]}, {"id": "p2", "subnets": ["a", "b"]}]
    a = small_plan(manifests={"M/m": {"ports": ports, "args": ["one", "two"]}})
    b = small_plan(
        manifests={"M/m": {"ports": [{"id": "p2", "subnets": ["b"]}], "args": ["zero", "one", "two"]}}
    )
    assert [c.says for c in compare(a, b)] == [
        "args added: zero",
        'ports[p1] removed: {"id": "p1", "subnets": ["a"]}',
        "ports[p2].subnets removed: a",
    ]
