"""Bad input, end to end: a clear message with a code, the cluster's name, and nothing else harmed.

Two small clusters, `a` and `b`; each case bends what belongs to `a` and surveys both.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replank.app.cli import main
from replank.app.store import SnapshotStore
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.serve.kubernetes import Fault as ApiFault
from replank.testbed.serve.openstack import Fault as CloudFault
from replank.testbed.serve.ssh_faults import SshFault
from replank.testbed.twin import Twin


@dataclass
class Site:
    """The operator's files, a copy for each test, and the twin behind them."""

    twin: Twin
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def state(self) -> Path:
        """The state file of cluster a."""
        return next((self.folder / "tf" / "a").rglob("*.tfstate"))

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kube" / "a.yaml"

    def snapshot(self, cluster: str) -> Snapshot:
        return SnapshotStore(self.folder / "s").latest(cluster)[1]

    def survey(self, *more: str) -> tuple[int, str]:
        """Exit status and stderr."""
        files = ["--fleet", str(self.folder / "fleet.yaml"), "--snapshots", str(self.folder / "s")]
        with pytest.raises(SystemExit) as ended:
            main(["survey", *files, "--timeout", "1", *more])
        return int(ended.value.code or 0), " ".join(self.capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    workers = (WorkerGroup(name="worker", count=1),)
    specs = [ClusterSpec(name=name, control_planes=3, workers=workers) for name in ("a", "b")]
    with Twin(generate(7, specs, datetime.now(UTC)), tmp_path_factory.mktemp("twin")) as running:
        yield running


@pytest.fixture
def site(twin: Twin, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    folder = tmp_path / "work"
    shutil.copytree(twin.folder, folder)
    place = Site(twin, folder, capsys)
    assert place.survey()[0] == 0
    yield place
    twin.openstack.faults.clear()
    twin.api("a").faults.clear()
    twin.ssh.faults.clear()


def earlier(site: Site) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (site.folder / "s").rglob("*.gz")}


def check(site: Site, before: dict[Path, bytes], code: str, source: str) -> Unknown:
    """Surveys; what must hold for every bad input. Returns the fact of `a` that could not be seen."""
    status, err = site.survey()
    assert status == 2
    assert "a: " in err
    assert code in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in before} == before
    seen = site.snapshot("a")
    facts = {
        "state": seen.terraform,
        "openstack": seen.infrastructure.openstack,
        "kubernetes": seen.kubernetes,
    }
    fact = facts[source]
    assert isinstance(fact, Unknown)
    assert fact.code == code
    assert [name for name, other in facts.items() if isinstance(other, Unknown)] == [source]
    other = site.snapshot("b")
    assert not any(
        isinstance(f, Unknown) for f in (other.terraform, other.kubernetes, other.infrastructure.openstack)
    )
    assert len(list((site.folder / "s" / "b").iterdir())) == 2
    return fact


def v3(text: str) -> str:
    return json.dumps({"version": 3, "terraform_version": "0.11.14", "serial": 1, "modules": []})


def encrypted(text: str) -> str:
    meta = {"key_provider.pbkdf2.a": "x"}
    return json.dumps({"meta": meta, "encrypted_data": "eA==", "encryption_version": "v0"})


