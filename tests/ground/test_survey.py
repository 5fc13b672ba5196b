"""replank's survey, audit and plan on clusters of the ground: replank says what the ground knows it made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from shell import replank

from proving_ground import management
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.management.api import Api
from proving_ground.progress import Progress
from proving_ground.scenario.fresh import PLAIN, fresh_cluster
from proving_ground.scenario.operator import write_fleet_file
from proving_ground.settings import Folders
from replank.app.store import SnapshotStore
from replank.domain.unknown import Unknown
from replank.inventory.facts.codec import to_json
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.unseen import unseen_sources
from replank.plan.codec import dump, load
from replank.plan.takeover import TakeoverPlan

pytestmark = [pytest.mark.ground, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Seen:
    """What replank said of a cluster, in a folder of its own."""

    cluster: LegacyCluster
    snapshot: Snapshot
    plan: TakeoverPlan
    audit: list[dict[str, Any]]


@pytest.fixture(scope="module")
def seen(ground: Folders, progress: Progress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The plain cluster of three control planes and two workers, surveyed, audited and planned."""
    fresh_cluster(ground, PLAIN, progress)
    desk = tmp_path_factory.mktemp("desk")
    fleet, snapshots, plans = desk / "fleet.yaml", desk / "snapshots", desk / "plans"
    write_fleet_file(ground, [PLAIN], fleet)
    with progress.step("plain: survey, audit, plan"):
        replank("survey", "--fleet", fleet, "--snapshots", snapshots)
        audit = replank(
            "audit", "--fleet", fleet, "--snapshots", snapshots, "--json", "--fail-on", "never", "plain"
        )
        replank("plan", "takeover", "plain", "--fleet", fleet, "--snapshots", snapshots, "--out", plans)
    file = next(plans.glob("*.yaml"))
    yield Seen(
        PLAIN,
        SnapshotStore(snapshots).latest("plain")[1],
        load(file.read_bytes(), where=str(file)),
        json.loads(audit)["plain"],
    )
    create.destroy(ground, PLAIN, progress)


def test_nothing_of_a_real_cluster_stays_unknown(seen: Seen) -> None:
    assert unseen_sources(seen.snapshot) == ()


def test_a_plain_cluster_can_be_taken_over_without_a_blocker(seen: Seen) -> None:
    blockers = [f for f in seen.audit if f["severity"] == "blocker" or f["unknown"]]
    assert blockers == []
    assert seen.plan.ready


def test_survey_sees_the_servers_and_ports_that_opentofu_made(ground: Folders, seen: Seen) -> None:
    made = {m.server_id: (m.name, m.address, m.port_id) for m in tofu.read(ground, seen.cluster).machines}
    cloud = seen.snapshot.infrastructure.openstack
    assert not isinstance(cloud, Unknown)
    assert not isinstance(cloud.servers, Unknown)
    assert not isinstance(cloud.ports, Unknown)
    assert {s.id: s.name for s in cloud.servers} == {i: name for i, (name, _, _) in made.items()}
    by_device = {p.device_id: p.id for p in cloud.ports if p.device_id in made}
    assert by_device == {i: port for i, (_, _, port) in made.items()}


def test_survey_joins_every_machine_by_strong_keys_and_gives_it_its_role(ground: Folders, seen: Seen) -> None:
    roles = {
        machine.name: "control-plane" if machine.group == "master" else "worker"
        for machine in tofu.read(ground, seen.cluster).machines
    }
    assert {m.name: str(m.role) for m in seen.snapshot.machines} == roles
    assert seen.snapshot.conflicts == ()


def test_certificates_by_ssh_are_those_on_the_machine(ground: Folders, seen: Seen) -> None:
    first = tofu.read(ground, seen.cluster).control_planes[0]
    output = ssh.run(
        ground,
        create.known_hosts(ground, seen.cluster),
        first.address,
        "sudo openssl x509 -in /etc/kubernetes/pki/ca.crt -noout -fingerprint -sha256",
    )
    fingerprint = output.decode().strip().partition("=")[2].replace(":", "").lower()
    host = next(h for h in seen.snapshot.hosts if h.server == first.name)
    assert not isinstance(host.certificates, Unknown)
    authority = next(c for c in host.certificates if c.path.endswith("pki/ca.crt"))
    assert authority.sha256.replace(":", "").lower() == fingerprint


def test_the_real_webhooks_take_every_object_of_the_plan(ground: Folders, seen: Seen) -> None:
    with Api(management.plane(ground, "one")) as api:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": seen.plan.namespace}}
        api.apply(namespace)
        try:
            answers = {
                name: api.create(dict(document), dry_run=True)
                for name, document in seen.plan.manifests.items()
                if document["kind"] not in ("Namespace", "Secret")
            }
        finally:
            api.delete(namespace)
    assert answers
    assert {name: answer.message for name, answer in answers.items() if not answer.ok} == {}


def test_no_secret_of_a_real_cluster_is_in_its_snapshot_or_plan(ground: Folders, seen: Seen) -> None:
    hosts, first = create.known_hosts(ground, seen.cluster), tofu.read(ground, seen.cluster).control_planes[0]
    files = [
        f"/etc/kubernetes/{name}"
        for name in ("pki/ca.key", "pki/sa.key", "pki/etcd/ca.key", "pki/front-proxy-ca.key", "admin.conf")
    ]
    text = ssh.run(ground, hosts, first.address, f"sudo cat {' '.join(files)}").decode()
    lines = {line.strip() for line in text.splitlines() if len(line.strip()) >= 60}
    certificates = ("certificate-authority-data", "client-certificate-data")
    secret = {line for line in lines if not line.startswith(certificates)}
    public = ssh.run(ground, hosts, first.address, "sudo cat /etc/kubernetes/pki/ca.crt").decode()
    secret -= {line.strip() for line in public.splitlines()}
    assert len(secret) > 50
    told = to_json(seen.snapshot).decode() + dump(seen.plan)
    assert [line for line in secret if line in told] == []
