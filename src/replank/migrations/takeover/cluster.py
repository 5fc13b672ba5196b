"""Namespace and Cluster."""

from __future__ import annotations

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import ClusterConfiguration
from replank.migrations.takeover.built import Manifests
from replank.migrations.takeover.endpoint import Endpoint
from replank.migrations.takeover.manifest import key, manifest, reference
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.vocabulary import CONTROL_PLANE, INFRASTRUCTURE, core_version
from replank.plan.takeover import Targets


def cluster_objects(
    names: Names, config: ClusterConfiguration | None, endpoint: Endpoint, targets: Targets
) -> Manifests:
    """The Cluster is paused from its first moment on: everything else is written under that pause."""
    spec: dict[str, JSON] = {
        "paused": True,
        "controlPlaneRef": reference(CONTROL_PLANE, "KubeadmControlPlane", names.control_plane),
        "infrastructureRef": reference(INFRASTRUCTURE, "OpenStackCluster", names.cluster),
    }
    if endpoint.host:
        spec["controlPlaneEndpoint"] = {"host": endpoint.host, "port": endpoint.port}
    if config is not None and (network := _network(config)):
        spec["clusterNetwork"] = network
    return {
        key("Namespace", names.namespace): {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": names.namespace},
        },
        key("Cluster", names.cluster): manifest(
            core_version(targets),
            "Cluster",
            names.cluster,
            names.namespace,
            spec,
        ),
    }


def _network(config: ClusterConfiguration) -> dict[str, JSON]:
    """kubeadm writes several blocks (IPv4 and IPv6) as one text with commas; their order matters."""
    network: dict[str, JSON] = {}
    for field, text in (("pods", config.pod_subnet), ("services", config.service_subnet)):
        blocks: list[JSON] = [block.strip() for block in text.split(",") if block.strip()]
        if blocks:
            network[field] = {"cidrBlocks": blocks}
    if config.dns_domain:
        network["serviceDomain"] = config.dns_domain
    return network
