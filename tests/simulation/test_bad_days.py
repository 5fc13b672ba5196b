"""Bad days in the middle of a takeover, each with what the operator is told and what must not come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from replank.domain.errors import Refused, ReplankError, Transient
from replank.journal.event import Event
from replank.ports.access import Access
from replank.testbed.simulation.documents import copied
from replank.testbed.simulation.explore import Outcome, Simulation
from replank.testbed.simulation.scenario import Scenario
from replank.testbed.simulation.worlds import SimulatedWorld

LOST = ("server ", "port ", "etcd member ")


class Failing:
    """A port of which some calls raise, as long as `error` says one. It gets `port.method(kind)`."""

    def __init__(self, inner: object, name: str, error: Callable[[str], ReplankError | None]) -> None:
        self._inner, self._name, self._error = inner, name, error

    def __getattr__(self, method: str) -> Callable[..., Any]:
        inner = getattr(self._inner, method)

        async def call(*arguments: Any, **options: Any) -> Any:
            about = arguments[0] if arguments else ""
            kind = about["kind"] if isinstance(about, dict) else getattr(about, "kind", about)
            if error := self._error(f"{self._name}.{method}({kind})"):
                raise error
            return await inner(*arguments, **options)

        return call


class Day:
    """A takeover of the 1+1 cluster on which something happens once a step begins."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error: Callable[[str], ReplankError | None] = lambda call: None
        plain = SimulatedWorld.access

        def access(world: SimulatedWorld, *, endpoint: str) -> Access:
            found = plain(world, endpoint=endpoint)
            names = ("cloud", "management", "workload", "hosts")
            ports = {n: Failing(getattr(found, n), n, lambda call: self.error(call)) for n in names}
            return replace(found, **cast("Any", ports))

        patch.setattr(SimulatedWorld, "access", access)
        self.simulation = Simulation(Scenario(seed=2, ending="settled"))
        self.world = self.simulation.world
        self.namespace = self.simulation.plan.namespace

    def at(self, step: str, happen: Callable[[], None]) -> None:
        steps = [s.id for stage in self.simulation.plan.stages for s in stage.steps]
        assert step in steps, steps
        seen: list[Event] = []

        def watch(event: Event) -> None:
            if not seen and event.kind == "step-started" and event.step == step:
                seen.append(event)
                happen()

        self.simulation.journal.observers.append(watch)

    def down(self, calls: tuple[str, ...], error: ReplankError, seconds: float) -> None:
        """These calls raise for a while."""
        until = self.simulation.loop.time() + seconds

        def raised(call: str) -> ReplankError | None:
            there = call.startswith(calls) and self.simulation.loop.time() < until
            return error if there else None

        self.error = raised

    def somebody_deletes(self, name: str) -> None:
        """`Kind/name`, with kubectl: finalizers are waited for."""
        kind, _, wanted = name.partition("/")
        found = self.world.management.all(kind, self.namespace)
        (chosen,) = [d for d in found if d["metadata"]["name"] == wanted]
        group = chosen["apiVersion"].rpartition("/")[0]
        place = (group, kind, self.namespace, wanted)
        self.world.management.delete(place, uid=chosen["metadata"]["uid"])

    def go(self) -> Outcome:
        return self.simulation.go()


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return Day(monkeypatch)


def harm(outcome: Outcome) -> list[str]:
    return [what for what in outcome.broken if what.startswith(LOST)]


def told(outcome: Outcome, *words: str) -> bool:
    return any(all(word in refusal for word in words) for refusal in outcome.refusals)


@pytest.mark.parametrize(("image", "version"), [("capi", "v1.13.5"), ("capo", "v0.15.0")])
def test_providers_of_another_version_stop_it_before_anything_of_theirs_is_written(
    day: Day, image: str, version: str
) -> None:
    """Somebody upgraded the management cluster between plan and apply."""
    for deployment in list(day.world.management.all("Deployment")):
        if deployment["metadata"]["name"] == f"{image}-controller-manager":
            other = copied(deployment)
            for container in other["spec"]["template"]["spec"]["containers"]:
                container["image"] = f"registry.example/{image}:{version}"
            day.world.management.put(other, "admin")
    for provider in list(day.world.management.all("Provider")):
        name = {"capi": "cluster-api", "capo": "infrastructure-openstack"}[image]
        if provider["metadata"]["name"] == name:
            day.world.management.put({**copied(provider), "version": version}, "admin")
    outcome = day.go()
    assert told(outcome, "RP800", version, "the plan is for")
    assert (outcome.status, outcome.broken, outcome.left) == ("refused, then undone", [], [])


