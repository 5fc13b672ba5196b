"""A runtime swap of a twin cluster without SSH: pods and exec through the API stage, start and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from living_nodes import CONTROL_PLANE, NEW, OLD, WORKER
from pods_site import IMAGE, BySite, name_image, pods_site

from replank.domain.unknown import Unknown
from replank.inventory.facts import codec
from replank.inventory.fleet.model import NodePodAccess
from replank.inventory.node_pods import NAMESPACE
from replank.testbed.serve.kubernetes import Denied
from replank.testbed.serve.kubernetes.pod_exec import V4, V5
from replank.transports.node_pod.documents import namespace_document, pod_document, pod_name


@pytest.fixture
def site(tmp_path: Path) -> Iterator[BySite]:
    with pods_site(tmp_path) as made:
        yield made


def test_nodes_are_surveyed_swapped_and_swapped_back_without_ssh(tmp_path: Path) -> None:
    with pods_site(tmp_path, (V5,)) as site:
        before, first = site.living.containers(), site.survey()
        assert not [node for node in first.nodes if isinstance(node.version, Unknown)]
        site.planned()
        assert site.replank("audit", "runtime", *site.living.where) == 0
        assert site.run("apply") == 0
        assert site.living.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
        assert site.left() == []
        assert site.run("undo") == 0
        assert site.living.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
        assert site.living.containers() == before
        assert site.survey() == first
        assert site.left() == []
        assert set(site.pods.server.spoken) == {V5}
        part = {line for _, line in site.pods.lines if "swap_node.py " in line}
        apart = {line.rpartition(" ")[2] for line in part if line.startswith("systemd-run --scope ")}
        assert apart == {"stage", "start", "undo"}, "what works ends not with the pod"
        assert {line.rpartition(" ")[2] for line in part} - apart <= {"status", "check"}


def test_a_run_goes_on_where_the_way_to_the_node_breaks_off_as_its_swap_begins(tmp_path: Path) -> None:
    """With a server that speaks v4 alone, as before Kubernetes 1.29."""
    with pods_site(tmp_path, (V4,)) as site:
        before = site.living.containers()
        site.planned()
        site.pods.cut += ["swap_node.py start", "swap_node.py stage", "dd of="]
        assert site.run("apply") == 0
        assert site.pods.cut == []
        assert site.living.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
        assert site.living.containers() == before
        site.pods.fades.append("swap_node.py undo")
        assert site.run("undo") == 0
        assert site.pods.fades == []
        assert site.living.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
        assert site.left() == []
        assert set(site.pods.server.spoken) == {V4}


def test_the_pods_are_removed_where_a_node_goes_back_and_the_run_stops(site: BySite) -> None:
    site.planned()
    site.living.nodes[WORKER].world.broken = ["containerd 2.3.5"]
    assert site.run("apply") == 1
    assert site.living.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
    assert site.left() == []
    site.living.nodes[WORKER].world.broken = []
    assert site.run("resume") == 0
    assert site.living.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
    assert site.left() == []


def test_a_survey_whose_image_is_not_to_be_had_says_so_of_every_node(
    site: BySite, capsys: pytest.CaptureFixture[str]
) -> None:
    name_image(site.living.folder / "fleet.yaml", "elsewhere:1")
    runtimes = site.survey()
    assert {node.version.code for node in runtimes.nodes if isinstance(node.version, Unknown)} == {"RP976"}
    assert len(runtimes.nodes) == 2
    assert site.left() == []


def test_missing_rights_are_told_before_anything_is_written(
    site: BySite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.planned()
    made = len(site.pods.made)
    site.living.twin.api("small").denied.append(Denied("create", "pods", NAMESPACE))
    assert site.run("apply") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "create pods in namespace replank-nodes" in said
    assert "replank permissions node-pods" in said
    assert len(site.pods.made) == made


def test_the_plan_and_the_audit_do_not_see_the_pods(site: BySite) -> None:
    """One that a killed command has left, or that another command works by."""
    first = site.survey()
    site.living.twin.api("small").objects.create(namespace_document(), "ops")
    for node in (WORKER, CONTROL_PLANE):
        left = pod_document(pod_name(node, "swap"), node, "swap", NodePodAccess(image=IMAGE))
        site.living.twin.api("small").objects.create(left, "ops")
    assert site.survey() == first
    folder = site.living.folder / "s" / "small"
    before, after = (codec.load(p.read_bytes(), where="").kubernetes for p in sorted(folder.iterdir())[-2:])
    assert before.pods == after.pods  # type: ignore[union-attr]
