"""A credential of CAPO's that was there before: looked at, used, never written; the locks are the fence."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from replank.audit.finding import AuditSettings
from replank.inventory.fleet.model import CapoCredentials
from replank.migrations.takeover.checks import audit_takeover
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.given_credential import cannot_delete
from replank.plan.takeover import TakeoverPlan
from replank.testbed.simulation.explore import Simulation
from replank.testbed.simulation.scenario import Ending, Scenario
from replank.testbed.simulation.shapes import NOW, SHAPES

SECRET = "capo"
HELD = "clouds: {openstack: {auth: {application_credential_id: given, application_credential_secret: s}}}"


def given(kind: Any) -> TakeoverPlan:
    snapshot = SHAPES["1+1"].snapshot()
    settings = TakeoverSettings(
        namespace=snapshot.cluster,
        credentials=CapoCredentials(kind=kind, name=SECRET, cloud="openstack"),
    )
    return plan_takeover(snapshot, settings, audit_takeover(snapshot, AuditSettings(now=NOW)))


def simulation(ending: Ending, *, kind: str = "secret", content: str = HELD, **more: Any) -> Simulation:
    """The namespace and its Secret are there, with a credential that can write."""
    plan = given(kind)
    found = Simulation(Scenario(seed=4, ending=ending), bend=lambda _: plan)
    found.world.cloud.credentials["given"] = {
        "id": "given",
        "name": "given",
        "secret": "s",
        "roles": [{"name": "member"}],
        "expires_at": None,
    }
    management = found.world.management
    management.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": plan.namespace}}, "admin"
    )
    meta = {"name": SECRET, "namespace": plan.namespace}
    data = {"clouds.yaml": base64.b64encode(content.encode()).decode()}
    if kind == "secret":
        management.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}, "admin")
    return found


def test_a_takeover_and_its_undo_leave_the_secret_as_it_was() -> None:
    run = simulation("settled-undone")
    outcome = run.go()
    assert (outcome.status, outcome.broken, outcome.refusals) == ("undone", [], [])
    secret = run.world.management.get("", "Secret", run.plan.namespace, SECRET)
    assert secret is not None
    assert base64.b64decode(secret["data"]["clouds.yaml"]).decode() == HELD
    assert set(run.world.cloud.credentials) == {"given"}


def test_capo_adopts_with_it_and_no_other_credential_is_made() -> None:
    run = simulation("settled")
    outcome = run.go()
    assert (outcome.status, outcome.broken) == ("done", [])
    assert set(run.world.cloud.credentials) == {"given"}
    assert not [s for s in run.world.cloud.project.collections["compute"]["servers"] if s.get("locked")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("clouds: {other: {}}", "has no cloud openstack"),
        ("{", "has no cloud openstack"),
        ("", "has no cloud"),
    ],
)
def test_a_secret_without_the_cloud_stops_before_anything_is_written(content: str, why: str) -> None:
    outcome = simulation("settled", content=content).go()
    assert any(why in refusal for refusal in outcome.refusals), outcome.refusals
    assert outcome.broken == []


def test_an_identity_that_is_not_there_is_told() -> None:
    outcome = simulation("settled", kind="identity").go()
    assert any("OpenStackClusterIdentity capo does not exist" in r for r in outcome.refusals)


def test_undo_removes_nothing_of_capos_while_a_server_is_not_locked() -> None:
    run = simulation("settled")
    access = run.world.access(endpoint="")
    at = At(plan=run.plan, step=run.plan.stages[0].steps[0], access=access)
    open_ = asyncio.run(cannot_delete(at, {}))
    assert (open_.outcome, run.plan.machines[0].server_name in open_.why) == ("fail", True)
    for machine in run.plan.machines:
        server = run.world.cloud.server(machine.server_id)
        assert server is not None
        server["locked"] = True
    assert asyncio.run(cannot_delete(at, {})).outcome == "pass"
