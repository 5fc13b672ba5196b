"""Looking, acting and telling through the ports: what a decision does to the APIs, and what it leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from replank.domain.errors import Refused, Transient
from replank.domain.unknown import Unknown
from replank.guards.decision import (
    AddHooks,
    AddMember,
    KeepFloatingIp,
    Reason,
    Release,
    RemoveMember,
    Scale,
    Taint,
    Word,
)
from replank.guards.names import CONDITION, GOING_TAINT, PRE_DRAIN, PRE_TERMINATE, SURGED
from replank.guards.policy import DEFAULT
from replank.guards.work.act import FRESH_S, act
from replank.guards.work.look import look, policy_of
from replank.guards.work.round import LATER_S, SOON_S, go_round
from replank.guards.work.tell import message, tell
from replank.ports.access import Conflict
from replank.testbed.guarding.explore import GuardSimulation
from replank.testbed.guarding.kube import TellingKube
from replank.testbed.guarding.layout import CLUSTER, NAMESPACE, POOL
from replank.testbed.guarding.lives import FaultySystems, LifeChaos
from replank.testbed.guarding.scenario import GuardScenario
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.virtual_time import run

WHY = Reason(code="RP724", word="BudgetNeverAllows", text="PodDisruptionBudget apps/db never lets a pod go")


class Bench:
    """A world at rest, without controllers; `points`: the calls that were made."""

    def __init__(self, **scenario: Any) -> None:
        simulation = GuardSimulation(GuardScenario(seed=1, **scenario))
        self.world, self.loop = simulation.world, simulation.loop
        simulation.workload.settle()
        self.chaos = LifeChaos(self.world.chance, self.world.tell, down=self.world.down)
        self.systems = FaultySystems(self.world, self.chaos)
        self.cluster = self.world.one("Cluster", CLUSTER)

    def run(self, work: Any) -> Any:
        return run(self.loop, work)

    def act(self, *actions: Any, at: float | None = None) -> Any:
        moment = self.world.now if at is None else at
        return self.run(act(self.systems, self.cluster, actions, moment))

    def machine(self, name: str) -> Document:
        return self.world.one("Machine", name)

    def node(self, name: str) -> Document:
        found = self.world.workload.get("", "Node", "", name)
        assert found is not None
        return found


def hooks_of(machine: Document) -> set[str]:
    return {PRE_DRAIN, PRE_TERMINATE} & set(machine["metadata"]["annotations"])


# --- acting --------------------------------------------------------------------------------------


def test_a_release_takes_one_hook_off_and_leaves_the_others() -> None:
    bench = Bench()
    release = Release("cp-0", bench.machine("cp-0")["metadata"]["uid"], PRE_DRAIN)
    assert bench.act(release) == ((release,), ())
    assert hooks_of(bench.machine("cp-0")) == {PRE_TERMINATE}
    assert any(key.endswith("/kcp-cleanup") for key in bench.machine("cp-0")["metadata"]["annotations"])


def test_a_later_machine_of_the_same_name_keeps_its_hook() -> None:
    bench = Bench()
    done, faults = bench.act(Release("cp-0", "another", PRE_DRAIN))
    assert (done, len(faults)) == ((), 1)
    assert isinstance(faults[0].error, Conflict)
    assert hooks_of(bench.machine("cp-0")) == {PRE_DRAIN, PRE_TERMINATE}


def test_hooks_come_only_on_the_machine_that_was_seen() -> None:
    """It may be deleted by now."""
    bench = Bench()
    machine = bench.machine("worker-0")
    bench.world.edit(bench.world.management, machine, lambda m: m["metadata"]["annotations"].clear())
    stale = AddHooks("worker-0", (PRE_DRAIN,), machine["metadata"]["resourceVersion"])
    fresh = AddHooks("worker-0", (PRE_DRAIN,), bench.machine("worker-0")["metadata"]["resourceVersion"])
    done, faults = bench.act(stale, fresh)
    assert [fault.action for fault in faults] == [stale]
    assert done == (fresh,)
    assert hooks_of(bench.machine("worker-0")) == {PRE_DRAIN}


def test_a_taint_comes_and_goes_beside_others() -> None:
    bench = Bench()
    before = bench.node("cp-0")["spec"]["taints"]
    assert before
    bench.act(Taint("cp-0", True))
    assert bench.node("cp-0")["spec"]["taints"] == [*before, {"key": GOING_TAINT, "effect": "NoSchedule"}]


def test_a_taint_is_taken_off_alone() -> None:
    bench = Bench()
    before = bench.node("cp-0")["spec"]["taints"]
    bench.act(Taint("cp-0", True), Taint("cp-0", False), Taint("gone", True))
    assert bench.node("cp-0")["spec"]["taints"] == before


def test_a_deployment_is_scaled_with_the_way_back_beside_it() -> None:
    bench = Bench()
    version = bench.world.one("Deployment", "kept", "apps")["metadata"]["resourceVersion"]
    done, _ = bench.act(Scale("apps", "kept", 2, 1, version))
    found = bench.world.one("Deployment", "kept", "apps")
    assert len(done) == 1
    assert (found["spec"]["replicas"], found["metadata"]["labels"]) == (2, {SURGED: "1"})


def test_a_deployment_that_its_owner_changed_meanwhile_is_not_scaled() -> None:
    bench = Bench()
    done, faults = bench.act(Scale("apps", "kept", 2, 1, "1"))
    assert done == ()
    assert isinstance(faults[0].error, Conflict)


def test_members_and_floating_ips() -> None:
    bench = Bench(floating_ips=True)
    project = bench.world.project
    (old,) = (m["id"] for m in project.members.values() if m["name"] == "legacy-cp-0")
    keep = KeepFloatingIp("cp-0", "fip-203.0.113.7", "203.0.113.7")
    bench.act(RemoveMember(POOL, old, "10.0.0.11", "cp-0"), keep)
    assert old not in project.members
    assert project.floating_ips["fip-203.0.113.7"]["port_id"] is None


def test_what_does_not_work_stops_nothing_else() -> None:
    bench = Bench()
    bench.world.project.busy(60)
    add = AddMember(POOL, "cp-9", "10.0.0.99", 6443, "subnet")
    done, faults = bench.act(add, Taint("worker-0", True))
    assert done == (Taint("worker-0", True),)
    assert isinstance(faults[0].error, Transient)


def test_what_was_seen_long_ago_is_not_acted_on() -> None:
    bench = Bench()
    assert bench.act(Taint("worker-0", True), at=bench.world.now - FRESH_S - 1) == ((), ())
    assert bench.node("worker-0")["spec"]["taints"] == []


# --- telling -------------------------------------------------------------------------------------


def word(machine: Document, state: Any = "waiting", **more: Any) -> Word:
    uid = machine["metadata"]["uid"]
    reasons = () if state == "released" else (WHY,)
    return Word(
        machine=machine["metadata"]["name"], uid=uid, hook=PRE_DRAIN, state=state, reasons=reasons, **more
    )


def told(bench: Bench, name: str = "worker-0") -> Document:
    conditions = bench.machine(name)["status"]["conditions"]
    return next((c for c in conditions if c["type"] == CONDITION), {})


def events(bench: Bench) -> list[tuple[str, str]]:
    return sorted((e["type"], e["reason"]) for e in bench.world.management.all("Event"))


@pytest.mark.parametrize(
    ("state", "status", "reason", "says"),
    [
        ("waiting", "False", "BudgetNeverAllows", "The drain waits: RP724 PodDisruptionBudget apps/db"),
        ("overdue", "False", "Overdue", "beyond its deadline: RP724"),
        ("released", "True", "Released", "Nothing holds the drain"),
        ("forced", "True", "Forced", "let go at its deadline, with this left: RP724"),
    ],
)
def test_a_word_becomes_a_condition_and_an_event(state: Any, status: str, reason: str, says: str) -> None:
    bench = Bench()
    machine = bench.machine("worker-0")
    assert bench.run(tell(bench.systems.management, machine, word(machine, state), bench.world.now))
    found = told(bench)
    assert (found["status"], found["reason"]) == (status, reason)
    assert says in found["message"]
    assert events(bench) == [("Normal", reason)]


def test_the_other_conditions_stay() -> None:
    bench = Bench()
    machine = bench.machine("worker-0")
    before = machine["status"]["conditions"]
    bench.run(tell(bench.systems.management, machine, word(machine), bench.world.now))
    kept = [c for c in bench.machine("worker-0")["status"]["conditions"] if c["type"] != CONDITION]
    assert kept == before


async def _twice(bench: Bench, first: Word, second: Word, pause_s: float) -> tuple[bool, bool]:
    management = bench.systems.management
    one = await tell(management, bench.machine("worker-0"), first, bench.world.now)
    await asyncio.sleep(pause_s)
    two = await tell(management, bench.machine("worker-0"), second, bench.world.now)
    return one, two


def test_the_same_is_said_once() -> None:
    bench = Bench()
    said = word(bench.machine("worker-0"))
    assert bench.run(_twice(bench, said, said, 60)) == (True, False)
    assert events(bench) == [("Normal", "BudgetNeverAllows")]


def test_a_warning_is_said_again_every_hour() -> None:
    bench = Bench()
    said = word(bench.machine("worker-0"), "overdue", warn=True)
    assert bench.run(_twice(bench, said, said, 3600)) == (True, False)
    assert events(bench) == [("Warning", "Overdue"), ("Warning", "Overdue")]


def test_the_time_of_the_condition_is_that_of_its_last_change() -> None:
    bench = Bench()
    machine = bench.machine("worker-0")
    bench.run(_twice(bench, word(machine), word(machine, "overdue"), 600))
    assert told(bench)["lastTransitionTime"] == "2026-11-26T09:00:00Z"


def test_a_machine_that_is_gone_is_told_nothing() -> None:
    bench = Bench()
    machine = bench.machine("worker-0")
    bench.world.edit(bench.world.management, machine, lambda m: m["metadata"].update(finalizers=[]))
    bench.world.management.delete(("cluster.x-k8s.io", "Machine", NAMESPACE, "worker-0"))
    assert not bench.run(tell(bench.systems.management, machine, word(machine), bench.world.now))


def test_a_long_message_fits_into_an_event() -> None:
    long = Word(machine="m", uid="u", hook=PRE_DRAIN, state="waiting", reasons=(WHY,) * 100)
    assert len(message(long)) == 1000


# --- looking -------------------------------------------------------------------------------------


def seen(bench: Bench) -> Any:
    return bench.run(look(bench.systems, NAMESPACE, CLUSTER)).sight


def test_a_cluster_at_rest_is_seen_without_its_pods() -> None:
    bench = Bench()
    found = seen(bench)
    assert [machine.name for machine in found.machines] == ["cp-0", "cp-1", "cp-2", "worker-0", "worker-1"]
    assert len(found.workload.nodes) == 5
    assert found.workload.pods == ()
    assert found.rolling == {"KubeadmControlPlane/cp", "MachineDeployment/md"}
    assert len(found.cloud.pools[POOL]) == 3


def deleted(bench: Bench, name: str) -> None:
    bench.world.management.delete(("cluster.x-k8s.io", "Machine", NAMESPACE, name))


def test_while_a_machine_waits_the_workload_is_seen() -> None:
    bench = Bench(bare=True)
    deleted(bench, "worker-0")
    found = seen(bench)
    assert "bare" in {pod.name for pod in found.workload.pods}
    assert not any(pod.name.startswith("agent") for pod in found.workload.pods)
    assert "apps/web" in found.workload.budgets
    assert [deployment.name for deployment in found.workload.deployments] == ["kept"]


def test_a_workload_that_does_not_answer_is_unknown_and_the_cloud_is_seen_all_the_same() -> None:
    bench = Bench()
    bench.world.down.add("workload")
    found = seen(bench)
    assert isinstance(found.workload, Unknown)
    assert len(found.cloud.pools[POOL]) == 3


def test_a_cloud_that_does_not_answer_is_unknown() -> None:
    bench = Bench()
    bench.world.down.add("cloud")
    assert isinstance(seen(bench).cloud, Unknown)


def test_a_management_cluster_that_does_not_answer_ends_the_round() -> None:
    bench = Bench()
    bench.world.down.add("management")
    with pytest.raises(Transient):
        seen(bench)


def test_a_cluster_that_is_gone_is_nothing() -> None:
    bench = Bench()
    assert bench.run(look(bench.systems, NAMESPACE, "another")) is None


def test_the_time_of_a_sight_is_when_it_began() -> None:
    """A process that stands still while it looks has seen nothing new since."""
    bench = Bench()
    began = bench.world.now
    bench.chaos.still_until = began + 300
    assert seen(bench).at == began


def test_a_guard_that_is_not_valid_is_refused_with_the_field() -> None:
    bench = Bench()
    guard = bench.world.one("ClusterGuard", CLUSTER)
    bench.world.edit(bench.world.management, guard, lambda g: g["spec"].update(drain={"onDeadline": "never"}))
    with pytest.raises(Refused, match=r"RP729.*spec\.drain\.onDeadline"):
        seen(bench)


def test_without_a_guard_the_usual_holds() -> None:
    bench = Bench()
    assert bench.run(policy_of(bench.systems.management, NAMESPACE, "another")) == DEFAULT


# --- a round -------------------------------------------------------------------------------------


def test_a_round_at_rest_does_nothing_and_comes_again_later() -> None:
    bench = Bench()
    rounded = bench.run(go_round(bench.systems, NAMESPACE, CLUSTER))
    assert (rounded.done, rounded.faults, rounded.decision.actions) == ((), (), ())
    assert rounded.again_s == LATER_S


def test_a_machine_whose_release_did_not_work_is_not_told_that_it_is_released() -> None:
    bench = Bench()
    deleted(bench, "cp-0")
    bench.world.edit(
        bench.world.workload,
        bench.node("cp-0"),
        lambda node: node["spec"]["taints"].append({"key": GOING_TAINT, "effect": "NoSchedule"}),
    )

    class Refusing(LifeChaos):
        def draw(self, name: str) -> Any:
            super().draw(name)
            return "error-before" if ".json_patch(" in name else None

    systems = FaultySystems(bench.world, Refusing(bench.world.chance, bench.world.tell))
    rounded = bench.run(go_round(systems, NAMESPACE, CLUSTER))
    assert [type(fault.action) for fault in rounded.faults] == [Release]
    assert rounded.again_s == SOON_S
    assert told(bench, "cp-0") == {}
    assert PRE_DRAIN in hooks_of(bench.machine("cp-0"))


def test_a_round_tells_each_machine_what_it_waits_for() -> None:
    bench = Bench(bare=True)
    deleted(bench, "worker-0")
    rounded = bench.run(go_round(bench.systems, NAMESPACE, CLUSTER))
    assert rounded.again_s == SOON_S
    assert told(bench)["status"] == "False"
    assert "apps/bare" in told(bench)["message"]
    assert bench.node("worker-0")["spec"]["taints"] == [{"key": GOING_TAINT, "effect": "NoSchedule"}]


# --- corners -------------------------------------------------------------------------------------


def test_a_deployment_that_goes_back_loses_the_label() -> None:
    bench = Bench()
    version = bench.world.one("Deployment", "kept", "apps")["metadata"]["resourceVersion"]

    async def there_and_back() -> None:
        await act(bench.systems, bench.cluster, [Scale("apps", "kept", 2, 1, version)], bench.world.now)
        now = bench.world.one("Deployment", "kept", "apps")["metadata"]["resourceVersion"]
        await act(bench.systems, bench.cluster, [Scale("apps", "kept", 1, None, now)], bench.world.now)

    bench.run(there_and_back())
    found = bench.world.one("Deployment", "kept", "apps")
    assert (found["spec"]["replicas"], found["metadata"]["labels"]) == (1, {})


def test_a_node_that_never_had_a_taint_gets_one() -> None:
    bench = Bench()
    bench.world.edit(bench.world.workload, bench.node("worker-0"), lambda node: node["spec"].pop("taints"))
    assert len(bench.act(Taint("worker-0", True))[0]) == 1


def calls(bench: Bench, method: str) -> int:
    return sum(point.startswith(f"management.{method}(") for point in bench.chaos.points)


def test_what_is_known_is_not_written_again() -> None:
    bench = Bench()
    said = word(bench.machine("worker-0"))
    bench.run(_twice(bench, said, said, 7200))
    assert (calls(bench, "apply_status"), calls(bench, "create")) == (1, 1)


def test_an_outcome_of_another_status_has_its_own_time() -> None:
    bench = Bench()
    machine = bench.machine("worker-0")
    bench.run(_twice(bench, word(machine), word(machine, "released"), 600))
    assert told(bench)["lastTransitionTime"] == "2026-11-26T09:10:00Z"


def test_a_message_says_which_hook_and_no_more_than_there_is() -> None:
    said = Word(machine="m", uid="u", hook=PRE_TERMINATE, state="waiting", reasons=(WHY,))
    assert message(said) == "The termination waits: RP724 PodDisruptionBudget apps/db never lets a pod go"


class RefusingKube(TellingKube):
    async def apply_status(self, document: Any) -> Document:
        raise Refused("RP000", "the condition", "the schema says no", "Report it.")


def test_a_refusal_for_a_machine_that_is_there_is_not_swallowed() -> None:
    bench = Bench()
    machine = bench.machine("worker-0")
    with pytest.raises(Refused, match="the schema says no"):
        bench.run(tell(RefusingKube(bench.world.management), machine, word(machine), bench.world.now))


@pytest.mark.parametrize("how", ["spec", "annotation", "not"])
def test_a_cluster_is_paused_by_its_spec_or_its_annotation(how: str) -> None:
    bench = Bench()

    def pause(cluster: Document) -> None:
        if how == "spec":
            cluster["spec"]["paused"] = True
        if how == "annotation":
            cluster["metadata"]["annotations"] = {"cluster.x-k8s.io/paused": ""}

    bench.world.edit(bench.world.management, bench.cluster, pause)
    assert seen(bench).paused is (how != "not")


class NoGuards(TellingKube):
    code = "RP906"

    async def get(self, ref: Any) -> Document | None:
        raise Refused(self.code, "ClusterGuard", "no such kind", "Install it.")


class Forbidden(NoGuards):
    code = "RP902"


def test_where_the_kind_is_not_installed_the_usual_holds_and_other_refusals_count() -> None:
    bench = Bench()
    assert bench.run(policy_of(NoGuards(bench.world.management), NAMESPACE, CLUSTER)) == DEFAULT
    bench = Bench()
    with pytest.raises(Refused, match="RP902"):
        bench.run(policy_of(Forbidden(bench.world.management), NAMESPACE, CLUSTER))


def terminating(bench: Bench, name: str) -> None:
    """It is drained and waits for the hook before its termination, with a volume that Nova holds."""
    deleted(bench, name)
    waits = {"type": "Deleting", "status": "True", "reason": "WaitingForPreTerminateHook"}

    def change(machine: Document) -> None:
        del machine["metadata"]["annotations"][PRE_DRAIN]
        machine["status"]["conditions"].append(waits)

    server = bench.world.server_of(bench.machine(name))
    assert server is not None
    server.volumes.add("volume-1")
    bench.world.edit(bench.world.management, bench.machine(name), change)


def test_volumes_of_machines_that_end_are_seen_and_of_no_others() -> None:
    bench = Bench()
    terminating(bench, "worker-0")
    found = seen(bench)
    servers = {machine.name: machine.server for machine in found.machines}
    assert found.cloud.volumes == {servers["worker-0"]: ("volume-1",)}
    assert found.workload.pods != ()


def test_volumes_are_unknown_where_the_workload_is() -> None:
    bench = Bench()
    terminating(bench, "worker-0")
    bench.world.down.add("workload")
    (volumes,) = seen(bench).cloud.volumes.values()
    assert isinstance(volumes, Unknown)


def test_a_deployment_with_a_pod_more_is_looked_after_when_nobody_goes_any_more() -> None:
    bench = Bench()
    found = bench.world.one("Deployment", "kept", "apps")

    def surge(deployment: Document) -> None:
        deployment["metadata"]["labels"] = {SURGED: "1"}
        deployment["spec"]["replicas"] = 2

    bench.world.edit(bench.world.workload, found, surge)
    rounded = bench.run(go_round(bench.systems, NAMESPACE, CLUSTER))
    assert [(action.replicas, action.surged_from) for action in rounded.done] == [(1, None)]


def test_a_round_of_a_cluster_that_is_gone_is_none() -> None:
    bench = Bench()
    assert bench.run(go_round(bench.systems, NAMESPACE, "another")) is None


def test_a_round_that_left_something_undone_comes_again_soon() -> None:
    bench = Bench()
    bench.world.project.members.popitem()
    bench.world.project.busy(60)
    rounded = bench.run(go_round(bench.systems, NAMESPACE, CLUSTER))
    assert [type(fault.action) for fault in rounded.faults] == [AddMember]
    assert rounded.again_s == SOON_S


def test_a_machine_whose_member_could_not_be_taken_out_is_told_all_the_same() -> None:
    bench = Bench()
    terminating(bench, "cp-0")
    bench.world.project.busy(60)
    bench.run(go_round(bench.systems, NAMESPACE, CLUSTER))
    assert told(bench, "cp-0")["reason"] == "InPool"
