"""A takeover and its undo, killed at every step, in between, and after every write: the same end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deaths import Deaths
from desk import Desk
from living import CAPI_KINDS, machines_of, metadata_of_nodes, port_names, revoke, wishes
from openstack.connection import Connection
from shell import replank
from told import Told
from witness import Witness, credential_names, credentials_of, secrets_now, secrets_on_machines

from proving_ground.cloud import connect
from proving_ground.legacy import create, tofu
from proving_ground.legacy.layout import LegacyCluster, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import new_cluster, settled
from proving_ground.scenario.fresh import fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders
from replank.journal.event import Direction
from replank.plan.takeover import TakeoverPlan
from replank.testbed.crash.death import points_in
from replank.testbed.crash.points import planned_points
from replank.transports.terraform.files import lock_info_path

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(5400)]

CRASH = LegacyCluster(name="crash", number=7, control_planes=1, worker_groups=(WorkerGroup(count=1),))


@pytest.fixture
def workload(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane and one worker."""
    found = fresh_cluster(ground, CRASH, progress)
    try:
        yield found
    finally:
        plane = Kube(ground.plane("one") / "kubeconfig")
        if plane.find("Cluster", CRASH.name, CRASH.name):
            new_cluster.release_guards(plane, CRASH.name)
            new_cluster.delete_cluster(plane, CRASH.name, CRASH.name, progress)
        create.destroy(ground, CRASH, progress)
        revoke(connect(ground), CRASH)


class Platform:
    """The platform team, which takes resources out of its state when replank asks, and back into it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._done: set[Direction] = set()

    def help(self, direction: Direction) -> None:
        """Looks whether it is asked for. Before the first run has begun there is nobody to ask."""
        if not (self._desk.folder / ".replank" / "journal.db").exists():
            return
        row = self._desk.status()
        if row["held"] and "terraform-forget" in row["step"]:
            self.do(direction)

    def do(self, direction: Direction) -> None:
        """Once."""
        if direction in self._done:
            return
        self._done.add(direction)
        ground, cluster, forget = self._desk.ground, self._desk.cluster, self._desk.plan.forget
        if direction == "apply":
            tofu.forget(ground, cluster, [each.address for each in forget])
        else:
            tofu.remember(ground, cluster, [each.address for each in forget])


def state_of_terraform(ground: Folders) -> dict[str, str]:
    """Managed resources, address -> ID; and that replank's lock of the state is gone."""
    file = tofu.folder(ground, CRASH) / "terraform.tfstate"
    assert not lock_info_path(file).exists()
    state = json.loads(file.read_text())
    return {
        f"{r['type']}.{r['name']}[{i.get('index_key')}]": i["attributes"]["id"]
        for r in state["resources"]
        if r["mode"] == "managed"
        for i in r["instances"]
    }


def objects(plane: Kube) -> dict[str, list[str]]:
    """Kind -> names of all that the controllers see."""
    return {kind: [o["metadata"]["name"] for o in plane.list(kind, CRASH.name)] for kind in CAPI_KINDS}


def planned_objects(plan: TakeoverPlan) -> dict[str, list[str]]:
    """As `objects`. CAPO makes an OpenStackServer of each OpenStackMachine's name."""
    keys = [key.split("/", 1) for key in plan.manifests]
    found = {kind: sorted(name for k, name in keys if k == kind) for kind in CAPI_KINDS}
    return {**found, "OpenStackServer": found["OpenStackMachine"]}


def missed(plan: TakeoverPlan, direction: Direction, deaths: Deaths) -> list[str]:
    """Planned points that no life ended at."""
    met = set(points_in(deaths.died))
    return [point for point in planned_points(plan, direction) if point not in met]


