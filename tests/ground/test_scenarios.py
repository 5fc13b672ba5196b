"""The ground's own scenarios: a cluster that Cluster API makes, and the tracer of a takeover."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proving_ground.cloud import connect
from proving_ground.legacy import create
from proving_ground.progress import Progress
from proving_ground.scenario import new_cluster, project, settled
from proving_ground.scenario.adopted import adopted_by_hand
from proving_ground.scenario.fresh import SMALL, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from proving_ground.up import Wanted, up

pytestmark = [pytest.mark.ground, pytest.mark.timeout(1800)]


@pytest.fixture
def nothing_left(ground: Folders) -> Iterator[None]:
    """OpenStack holds afterwards what it held before."""
    cloud = connect(ground)
    before = project.holdings(cloud)
    yield
    assert before.difference(project.holdings(cloud)) == {}


@pytest.mark.long
@pytest.mark.usefixtures("nothing_left")
def test_cluster_api_makes_scales_upgrades_and_deletes_a_cluster(ground: Folders, progress: Progress) -> None:
    plane = Kube(ground.plane("one") / "kubeconfig")
    cluster = new_cluster.NewCluster(name="born", number=100)
    workload = new_cluster.new_cluster_by_cluster_api(ground, cluster, progress)
    with progress.step("born: scaled to two workers"):
        new_cluster.scale(plane, "born", "born-worker", 2)
    until("Nodes", lambda: settled.nodes_ready(workload, 3), limit_s=180)
    with progress.step("born: scaled to one worker"):
        new_cluster.scale(plane, "born", "born-worker", 1)
    new_cluster.upgrade(ground, plane, cluster, "1.35-next", progress)
    until("Nodes", lambda: settled.nodes_ready(workload, 2), limit_s=180)
    versions = {node["status"]["nodeInfo"]["kubeletVersion"] for node in workload.list("Node")}
    assert versions == {new_cluster.version_of("1.35-next")}
    new_cluster.delete_cluster(plane, "born", "born", progress)


@pytest.mark.long
@pytest.mark.usefixtures("nothing_left")
def test_cluster_api_upgrades_a_cluster_by_a_minor_version(ground: Folders, progress: Progress) -> None:
    # The test above upgrades between two stamps of one source; this is the true step.
    up(ground, Wanted(groups=("kubernetes-1.34",), machines=("1.34",)), progress)
    plane = Kube(ground.plane("one") / "kubeconfig")
    cluster = new_cluster.NewCluster(name="older", number=101, kubernetes="1.34")
    workload = new_cluster.new_cluster_by_cluster_api(ground, cluster, progress)
    new_cluster.upgrade(ground, plane, cluster, "1.35", progress)
    until("Nodes", lambda: settled.nodes_ready(workload, 2), limit_s=180)
    versions = {node["status"]["nodeInfo"]["kubeletVersion"] for node in workload.list("Node")}
    assert versions == {new_cluster.version_of("1.35")}
    new_cluster.delete_cluster(plane, "older", "older", progress)


@pytest.mark.usefixtures("nothing_left")
def test_a_legacy_cluster_is_taken_over_by_hand_and_nothing_is_replaced(
    ground: Folders, progress: Progress
) -> None:
    fresh_cluster(ground, SMALL, progress)
    cloud = connect(ground)
    adopted = adopted_by_hand(ground, SMALL, progress)
    assert adopted.differences == {}, "no new server, no new port, none gone"
    before = project.holdings(cloud)
    with progress.step("small: one more worker"):
        new_cluster.scale(adopted.plane, "small", "small-worker", 2)
    until("Nodes", lambda: settled.nodes_ready(adopted.workload, 3), limit_s=180)
    more = before.difference(project.holdings(cloud))
    assert sorted(name.split()[0] for name in more) == ["ports", "servers"]
    assert set(more.values()) == {"new"}
    new_cluster.release_guards(adopted.plane, "small")
    new_cluster.delete_cluster(adopted.plane, "small", "small", progress)
    create.destroy(ground, SMALL, progress)