@pytest.mark.parametrize(
    ("bend", "code"),
    [
        (v3, "RP023"),
        (encrypted, "RP024"),
        (lambda text: text[: len(text) // 2], "RP022"),
        (lambda text: "", "RP021"),
        (lambda text: 'resource "a" {}', "RP022"),
        (lambda text: "[]", "RP025"),
        (lambda text: text.replace('"version": 4', '"version": 9', 1), "RP026"),
    ],
    ids=["version 3", "encrypted", "truncated", "empty", "not JSON", "another JSON", "of the future"],
)
def test_a_state_that_cannot_be_read_is_told_by_its_kind(
    site: Site, bend: Callable[[str], str], code: str
) -> None:
    before = earlier(site)
    site.state.write_text(bend(site.state.read_text()))
    check(site, before, code, "state")


def test_a_state_of_another_provider_holds_nothing_of_the_cluster_and_says_so(site: Site) -> None:
    document = json.loads(site.state.read_text())
    for resource in document["resources"]:
        resource["provider"] = 'provider["registry.terraform.io/hashicorp/aws"]'
        resource["type"] = "aws_instance"
    site.state.write_text(json.dumps(document))
    site.survey()
    facts = site.snapshot("a").terraform
    assert not isinstance(facts, Unknown)
    assert facts.resources == ()
    assert [dict(state.skipped_providers) for state in facts.states] == [
        {"hashicorp/aws": sum(len(r["instances"]) for r in document["resources"])}
    ]


def test_a_state_that_names_servers_that_are_gone_says_which(site: Site) -> None:
    text = site.state.read_text()
    document = json.loads(text)
    server = next(r for r in document["resources"] if r["type"] == "openstack_compute_instance_v2")
    old = server["instances"][0]["attributes"]["id"]
    site.state.write_text(text.replace(old, "00000000-dead-4bee-8fff-000000000000"))
    site.survey()
    cloud = site.snapshot("a").infrastructure.openstack
    assert not isinstance(cloud, Unknown)
    assert "00000000-dead-4bee-8fff-000000000000" in {m.id for m in cloud.missing}


def test_two_clusters_that_claim_one_server_are_told_in_both(site: Site) -> None:
    shutil.copy(site.state, site.folder / "copy.tfstate")
    fleet = site.folder / "fleet.yaml"
    text = fleet.read_text()
    fleet.write_text(text.replace("  b:\n    state:\n", "  b:\n    state:\n    - file: copy.tfstate\n"))
    assert fleet.read_text() != text
    site.survey()
    for cluster, other in (("a", "b"), ("b", "a")):
        claims = {c.claimed_by for c in site.snapshot(cluster).conflicts if c.claimed_by}
        assert claims == {other}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ApiFault(status=401, reason="Unauthorized"), "RP052"),
        (ApiFault(status=500), "RP057"),
        (ApiFault(status=429, retry_after_s=600), "RP057"),
        (ApiFault(kind="hang"), "RP056"),
        (ApiFault(kind="cut"), "RP056"),
        (ApiFault(kind="garbage"), "RP059"),
    ],
    ids=lambda value: f"{value.kind} {value.status}" if isinstance(value, ApiFault) else "",
)
def test_a_cluster_api_that_fails_is_told_by_its_cause(site: Site, fault: ApiFault, code: str) -> None:
    before = earlier(site)
    site.twin.api("a").faults.append(fault)
    check(site, before, code, "kubernetes")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("current-context:", "current-kontext:", "RP050"),
        ("client-key-data:", "client-kee-data:", "RP051"),
        ("https://127.0.0.1", "https://name.invalid", "RP055"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_told(site: Site, old: str, new: str, code: str) -> None:
    before = earlier(site)
    site.kubeconfig.write_text(site.kubeconfig.read_text().replace(old, new))
    check(site, before, code, "kubernetes")


def test_a_kubeconfig_with_another_authority_is_told(site: Site) -> None:
    before = earlier(site)
    lines = {p.stem: p.read_text().splitlines() for p in (site.folder / "kube").glob("*.yaml")}
    ca = next(line for line in lines["b"] if "certificate-authority-data" in line)
    mixed = [ca if "certificate-authority-data" in line else line for line in lines["a"]]
    site.kubeconfig.write_text("\n".join(mixed))
    check(site, before, "RP054", "kubernetes")


def test_no_rights_for_octavia_leaves_the_rest_of_the_cloud_seen(site: Site) -> None:
    site.twin.openstack.faults.append(CloudFault(service="load-balancer", status=403))
    assert site.survey()[0] == 2
    cloud = site.snapshot("a").infrastructure.openstack
    assert not isinstance(cloud, Unknown)
    assert isinstance(cloud.load_balancers, Unknown)
    assert cloud.load_balancers.code == "RP042"
    assert not isinstance(cloud.servers, Unknown)


def test_a_wrong_password_of_the_cloud_is_told_for_each_of_its_clusters(site: Site) -> None:
    clouds = site.folder / "clouds.yaml"
    password = site.twin.world.projects[0].password
    clouds.write_text(clouds.read_text().replace(password, "wrong"))
    status, err = site.survey()
    assert status == 2
    assert "RP041" in err
    assert password not in err
    for cluster in ("a", "b"):
        assert isinstance(site.snapshot(cluster).infrastructure.openstack, Unknown)
        assert not isinstance(site.snapshot(cluster).kubernetes, Unknown)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SshFault(refused=True), "RP060"),
        (SshFault(cut_after=0), "RP065"),
    ],
    ids=["down", "cut"],
)
def test_a_control_plane_that_cannot_be_read_leaves_the_others_seen(
    site: Site, fault: SshFault, code: str
) -> None:
    machine = site.twin.world.clusters[0].machines[0]
    site.twin.ssh.faults[machine.address] = fault
    assert site.survey()[0] == 2
    hosts = {host.server: host for host in site.snapshot("a").hosts}
    broken = hosts.pop(machine.server_name)
    assert isinstance(broken.certificates, Unknown)
    assert broken.certificates.code == code
    assert hosts
    assert not any(isinstance(host.certificates, Unknown) for host in hosts.values())


