"""What is put on a cluster after kubeadm: the node agent, and the settings of kubelets in containers."""

from __future__ import annotations

from proving_ground import images
from proving_ground.scenario.kube import Kube, render
from proving_ground.settings import HERE

MANIFESTS = HERE / "legacy" / "manifests"


def node_agent(workload: Kube) -> None:
    """Puts the node agent on the cluster: addresses, providerIDs, pod network."""
    for document in render("node-agent.yaml", {"image": images.NODE_AGENT_IMAGE}, MANIFESTS):
        workload.apply(document)


def component_configs() -> str:
    """KubeletConfiguration and KubeProxyConfiguration for machines that are containers, as YAML documents."""
    return (HERE / "legacy" / "templates" / "component-configs.yaml").read_text()
