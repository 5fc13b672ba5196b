"""`replank verify` over the wire, on a cluster of the twin that was taken over a moment ago."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bad_input_site import Done, Site, edited, small_world
from hasty_clock import HastyClock

from replank.app.demo_operator import Operator
from replank.app.demo_wiring import demo_wiring
from replank.app.journals import journal_url
from replank.testbed.controlled import start_controllers
from replank.testbed.twin import Twin


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(small_world(), tmp_path_factory.mktemp("taken")) as running:
        yield running


@pytest.fixture
def site(twin: Twin, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(twin, twin.folder, capsys)


@pytest.fixture
def taken(site: Site) -> Site:
    """Cluster b is Cluster API's; the takeover is made with the first test that wants it."""
    plan = site.folder / "plans" / "b.takeover.yaml"
    if not plan.exists():
        assert site.on_fleet("survey").status == 0
        assert site.on_fleet("plan takeover", "b", "--out", plan.parent).status == 0
        start_controllers(site.twin, "b", lambda _: None)
        wiring, fleet = demo_wiring(site.twin, HastyClock()), ["--fleet", site.fleet]
        assert site.run("approve", "--yes", plan, *fleet, wiring=wiring).status == 0
        with Operator(journal_url(None, site.fleet, make=True), "b", lambda _: None):
            apply = ["apply", "--yes", "--judged-by-replank", plan, *fleet]
            applied = site.run(*apply, "--reports", site.folder / "reports", wiring=wiring)
        assert applied.status == 0, applied.err
    return site


def verify(site: Site, *more: str) -> Done:
    return site.run("verify", "b", "--fleet", site.fleet, *more)


def found(done: Done) -> dict[str, str]:
    """Code -> outcome of what does not pass."""
    findings = json.loads(done.out)["findings"]
    return {finding["code"]: finding["outcome"] for finding in findings if finding["outcome"] != "pass"}


def lease() -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "replank-operator", "namespace": "replank-system", "uid": "1e45e"},
        "spec": {
            "holderIdentity": "replank-operator-0",
            "leaseDurationSeconds": 3600,
            "renewTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        },
    }


def test_before_a_takeover_there_is_nothing_to_verify(site: Site) -> None:
    done = site.run("verify", "a", "--fleet", site.fleet)
    assert (done.status, done.out) == (1, "")
    assert "RP757" in done.err


@pytest.mark.timeout(300)
def test_after_a_takeover_only_the_operator_is_missing(taken: Site) -> None:
    writes = taken.twin.management.objects.writes
    done = verify(taken, "--json")
    assert found(done) == {"RP747": "note", "RP750": "fail"}, done.out
    assert done.status == 2
    assert taken.twin.management.objects.writes == writes
    answer = json.loads(done.out)
    assert answer["judged_by"] == "replank"
    assert [each["by"].partition("/")[0] for each in answer["replacements"]] == [
        "KubeadmControlPlane",
        "MachineDeployment",
    ]
    parts = [part for each in answer["replacements"] for part in each["parts"]]
    assert {part["what"] for part in parts} >= {"version", "image", "flavor", "ports", "failure domain"}
    assert [part for part in parts if part["changed"] is not False and part["now"] != part["then"]] == []


@pytest.mark.timeout(300)
def test_with_the_operator_at_work_all_passes_and_an_upgrade_is_told_before_it_rolls(taken: Site) -> None:
    objects = taken.twin.management.objects
    objects.create(lease(), "replank-operator")
    done = verify(taken)
    assert done.status == 0, done.out
    assert "b in namespace" in done.out
    assert "is fully Cluster API's (1 note, 16 pass)" in done.out
    key = next(key for key in objects.documents if key[1] == "MachineDeployment")
    before = copy.deepcopy(objects.documents[key])
    changed = copy.deepcopy(before)
    changed["metadata"].setdefault("annotations", {})["cluster.x-k8s.io/paused"] = ""
    version = changed["spec"]["template"]["spec"]["version"]
    changed["spec"]["template"]["spec"]["version"] = "v1.99.0"
    objects.put(changed, "kubectl")
    done = verify(taken)
    assert done.status == 2
    assert f"{version} -> v1.99.0" in done.out
    assert "RP753 MachineSet" in done.out
    assert found(verify(taken, "--json"))["RP746"] == "fail"
    objects.put(before, "kubectl")
    assert verify(taken).status == 0


@pytest.mark.timeout(300)
def test_what_happens_to_a_server_and_a_source_that_does_not_answer_are_told(taken: Site) -> None:
    project = next(p for p in taken.twin.world.projects if p.cloud == "edge")
    server = next(s for s in project.collections["compute"]["servers"] if "worker" in s["name"])
    server["status"] = "SHUTOFF"
    done = verify(taken, "--json")
    assert found(done)["RP742"] == "fail"
    server["status"] = "ACTIVE"
    text = taken.fleet.read_text()
    with edited(taken.clouds) as document:
        kept = document["clouds"]["edge"]["auth"]["password"]
        document["clouds"]["edge"]["auth"]["password"] = "wrong"
    done = verify(taken, "--json")
    assert found(done)["RP742"] == "unknown"
    assert done.status == 2
    with edited(taken.clouds) as document:
        document["clouds"]["edge"]["auth"]["password"] = kept
    assert taken.fleet.read_text() == text
