"""`replank survey --runtime` and `replank audit runtime` as a shell sees them, over the whole demo fleet."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from replank.app.cli import main
from replank.inventory.facts import codec
from replank.inventory.runtime.runtimes import NOT_ASKED, RuntimeFacts
from replank.testbed.fleet.demo import demo_world
from replank.testbed.twin import Twin

ON_DOCKER = "flawed-worker-2"


@dataclass
class Desk:
    twin: Twin
    folder: Path
    output: list[str] = field(default_factory=list)

    @property
    def where(self) -> list[str]:
        return ["--fleet", str(self.folder / "fleet.yaml"), "--snapshots", str(self.folder / "s")]

    def snapshot(self, cluster: str, store: str = "s") -> Any:
        path = sorted((self.folder / store / cluster).iterdir())[-1]
        return codec.load(path.read_bytes(), where=str(path))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """All three clusters, surveyed with their runtimes."""
    folder = tmp_path_factory.mktemp("desk")
    with Twin(demo_world(1), folder) as twin:
        place = Desk(twin, folder)
        with pytest.raises(SystemExit) as ended:
            main(["survey", "--runtime", *place.where])
        assert ended.value.code == 2, "two machines of the flawed cluster are down"
        yield place


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def replank(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out + captured.err

    return run


def test_every_node_of_the_api_is_in_the_section(desk: Desk) -> None:
    for cluster, count in (("plain", 5), ("groups", 9), ("flawed", 8)):
        runtimes = desk.snapshot(cluster).runtimes
        assert isinstance(runtimes, RuntimeFacts)
        assert len(runtimes.nodes) == count
        assert [node.node for node in runtimes.nodes] == sorted(node.node for node in runtimes.nodes)
    names = {node.node: node.name for node in desk.snapshot("flawed").runtimes.nodes}
    assert names[ON_DOCKER] == "docker"
    assert names["flawed-worker-1"] == "containerd"


def test_nothing_that_is_not_on_the_list_was_run(desk: Desk) -> None:
    assert desk.twin.ssh.strange_commands == []


def test_no_planted_secret_reaches_the_snapshot_or_what_is_printed(desk: Desk, replank: Run) -> None:
    texts = [gzip.decompress(path.read_bytes()).decode() for path in (desk.folder / "s").rglob("*.gz")]
    for line in (["audit", "runtime"], ["audit", "runtime", "--json"], ["permissions", "runtime"]):
        where = [] if line[0] == "permissions" else desk.where
        texts.append(replank(*line, *where)[1])
    assert len(texts) == 6
    assert sum(map(len, texts)) > 500_000
    secrets = desk.twin.world.planted_secrets
    assert any("planted-" in secret for secret in secrets)
    assert [secret for secret in secrets for text in texts if secret in text] == []


def test_an_audit_of_the_runtime_finds_what_stands_in_the_way(desk: Desk, replank: Run) -> None:
    status, out = replank("audit", "runtime", "flawed", "--json", *desk.where)
    assert status == 2
    report = json.loads(out)["flawed"]
    told = {(f["code"], f["subject"]) for f in report["findings"] if not f["unknown"]}
    assert {
        ("RP401", "CronJob ci/prune"),
        ("RP402", "DaemonSet logging/node-exporter"),
        ("RP403", "DaemonSet logging/fluent-bit"),
        ("RP404", f"Node {ON_DOCKER}"),
        ("RP406", f"Node {ON_DOCKER}"),
        ("RP407", "namespace ci"),
        ("RP410", "PodDisruptionBudget shop/web"),
        ("RP413", f"Node {ON_DOCKER}"),
        ("RP415", f"Node {ON_DOCKER}"),
        ("RP420", "DaemonSet logging/fluent-bit"),
    } <= told
    unread = {f["subject"] for f in report["findings"] if f["code"] == "RP417"}
    assert unread == {"Node flawed-cp-3", "Node flawed-worker-3", "Node flawed-worker-4"}
    shipped = {(row["code"], row["what"]) for row in report["ship_first"]}
    assert ("RP420", "DaemonSet logging/fluent-bit") in shipped


def test_a_healthy_cluster_on_containerd_has_only_notes(desk: Desk, replank: Run) -> None:
    status, out = replank("audit", "runtime", "plain", "groups", "--json", "--fail-on", "risk", *desk.where)
    assert status == 0
    for report in json.loads(out).values():
        assert {f["severity"] for f in report["findings"]} <= {"note"}
        assert report["ship_first"] == []


def test_the_table_of_what_must_be_shipped_first_is_printed(desk: Desk, replank: Run) -> None:
    _, out = replank("audit", "runtime", "flawed", *desk.where)
    assert "TO BE SHIPPED BEFORE THE FIRST NODE IS SWAPPED" in out
    assert "RP420" in out
    _, plain = replank("audit", "runtime", "plain", *desk.where)
    assert "TO BE SHIPPED" not in plain


def test_another_version_can_be_asked_about(desk: Desk, replank: Run) -> None:
    _, out = replank("audit", "runtime", "plain", "--to", "containerd-2.1", "--json", *desk.where)
    hops = [f for f in json.loads(out)["plain"]["findings"] if f["code"] == "RP416"]
    assert len(hops) == 5
    assert "supported hops: 1.7 -> 2.0 -> 2.1" in hops[0]["evidence"]
    status, out = replank("audit", "runtime", "--to", "latest", *desk.where)
    assert status == 1
    assert "no version of containerd" in " ".join(out.split())


def test_the_audit_of_a_takeover_is_what_it_was(desk: Desk, replank: Run) -> None:
    status, out = replank("audit", "flawed", "--json", "--fail-on", "never", *desk.where)
    assert status == 0
    codes = {f["code"] for f in json.loads(out)["flawed"]}
    assert "RP207" in codes
    assert not any(code.startswith("RP4") for code in codes)
    status, out = replank("audit", *desk.where, "--", "runtime")
    assert status == 1, "after `--` it is a cluster's name"
    assert "RP004" in out


def test_a_survey_without_the_flag_reads_no_runtime(desk: Desk, replank: Run) -> None:
    before = len(desk.twin.ssh.commands)
    replank(
        "survey", "plain", "--fleet", str(desk.folder / "fleet.yaml"), "--snapshots", str(desk.folder / "b")
    )
    ran = [line for _, line in desk.twin.ssh.commands[before:]]
    assert ran
    assert not any("docker info" in line or "config dump" in line or "ctr " in line for line in ran)
    assert desk.snapshot("plain", "b").runtimes == NOT_ASKED
    status, out = replank(
        "audit",
        "runtime",
        "plain",
        "--fleet",
        str(desk.folder / "fleet.yaml"),
        "--snapshots",
        str(desk.folder / "b"),
    )
    assert status == 2
    assert "replank survey --runtime" in " ".join(out.split())


def test_a_cluster_without_cloud_and_states_is_enough(desk: Desk, replank: Run, tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    document = yaml.load((desk.folder / "fleet.yaml").read_text())
    defaults = {"kubeconfig": "kube/{cluster}.yaml", "ssh": document["defaults"]["ssh"]}
    fleet = {"schema": document["schema"], "defaults": defaults, "clusters": {"plain": {}}}
    path = desk.folder / "bare.yaml"
    with path.open("w") as file:
        yaml.dump(fleet, file)
    store = str(tmp_path / "s")
    status, out = replank("survey", "--runtime", "--fleet", str(path), "--snapshots", store)
    assert status == 2, "states and cloud are not there, and count as not seen"
    assert "5 of 5 Nodes seen" in out
    status, out = replank("audit", "runtime", "--json", "--fleet", str(path), "--snapshots", store)
    assert status == 0
    assert not any(f["unknown"] for f in json.loads(out)["plain"]["findings"])


def test_offline_everything_about_the_runtimes_is_unknown(desk: Desk, replank: Run, tmp_path: Path) -> None:
    where = ["--fleet", str(desk.folder / "fleet.yaml"), "--snapshots", str(tmp_path / "s")]
    before = len(desk.twin.ssh.commands)
    replank("survey", "--runtime", "--offline", "plain", *where)
    assert len(desk.twin.ssh.commands) == before
    status, out = replank("audit", "runtime", "plain", "--json", *where)
    assert status == 2
    assert all(f["unknown"] for f in json.loads(out)["plain"]["findings"])


def test_two_surveys_of_one_world_differ_in_nothing(desk: Desk, replank: Run, tmp_path: Path) -> None:
    where = ["--fleet", str(desk.folder / "fleet.yaml"), "--snapshots", str(tmp_path / "s")]
    replank("survey", "--runtime", "plain", *where)
    (path,) = (tmp_path / "s" / "plain").iterdir()
    first = sorted((desk.folder / "s" / "plain").iterdir())[0]
    assert path.read_bytes() == first.read_bytes()
    status, out = replank("diff", str(first), str(path))
    assert status == 0
    assert "Nothing differs" in out
