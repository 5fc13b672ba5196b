"""Genuine OpenTofu lets go and takes back, by the files that replank writes and the places that it names."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from proving_ground.cloud.connect import connect
from proving_ground.legacy import tofu
from proving_ground.legacy.layout import LegacyCluster, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.settings import Folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import StateSource
from replank.migrations.takeover.configuration import blocks_of, let_go, placed
from replank.migrations.takeover.terraform import FLOATING_ASSOCIATION
from replank.plan.takeover import Forget, TakeoverPlan
from replank.report.forget_files import forget_files
from replank.transports.terraform.changes import plan_changes
from replank.transports.terraform.reader import TerraformStateReader
from replank.transports.terraform.tool import Tool
from tests.report.sample_plan import sample_plan

pytestmark = [pytest.mark.ground, pytest.mark.timeout(900)]

CLUSTER = LegacyCluster(name="letgo", number=8, control_planes=1, worker_groups=(WorkerGroup(count=1),))
GOES = ("openstack_compute_instance_v2", "openstack_networking_port_v2", FLOATING_ASSOCIATION)
"""What Cluster API would own: machines and their ports."""


@dataclass(frozen=True)
class Site:
    """The working folder of a platform team."""

    ground: Folders
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **tofu.environment(self.ground, CLUSTER), "TOOL": self.program}

    @property
    def program(self) -> str:
        return str(binary(self.ground, "opentofu", "tofu"))

    def tofu(self, *arguments: str) -> str:
        return self.run(self.program, *arguments)

    def run(self, *argv: str) -> str:
        done = subprocess.run(
            argv, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def actions(self) -> dict[str, list[str]]:
        """Action -> addresses of a plan, without what stays as it is."""
        self.tofu("plan", "-input=false", "-out=planned")
        planned = json.loads(self.tofu("show", "-json", "planned"))
        found: dict[str, list[str]] = {}
        for change in planned.get("resource_changes", ()):
            actions = change["change"]["actions"]
            if actions != ["no-op"]:
                found.setdefault("+".join(actions), []).append(change["address"])
        return found

    def imports(self) -> dict[str, str]:
        """Address -> ID of what a plan would import."""
        self.tofu("plan", "-input=false", "-out=planned")
        planned = json.loads(self.tofu("show", "-json", "planned"))
        return {
            change["address"]: change["change"]["importing"]["id"]
            for change in planned["resource_changes"]
            if "importing" in change["change"]
        }

    def listed(self) -> dict[str, str]:
        """Address -> ID of managed resources."""
        state = json.loads(self.tofu("state", "pull"))
        return {
            _address(resource, instance): instance["attributes"]["id"]
            for resource in state["resources"]
            if resource["mode"] == "managed"
            for instance in resource["instances"]
        }

    def survey(self) -> StateFile:
        source = StateSource(kind="folder", path=str(self.folder))
        (state,) = asyncio.run(TerraformStateReader().read(source))
        return state


def _address(resource: dict[str, Any], instance: dict[str, Any]) -> str:
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    return f"{resource['type']}.{resource['name']}{index}"


@pytest.fixture(scope="module")
def site(ground: Folders, progress: Progress) -> Iterator[Site]:
    build.build(ground, tofu.PROVIDER_GROUPS[CLUSTER.layout])
    tofu.destroy(ground, CLUSTER)  # what an interrupted run left
    try:
        with progress.step(f"{CLUSTER.name}: tofu apply"):
            tofu.apply(ground, CLUSTER)
        yield Site(ground, tofu.folder(ground, CLUSTER))
    finally:
        tofu.prepare(ground, CLUSTER)
        for name in ("removed.tf", "import.tf", "planned"):
            (tofu.folder(ground, CLUSTER) / name).unlink(missing_ok=True)
        _remove_what_no_state_lists(ground)
        with progress.step(f"{CLUSTER.name}: tofu destroy"):
            tofu.destroy(ground, CLUSTER)
        shutil.rmtree(ground.cluster(CLUSTER.name), ignore_errors=True)


def plan_of(state: StateFile, *addresses: str) -> TakeoverPlan:
    """The part of a plan that speaks of the state. `addresses`: "" = every machine and port."""
    gone = [r for r in state.resources if r.mode == "managed" and r.type in GOES]
    gone = [r for r in gone if not addresses or r.address in addresses]
    blocks = blocks_of(state, gone)
    forget = tuple(
        placed(
            Forget(address=r.address, id=r.id, state=state.source, how="state-rm", import_id=r.id), r, blocks
        )
        for r in gone
    )
    return replace(sample_plan(), forget=forget, letting_go=(let_go(state, blocks),))


def write(plan: TakeoverPlan, where: Path) -> Path:
    for name, text in forget_files(plan).items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder,) = where.iterdir()
    return folder


def edit(plan: TakeoverPlan, folder: Path) -> None:
    """What the README says, to the letter: texts put in by place, blocks deleted by place."""
    (state,) = plan.letting_go
    files = {path.name: path.read_text().splitlines() for path in folder.glob("*.tf")}
    for reference in state.references:
        line = files[reference.file][reference.line - 1]
        assert reference.mentions in line, reference
        # Whole resources stand only in a `for … in` of an output: no machine, no output.
        files[reference.file][reference.line - 1] = line.replace(reference.mentions, reference.put or "[]", 1)
    places = {forget.block for forget in plan.forget if not forget.keep_block}
    for place in sorted(places, key=lambda p: -int(p.rpartition("..")[2])):
        name, _, lines = place.rpartition(":")
        first, last = (int(number) for number in lines.split(".."))
        assert files[name][first - 1].startswith("resource ")
        assert files[name][last - 1] == "}"
        del files[name][first - 1 : last]
    for name, lines in files.items():
        (folder / name).write_text("\n".join([*lines, ""]))


def test_the_state_lets_go_by_removed_blocks_and_takes_back_by_import_blocks(
    site: Site, tmp_path: Path
) -> None:
    before, servers = site.listed(), _servers(site.ground)
    plan = plan_of(site.survey())
    gone = {forget.address for forget in plan.forget}
    assert {address.split(".")[0] for address in gone} >= set(GOES[:2])
    assert all(forget.block and not forget.keep_block for forget in plan.forget)
    files = write(plan, tmp_path)
    assert not (files / "state-rm.sh").exists(), "every block goes whole"
    originals = {path: path.read_text() for path in site.folder.glob("*.tf")}

    edit(plan, site.folder)
    shutil.copy(files / "removed.tf", site.folder)
    assert site.actions() == {"forget": sorted(gone)}
    site.tofu("apply", "-input=false", "planned")
    assert site.listed() == {a: i for a, i in before.items() if a not in gone}
    assert _servers(site.ground) == servers
    assert site.actions() == {}
    assert asyncio.run(_changes(site)) == ""

    (site.folder / "removed.tf").unlink()
    for path, text in originals.items():
        path.write_text(text)
    shutil.copy(files / "import.tf", site.folder)
    assert site.imports() == {a: i for a, i in before.items() if a in gone}
    (site.folder / "import.tf").unlink()
    site.run("sh", str(files / "restore.sh"), str(site.folder / "terraform.tfstate.backup"))
    assert site.listed() == before
    assert site.actions() == {}
    assert _servers(site.ground) == servers


def test_an_import_alone_would_replace_machines(site: Site, tmp_path: Path) -> None:
    """Why README puts the state from before first."""
    before = site.listed()
    plan = plan_of(site.survey())
    files = write(plan, tmp_path)
    server = "openstack_compute_instance_v2.master[0]"
    kept = tmp_path / "before.tfstate"
    kept.write_text(site.tofu("state", "pull"))
    site.tofu("state", "rm", server)
    site.run("sh", str(files / "import.sh"))
    site.run("sh", str(files / "import.sh"))  # again: nothing is left to do
    assert site.listed() == before
    assert server in site.actions()["delete+create"]
    site.tofu("state", "rm", server)
    site.run("sh", str(files / "restore.sh"), str(kept))
    assert site.listed() == before
    assert site.actions() == {}


def test_one_member_goes_by_command_and_comes_back_by_command(site: Site, tmp_path: Path) -> None:
    before = site.listed()
    variables = site.folder / "terraform.tfvars.json"
    wider = {**json.loads(variables.read_text()), "masters": 2}
    variables.write_text(json.dumps(wider))
    site.tofu("apply", "-input=false", "-auto-approve")
    more = site.listed()
    port = "openstack_networking_port_v2.master[1]"
    server = "openstack_compute_instance_v2.master[1]"
    member = "openstack_lb_member_v2.api[1]"
    assert more.keys() - before.keys() == {port, server, member}

    plan = plan_of(site.survey(), port, server)
    assert {f.keep_block for f in plan.forget} == {
        "it also makes openstack_networking_port_v2.master[0]",
        "it also makes openstack_compute_instance_v2.master[0]",
    }
    files = write(plan, tmp_path)
    assert not (files / "removed.tf").exists()
    site.run("sh", str(files / "state-rm.sh"), "-dry-run")
    assert site.listed() == more
    old = set(site.folder.glob("terraform.tfstate.*.backup"))
    site.run("sh", str(files / "state-rm.sh"))
    assert site.listed() == {a: i for a, i in more.items() if a not in (port, server)}
    backups = sorted(set(site.folder.glob("terraform.tfstate.*.backup")) - old)
    assert [path.stat().st_mode & 0o777 for path in backups] == [0o600]
    site.run("sh", str(files / "restore.sh"), str(backups[-1]))
    site.run("sh", str(files / "restore.sh"), str(backups[-1]))  # again: nothing is left to do
    assert site.listed() == more
    assert site.actions() == {}


async def _changes(site: Site) -> str:
    tool = Tool(timeout_s=300.0, limit=64 * 1024 * 1024, environment=site.environment)
    return await plan_changes(tool, site.folder, site.program, "default")


def _remove_what_no_state_lists(ground: Folders) -> None:
    """A test that failed halfway left machines that the state has let go; their subnet could not go."""
    state = json.loads((tofu.folder(ground, CLUSTER) / "terraform.tfstate").read_text())
    listed = {i["attributes"]["id"] for r in state["resources"] for i in r["instances"]}
    with connect(ground) as cloud:
        ours = [s for s in cloud.compute.servers() if s.name.startswith(f"{CLUSTER.name}-")]
        for server in (s for s in ours if s.id not in listed):
            cloud.compute.delete_server(server)
            cloud.compute.wait_for_delete(server, wait=60)
        for port in cloud.network.ports():
            if (
                port.name.startswith(f"{CLUSTER.name}-")
                and port.name.endswith("-port")
                and port.id not in listed
            ):
                cloud.network.delete_port(port)


def _servers(ground: Folders) -> dict[str, str]:
    with connect(ground) as cloud:
        return {s.id: s.status for s in cloud.compute.servers() if s.name.startswith(f"{CLUSTER.name}-")}