def require_taken_over(
    plane: Kube, cloud: Connection, plan: TakeoverPlan, machines: dict[str, Any], pki: dict[str, str]
) -> None:
    """Once each, nothing else, and no controller wishes anything."""
    assert machines_of(cloud, CRASH) == machines, "the same servers and ports"
    assert objects(plane) == planned_objects(plan)
    made = credential_names(plan, "openstack.application-credential.create")
    kept = made - credential_names(plan, "openstack.application-credential.delete")
    assert set(credentials_of(cloud, plan)) == kept
    secrets = secrets_now(plane, plan.namespace)
    assert set(secrets) == {secret.name for secret in plan.secrets} | kept
    assert {name: secrets[name] for name in pki} == pki, "as on the machine"
    assert wishes(plane, CRASH) == []


def test_killed_at_every_point_a_takeover_and_its_undo_end_as_if_they_had_not_been(
    ground: Folders, workload: Kube, progress: Progress, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plane, cloud, tell = Kube(ground.plane("one") / "kubeconfig"), connect(ground), Told(capfd)
    desk = Desk(ground, CRASH, tmp_path)
    plan, platform = desk.prepare(progress), Platform(desk)
    desk.approve()
    machines, names = machines_of(cloud, CRASH), port_names(cloud, CRASH)
    nodes, state = metadata_of_nodes(workload), state_of_terraform(ground)
    pki = secrets_on_machines(ground, CRASH, plan)

    witness = Witness(plane, cloud, plan)
    deaths = Deaths(desk, witness.look, tell)
    apply, undo = ("apply", desk.plan_file, "--yes"), ("undo", CRASH.name, "--yes")
    there = deaths.all(*apply, help_out=lambda: platform.help("apply"), limit_s=1800)
    require_taken_over(plane, cloud, plan, machines, pki)
    assert witness.second_ones() == []
    left = missed(plan, "apply", deaths)

    witness = Witness(plane, cloud, plan)
    deaths.watch = witness.look
    back = deaths.all(*undo, help_out=lambda: platform.help("undo"), limit_s=1800)
    # The last death came after the run's last word and before its lease was given back: as anybody would
    # whose command was killed, once more.
    replank(*undo, "--fleet", desk.fleet, cwd=desk.folder)
    assert machines_of(cloud, CRASH) == machines
    assert port_names(cloud, CRASH) == names
    assert metadata_of_nodes(workload) == nodes
    assert credentials_of(cloud, plan) == {}
    assert plane.find("Namespace", CRASH.name) is None
    assert objects(plane) == {kind: [] for kind in CAPI_KINDS}
    assert state_of_terraform(ground) == state
    assert witness.second_ones() == []
    assert list(tmp_path.rglob("*.part")) == [], "half an etcd snapshot"

    # A step that is found done after a death is not applied again, so some points are only met by a life
    # that did not die at the step's last write: another takeover, which dies only where none did before.
    desk.survey_and_plan(progress)
    desk.approve()
    # And Terraform lets go before it is asked to: whoever has held is found done, and not applied either.
    platform, witness = Platform(desk), Witness(plane, cloud, desk.plan)
    deaths.watch = lambda: (witness.look(), platform.do("apply"))
    again = deaths.all(*apply, help_out=lambda: platform.help("apply"), limit_s=900)
    require_taken_over(plane, cloud, desk.plan, machines, pki)
    assert not set(state_of_terraform(ground).values()) & {forget.id for forget in desk.plan.forget}
    assert witness.second_ones() == []
    assert settled.nodes_ready(workload, CRASH.nodes) == ""
    never = {"apply": missed(desk.plan, "apply", deaths), "undo": missed(plan, "undo", deaths)}
    gained = len(left) - len(never["apply"])
    tell(
        f"proof: {there + back + again} kills: {there} in a takeover, {back} in its undo, {again} in a "
        f"second takeover that died at {gained} of the {len(left)} points that the first had not come to; "
        f"never met: {', '.join(never['apply'] + never['undo']) or 'none'}"
    )
    assert never == {"apply": [], "undo": []}
