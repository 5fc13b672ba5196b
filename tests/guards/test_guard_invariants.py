"""What holds of every decision, whatever was seen and whatever is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from guard_sights import AT, BOTH, POOL
from hypothesis import given, settings
from hypothesis import strategies as st

from replank.domain.unknown import Unknown
from replank.guards.decide.going import going
from replank.guards.decide.pools import LIVING
from replank.guards.decide.round import decide
from replank.guards.decision import (
    AddHooks,
    AddMember,
    KeepFloatingIp,
    Release,
    RemoveMember,
    Scale,
    Taint,
    WeighMember,
)
from replank.guards.names import (
    PRE_DRAIN,
    PRE_TERMINATE,
    WAITING_FOR_PRE_DRAIN,
    WAITING_FOR_PRE_TERMINATE,
)
from replank.guards.policy import Policy
from replank.guards.sight import (
    BudgetSight,
    CloudSight,
    DeploymentSight,
    FloatingIpSight,
    MachineSight,
    MemberSight,
    NodeSight,
    PodSight,
    Sight,
    WorkloadSight,
)

NAMES = ("a", "b", "c", "d")
ADDRESSES = tuple(f"10.0.0.{number}" for number in range(1, 6))
UNKNOWN = st.just(Unknown("it did not answer"))
mostly = st.sampled_from((True, True, True, False))


@st.composite
def machines(draw: st.DrawFn, name: str) -> MachineSight:
    deleted = draw(st.booleans())
    since = AT - draw(st.integers(0, 2000))
    return MachineSight(
        name=name,
        uid=f"uid-{name}",
        role=draw(st.sampled_from(("control-plane", "control-plane", "worker"))),
        node=draw(st.sampled_from((name, name, name, ""))),
        owner=draw(st.sampled_from(("KubeadmControlPlane/cp", "MachineSet/md-1", ""))),
        deployment=draw(st.sampled_from(("", "md"))),
        addresses=draw(st.sampled_from(((), (ADDRESSES[NAMES.index(name)],), (ADDRESSES[0],)))),
        server=draw(st.sampled_from((f"server-{name}", f"server-{name}", ""))),
        hooks=draw(
            st.sampled_from((BOTH, BOTH, frozenset({PRE_TERMINATE}), frozenset({PRE_DRAIN}), frozenset()))
        ),
        deleting_since=since if deleted else None,
        waits_for=draw(st.sampled_from((WAITING_FOR_PRE_DRAIN, WAITING_FOR_PRE_TERMINATE, "DrainingNode")))
        if deleted
        else "",
        waiting_since=draw(st.sampled_from((since, AT - 1, None))) if deleted else None,
        outdated=draw(st.booleans()),
        chosen=draw(st.sampled_from((False, False, True))),
        serving=draw(mostly),
    )


@st.composite
def workloads(draw: st.DrawFn) -> WorkloadSight:
    names = [name for name in NAMES if draw(mostly)]
    budgets = {
        place: BudgetSight(
            place=place,
            bound="minAvailable 1",
            allowed=draw(st.integers(0, 1)),
            pods=1,
            never=draw(st.booleans()),
        )
        for place in ("apps/one", "apps/two")
    }
    pods = [
        PodSight(
            namespace="apps",
            name=f"pod-{number}",
            node=draw(st.sampled_from(NAMES)),
            owner=draw(st.sampled_from(("Deployment/kept", "Deployment/kept", "StatefulSet/db", ""))),
            ready=draw(mostly),
            budgets=draw(st.sampled_from(((), ("apps/one",), ("apps/one", "apps/two")))),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    kept = DeploymentSight(
        namespace="apps",
        name="kept",
        replicas=draw(st.integers(0, 3)),
        allowed=draw(mostly),
        surged_from=draw(st.sampled_from((None, 1))),
        resource_version="7",
    )
    return WorkloadSight(
        nodes={
            name: NodeSight(
                name=name, going=(tainted := draw(st.booleans())), open=draw(mostly) and not tainted
            )
            for name in names
        },
        pods=tuple(pods),
        budgets=budgets,
        deployments=(kept,) if draw(mostly) else (),
        attached={name: ("pv",) for name in names if not draw(mostly)},
        endpoints={name: ("apps/web",) for name in names if not draw(mostly)},
    )


@st.composite
def clouds(draw: st.DrawFn) -> CloudSight:
    members = tuple(
        MemberSight(
            id=f"member-{number}",
            name="",
            address=address,
            port=6443,
            state=draw(st.sampled_from(("ONLINE", "ONLINE", "ERROR", "OFFLINE", "NO_MONITOR"))),
            weight=draw(st.sampled_from((1, 1, 1, 0))),
            ours=draw(st.booleans()),
        )
        for number, address in enumerate(ADDRESSES)
        if draw(mostly)
    )
    floating = tuple(
        FloatingIpSight(id=f"fip-{name}", address="203.0.113.7", server=f"server-{name}")
        for name in NAMES
        if not draw(mostly)
    )
    volumes: dict[str, Any] = {f"server-{name}": () if draw(mostly) else ("volume",) for name in NAMES}
    return CloudSight(
        pools={POOL: draw(st.one_of(st.just(members), st.just(members), UNKNOWN))},
        addresses=draw(st.one_of(st.just(frozenset(ADDRESSES[:4])), UNKNOWN)),
        floating_ips=draw(st.one_of(st.just(floating), st.just(floating), UNKNOWN)),
        volumes={key: value for key, value in volumes.items() if draw(mostly)},
    )


@st.composite
def sights(draw: st.DrawFn) -> Sight:
    return Sight(
        namespace="team",
        cluster="legacy",
        at=AT,
        machines=tuple(draw(machines(name)) for name in NAMES if draw(mostly)),
        deleting=draw(st.sampled_from((False, False, False, True))),
        rolling=draw(
            st.sampled_from((frozenset(), frozenset({"KubeadmControlPlane/cp", "MachineDeployment/md"})))
        ),
        workload=draw(st.one_of(workloads(), workloads(), UNKNOWN)),
        cloud=draw(st.one_of(clouds(), clouds(), UNKNOWN)),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    taint = draw(st.sampled_from(("set", "machine", "none")))
    keeper = draw(st.sampled_from(("replank", "cluster-api")))
    window = draw(st.sampled_from((None, None, {"opens": "22:00", "closes": "04:00"})))
    return Policy.model_validate(
        {
            "hooks": draw(st.sampled_from(("all", "adopted"))),
            "drain": {
                "taint": taint,
                "surge": "never" if taint == "none" else draw(st.sampled_from(("allowed", "never"))),
                "barePods": draw(st.sampled_from(("wait", "evict"))),
                "window": window,
                "deadlineSeconds": 600,
                "onDeadline": draw(st.sampled_from(("wait", "warn", "force"))),
            },
            "terminate": {
                "floatingIps": draw(st.sampled_from(("keep", "release"))),
                "deadlineSeconds": 900,
                "onDeadline": draw(st.sampled_from(("release", "wait"))),
            },
            "pools": [{"id": POOL, "port": 6443, "keptBy": keeper}] if draw(mostly) else [],
        }
    )


Invariant = Callable[[Sight, Policy], None]
INVARIANTS: list[Invariant] = []


def invariant(function: Invariant) -> Invariant:
    INVARIANTS.append(function)
    return function


def waited(machine: MachineSight) -> float:
    return 0.0 if machine.waiting_since is None else AT - machine.waiting_since


def may_force(release: Release, machine: MachineSight, wanted: Policy) -> bool:
    if release.hook == PRE_DRAIN:
        return wanted.drain.on_deadline == "force" and waited(machine) >= 600
    return wanted.terminate.on_deadline == "release" and waited(machine) >= 900


def releases(seen: Sight, wanted: Policy) -> list[tuple[Release, MachineSight]]:
    by_name = {machine.name: machine for machine in seen.machines}
    actions = decide(seen, wanted).actions
    return [(action, by_name[action.machine]) for action in actions if isinstance(action, Release)]


@invariant
def a_hook_is_released_only_where_nothing_stands_or_its_deadline_says_so(seen: Sight, wanted: Policy) -> None:
    words = {(word.machine, word.hook): word for word in decide(seen, wanted).words}
    for action, machine in releases(seen, wanted):
        word = words[action.machine, action.hook]
        assert action.hook in machine.hooks
        assert action.uid == machine.uid
        assert machine.deleting_since is not None
        assert not word.reasons or may_force(action, machine, wanted)
        assert word.state in ("released", "forced")


@invariant
def no_termination_is_let_go_in_the_round_that_still_does_something_for_it(
    seen: Sight, wanted: Policy
) -> None:
    decision = decide(seen, wanted)
    busy = {
        action.machine
        for action in decision.actions
        if isinstance(action, RemoveMember | WeighMember | KeepFloatingIp | AddMember | AddHooks)
    }
    for action, machine in releases(seen, wanted):
        assert machine.name not in busy or action.hook == PRE_DRAIN or may_force(action, machine, wanted)


@invariant
def no_drain_is_let_go_in_the_round_that_taints_or_surges_for_it(seen: Sight, wanted: Policy) -> None:
    decision = decide(seen, wanted)
    tainted = {action.node for action in decision.actions if isinstance(action, Taint) and action.on}
    up = {a.name for a in decision.actions if isinstance(a, Scale) and a.surged_from is not None}
    pods = () if isinstance(seen.workload, Unknown) else seen.workload.pods
    moving = {pod.node for pod in pods if pod.owner in {f"Deployment/{name}" for name in up}}
    for action, machine in releases(seen, wanted):
        if action.hook == PRE_DRAIN and not may_force(action, machine, wanted):
            assert machine.node not in tainted
            # Of a Deployment that is scaled up one pod at least stays held.
            assert machine.node not in moving or moving - {machine.node}


@invariant
def a_round_never_takes_the_last_living_member_out(seen: Sight, wanted: Policy) -> None:
    actions = decide(seen, wanted).actions
    removed = {a.member for a in actions if isinstance(a, RemoveMember)}
    removed |= {a.member for a in actions if isinstance(a, WeighMember) and not a.weight}
    if not removed or isinstance(seen.cloud, Unknown):
        assert not removed
        return
    members = seen.cloud.pools[POOL]
    assert not isinstance(members, Unknown)
    ids = Counter(member.id for member in members)
    assert removed <= ids.keys()
    assert any(m.state in LIVING and m.weight for m in members if m.id not in removed)


@invariant
def a_machine_with_the_last_living_member_is_not_let_go(seen: Sight, wanted: Policy) -> None:
    if isinstance(seen.cloud, Unknown) or not wanted.pools or seen.deleting:
        return
    members = seen.cloud.pools[POOL]
    if isinstance(members, Unknown):
        return
    owners = {
        machine.addresses[0]: machine
        for machine in sorted(seen.machines, key=lambda machine: machine.deleting_since is None)
        if machine.addresses and machine.role == "control-plane"
    }
    living = [
        member
        for member in members
        if member.state in LIVING
        and member.weight
        and (member.address not in owners or owners[member.address].serving)
    ]
    if len(living) != 1:
        return
    last = owners.get(living[0].address)
    for action, machine in releases(seen, wanted):
        assert action.hook != PRE_TERMINATE or machine is not last


@invariant
def what_could_not_be_seen_lets_nothing_go_before_its_deadline(seen: Sight, wanted: Policy) -> None:
    blind = replace(seen, workload=Unknown("down"), cloud=Unknown("down"), deleting=False)
    for action, machine in releases(blind, wanted):
        if may_force(action, machine, wanted):
            continue
        # Only what has nothing to be seen: no Node to drain, no server to lose.
        assert not machine.node
        assert action.hook == PRE_DRAIN or not machine.server
    kinds = {type(action) for action in decide(blind, wanted).actions}
    assert kinds <= {Release, AddHooks}


@invariant
def a_closed_window_never_lets_a_drain_begin(seen: Sight, wanted: Policy) -> None:
    if wanted.drain.window is None or seen.deleting:
        return
    for action, machine in releases(seen, wanted):
        assert action.hook != PRE_DRAIN or not machine.node


@invariant
def taints_stand_on_nodes_that_go_and_leave_those_that_stay(seen: Sight, wanted: Policy) -> None:
    if seen.deleting or isinstance(seen.workload, Unknown):
        return
    doomed = {machine.node for machine in going(seen)}
    on = {node.name for node in seen.workload.nodes.values() if node.going}
    for action in decide(seen, wanted).actions:
        if isinstance(action, Taint):
            assert (action.node in on) is not action.on
            on ^= {action.node}
    assert on <= doomed
    deleted = {m.node for m in seen.machines if m.deleting_since is not None} & seen.workload.nodes.keys()
    assert wanted.drain.taint == "none" or deleted <= on
    assert wanted.drain.taint != "none" or on == set()


@invariant
def the_same_sight_leads_to_the_same_decision(seen: Sight, wanted: Policy) -> None:
    assert decide(seen, wanted) == decide(seen, wanted)
    assert len(set(decide(seen, wanted).actions)) == len(decide(seen, wanted).actions)


@invariant
def a_paused_cluster_gets_no_action_at_all(seen: Sight, wanted: Policy) -> None:
    decision = decide(replace(seen, paused=True), wanted)
    assert (decision.actions, decision.words, decision.notes) == ((), (), ())


@invariant
def hooks_are_added_to_nobody_who_is_deleted(seen: Sight, wanted: Policy) -> None:
    by_name = {machine.name: machine for machine in seen.machines}
    for action in decide(seen, wanted).actions:
        if isinstance(action, AddHooks):
            machine = by_name[action.machine]
            assert machine.deleting_since is None
            assert not set(action.hooks) & machine.hooks


@invariant
def whoever_waits_for_a_hook_of_ours_is_told_something(seen: Sight, wanted: Policy) -> None:
    words = {(word.machine, word.hook): word for word in decide(seen, wanted).words}
    waits = {WAITING_FOR_PRE_DRAIN: PRE_DRAIN, WAITING_FOR_PRE_TERMINATE: PRE_TERMINATE}
    for machine in seen.machines:
        hook = waits.get(machine.waits_for)
        if machine.deleting_since is not None and hook in machine.hooks:
            word = words[machine.name, hook]
            assert word.uid == machine.uid
            assert word.state in ("released", "forced") or word.reasons


@invariant
def a_deployment_is_scaled_by_one_and_only_with_permission(seen: Sight, wanted: Policy) -> None:
    found = () if isinstance(seen.workload, Unknown) else seen.workload.deployments
    for action in decide(seen, wanted).actions:
        if not isinstance(action, Scale):
            continue
        (before,) = (deployment for deployment in found if deployment.name == action.name)
        assert action.resource_version == before.resource_version
        if action.surged_from is None:
            assert before.surged_from is not None
            assert action.replicas in (before.replicas, before.surged_from)
        else:
            assert wanted.drain.surge == "allowed"
            assert before.allowed
            assert (action.surged_from, action.replicas) == (before.replicas, before.replicas + 1)
            assert before.replicas == 1


@settings(max_examples=600, deadline=None)
@given(sights(), policies())
def test_every_invariant_holds_of_every_decision(seen: Sight, wanted: Policy) -> None:
    """All on the same worlds, since making these is what takes the time."""
    for holds in INVARIANTS:
        holds(seen, wanted)
