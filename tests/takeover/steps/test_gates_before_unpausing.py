"""What is looked at once more before Cluster API is let at machines: names, and Secrets KCP would make."""

from __future__ import annotations

import pytest
from openstack_world import World

from replank.domain.verdict import Verdict

MACHINE = "plain-worker-1"


def world() -> World:
    return World().until("lock-plain-worker-1")


def asked(world: World, kind: str) -> Verdict:
    steps = [s for stage in world.plan.stages for s in stage.steps if kind in {c.kind for c in s.before}]
    assert len(steps) == 1, "exactly one step of the plan waits for it"
    return world.ask(kind, steps[0])


def test_aligned_names_find_each_machines_own_server_and_port() -> None:
    verdict = asked(world(), "openstack.found-by-name")
    assert verdict.outcome == "pass", verdict.why


def test_a_port_of_another_name_would_be_made_anew() -> None:
    there = world()
    machine = next(m for m in there.plan.machines if m.machine == MACHINE)
    there.cloud.ports_by_id[machine.ports[0].id]["name"] = "renamed back"
    verdict = asked(there, "openstack.found-by-name")
    assert verdict.outcome == "fail"
    assert f"'{machine.ports[0].new}' names no port" in verdict.why


def test_a_second_server_of_the_name_is_seen() -> None:
    there = world()
    there.cloud.add_server("another", MACHINE)
    verdict = asked(there, "openstack.found-by-name")
    assert verdict.outcome == "fail"
    assert f"'{MACHINE}' names " in verdict.why
    assert "another" in verdict.why


def test_secrets_that_are_there_as_on_the_machines_let_the_control_plane_be_unpaused() -> None:
    verdict = asked(world(), "cluster-api.certificates")
    assert verdict.outcome == "pass", verdict.why


@pytest.mark.parametrize("purpose", ["ca", "etcd", "sa", "proxy", "kubeconfig"])
def test_a_secret_that_kcp_would_make_anew_keeps_it_paused(purpose: str) -> None:
    there = world()
    del there.management.objects[there.management.ref(f"Secret/plain-{purpose}")]
    verdict = asked(there, "cluster-api.certificates")
    assert verdict.outcome == "fail"
    assert f"Secret plain-{purpose} is not there" in verdict.why
