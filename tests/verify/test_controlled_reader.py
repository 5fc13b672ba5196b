"""What a verification reads: every object of the cluster, by lists alone, and nothing of other clusters."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from typing import Any, cast

import pytest
from adopted_cluster import AT, Adopted, Document, adopted

from replank.domain.errors import Refused, ReplankError
from replank.domain.unknown import Unknown
from replank.inventory.facts.management import ManagementFacts, Provider
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import (
    CloudRef,
    ClusterConfig,
    KubeconfigRef,
    ManagementTarget,
    StateSource,
)
from replank.ports.access import Clock, Judge, Judgement, KubeApi
from replank.survey.controlled import Systems, look_at_controlled
from replank.survey.permissions import permissions
from replank.survey.progress import Silent
from replank.verify.sight import Sight
from replank.verify.verification import verify

DENIED = Refused("RP052", "It cannot be read", "403", "Grant it.")


class Lists:
    """A `KubeApi` that can only list, and notes what."""

    def __init__(self, objects: list[Document]) -> None:
        self.objects = objects
        self.denied: set[str] = set()
        self.asked: set[tuple[str, str, str]] = set()

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> tuple[Document, ...]:
        self.asked.add((api_version.rpartition("/")[0], kind, namespace))
        if kind in self.denied:
            raise DENIED
        return tuple(
            d
            for d in self.objects
            if d["kind"] == kind
            and (not namespace or d["metadata"].get("namespace") == namespace)
            and (labels or {}).items() <= (d["metadata"].get("labels") or {}).items()
        )


class Fixed:
    """Every reader at once: the same answer again and again."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def read(self, *_: object) -> Any:
        if isinstance(self.answer, ReplankError):
            raise self.answer
        return self.answer


class Judging:
    """`version`: for which one it was asked."""

    version = ""
    objects: Mapping[str, Document] = {}

    def of(self, version: str) -> Judge:
        self.version = version
        return self

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        self.objects = objects
        return Judgement(by=f"cluster-api {self.version}", rolling=())


class Stopped:
    def now(self) -> float:
        return AT

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Desk:
    def __init__(self) -> None:
        site: Adopted = adopted()
        objects = [copy.deepcopy(d) for d in site.objects.values()]
        for document in objects:
            document["metadata"]["namespace"] = "fleet"
        lease = dict(site.leases[0])  # type: ignore[index]
        self.management = Lists([*objects, lease, *_of_another_cluster(objects)])
        self.workload = Lists(list(cast("tuple[Document, ...]", site.nodes)))
        self.judge = Judging()
        self.cloud: OpenStackFacts | ReplankError = cast("OpenStackFacts", site.cloud)
        self.states = (StateFile(source="tf", form="v4", backend="local"),)
        self.config = ClusterConfig(
            name="plain",
            state=(StateSource(kind="file", path="tf"),),
            cloud=CloudRef(name="legacy"),
            kubeconfig=KubeconfigRef(path="kube"),
            ssh=None,
            management=ManagementTarget(namespace="fleet", kubeconfig=KubeconfigRef(path="mgmt")),
        )

    def look(self) -> Sight:
        unknown = Unknown("not asked")
        providers = ManagementFacts(
            version="v1.35.4",
            providers=(Provider(name="cluster-api", version="v1.14.0", namespace="capi-system"),),
            served=unknown,
            existing=unknown,
        )
        systems = Systems(
            management=cast(KubeApi, self.management),
            workload=cast(KubeApi, self.workload),
            cloud=Fixed(self.cloud),
            states=Fixed(self.states),
            providers=Fixed(providers),
            judge=self.judge.of,
            clock=cast(Clock, Stopped()),
        )
        return asyncio.run(look_at_controlled(self.config, systems, Silent()))


def _of_another_cluster(objects: list[Document]) -> list[Document]:
    """In the same namespace, under other names."""
    others = copy.deepcopy(objects)
    for document in others:
        meta = document["metadata"]
        meta["name"] = f"other-{meta['name']}"
        if "labels" in meta:
            meta["labels"]["cluster.x-k8s.io/cluster-name"] = "other"
    return others


def test_everything_of_the_cluster_is_seen_and_nothing_of_others() -> None:
    """An OpenStackServer without the cluster's label, and templates that only others name, are found."""
    desk = Desk()
    sight = desk.look()
    assert set(sight.objects) == set(adopted().objects)
    assert verify(sight).passed
    assert desk.judge.version == "v1.14.0"
    assert verify(sight).judged_by == "cluster-api v1.14.0"
    assert {key.partition("/")[0] for key in desk.judge.objects} == {
        *("KubeadmControlPlane", "MachineDeployment", "MachineSet", "Machine", "KubeadmConfig"),
        "OpenStackMachine",
    }


def test_the_rights_that_are_printed_are_those_that_are_used() -> None:
    desk = Desk()
    desk.look()
    printed = permissions("verify", namespace="fleet")
    for asked, manifests in (
        (desk.management.asked, printed.management),
        (desk.workload.asked, printed.workload),
    ):
        granted = {
            (group, plural, manifest["metadata"].get("namespace", ""))  # type: ignore[union-attr]
            for manifest in manifests
            for rule in cast("list[dict[str, Any]]", manifest.get("rules") or [])
            for group in rule["apiGroups"]
            for plural in rule["resources"]
            if rule["verbs"] == ["list"]
        }
        assert {(group, f"{kind.lower()}s", namespace) for group, kind, namespace in asked} <= granted


def test_a_cluster_that_is_not_there_is_refused() -> None:
    desk = Desk()
    desk.management.objects = [d for d in desk.management.objects if d["kind"] != "Cluster"]
    with pytest.raises(Refused, match="RP757"):
        desk.look()


def test_nobody_judges_half_of_the_objects() -> None:
    """A KubeadmConfig that is missing counts as equal upstream."""
    desk = Desk()
    desk.management.denied = {"KubeadmConfig"}
    sight = desk.look()
    assert isinstance(sight.judged, Unknown)
    assert sight.judged.code == "RP758"
    assert desk.judge.objects == {}
    outcomes = {f.code: f.outcome for f in verify(sight).findings}
    assert (outcomes["RP753"], outcomes["RP743"], outcomes["RP740"]) == ("unknown", "unknown", "pass")


def test_a_source_that_refuses_leaves_the_others_seen() -> None:
    desk = Desk()
    desk.cloud = DENIED
    desk.workload.denied = {"Node"}
    desk.management.denied = {"Lease"}
    found = verify(desk.look())
    unknown = {f.code for f in found.findings if f.outcome == "unknown"}
    assert unknown == {"RP740", "RP741", "RP742", "RP750", "RP751", "RP754", "RP755", "RP756"}
    assert not found.passed


def test_what_fleet_yaml_does_not_name_is_unknown() -> None:
    desk = Desk()
    desk.config = ClusterConfig(
        name="plain", state=(), cloud=None, kubeconfig=None, ssh=None, management=desk.config.management
    )
    sight = desk.look()
    assert isinstance(sight.cloud, Unknown)
    assert "fleet.yaml names no cloud" in sight.cloud.unknown
    assert sight.states == ()
