"""Negative controls: deciders that err are found out. Without these a clean soak would prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from replank.domain.unknown import Unknown
from replank.guards.decide.round import decide
from replank.guards.decision import AddMember, Decision, KeepFloatingIp, Release, RemoveMember, Scale, Taint
from replank.guards.names import PRE_DRAIN, PRE_TERMINATE
from replank.guards.policy import Policy
from replank.guards.sight import Sight
from replank.guards.work import round as rounds
from replank.testbed.guarding.explore import GuardOutcome, explore
from replank.testbed.guarding.scenario import GuardScenario, Happening

Decider = Callable[[Sight, Policy], Decision]


def life(*happenings: Happening, **more: Any) -> GuardOutcome:
    at = tuple((10.0, what) for what in happenings)
    scenario = GuardScenario(**{"seed": 3, "happenings": at, "cured_after": 200.0, **more})
    return explore(scenario, patience_s=400.0)


def without(*kinds: type, decider: Decider = decide) -> Decider:
    """Never does these kinds of action."""

    def err(seen: Sight, wanted: Policy) -> Decision:
        decision = decider(seen, wanted)
        return replace(decision, actions=tuple(a for a in decision.actions if not isinstance(a, kinds)))

    return err


def lets_go_at_once(hook: str) -> Decider:
    """Releases that hook of everybody who is deleted."""

    def err(seen: Sight, wanted: Policy) -> Decision:
        decision = decide(seen, wanted)
        early = [
            Release(machine.name, machine.uid, hook)
            for machine in seen.machines
            if machine.deleting_since is not None and hook in machine.hooks
        ]
        return replace(decision, actions=tuple(dict.fromkeys((*decision.actions, *early))))

    return err


def empties_pools(seen: Sight, wanted: Policy) -> Decision:
    decision = decide(seen, wanted)
    pools = {} if isinstance(seen.cloud, Unknown) else seen.cloud.pools
    all_out = [
        RemoveMember(pool, member.id, member.address, "")
        for pool, members in pools.items()
        if not isinstance(members, Unknown)
        for member in members
    ]
    return replace(decision, actions=(*decision.actions, *all_out))


def unseen_is_nothing(seen: Sight, wanted: Policy) -> Decision:
    """What could not be seen is not there."""
    if isinstance(seen.cloud, Unknown):
        machines = tuple(replace(machine, server="", addresses=()) for machine in seen.machines)
        return decide(replace(seen, machines=machines), wanted.model_copy(update={"pools": ()}))
    return decide(seen, wanted)


def acts_on_paused(seen: Sight, wanted: Policy) -> Decision:
    return decide(replace(seen, paused=False), wanted)


def sees_no_window(seen: Sight, wanted: Policy) -> Decision:
    return decide(seen, wanted.model_copy(update={"drain": wanted.drain.model_copy(update={"window": None})}))


@dataclass(frozen=True)
class Case:
    name: str
    decider: Decider
    says: str
    happenings: tuple[Happening, ...]
    scenario: dict[str, Any] = field(default_factory=dict)


DRAINS, ENDS = lets_go_at_once(PRE_DRAIN), lets_go_at_once(PRE_TERMINATE)
BOTH_WORKERS: tuple[Happening, ...] = ("workers-deleted",)
ONE_WORKER: tuple[Happening, ...] = ("worker-deleted",)
CONTROL_PLANE: tuple[Happening, ...] = ("control-plane-deleted",)
ROLLOUT: tuple[Happening, ...] = ("control-planes-roll",)
CASES = [
    Case("drains budgets", DRAINS, "a budget that never allows is on it", BOTH_WORKERS, {"never": True}),
    Case("drains bare pods", DRAINS, "a bare pod is on it", BOTH_WORKERS, {"bare": True}),
    Case("drains single pods", DRAINS, "Deployment kept has no ready pod", BOTH_WORKERS),
    Case("ends members", ENDS, "it is a member of the pool", CONTROL_PLANE),
    Case("ends living members", without(RemoveMember, decider=ENDS), "ends, and is a living", CONTROL_PLANE),
    Case(
        "empties pools",
        without(AddMember, decider=empties_pools),
        "the pool has no living member",
        ("worker-more",),
    ),
    Case("ends volumes", ENDS, "Nova holds a volume on it", BOTH_WORKERS, {"waits_for_volumes": False}),
    Case("ends floating IPs", ENDS, "a floating IP is on it", BOTH_WORKERS, {"floating_ips": True}),
    Case(
        "drops floating IPs",
        without(KeepFloatingIp, decider=ENDS),
        "a floating IP is lost",
        BOTH_WORKERS,
        {"floating_ips": True},
    ),
    Case("adds no member", without(AddMember), "the pool holds", ROLLOUT),
    Case("never lets go", without(Release), "is still there", ONE_WORKER),
    Case("never taints", without(Taint), "is still there", ONE_WORKER),
    Case("never surges", without(Scale), "is still there", BOTH_WORKERS),
    Case("acts when paused", acts_on_paused, "done to a paused Cluster", ("worker-deleted", "paused")),
    Case(
        "sees no window", sees_no_window, "outside of the window", ONE_WORKER, {"window_opens_after": 120.0}
    ),
    Case("takes unseen for nothing", unseen_is_nothing, "a member of the pool", ("cloud-out", *ROLLOUT)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_decider_that_errs_is_found_out(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setattr(rounds, "decide", case.decider)
    found: list[str] = []
    for seed in range(8):
        found = life(*case.happenings, seed=seed, **case.scenario).wrong
        if any(case.says in wrong for wrong in found):
            return
    pytest.fail(f"not found out: {found}")


async def _says_nothing(*_: object) -> bool:
    return False


def test_a_machine_that_nobody_speaks_of_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "tell", _says_nothing)
    outcome = life("workers-deleted", bare=True, cured_after=900.0)
    assert any("nobody says why" in wrong for wrong in outcome.broken)


def test_a_crash_of_the_operator_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(seen: Sight, wanted: Policy) -> Decision:
        raise ZeroDivisionError

    monkeypatch.setattr(rounds, "decide", crash)
    assert any("ZeroDivisionError" in wrong for wrong in life("worker-deleted").broken)