def test_a_machine_without_sudo_tells_what_needs_no_root_and_names_the_rest(site: Site) -> None:
    machine = site.twin.world.clusters[0].machines[0]
    machine.sudo = False
    try:
        status, _ = site.survey()
    finally:
        machine.sudo = True
    host = next(h for h in site.snapshot("a").hosts if h.server == machine.server_name)
    assert status == 2
    assert isinstance(host.certificates, Unknown)
    assert host.certificates.code == "RP066"
    assert host.hostname == machine.server_name


def test_a_changed_host_key_is_told_and_nothing_is_run_there(site: Site) -> None:
    machine = site.twin.world.clusters[0].machines[0]
    known = site.folder / "ssh" / "known_hosts"
    lines = known.read_text().splitlines()
    keys = [line for line in lines if line.startswith(f"{machine.address} ")]
    others = [line for line in lines if line not in keys and not line.startswith("[")]
    swapped = others[0].partition(" ")[2]
    rest = [line for line in lines if line not in keys]
    known.write_text("\n".join([*rest, f"{machine.address} {swapped}"]))
    before = len(site.twin.ssh.commands)
    status, err = site.survey()
    assert (status, "RP061" in err, machine.server_name in err) == (2, True, True)
    assert machine.address not in {address for address, _ in site.twin.ssh.commands[before:]}


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("clusters:", "clustres:", "RP011", "clusters"),
        ("  b:\n", "  a:\n", "RP012", "line"),
        ("sudo: true", "sudo: perhaps", "RP013", "sudo"),
        ("replank.fleet/v1", "replank.fleet/v9", "RP017", "v1"),
        ("  b:\n", "  B_b:\n", "RP014", "B_b"),
        ("schema:", "schema: [", "RP010", "line"),
    ],
)
def test_a_fleet_file_that_is_wrong_is_refused_by_line_and_field_and_nothing_is_read(
    site: Site, old: str, new: str, code: str, says: str
) -> None:
    before = earlier(site)
    fleet = site.folder / "fleet.yaml"
    text = fleet.read_text()
    assert old in text
    fleet.write_text(text.replace(old, new, 1))
    status, err = site.survey()
    assert status == 1
    assert code in err
    assert says in err
    assert str(fleet) in err.replace(" ", "") or "fleet.yaml" in err
    assert earlier(site) == before
