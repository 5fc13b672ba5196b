"""Which rules and panels depend on Docker, and that nothing else of them is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from survey_site import CLUSTER, swap_site

from facts_loader import FACTS, NOW, case, healthy_on_docker, snapshot_of
from replank.audit.finding import AuditSettings
from replank.domain.unknown import Unknown, is_known
from replank.inventory.runtime.expression_files import expressions_in
from replank.inventory.runtime.vanishing import pieces_of
from replank.inventory.snapshot_diff import diff
from replank.migrations.runtime_swap.checks import audit_runtime
from replank.testbed.serve.kubernetes.access import Denied

FILESYSTEM, SANDBOX, NAME = "container-filesystem", "sandbox-name", "docker-container-name"
CGROUP, UNIT = "docker-cgroup", "docker-unit"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(container_fs_usage_bytes) by (pod)", [(FILESYSTEM, "container_fs_usage_bytes")]),
        ('container_fs_limit_bytes{pod=~"$pod"} > 0', [(FILESYSTEM, "container_fs_limit_bytes")]),
        ('{__name__=~"container_fs_inodes_free|up"}', [(FILESYSTEM, "container_fs_inodes_free")]),
        ('rate(container_network_receive_bytes_total{container="POD"}[5m])', [(SANDBOX, 'container="POD"')]),
        ("x{container_name=~'app|POD'}", [(SANDBOX, 'container_name=~"app|POD"')]),
        ('sum(x{image!="", container!="POD"})', [(SANDBOX, 'container!="POD"')]),
        ('x{name=~"k8s_.*"}', [(NAME, 'name=~"k8s_.*"')]),
        ('x{id=~"/docker/.*"}', [(CGROUP, 'id=~"/docker/.*"')]),
        ('node_systemd_unit_state{name="docker.service"} == 0', [(UNIT, 'name="docker.service"')]),
        (
            "rate(kubelet_docker_operations_errors_total[5m])",
            [("dockershim-metric", "kubelet_docker_operations_errors_total")],
        ),
        (
            "engine_daemon_health_checks_failed_total # POD",
            [("docker-daemon-metric", "engine_daemon_health_checks_failed_total")],
        ),
        (
            'a{container="POD"} / on() a{container="POD"} + container_fs_usage_bytes',
            [(SANDBOX, 'container="POD"'), (FILESYSTEM, "container_fs_usage_bytes")],
        ),
    ],
)
def test_a_piece_that_depends_on_docker_is_found(expression: str, expected: list[tuple[str, str]]) -> None:
    assert [(piece.gone, piece.text) for piece in pieces_of(expression)] == expected


@pytest.mark.parametrize(
    "expression",
    [
        'container_fs_usage_bytes{id="/", device=~"/dev/.*"}',
        "rate(container_fs_reads_bytes_total[5m])",
        'sum(x{container!="", container!="POD"})',
        'sum(x{container!~"POD|"})',
        'sum(x{container=~".+", container!="POD"})',
        'kube_pod_container_info{container="docker-registry", name="docker"}',
        'node_systemd_unit_state{name="containerd.service"}',
        'x{pod="PODIUM"} # container="POD"',
        'count(x{image=~"docker.io/.*"})',
        'label_replace(up, "a", "container_fs_usage_bytes", "", "")',
        "up{job='docker'",
        "",
    ],
)
def test_what_holds_on_both_runtimes_is_not_found(expression: str) -> None:
    assert pieces_of(expression) == ()


@given(st.text(alphabet="{}\"'`\\,=~!# \nPODk8s_dockeri container_fs_usage_bytes", max_size=200))
def test_any_text_is_read_and_a_piece_is_never_long(text: str) -> None:
    assert all(len(piece.text) <= 83 for piece in pieces_of(text))


@pytest.mark.parametrize("text", ['x{id=~"/docker/' + "a" * 500 + '"}', "engine_daemon_" + "a" * 500])
def test_a_long_piece_is_cut(text: str) -> None:
    (piece,) = pieces_of(text)
    assert len(piece.text) == 83


RULES = """
groups:
- name: pods
  rules:
  - {alert: PodNet, expr: 'rate(container_network_receive_errors_total{container="POD"}[5m]) > 0'}
  - {record: "pod:disk", expr: container_fs_usage_bytes}
  - {alert: Fine, expr: up == 0}
  - {alert: Strange, expr: [container_fs_usage_bytes]}
