"""replank's own comparison against Cluster API's own code, over generated specs.

It needs Go and upstream's modules, not the ground's clusters: the program is built here where it is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from proving_ground.settings import folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary
from replank.inventory.cluster_api.would_roll import would_roll
from replank.transports.judge.target import TargetJudge
from replank.transports.judge.upstream import UpstreamJudge
from tests.judge import specs

pytestmark = [pytest.mark.ground, pytest.mark.timeout(900)]
MANY = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class Now:
    """Always the same moment."""

    def now(self) -> float:
        return specs.NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a judge does not wait")


@pytest.fixture(scope="module")
def program() -> Path:
    build.require_go(folders())
    build.build(folders(), "would-roll")
    return binary(folders(), "would-roll", "replank-would-roll")


def both(program: Path, objects: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What upstream and what replank would replace, with their reasons."""
    judged = asyncio.run(UpstreamJudge(program, clock=Now()).judge(objects))
    theirs = {rolling.object: rolling.why for rolling in judged.rolling}
    ours = {replaced.object: replaced.why for replaced in would_roll(objects, specs.NOW)}
    event("rolls" if theirs else "keeps")
    return theirs, ours


@MANY
@given(objects=specs.control_planes())
def test_control_planes_are_judged_as_kcp_judges_them(program: Path, objects: Mapping[str, Any]) -> None:
    theirs, ours = both(program, objects)
    assert theirs.keys() == ours.keys(), (theirs, ours)


@MANY
@given(objects=specs.configurations())
def test_kubeadm_configurations_are_compared_as_kcp_compares_them(
    program: Path, objects: Mapping[str, Any]
) -> None:
    theirs, ours = both(program, objects)
    assert theirs.keys() == ours.keys(), (theirs, ours)


@MANY
@given(objects=specs.deployments())
def test_workers_are_judged_as_the_machinedeployment_controller_judges_them(
    program: Path, objects: Mapping[str, Any]
) -> None:
    theirs, ours = both(program, objects)
    assert theirs.keys() == ours.keys(), (theirs, ours)


def test_the_program_is_asked_where_it_was_built_from_the_plans_version(program: Path) -> None:
    environment = {"REPLANK_WOULD_ROLL": str(program)}
    for target, by in (("v1.14.0", "cluster-api v1.14.0"), ("v1.13.5", "replank")):
        judge = TargetJudge(target, clock=Now(), environment=environment)
        assert asyncio.run(judge.judge({})).by == by
