"""Wrong plans are stopped by a gate before harm. test_harm_without_gates.py shows what the harm would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bent
import pytest
from beneath import Beneath, Ending
from scene import Scene, scene
from shell import replank_ended

from proving_ground.legacy.layout import LegacyCluster, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.settings import Folders
from replank.plan import codec
from replank.plan.takeover import TakeoverPlan

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(1800)]

WRONG = LegacyCluster(name="wrong", number=5, control_planes=1, worker_groups=(WorkerGroup(count=1),))


@pytest.fixture(scope="module")
def wrong(ground: Folders, progress: Progress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One and one."""
    with scene(ground, WRONG, tmp_path_factory.mktemp("wrong"), progress) as found:
        yield found


@contextmanager
def given_back(scene: Scene) -> Iterator[list[str]]:
    """A run whose ID is put into the list is undone at the end, and leaves all as it was at the beginning."""
    before, runs = scene.look(), []
    try:
        yield runs
    finally:
        endings = [Beneath(scene.desk.fleet).undo(run_id) for run_id in runs]
    assert [ending.status for ending in endings] == ["undone"], endings
    assert scene.look() == before


@pytest.fixture(scope="module")
def let_go(wrong: Scene) -> Scene:
    """The same, once Terraform owns nothing of it any more."""
    wrong.let_terraform_go()
    return wrong


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        (bent.port_name, "wrong-worker-1-wrong"),
        (bent.etcd_member, "etcd.members-are-nodes"),
        (bent.without_authority, "wrong-ca"),
        (bent.worker_outside, "deployment-name"),
        (bent.region_of_capo, "identityRef"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_apply_begins_no_plan_that_is_not_what_the_cluster_gives(
    wrong: Scene, bend: Callable[[TakeoverPlan], TakeoverPlan], words: str
) -> None:
    before = wrong.look()
    wrong.desk.plan_file.write_text(codec.dump(bend(wrong.plan)))
    said = replank_ended("apply", wrong.desk.plan_file, "--yes", "--fleet", wrong.desk.fleet)
    assert said.status == 1
    assert "RP853" in said.stderr, said.stderr
    assert words in said.stderr, said.stderr
    assert "terraform" not in said.stderr.lower(), "the bend is all that differs"
    assert wrong.look() == before


@dataclass(frozen=True)
class Gate:
    """Where a wrong plan is stopped: the step, the code, and words of the reason."""

    bend: Callable[[TakeoverPlan], TakeoverPlan]
    step: str
    code: str
    words: str


GATES = [
    Gate(bent.etcd_member, "align-names/01-identity", "RP805", "etcd's members are wrong-master-1, the"),
    Gate(bent.region_of_nodes, "align-names/01-identity", "RP805", "the plan's is 'openstack://west/"),
    Gate(bent.without_authority, "secret-wrong-kubeconfig", "RP877", "wrong-ca, which the plan does not"),
    Gate(bent.port_name, "unpause/02-cluster", "RP800", "'wrong-worker-1-0' names no port"),
    Gate(bent.region_of_capo, "unpause/02-cluster", "RP805", "has providerID openstack://RegionOne/"),
    Gate(bent.worker_outside, "unpause/03-machineset", "RP868", "it wants 1 replicas for 0 Machines"),
]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.bend.__name__)
def test_a_gate_of_a_step_stops_the_plan_before_harm(let_go: Scene, gate: Gate) -> None:
    with given_back(let_go) as runs:
        with let_go.unharmed():
            ending = Beneath(let_go.desk.fleet).begin(gate.bend(let_go.plan))
            runs.append(ending.run_id)
        refused(ending, gate.step, gate.code, gate.words)


def test_a_port_that_was_renamed_meanwhile_is_not_renamed_again(let_go: Scene) -> None:
    with given_back(let_go) as runs, renamed(let_go, "worker", "somebody-elses"), let_go.unharmed():
        ending = Beneath(let_go.desk.fleet).begin(let_go.plan)
        runs.append(ending.run_id)
        refused(ending, "port-wrong-worker-1-0", "RP800", "is called 'somebody-elses'")