"""
PANEL = {"title": "Disk", "targets": [{"expr": "container_fs_usage_bytes"}, {"expr": "up"}]}
FINE = {"title": "Fine", "targets": [{"expr": "up"}]}


def found(text: str) -> list[tuple[str, str]]:
    return [
        (one.what, one.name) for one in expressions_in(text, namespace="m", source="ConfigMap/x", key="k")
    ]


def test_a_rule_file_gives_its_alerts_and_recording_rules() -> None:
    assert found(RULES) == [("alert", "PodNet"), ("recording", "pod:disk")]


@pytest.mark.parametrize(
    "dashboard",
    [
        {"panels": [FINE, PANEL]},
        {"panels": [{"type": "row", "title": "r", "panels": [PANEL, FINE]}]},
        {"rows": [{"panels": [PANEL]}]},
        {"dashboard": {"panels": [PANEL]}},
    ],
)
def test_a_dashboard_gives_its_panels_in_rows_too(dashboard: dict[str, Any]) -> None:
    assert found(json.dumps(dashboard)) == [("panel", "Disk")]


@pytest.mark.parametrize(
    "text",
    [
        "container_fs_usage_bytes is a metric",
        '{"panels": [container_fs_usage_bytes',
        "groups: [\nexpr: container_fs_usage_bytes",
        "groups: {rules: container_fs_usage_bytes, expr: x}\nexpr: 1",
        '{"panels": "container_fs_usage_bytes"}',
    ],
)
def test_a_text_of_another_shape_has_none(text: str) -> None:
    assert found(text) == []


def config_map(name: str, data: dict[str, str], **about: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "monitoring", **about}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


CONFIG_MAPS = [
    config_map("server", {"rules.yml": RULES, "notes": "token: planted container_fs_usage_bytes"}),
    config_map("pods", {"pods.json": json.dumps({"panels": [PANEL], "x": "planted"})}),
    config_map("copy-0", {"rules.yml": RULES}, labels={"prometheus-name": "k8s"}),
]


def test_config_maps_are_looked_through_and_dropped(tmp_path: Path) -> None:
    with swap_site(tmp_path, CONFIG_MAPS) as site:
        facts = site.uses().docker_expressions
    assert is_known(facts)
    assert [(one.namespace, one.source, one.key, one.what, one.name) for one in facts] == [
        ("monitoring", "ConfigMap/pods", "pods.json", "panel", "Disk"),
        ("monitoring", "ConfigMap/server", "rules.yml", "alert", "PodNet"),
        ("monitoring", "ConfigMap/server", "rules.yml", "recording", "pod:disk"),
    ]
    assert "planted" not in repr(facts)
    assert "rate(" not in repr(facts)


def test_prometheus_rules_are_read_where_the_api_serves_them(tmp_path: Path) -> None:
    spec = {"groups": [{"name": "g", "rules": [{"alert": "Down", "expr": "engine_daemon_engine_info == 0"}]}]}
    about = {"name": "docker", "namespace": "monitoring"}
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": about,
        "spec": spec,
    }
    with swap_site(tmp_path, [rule]) as site:
        facts = site.uses().docker_expressions
    assert is_known(facts)
    assert [(one.source, one.name) for one in facts] == [("PrometheusRule/docker", "Down")]


def test_a_listing_that_may_not_be_read_makes_this_fact_alone_unknown(tmp_path: Path) -> None:
    with swap_site(tmp_path, CONFIG_MAPS) as site:
        site.twin.api(CLUSTER).denied.append(Denied(resource="configmaps", verb="list"))
        facts = site.uses()
    assert isinstance(facts.docker_expressions, Unknown)
    assert facts.docker_expressions.code == "RP053"
    assert is_known(facts.mounts)


def test_a_snapshot_from_before_this_was_read_says_that_nobody_looked() -> None:
    document = healthy_on_docker()
    del document["runtimes"]["cluster"]["docker_expressions"]
    found = [f for f in audit_runtime(snapshot_of(document), AuditSettings(now=NOW)) if f.code == "RP488"]
    assert [f.unknown for f in found] == [True]


def test_the_finding_names_rule_piece_and_reason() -> None:
    snapshot = case(FACTS / "RP488" / "triggers.yaml").snapshot()
    found = [f for f in audit_runtime(snapshot, AuditSettings(now=NOW)) if f.subject.endswith("/nodes")]
    assert [f.evidence for f in found] == [
        ('alert DockerDown: name="docker.service" (the swap stops this unit)',)
    ]


def test_a_difference_is_told_by_rule() -> None:
    after = case(FACTS / "RP488" / "triggers.yaml").snapshot()
    told = [change.subject for change in diff(snapshot_of(healthy_on_docker()), after)]
    assert "rule or panel monitoring PrometheusRule/nodes DockerDown" in told
