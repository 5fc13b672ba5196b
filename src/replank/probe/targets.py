"""What is watched of a cluster: its API endpoint twice, and what fleet.yaml names."""

from __future__ import annotations

from replank.inventory.fleet.model import ClusterConfig, ProbeTarget
from replank.inventory.fleet.resolve import API_PROBES


def probe_targets(cluster: ClusterConfig) -> tuple[ProbeTarget, ...]:
    """The API server with new connections and with one kept, where there is a kubeconfig; then `probes`."""
    if cluster.kubeconfig is None:
        return cluster.probes
    new, reused = API_PROBES
    return (
        ProbeTarget(name=new, kind="api", kubeconfig=cluster.kubeconfig),
        ProbeTarget(name=reused, kind="api", kubeconfig=cluster.kubeconfig, reuse=True),
        *cluster.probes,
    )
