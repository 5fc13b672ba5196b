"""fleet.yaml: nodes are reached over SSH or by pods, and a cluster may go another way than the defaults."""

from __future__ import annotations

import pytest

from replank.domain.errors import Refused
from replank.inventory.fleet.loader import load_fleet
from replank.inventory.fleet.model import ClusterConfig, NodePodAccess


def load(defaults: str, own: str, pattern: str = "") -> ClusterConfig:
    patterns = f"patterns:\n  - match: '*'\n    {pattern}\n" if pattern else ""
    text = f"schema: replank.fleet/v1\ndefaults: {{{defaults}}}\n{patterns}clusters:\n  a: {{{own}}}\n"
    (cluster,) = load_fleet(text, path="/f/fleet.yaml", home="/home/ops").clusters
    return cluster


def test_a_pod_is_named_by_its_image() -> None:
    cluster = load("", "node_pod: {image: 'tools:1', pull_secret: pull}")
    assert cluster.node_pod == NodePodAccess(image="tools:1", pull_secret="pull")
    assert cluster.ssh is None


def test_what_stands_nearer_to_the_cluster_replaces_the_other_way() -> None:
    cluster = load("ssh: {user: ubuntu}", "node_pod: {image: 'tools:1'}")
    assert (cluster.ssh, cluster.node_pod) == (None, NodePodAccess(image="tools:1"))
    cluster = load("node_pod: {image: 'tools:1'}", "ssh: {user: ubuntu}")
    assert cluster.node_pod is None
    assert cluster.ssh is not None
    with pytest.raises(Refused, match=r"ssh` needs `user`"):
        load("ssh: {user: ubuntu}", "ssh: {port: 2222}", "node_pod: {image: 'tools:1'}")


def test_settings_of_one_way_are_merged_over_the_layers() -> None:
    cluster = load("node_pod: {image: 'tools:1'}", "node_pod: {pull_secret: pull}")
    assert cluster.node_pod == NodePodAccess(image="tools:1", pull_secret="pull")


@pytest.mark.parametrize(
    ("own", "code", "field"),
    [
        ("ssh: {user: ubuntu}, node_pod: {image: 'tools:1'}", "RP013", "clusters.a.node_pod"),
        ("node_pod: {pull_secret: pull}", "RP016", "clusters.a.node_pod"),
        ("node_pod: {image: '-x'}", "RP013", "node_pod.image"),
        ("node_pod: {images: 'x'}", "RP011", "image"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(own: str, code: str, field: str) -> None:
    with pytest.raises(Refused) as failed:
        load("", own)
    assert field in str(failed.value)
    assert code in str(failed.value)
