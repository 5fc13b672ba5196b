"""What wrong plans do where no gate stops them, on the real controllers: why the gates are there.

A gate is off together with the fences behind it: the credential that cannot write, and what a step looks at
itself right before its write.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import bent
import httpx2
import pytest
from beneath import Beneath, gates_off
from lightkube.core.exceptions import ApiError
from scene import Scene, scene

from proving_ground.legacy.layout import LegacyCluster, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import etcd, new_cluster
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.migrations.takeover.steps import object_apply, unpausing

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(1800)]

HARMED = LegacyCluster(name="harmed", number=6, control_planes=1, worker_groups=(WorkerGroup(count=1),))


@pytest.fixture(scope="module")
def harmed(ground: Folders, progress: Progress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One and one."""
    with scene(ground, HARMED, tmp_path_factory.mktemp("harmed"), progress) as found:
        found.let_terraform_go()
        yield found


@pytest.fixture
def no_fences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps require nothing right before their write."""

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(object_apply, "require_control_plane_machines", nothing)
    for fence in ("require_control_plane_machines", "require_machine_counts", "require_no_user_data"):
        monkeypatch.setattr(unpausing, fence, nothing)


def test_capo_makes_a_port_where_it_does_not_find_one_by_its_name(harmed: Scene) -> None:
    beneath = Beneath(harmed.desk.fleet, gates_off())
    plan = bent.writing_credential(bent.port_name(harmed.plan))
    before, held = harmed.look(), harmed.own_holdings()
    ending = beneath.begin(bent.stopping_before(plan, "unpause/03-machineset"))
    assert ending.status == "waiting-for-approval", ending
    worker = harmed.machine("worker")
    until("CAPO content", lambda: "" if capo_has(harmed, worker)[0] else "no instanceID", limit_s=90)
    (made,) = harmed.cloud.network.ports(name=f"{worker}-0")
    assert harmed.differences(held) == {f"ports {worker}-0 ({made.id})": "new"}
    assert (made.device_id, made.status) == ("", "DOWN")
    # It finds the server by its own name and says that all is well.
    server = next(m.server_id for m in harmed.plan.machines if m.machine == worker)
    assert capo_has(harmed, worker) == (server, made.id)
    assert beneath.undo(ending.run_id).status == "undone"
    assert harmed.look() != before, "undo knows nothing of the port: it stays"
    harmed.cloud.network.delete_port(made)
    assert harmed.look() == before


def capo_has(scene: Scene, machine: str) -> tuple[str, str]:
    """IDs of the server and of the port that CAPO takes for the machine's."""
    found = scene.plane.find("OpenStackServer", machine, scene.name) or {}
    status = found.get("status", {})
    ports = (status.get("resources") or {}).get("ports") or [{}]
    return str(status.get("instanceID") or ""), str(ports[0].get("id") or "")


@pytest.mark.usefixtures("no_fences")
def test_a_machine_set_makes_a_machine_for_a_worker_that_stands_outside(harmed: Scene) -> None:
    beneath = Beneath(harmed.desk.fleet, gates_off())
    plan = bent.writing_credential(bent.worker_outside(harmed.plan))
    before, held = harmed.look(), harmed.own_holdings()
    run_id = beneath.begin(bent.stopping_before(plan, "unpause/06-look")).run_id
    # It waits for its control plane (preflight check ControlPlaneIsStable): there is nothing to see yet.
    assert harmed.machines_beyond_the_plan() == []
    beneath.approve(run_id, bent.step_id(plan, "unpause/05-kcp"))
    ending = beneath.go_on(run_id)
    assert ending.status == "waiting-for-approval", ending
    until("a Machine", lambda: "" if harmed.machines_beyond_the_plan() else "none", limit_s=90)
    until("its server and port", lambda: "" if len(harmed.differences(held)) == 2 else "none", limit_s=90)
    made = harmed.differences(held)
    assert sorted(what.split()[0] for what in made) == ["ports", "servers"], made
    assert set(made.values()) == {"new"}
    ending = Beneath(harmed.desk.fleet).undo(run_id)
    assert (ending.status, ending.code) == ("refused", "RP862"), ending
    new_cluster.scale(harmed.plane, harmed.name, f"{harmed.name}-worker", 0)
    until("no such Machine", lambda: ", ".join(harmed.machines_beyond_the_plan()), limit_s=180)
    assert beneath.undo(run_id).status == "undone"
    assert harmed.look() == before


