"""A takeover and its undo from the command line, over the wire.

Transports, engine and steps are the real ones; the twin's API server has simulated controllers at work. Time
that is only waited for is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bad_input_site import Site, small_world
from hasty_clock import HastyClock

from replank.app.demo_operator import Operator
from replank.app.demo_wiring import demo_wiring
from replank.app.journals import journal_url
from replank.testbed.controlled import start_controllers
from replank.testbed.twin import Twin


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with Twin(small_world(), tmp_path) as twin:
        yield Site(twin, tmp_path, capsys)


def picture(twin: Twin) -> dict[str, Any]:
    """OpenStack, both API servers and the states, without what every write counts up."""
    clouds = {p.cloud: json.dumps(p.collections, sort_keys=True) for p in twin.world.projects}
    objects = {
        (name, key): json.dumps({**document, "metadata": _steady(document["metadata"])}, sort_keys=True)
        for name, api in (("management", twin.management), ("b", twin.api("b")))
        for key, document in api.objects.documents.items()
    }
    states = {str(path): path.read_bytes() for path in sorted(twin.folder.rglob("*.tfstate"))}
    return {**clouds, **objects, **states}


def _steady(metadata: dict[str, Any]) -> dict[str, Any]:
    moving = ("resourceVersion", "managedFields", "generation")
    return {name: value for name, value in metadata.items() if name not in moving}


def ids(twin: Twin, cloud: str) -> set[str]:
    project = next(p for p in twin.world.projects if p.cloud == cloud)
    found = project.collections["compute"]["servers"] + project.collections["network"]["ports"]
    return {document["id"] for document in found}


@pytest.mark.timeout(300)
def test_a_cluster_is_taken_over_and_given_back_as_it_was(site: Site) -> None:
    twin, files = site.twin, site.folder
    plan = files / "plans" / "b.takeover.yaml"
    assert site.on_fleet("survey").status == 0
    assert site.on_fleet("plan takeover", "b", "--out", files / "plans").status == 0
    before, machines = picture(twin), ids(twin, "edge")
    start_controllers(twin, "b", lambda _: None)
    wiring = demo_wiring(twin, HastyClock())
    fleet = ["--fleet", site.fleet]
    reports = ["--reports", files / "reports"]
    assert site.run("approve", "--yes", plan, *fleet, wiring=wiring).status == 0
    with Operator(journal_url(None, site.fleet, make=True), "b", lambda _: None):
        apply = ["apply", "--yes", "--json", "--judged-by-replank", plan, *fleet, *reports]
        applied = site.run(*apply, wiring=wiring)
        assert applied.status == 0, applied.err
        assert ids(twin, "edge") == machines
        kinds = [key[1] for key in twin.management.objects.documents if key[2] == "b"]
        assert sorted(kind for kind in kinds if kind == "Machine") == ["Machine"] * 2
        again = site.run("apply", "--yes", plan, *fleet, *reports, wiring=wiring)
        assert (again.status, "RP850" in again.err) == (1, True)
        undone = site.run("undo", "--yes", "b", *fleet, *reports, wiring=wiring)
        assert undone.status == 0, undone.err
    after = picture(twin)
    assert [name for name in {*before, *after} if before.get(name) != after.get(name)] == []
    (row,) = json.loads(applied.out)
    report = (files / "reports" / f"{row['run']}.json").read_text()
    journal = (files / ".replank" / "journal.db").read_bytes()
    for secret in twin.world.planted_secrets:
        assert secret not in report
        assert secret.encode() not in journal
