"""The clusters that are simulated, with the snapshots from which their plans are made.

A snapshot is surveyed once from a served twin (that takes seconds and the wall clock) and kept beside this
file; the twin's world is made anew from the same seed, so both speak of the same servers.
`python -m replank.testbed.simulation.shapes` surveys them again: after a change of the snapshot's schema, of
the survey or of the generator.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from replank.audit.finding import AuditSettings
from replank.inventory.facts import codec
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.fleet.loader import load_fleet
from replank.migrations.takeover.checks import audit_takeover
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.takeover import TakeoverPlan
from replank.survey.fleet import Readers, SurveyOptions, survey_fleet
from replank.survey.progress import Silent
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.twin import Twin
from replank.testbed.world import World

NOW = datetime(2026, 11, 1, tzinfo=UTC)
"""When every simulation begins."""
_FOLDER = Path(__file__).parent / "snapshots"


@dataclass(frozen=True, slots=True)
class Shape:
    """`spec`: the legacy cluster."""

    name: str
    spec: ClusterSpec

    def world(self) -> World:
        """The twin's world at `NOW`, to be copied before anything acts on it."""
        return _world(self.name)

    def snapshot(self) -> Snapshot:
        """As it was surveyed."""
        return _snapshot(self.name)

    def plan(self) -> TakeoverPlan:
        """Its plan. Raises ValueError where it is not ready."""
        return _plan(self.name)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape(
            "1+1",
            ClusterSpec(
                name="one",
                control_planes=1,
                control_plane_zones=("az1",),
                workers=(WorkerGroup(name="worker", count=1),),
                workloads=(),
            ),
        ),
        Shape("3+2", ClusterSpec(name="three", workloads=())),
    )
}


@cache
def _world(name: str) -> World:
    return generate(1, [SHAPES[name].spec], NOW)


@cache
def _snapshot(name: str) -> Snapshot:
    path = _FOLDER / f"{name}.json"
    return codec.load(path.read_bytes(), where=path.name)


@cache
def _plan(name: str) -> TakeoverPlan:
    return planned(_snapshot(name))


def planned(snapshot: Snapshot) -> TakeoverPlan:
    """The plan of a snapshot at `NOW`. Raises ValueError where it is not ready."""
    findings = audit_takeover(snapshot, AuditSettings(now=NOW))
    plan = plan_takeover(snapshot, TakeoverSettings(namespace=snapshot.cluster), findings)
    if not plan.ready:
        raise ValueError(f"{snapshot.cluster}: {[f.code for f in plan.findings if f.severity == 'blocker']}")
    return plan


def surveyed(world: World, readers: Callable[[], Readers]) -> Snapshot:
    """Surveys the one cluster of a served world. Paths of states are relative to the operator's folder."""
    with tempfile.TemporaryDirectory() as name, Twin(world, Path(name)) as twin:
        fleet = load_fleet(twin.fleet_file.read_text(), path=str(twin.fleet_file), home=name)

        async def survey() -> Snapshot:
            async for result in survey_fleet(fleet.clusters, readers(), SurveyOptions(), Silent()):
                if result.snapshot is not None:
                    return result.snapshot
                raise ValueError(f"{result.cluster}: {result.error}")
            raise ValueError("no cluster")

        text = codec.to_json(asyncio.run(survey())).decode()
        return codec.load(text.replace(f"{name}/", "").encode(), where="survey")


def live_readers() -> Readers:
    """Of the served twin."""
    from replank.transports.kubernetes.management import KubernetesManagementReader
    from replank.transports.kubernetes.reader import KubernetesReader
    from replank.transports.openstack.reader import OpenStackReader
    from replank.transports.ssh.reader import SshHostReader
    from replank.transports.terraform.reader import TerraformStateReader

    return Readers(
        state=TerraformStateReader(),
        cloud=OpenStackReader(read_timeout_s=20, parallel=8),
        cluster=KubernetesReader(timeout_s=20),
        management=KubernetesManagementReader(timeout_s=20),
        host=SshHostReader(),
    )


def main() -> None:
    """Writes the snapshots anew. Certificates must be valid by the wall clock while the twin is up."""
    _FOLDER.mkdir(exist_ok=True)
    for shape in SHAPES.values():
        path = _FOLDER / f"{shape.name}.json"
        path.write_bytes(codec.to_json(surveyed(shape.world(), live_readers)))


if __name__ == "__main__":
    main()