def test_a_crd_that_is_taken_away_in_the_middle_stops_it_and_undo_gives_back(day: Day) -> None:
    gone = Refused(
        "RP906", "Apply MachineDeployment", "the API server does not serve the kind", "Install the providers."
    )
    day.at(
        "credentials/10-lock-one-worker-1",
        lambda: day.down(("management.apply(MachineDeployment)",), gone, 3600 * 5),
    )
    outcome = day.go()
    assert told(outcome, "RP906", "does not serve")
    assert (outcome.status, outcome.broken, outcome.left) == ("refused, then undone", [], [])


def silent_webhook(day: Day, seconds: float) -> None:
    silent = Transient("RP904", "Apply", "webhook validation.x does not answer", "Look at its pods.")
    calls = tuple(f"management.{verb}(OpenStack" for verb in ("apply", "merge", "create"))
    day.down(calls, silent, seconds)


def test_a_webhook_that_is_silent_for_a_while_is_waited_for(day: Day) -> None:
    day.at("credentials/01-namespace-one", lambda: silent_webhook(day, 60))
    outcome = day.go()
    assert outcome.wrong == []
    assert outcome.status == "done"


def test_a_webhook_that_stays_silent_stops_it_by_name(day: Day) -> None:
    day.at("credentials/01-namespace-one", lambda: silent_webhook(day, 3600))
    outcome = day.go()
    assert told(outcome, "webhook validation.x does not answer")
    assert (outcome.status, outcome.broken, outcome.left) == ("refused, then undone", [], [])


@pytest.mark.parametrize(
    ("call", "code"),
    [("management.apply(KubeadmConfig)", "RP907"), ("cloud.create_application_credential", "RP930")],
)
def test_a_quota_that_is_used_up_stops_it_and_undo_gives_back(day: Day, call: str, code: str) -> None:
    full = Refused(code, "It", "no room is left", "Raise the quota.")
    day.down((call,), full, 3600 * 24)
    outcome = day.go()
    assert told(outcome, code, "no room is left")
    assert (outcome.status, outcome.broken, outcome.left) == ("refused, then undone", [], [])


@pytest.mark.parametrize(
    "step",
    [
        "credentials/04-secret-one-ca",
        "control-plane/01-etcd-snapshot",
        "unpause/02-cluster",
        "unpause/05-kcp-one-control-plane",
        "unpause/06-look-again",
    ],
)
def test_a_control_plane_machine_that_reboots_in_the_middle_is_waited_for(day: Day, step: str) -> None:
    """The only one: its API server, etcd and sshd are away for 100 seconds."""
    away = Transient("RP055", "Look", "connection refused", "Look at the machine.")
    day.at(step, lambda: day.down(("workload.", "hosts."), away, 100))
    outcome = day.go()
    assert outcome.wrong == []
    assert outcome.status == "done"


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        (
            "KubeadmConfig/one-cp-1",
            "control-plane/04-kcp-one-control-plane",
            "KubeadmConfig of Machine one-cp-1",
        ),
        ("MachineSet/one-worker-adopted", "unpause/01-would-roll", "carries a deletionTimestamp"),
        ("OpenStackMachine/one-worker-1", "unpause/01-would-roll", "is not there"),
        ("Machine/one-worker-1", "unpause/02-cluster", "Machine/one-worker-1"),
        ("OpenStackCluster/one", "unpause/02-cluster", ""),
        ("KubeadmControlPlane/one-control-plane", "unpause/05-kcp-one-control-plane", ""),
        (
            "OpenStackMachineTemplate/one-worker-adopted",
            "settle/05-field-ownership",
            "somebody has deleted it",
        ),
    ],
)
def test_an_object_that_somebody_deletes_stops_it_and_takes_no_server(
    day: Day, name: str, step: str, words: str
) -> None:
    day.at(step, lambda: day.somebody_deletes(name))
    outcome = day.go()
    assert harm(outcome) == []
    assert told(outcome, words), outcome.refusals
    assert outcome.status == "refused, then undone"


def test_a_machine_that_is_deleted_once_its_owner_is_at_work_is_held_and_undo_says_what_is_lost(
    day: Day,
) -> None:
    """Its owner makes another one, as it should. The hooks hold the old one; an undo would give back less."""
    day.at("settle/01-writer-credential", lambda: day.somebody_deletes("Machine/one-cp-1"))
    outcome = day.go()
    assert [what for what in harm(outcome) if what.endswith((" deleted", " removed"))] == []
    assert told(outcome, "apply settle/", "carries a deletionTimestamp")
    assert told(outcome, "undo unpause/", "RP862", "cannot be given back")
    assert outcome.status == "refused"
