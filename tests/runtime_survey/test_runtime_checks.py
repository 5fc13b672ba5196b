"""Every code of the audit of a runtime swap, by its two fact files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from facts_loader import (
    FACTS,
    NOW,
    Case,
    case,
    healthy,
    healthy_on_docker,
    runtime_case_files,
    snapshot_of,
    unknown,
)
from replank.audit.catalogue import catalogue
from replank.audit.finding import AuditSettings, Finding
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts import codec
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.inventory.snapshot_diff import diff
from replank.inventory.unseen import unseen_sources
from replank.migrations.runtime_swap.checks import RUNTIME_CHECKS, RUNTIME_RULES, audit_runtime
from replank.migrations.runtime_swap.checks.ship_first import SHIPPED, ship_first

SETTINGS = AuditSettings(now=NOW)
BLIND = Unknown("nobody looked")


def _named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def _findings(about: Case) -> tuple[Finding, ...]:
    return audit_runtime(about.snapshot(), about.settings)


@pytest.mark.parametrize("path", [p for p in runtime_case_files() if p.stem == "triggers"], ids=_named)
def test_a_hindrance_is_found_under_its_code_and_on_its_subject(path: Path) -> None:
    about = case(path)
    found = _findings(about)
    assert any(entry.code == about.code for entry in about.expect), "a trigger expects its own code"
    for wanted in about.expect:
        of_code = [f for f in found if f.code == wanted.code]
        same = [f for f in of_code if (f.subject, f.unknown) == (wanted.subject, wanted.unknown)]
        told = [(f.code, f.subject, f.unknown) for f in of_code]
        assert len(same) == 1, f"{about.says}: wanted {wanted}, got {told}"
        assert same[0].evidence
        if wanted.severity is not None:
            assert same[0].severity.value == wanted.severity


@pytest.mark.parametrize("path", [p for p in runtime_case_files() if p.stem == "quiet"], ids=_named)
def test_a_near_miss_is_not_found(path: Path) -> None:
    about = case(path)
    assert not about.expect
    told = [(f.subject, f.evidence) for f in _findings(about) if f.code == about.code]
    assert told == [], about.says


@pytest.mark.parametrize("code", sorted(RUNTIME_RULES))
def test_every_rule_has_a_text_of_its_severity_and_both_fact_files(code: str) -> None:
    text = catalogue()[code]
    assert text.severity == RUNTIME_RULES[code].severity.value
    assert (FACTS / code / "triggers.yaml").is_file()
    assert (FACTS / code / "quiet.yaml").is_file()


def test_every_rule_is_registered_once_and_no_fact_file_stands_for_another_code() -> None:
    registered = [code for check in RUNTIME_CHECKS.checks for code in check.codes]
    assert sorted(registered) == sorted(RUNTIME_RULES)
    assert {path.parent.name for path in runtime_case_files()} == set(RUNTIME_RULES)


def test_a_healthy_cluster_on_docker_has_no_blocker_no_risk_and_no_unknown() -> None:
    found = audit_runtime(snapshot_of(healthy_on_docker()), SETTINGS)
    assert [f for f in found if f.severity is not Severity.NOTE or f.unknown] == []


def test_without_a_survey_of_runtimes_no_check_passes() -> None:
    found = audit_runtime(snapshot_of(healthy()), SETTINGS)
    assert {f.code for f in found} == set(RUNTIME_RULES)
    assert all(f.unknown for f in found)
    assert "replank survey --runtime" in found[0].evidence[0]


# What apt offers matters to a plan with --package alone, whose own blocker it is.
FACT_NAMES = [field.name for field in fields(NodeRuntime) if field.name not in ("node", "offered")]


@pytest.mark.parametrize("name", FACT_NAMES)
def test_an_unknown_fact_of_a_node_never_makes_a_finding_go_away(name: str) -> None:
    document = healthy_on_docker()
    document["runtimes"]["nodes"][3][name] = unknown("the machine did not answer")
    found = audit_runtime(snapshot_of(document), SETTINGS)
    assert any(f.code == "RP417" and f.unknown and f.subject == "Node plain-worker-1" for f in found)


CLUSTER_FACTS = {
    "mounts": {"RP401", "RP402", "RP403"},
    "log_agents": {"RP420", "RP421", "RP422", "RP423", "RP426", "RP432"},
    "once_only": {"RP406"},
    "networks": {"RP405"},
    "problem_detectors": {"RP418"},
    "node_agents": {"RP418"},
    "builders": {"RP419"},
    "docker_expressions": {"RP488"},
}


@pytest.mark.parametrize("name", sorted(CLUSTER_FACTS))
def test_what_could_not_be_seen_in_the_cluster_counts_as_found(name: str) -> None:
    document = healthy_on_docker()
    document["runtimes"]["cluster"][name] = unknown("pods could not be listed")
    found = audit_runtime(snapshot_of(document), SETTINGS)
    told = {f.code: f for f in found if f.unknown}
    assert CLUSTER_FACTS[name] <= set(told)
    assert all(told[code].severity is RUNTIME_RULES[code].severity for code in CLUSTER_FACTS[name])


def test_a_node_of_unknown_runtime_counts_as_one_on_docker() -> None:
    """Otherwise a single node that was not read could hide that everything has to be shipped first."""
    document = healthy_on_docker()
    for node in document["runtimes"]["nodes"]:
        node |= {"name": "containerd", "version": "1.7.29"}
    document["runtimes"]["nodes"][0]["name"] = unknown("the machine did not answer")
    socket = case(FACTS / "RP401" / "triggers.yaml").changes[0]["value"]
    document["runtimes"]["cluster"]["mounts"] = [socket]
    found = audit_runtime(snapshot_of(document), SETTINGS)
    assert [f.severity for f in found if f.code == "RP401"] == [Severity.BLOCKER]


def test_the_version_to_come_decides_which_hops_are_supported() -> None:
    document = healthy_on_docker()
    for node in document["runtimes"]["nodes"]:
        node |= {"name": "containerd", "version": "1.7.29"}
    snapshot = snapshot_of(document)

    def refused(to: str) -> bool:
        return any(f.code == "RP416" for f in audit_runtime(snapshot, replace(SETTINGS, containerd=to)))

    assert [refused(to) for to in ("1.7.30", "2.0.5", "2.1.1", "2.3.5", "1.6.38")] == [
        *(False, False, True, False, True)
    ]


def test_what_must_be_shipped_first_has_a_row_for_every_workload_and_no_note() -> None:
    document = healthy_on_docker()
    for code in ("RP401", "RP405", "RP420", "RP419"):
        for change in case(FACTS / code / "triggers.yaml").changes:
            name = change["path"].split("/")[3]
            document["runtimes"]["cluster"][name].append(change["value"])
    findings = audit_runtime(snapshot_of(document), SETTINGS)
    rows = ship_first(findings)
    told = {(row.code, row.what) for row in rows}
    assert {
        ("RP401", "CronJob ci/prune"),
        ("RP405", "DaemonSet kube-system/aws-node"),
        ("RP420", "DaemonSet logging/fluent-bit"),
        ("RP419", "Deployment ci/runner"),
    } <= told
    assert ("RP419", "Deployment ci/dind") not in told
    assert {row.code for row in rows} <= SHIPPED
    assert [row.code for row in rows][:2] == ["RP401", "RP405"], "worst first"


def test_a_snapshot_without_runtimes_keeps_its_bytes_and_is_wholly_seen() -> None:
    snapshot = snapshot_of(healthy())
    assert b'"runtimes"' not in codec.to_json(snapshot)
    assert [unseen for unseen in unseen_sources(snapshot) if unseen.path.startswith("runtimes")] == []
    with_them = snapshot_of(healthy_on_docker())
    assert codec.load(codec.dump(with_them), where="x") == with_them


def _blinded(snapshot: Snapshot) -> Iterator[tuple[str, Snapshot]]:
    """The snapshot with one fact made unknown, for each fact that this audit looks at."""
    yield "runtimes", replace(snapshot, runtimes=BLIND)
    yield "kubernetes", replace(snapshot, kubernetes=BLIND)
    runtimes, kubernetes = snapshot.runtimes, snapshot.kubernetes
    assert isinstance(runtimes, RuntimeFacts)
    assert isinstance(kubernetes, KubernetesFacts)
    for name in ("pods", "workloads", "disruption_budgets", "nodes"):
        part: Any = replace(kubernetes, **{name: BLIND})
        yield f"kubernetes.{name}", replace(snapshot, kubernetes=part)
    yield "cluster", replace(snapshot, runtimes=replace(runtimes, cluster=BLIND))
    for field in fields(ClusterRuntimeFacts):
        cluster: Any = replace(runtimes.cluster, **{field.name: BLIND})  # type: ignore[type-var]
        yield f"cluster.{field.name}", replace(snapshot, runtimes=replace(runtimes, cluster=cluster))
    for name in FACT_NAMES:
        nodes: Any = tuple(replace(node, **{name: BLIND}) for node in runtimes.nodes)
        yield f"nodes.{name}", replace(snapshot, runtimes=replace(runtimes, nodes=nodes))


@pytest.mark.parametrize("path", [p for p in runtime_case_files() if p.stem == "triggers"], ids=_named)
def test_an_unknown_fact_never_silences_a_finding(path: Path) -> None:
    about = case(path)
    silenced = [
        fact
        for fact, snapshot in _blinded(about.snapshot())
        if about.code not in {f.code for f in audit_runtime(snapshot, about.settings)}
    ]
    assert silenced == []


def test_a_difference_of_two_snapshots_is_told_by_node_and_owner() -> None:
    document = healthy_on_docker()
    document["runtimes"]["nodes"][3] |= {"name": "containerd", "version": "2.3.5"}
    document["runtimes"]["cluster"]["mounts"].append(
        case(FACTS / "RP401" / "triggers.yaml").changes[0]["value"]
    )
    before, after = snapshot_of(healthy_on_docker()), snapshot_of(document)
    assert [(c.subject, c.says) for c in diff(before, after)] == [
        ("runtime of plain-worker-1", "name: docker -> containerd"),
        ("runtime of plain-worker-1", "version: 28.5.2 -> 2.3.5"),
        ("mount ci CronJob/prune /var/run/docker.sock", "appeared"),
    ]
    assert [c.says for c in diff(snapshot_of(healthy()), after)] == [
        "only the second survey looked at the runtimes"
    ]
