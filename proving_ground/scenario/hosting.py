"""What replank's operator needs of a cluster that hosts it: its image in the machines' runtime, Cluster API's
kinds, and a Cluster to guard. No controller of Cluster API runs there; whoever asks plays them."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import docker

from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.management import manifests
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.new_cluster import member_clouds_yaml
from proving_ground.settings import Folders

PROVIDERS = ("core", "kubeadm-control-plane", "capo")
"""Whose kinds the operator looks at."""

HOLD = "ground.test/hold"
"""The finalizer of whoever plays Cluster API."""


def put_image(
    client: docker.DockerClient, folders: Folders, cluster: LegacyCluster, image: str, name: str
) -> None:
    """Puts an image of this host's engine into the runtime of all workers, under `name` too: this site has no
    registry."""
    known_hosts = create.known_hosts(folders, cluster)
    with tempfile.TemporaryFile() as archive:
        archive.writelines(client.images.get(image).save(named=image))
        for machine in tofu.read(folders, cluster).workers:
            archive.seek(0)
            for command in (
                "sudo ctr -n k8s.io images import -",
                f"sudo ctr -n k8s.io images tag --force docker.io/{image} docker.io/library/{name}",
            ):
                ssh.run(folders, known_hosts, machine.address, command, stdin=archive)


def install_kinds(folders: Folders, kube: Kube) -> None:
    """Cluster API's kinds as `clusterctl init` installs them, without webhooks: only the stored version is
    asked for."""
    sets = manifests.rendered(folders)
    for definition in (found for name in PROVIDERS for found in _definitions(sets[name])):
        kube.apply(definition)


def guarded_cluster(folders: Folders, hosting: LegacyCluster, kube: Kube, name: str) -> None:
    """A Cluster `name` with its ClusterGuard, in a namespace of that name. The operator must be installed."""
    values = {
        "name": name,
        "kubeconfig": (folders.cluster(hosting.name) / "kubeconfig").read_text(),
        "clouds_yaml": member_clouds_yaml(folders),
    }
    kube.apply_template("guarded.yaml.j2", values)


def machine(cluster: str, name: str, provider_id: str = "") -> dict[str, Any]:
    """A Machine of such a Cluster, held by the test's finalizer."""
    document: dict[str, Any] = {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Machine",
        "metadata": {
            "namespace": cluster,
            "name": name,
            "labels": {"cluster.x-k8s.io/cluster-name": cluster},
            "finalizers": [HOLD],
        },
        "spec": {
            "clusterName": cluster,
            "bootstrap": {"dataSecretName": "none"},
            "infrastructureRef": {
                "apiGroup": "infrastructure.cluster.x-k8s.io",
                "kind": "OpenStackMachine",
                "name": name,
            },
        },
    }
    if provider_id:
        document["spec"]["providerID"] = provider_id
    return document


def _definitions(documents: Sequence[manifests.Document]) -> Iterator[manifests.Document]:
    for document in documents:
        if document["kind"] == "CustomResourceDefinition":
            local = copy.deepcopy(document)
            local["spec"].pop("conversion", None)
            yield local