@pytest.mark.usefixtures("no_fences")
def test_kcp_makes_a_ca_where_it_finds_none(harmed: Scene) -> None:
    beneath = Beneath(harmed.desk.fleet, gates_off())
    plan = bent.with_authority_unwritten(harmed.plan, "proxy")
    before = harmed.look()
    run_id = beneath.begin(bent.stopping_before(plan, "unpause/06-look")).run_id
    assert harmed.plane.find("Secret", "harmed-proxy", "harmed") is None
    beneath.approve(run_id, bent.step_id(plan, "unpause/05-kcp"))
    assert beneath.go_on(run_id).status == "waiting-for-approval"

    def made() -> dict[str, str]:
        secret = harmed.plane.find("Secret", "harmed-proxy", "harmed") or {}
        return dict(secret.get("data") or {})

    until("a CA", lambda: "" if made() else "none yet", limit_s=90)
    ours = harmed.on_control_plane("sudo cat /etc/kubernetes/pki/front-proxy-ca.crt")
    assert base64.b64decode(made()["tls.crt"]).decode() != ours, "another than that of the API server"
    assert beneath.undo(run_id).status == "undone"
    assert harmed.objects() == ["Secret/harmed-proxy"], "a CA that it has not written is not undo's to delete"
    harmed.plane.delete("Namespace", "harmed")
    until("harmed", lambda: "still there" if harmed.plane.find("Namespace", "harmed") else "", limit_s=60)
    assert harmed.look() == before


@pytest.mark.usefixtures("no_fences")
def test_kcp_removes_the_etcd_member_of_a_control_plane_that_was_left_out(
    harmed: Scene, ground: Folders
) -> None:
    """The last one: nothing of the cluster is left to give back."""
    beneath = Beneath(harmed.desk.fleet, gates_off())
    plan = bent.writing_credential(bent.without_control_plane(harmed.plan))
    (legacy,) = harmed.etcd_members().values()
    run_id = beneath.begin(bent.stopping_before(plan, "unpause/06-look")).run_id
    beneath.approve(run_id, bent.step_id(plan, "unpause/05-kcp"))
    ending = beneath.go_on(run_id)
    assert ending.status == "waiting-for-approval", ending
    until("a control plane of KCP's own", lambda: "" if own_address(harmed) else "none", limit_s=120)
    address = own_address(harmed)

    def members() -> set[str]:
        return set(etcd.members(ground, HARMED, [address]))

    until(
        f"etcd without {legacy}",
        lambda: "" if (seen := members()) and legacy not in seen else f"members {seen}",
        limit_s=300,
    )
    until("the API endpoint gone", lambda: "it answers" if answers(harmed) else "", limit_s=120)


def own_address(scene: Scene) -> str:
    """Of the server that is none of the plan, once it runs; "" before."""
    planned = {machine.server_id for machine in scene.plan.machines}
    for server in scene.cloud.compute.servers():
        mine = server.name.startswith(f"{scene.name}-") and server.id not in planned
        if mine and server.status == "ACTIVE":
            return str(next(a["addr"] for network in server.addresses.values() for a in network))
    return ""


def answers(scene: Scene) -> bool:
    """Whether anybody still reaches the cluster at its endpoint."""
    try:
        return bool(scene.workload.list("Node"))
    except (ApiError, httpx2.TransportError):
        return False
