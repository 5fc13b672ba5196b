"""What nobody could see never passes a check."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from facts_loader import NOW, case, case_files, healthy, snapshot_of
from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.snapshot import Infrastructure, Snapshot
from replank.migrations.takeover.checks import RULES, TAKEOVER_CHECKS, audit_takeover

BLIND = Unknown("nobody looked")
SETTINGS = AuditSettings(now=NOW)
# The cluster's name is given by fleet.yaml: there is nothing to look at that could be unknown.
NEEDS_NO_FACT = {"RP615"}
TRIGGERS = [path for path in case_files() if path.stem == "triggers"]
BLOCKERS = sorted({c for c, rule in RULES.items() if rule.severity is Severity.BLOCKER} - NEEDS_NO_FACT)


def _nothing_seen() -> Snapshot:
    return Snapshot(
        cluster="plain",
        terraform=BLIND,
        infrastructure=Infrastructure(openstack=BLIND),
        kubernetes=BLIND,
        hosts=(),
        management=BLIND,
        machines=(),
        conflicts=(),
    )


def _fact_fields(kind: type) -> list[str]:
    """Fields of a model that may hold an Unknown."""
    return [f.name for f in dataclasses.fields(kind) if "Fact[" in str(f.type)]


def _blinded(snapshot: Snapshot) -> Iterator[tuple[str, Snapshot]]:
    """The snapshot with one fact made unknown, for each fact there is."""
    yield "terraform", replace(snapshot, terraform=BLIND)
    yield "openstack", replace(snapshot, infrastructure=Infrastructure(openstack=BLIND))
    yield "kubernetes", replace(snapshot, kubernetes=BLIND)
    yield "management", replace(snapshot, management=BLIND)
    yield "hosts", replace(snapshot, hosts=())
    cloud, kubernetes = snapshot.infrastructure.openstack, snapshot.kubernetes
    management = snapshot.management
    assert isinstance(cloud, OpenStackFacts)
    for name in _fact_fields(OpenStackFacts):
        part: Any = replace(cloud, **{name: BLIND})
        yield f"openstack.{name}", replace(snapshot, infrastructure=Infrastructure(openstack=part))
    assert isinstance(kubernetes, KubernetesFacts)
    for name in _fact_fields(KubernetesFacts):
        yield f"kubernetes.{name}", replace(snapshot, kubernetes=replace(kubernetes, **{name: BLIND}))
    assert not isinstance(management, Unknown)
    for name in _fact_fields(type(management)):
        yield f"management.{name}", replace(snapshot, management=replace(management, **{name: BLIND}))
    for name in _fact_fields(HostFacts):
        hosts: Any = tuple(replace(host, **{name: BLIND}) for host in snapshot.hosts)
        yield f"hosts.{name}", replace(snapshot, hosts=hosts)


def _codes(snapshot: Snapshot, settings: AuditSettings, code: str) -> set[str]:
    """What the checks of one code report."""
    checks = [check for check in TAKEOVER_CHECKS.checks if code in check.codes]
    return {finding.code for check in checks for finding in check.run(snapshot, settings)}


@pytest.mark.parametrize("code", BLOCKERS)
def test_a_blocker_that_nobody_could_check_still_blocks(code: str) -> None:
    found = [f for f in audit_takeover(_nothing_seen(), SETTINGS) if f.code == code]
    assert any(f.unknown and f.severity is Severity.BLOCKER for f in found)


def test_unknown_findings_carry_the_words_of_the_unknown() -> None:
    cloud_down = Unknown("OpenStack answered 503 to every listing", "RP044")
    snapshot = replace(snapshot_of(healthy()), infrastructure=Infrastructure(openstack=cloud_down))
    unknown = [f for f in audit_takeover(snapshot, SETTINGS) if f.unknown]
    assert {"RP101", "RP102", "RP110", "RP127"} <= {f.code for f in unknown}
    assert {line for f in unknown for line in f.evidence} == {cloud_down.unknown}


@pytest.mark.parametrize("path", TRIGGERS, ids=lambda path: path.parent.name)
def test_an_unknown_fact_never_silences_a_finding(path: Path) -> None:
    about = case(path)
    silenced = [
        fact
        for fact, snapshot in _blinded(about.snapshot())
        if about.code not in _codes(snapshot, about.settings, about.code)
    ]
    assert silenced == []


def test_one_machine_that_was_not_read_does_not_hide_the_others() -> None:
    document = healthy()
    document["hosts"][0]["keys"] = {"unknown": "sudo is refused", "code": "RP065"}
    document["hosts"][1]["keys"] = []
    found = [f for f in audit_takeover(snapshot_of(document), SETTINGS) if f.code == "RP210"]
    assert {f.subject for f in found if f.unknown} == {"keys of plain-cp-1"}
    assert {f.subject for f in found if not f.unknown} == {
        f"{name} of plain-cp-2" for name in ("ca.key", "front-proxy-ca.key", "sa.key", "etcd/ca.key")
    }


def _shuffled(value: Any, order: random.Random) -> Any:
    """The same facts with every tuple in another order."""
    if isinstance(value, tuple):
        items = [_shuffled(item, order) for item in value]
        order.shuffle(items)
        return tuple(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: _shuffled(getattr(value, f.name), order) for f in dataclasses.fields(value)}
        return replace(value, **changes)
    return value


# Where the order is itself a fact: the flags of a component, in the order of the command line.
@hypothesis_settings(max_examples=15)
@given(order=st.randoms(use_true_random=True), path=st.sampled_from(TRIGGERS))
def test_the_order_in_which_facts_are_listed_does_not_matter(order: random.Random, path: Path) -> None:
    about = case(path)
    snapshot = about.snapshot()
    shuffled = _shuffled(snapshot, order)
    assert audit_takeover(shuffled, about.settings) == audit_takeover(snapshot, about.settings)
