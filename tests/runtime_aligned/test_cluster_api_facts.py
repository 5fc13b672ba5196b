"""What is read of a cluster that Cluster API has, through the port, and that no secret is."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aligned_world import World, on_docker
from pydantic import TypeAdapter

from replank.domain.errors import Refused
from replank.inventory.cluster_api.controlled import ClusterApiFacts, UnhealthyAfter
from replank.inventory.cluster_api.controlled_objects import controlled
from replank.inventory.fleet.model import KubeconfigRef, ManagementTarget
from replank.ports.access import Document
from replank.transports.kubernetes.controlled import KubernetesClusterApiReader

TARGET = ManagementTarget(namespace="one", kubeconfig=KubeconfigRef(path="management"))


class Api:
    """Lists alone. `unserved`: kinds by their API version that the server does not know."""

    def __init__(self, world: World, unserved: set[tuple[str, str]]) -> None:
        self.world, self.unserved = world, unserved
        self.asked: list[str] = []

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Any = None
    ) -> tuple[Document, ...]:
        self.asked.append(kind)
        if (api_version, kind) in self.unserved:
            raise Refused("RP906", kind, "the API server does not serve this kind", "Install it.")
        group = api_version.partition("/")[0]
        found = [
            {**d, "apiVersion": api_version}
            for key, d in self.world.world.management.documents.items()
            if key[:3] == (group, kind, namespace)
        ]
        if labels:
            found = [d for d in found if labels.items() <= (d["metadata"].get("labels") or {}).items()]
        return tuple(found)


def read(world: World, cluster: str = "one", unserved: set[tuple[str, str]] | None = None) -> Any:
    api = Api(world, unserved or set())

    @asynccontextmanager
    async def opened(_: KubeconfigRef) -> AsyncIterator[Api]:
        yield api

    reader = KubernetesClusterApiReader(opened=opened)
    return asyncio.run(reader.read(TARGET, cluster, "v1.14.0"))


def health_check(**spec: Any) -> Document:
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "MachineHealthCheck",
        "metadata": {"namespace": "one", "name": "nodes"},
        "spec": {
            "clusterName": "one",
            "selector": {
                "matchExpressions": [{"key": "cluster.x-k8s.io/control-plane", "operator": "Exists"}]
            },
            "checks": {
                "unhealthyNodeConditions": [{"type": "Ready", "status": "Unknown", "timeoutSeconds": 300}]
            },
            **spec,
        },
    }


def test_all_of_the_cluster_is_read_by_lists_and_as_its_objects_say() -> None:
    world = World(bend=on_docker)
    facts = read(world)
    assert facts == controlled(world.objects(), "one", "one", "v1.14.0")
    assert [keeper.key for keeper in facts.keepers] == [
        "KubeadmControlPlane/one-control-plane",
        "MachineDeployment/one-worker",
    ]
    assert [s.name for s in facts.sets] == ["one-worker-adopted"]
    assert {m.name: m.keeper for m in facts.machines} == {
        "one-cp-1": "KubeadmControlPlane/one-control-plane",
        "one-worker-1": "MachineDeployment/one-worker",
    }
    assert all(not keeper.moving and not keeper.kept_by for keeper in facts.keepers)
    adapter = TypeAdapter(ClusterApiFacts)
    assert adapter.validate_json(adapter.dump_json(facts)) == facts


def test_a_cluster_that_is_not_there_or_no_cluster_api_at_all_is_none() -> None:
    world = World()
    assert read(world, "another") is None
    versions = ("cluster.x-k8s.io/v1beta2", "cluster.x-k8s.io/v1beta1")
    assert read(world, unserved={(version, "Cluster") for version in versions}) is None


def test_a_cluster_api_that_is_too_old_is_not_taken_for_none() -> None:
    with pytest.raises(Refused) as raised:
        read(World(), unserved={("cluster.x-k8s.io/v1beta2", "Cluster")})
    assert raised.value.code == "RP970"


def test_what_another_infrastructure_does_not_serve_is_left_out_and_what_all_serve_is_not() -> None:
    world, group = World(), "infrastructure.cluster.x-k8s.io/v1beta1"
    facts = read(world, unserved={(group, "OpenStackMachine"), (group, "OpenStackMachineTemplate")})
    assert facts.templates == ()
    with pytest.raises(Refused):
        read(world, unserved={("cluster.x-k8s.io/v1beta2", "Machine")})


def test_a_health_check_is_told_by_whom_it_watches_unless_it_is_paused() -> None:
    world = World()
    objects = world.objects()
    objects["MachineHealthCheck/nodes"] = health_check()
    (check,) = controlled(objects, "one", "one", "").health_checks
    assert check.machines == ("one-cp-1",)
    assert check.unhealthy == (UnhealthyAfter(of="Node", type="Ready", status="Unknown", seconds=300),)
    objects["MachineHealthCheck/nodes"]["metadata"]["annotations"] = {"cluster.x-k8s.io/paused": ""}
    assert controlled(objects, "one", "one", "").health_checks == ()
    objects["MachineHealthCheck/nodes"] = health_check(clusterName="another")
    assert controlled(objects, "one", "one", "").health_checks == ()


def test_who_keeps_an_object_from_elsewhere_is_told_and_its_owner_is_nobody() -> None:
    objects = copy.deepcopy(World().objects())
    plane = objects["KubeadmControlPlane/one-control-plane"]
    assert plane["metadata"]["ownerReferences"]
    plane["metadata"].setdefault("labels", {})["kustomize.toolkit.fluxcd.io/name"] = "fleet"
    manager = {"manager": "helm-controller", "fieldsV1": {"f:spec": {}}}
    objects["KubeadmConfigTemplate/one-worker"]["metadata"]["managedFields"] = [manager]
    facts = controlled(objects, "one", "one", "")
    assert [k.kept_by for k in facts.keepers] == ["Flux (Kustomization) fleet", ""]
    kept = {c.name: c.kept_by for c in facts.configurations if c.kept_by}
    assert kept == {"one-control-plane": "Flux (Kustomization) fleet", "one-worker": "Flux (HelmRelease)"}


def test_no_content_of_files_commands_or_other_arguments_is_in_the_facts() -> None:
    objects = copy.deepcopy(World(bend=on_docker).objects())
    secret = "hunter2-hunter2"
    places = {"KubeadmControlPlane": ["kubeadmConfigSpec"], "KubeadmConfigTemplate": ["template", "spec"]}
    for kind, path in places.items():
        document = next(d for d in objects.values() if d["kind"] == kind)
        spec = document["spec"]
        for part in path:
            spec = spec[part]
        spec["files"] = [{"path": "/etc/docker/daemon.json", "content": f'{{"docker": "{secret}"}}'}]
        spec["preKubeadmCommands"] = [f"docker login -p {secret}"]
        spec["users"] = [{"name": "root", "passwd": secret}]
        arguments = spec["joinConfiguration"]["nodeRegistration"]["kubeletExtraArgs"]
        arguments.append({"name": "bootstrap-token", "value": secret})
    told = TypeAdapter(ClusterApiFacts).dump_json(controlled(objects, "one", "one", "")).decode()
    assert secret not in told
    assert json.loads(told)["configurations"][0]["kind"]
    assert "daemon.json" in told
