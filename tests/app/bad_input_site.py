"""An operator's desk for tests of bad input: two small clusters, `a` and `b`, each in a cloud of its own.

Tests bend what belongs to `a` and survey both; `Site.survey_bent` holds what is true of every bad input.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from replank.app.cli import main
from replank.app.store import SnapshotStore
from replank.app.wiring import Wiring
from replank.audit.catalogue import catalogue
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.unseen import unseen_sources
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.serve.openstack.twin import OpenStackTwin
from replank.testbed.twin import Twin
from replank.testbed.world import Machine, World

PATIENT_S = 20
"""Seconds for one answer: a busy machine answers late, and that must not look like no answer."""
HANGING_S = 3
"""The same where something hangs on purpose: the test waits that long, and the others must answer in it."""
SOURCES = ("state", "openstack", "kubernetes")


def patience(kind: str) -> int:
    """Seconds for one answer where a fault of this kind is."""
    return HANGING_S if kind == "hang" else PATIENT_S


def fault_id(value: object) -> str | None:
    """`status 403`, `hang`: a fault as the ID of a test."""
    kind = getattr(value, "kind", None)
    return f"status {getattr(value, 'status', '')}" if kind == "status" else kind


def small_world() -> World:
    workers = (WorkerGroup(name="worker", count=1),)
    specs = [
        ClusterSpec(name="a", control_planes=3, workers=workers, cloud="legacy"),
        ClusterSpec(name="b", control_planes=1, workers=workers, cloud="edge"),
    ]
    return generate(7, specs, datetime.now(UTC))


@contextmanager
def edited(path: Path) -> Iterator[Any]:
    """A YAML file as a document that is written back."""
    yaml = YAML()
    document = yaml.load(path)
    yield document
    yaml.dump(document, path)


@dataclass(frozen=True)
class Done:
    """What a command left. `said`: stderr without line breaks; the terminal's width is not what is tested."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return " ".join(self.err.split())

    def names(self, path: str) -> bool:
        """Whether stderr names a path, which may be broken over two lines."""
        return path in "".join(self.err.split())


@dataclass(frozen=True)
class Site:
    """The operator's files, a copy for each test, and the twin behind them. Snapshots of both are there."""

    twin: Twin
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def fleet(self) -> Path:
        return self.folder / "fleet.yaml"

    @property
    def clouds(self) -> Path:
        return self.folder / "clouds.yaml"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kube" / "a.yaml"

    @property
    def snapshots(self) -> Path:
        return self.folder / "s"

    @property
    def state(self) -> Path:
        """The state file of cluster a."""
        return next((self.folder / "tf" / "a").rglob("*.tfstate"))

    @property
    def machine(self) -> Machine:
        """A control plane of cluster a."""
        return self.twin.world.clusters[0].machines[0]

    def run(self, *arguments: object, wiring: Wiring | None = None) -> Done:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments], wiring)
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.err
        told = captured.out + captured.err
        assert [secret for secret in self.twin.world.planted_secrets if secret in told] == []
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    def on_fleet(self, command: str, *more: object) -> Done:
        return self.run(*command.split(), "--fleet", self.fleet, "--snapshots", self.snapshots, *more)

    def survey(self, *, timeout_s: int = PATIENT_S) -> Done:
        return self.on_fleet("survey", "--timeout", timeout_s)

    def findings(self, cluster: str) -> dict[str, list[dict[str, Any]]]:
        """Code -> findings of the latest snapshot."""
        found: dict[str, list[dict[str, Any]]] = {}
        audit = self.on_fleet("audit", "--json", "--fail-on", "never", cluster)
        for finding in json.loads(audit.out)[cluster]:
            found.setdefault(finding["code"], []).append(finding)
        return found

    def snapshot(self, cluster: str) -> Snapshot:
        return SnapshotStore(self.snapshots).latest(cluster)[1]

    def files(self, cluster: str = "") -> dict[Path, bytes]:
        """The snapshots as they are now, of one cluster or of both."""
        return {path: path.read_bytes() for path in (self.snapshots / cluster).rglob("*.gz")}

    @contextmanager
    def own_cloud(self, tls: tuple[str, str] | None = None) -> Iterator[OpenStackTwin]:
        """A server for the cloud of `a` alone, so that its faults are not those of `b`."""
        world = self.twin.world
        project = next(p for p in world.projects if p.cloud == world.clusters[0].cloud)
        with OpenStackTwin([project], tls=tls) as served:
            with edited(self.clouds) as document:
                document["clouds"][project.cloud]["auth"]["auth_url"] = served.auth_url
            yield served

    def survey_bent(self, *, status: int = 2, timeout_s: int = PATIENT_S) -> Done:
        """Surveys, and asserts that `b` was seen whole and that earlier snapshots are as they were."""
        before, of_b = self.files(), len(self.files("b"))
        done = self.survey(timeout_s=timeout_s)
        assert done.status == status, done.err
        assert {path: path.read_bytes() for path in before} == before
        assert [line for line in done.err.splitlines() if line.startswith("b: ")] == []
        assert len(self.files("b")) == of_b + 1
        assert unseen_sources(self.snapshot("b")) == ()
        return done

    def only_a_suffers(self, source: str, code: str, *, timeout_s: int = PATIENT_S) -> tuple[Unknown, Done]:
        """Surveys, and asserts that one source of `a` is told with its code, and that the others were seen.

        Returns the fact that could not be seen.
        """
        done = self.survey_bent(timeout_s=timeout_s)
        assert f"a: {source} could not be seen. {code} " in done.said
        assert code in catalogue()
        unseen = unseen_wholly(self.snapshot("a"))
        assert {name: fact.code for name, fact in unseen.items()} == {source: code}
        return unseen[source], done


def unseen_wholly(snapshot: Snapshot) -> dict[str, Unknown]:
    """Sources of which nothing was seen."""
    facts = (snapshot.terraform, snapshot.infrastructure.openstack, snapshot.kubernetes)
    return {name: fact for name, fact in zip(SOURCES, facts, strict=True) if isinstance(fact, Unknown)}