def test_a_key_that_is_gone_from_the_machine_stops_the_takeover(let_go: Scene) -> None:
    with given_back(let_go) as runs:
        let_go.on_control_plane("sudo mv /etc/kubernetes/pki/ca.key /etc/kubernetes/ca.key.away")
        try:
            with let_go.unharmed():
                ending = Beneath(let_go.desk.fleet).begin(let_go.plan)
                runs.append(ending.run_id)
            refused(ending, "secret-wrong-ca", "RP941", "/etc/kubernetes/pki/ca.key")
        finally:
            let_go.on_control_plane("sudo mv /etc/kubernetes/ca.key.away /etc/kubernetes/pki/ca.key")


@pytest.fixture(scope="module")
def written(let_go: Scene) -> Iterator[str]:
    """A run that has written everything, and waits for a person before Cluster API is let at it."""
    with given_back(let_go) as runs:
        plan = bent.stopping_before(let_go.plan, "unpause/02-cluster")
        ending = Beneath(let_go.desk.fleet).begin(plan)
        runs.append(ending.run_id)
        assert ending.status == "waiting-for-approval", ending
        yield ending.run_id


@pytest.fixture(scope="module")
def at_the_control_plane(let_go: Scene, written: str) -> str:
    """The same run: the control plane alone is still paused, and a person has agreed to unpause it."""
    beneath = Beneath(let_go.desk.fleet)
    beneath.approve(written, "look")
    assert beneath.go_on(written).status == "waiting-for-approval"
    beneath.approve(written, bent.step_id(let_go.plan, "unpause/05-kcp"))
    return written


def test_a_port_renamed_back_by_terraform_keeps_the_cluster_paused(let_go: Scene, written: str) -> None:
    beneath = Beneath(let_go.desk.fleet)
    beneath.approve(written, bent.step_id(let_go.plan, "unpause/02-cluster"))
    with renamed(let_go, "worker", "wrong-worker-1-port"), let_go.unharmed():
        ending = beneath.go_on(written)
    refused(ending, "unpause/02-cluster", "RP800", "'wrong-worker-1-0' names no port")


def test_a_control_plane_that_lost_its_label_keeps_kcp_paused(
    let_go: Scene, at_the_control_plane: str
) -> None:
    machine = let_go.machine("control-plane")
    let_go.relabel("Machine", machine, {"cluster.x-k8s.io/control-plane": None})
    with let_go.unharmed():
        ending = Beneath(let_go.desk.fleet).go_on(at_the_control_plane)
    let_go.relabel("Machine", machine, {"cluster.x-k8s.io/control-plane": ""})
    refused(ending, "unpause/05-kcp", "RP800", f"Machine {machine} lacks label")


def test_a_lost_authority_keeps_kcp_paused(let_go: Scene, at_the_control_plane: str) -> None:
    secret = let_go.plane.get("Secret", "wrong-ca", "wrong")
    let_go.plane.delete("Secret", "wrong-ca", "wrong")
    with let_go.unharmed():
        ending = Beneath(let_go.desk.fleet).go_on(at_the_control_plane)
    labels = secret["metadata"]["labels"]
    again = {"name": "wrong-ca", "namespace": "wrong", "labels": labels}
    let_go.plane.apply({"apiVersion": "v1", "kind": "Secret", "metadata": again, "data": secret["data"]})
    refused(ending, "unpause/05-kcp", "RP800", "Secret wrong-ca is not there")


def test_an_etcd_member_of_another_name_keeps_kcp_paused(let_go: Scene, at_the_control_plane: str) -> None:
    machine = let_go.machine("control-plane")
    let_go.rename_etcd_member(machine, "etcd-0")
    try:
        with let_go.unharmed():
            ending = Beneath(let_go.desk.fleet).go_on(at_the_control_plane)
    finally:
        let_go.rename_etcd_member("etcd-0", machine)
    refused(ending, "unpause/05-kcp", "RP800", "etcd's members are etcd-0")


def refused(ending: Ending, step: str, code: str, words: str) -> None:
    """Asserts where, by which code, and in which words."""
    assert ending.status == "refused", ending
    assert step in ending.step, ending
    assert ending.code == code, ending
    assert words in f"{ending.what}: {ending.why}", ending


@contextmanager
def renamed(scene: Scene, role: str, name: str) -> Iterator[None]:
    """The port of the machine is called otherwise for a while."""
    port = scene.port(scene.machine(role))
    was = scene.cloud.network.get_port(port).name
    scene.cloud.network.update_port(port, name=name)
    try:
        yield
    finally:
        scene.cloud.network.update_port(port, name=was)
