"""Every code of the takeover's audit, by its two fact files."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts_loader import FACTS, NOW, Case, case, case_files, healthy, snapshot_of
from replank.audit.catalogue import catalogue
from replank.audit.finding import AuditSettings, Finding
from replank.domain.severity import Severity
from replank.migrations.takeover.checks import RULES, TAKEOVER_CHECKS, audit_takeover

# The planner's own findings: test_planner_fact_files.py.
PLANNER_CODES = ("RP075", "RP076", "RP077", "RP078", "RP079")
TAKEOVER_CODES = sorted(code for code in catalogue() if code[2] in "12356" or "RP700" <= code < "RP710")


def _named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def _findings(about: Case) -> tuple[Finding, ...]:
    return audit_takeover(about.snapshot(), about.settings)


@pytest.mark.parametrize("path", [p for p in case_files() if p.stem == "triggers"], ids=_named)
def test_a_defect_is_found_under_its_code_and_on_its_subject(path: Path) -> None:
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


@pytest.mark.parametrize("path", [p for p in case_files() if p.stem == "quiet"], ids=_named)
def test_a_near_miss_is_not_found(path: Path) -> None:
    about = case(path)
    assert not about.expect
    told = [(f.subject, f.evidence) for f in _findings(about) if f.code == about.code]
    assert told == [], about.says


@pytest.mark.parametrize("code", TAKEOVER_CODES)
def test_every_text_has_a_rule_and_both_fact_files(code: str) -> None:
    assert code in RULES
    assert (FACTS / code / "triggers.yaml").is_file()
    assert (FACTS / code / "quiet.yaml").is_file()


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_has_a_text_of_its_severity(code: str) -> None:
    text = catalogue()[code]
    assert text.severity == RULES[code].severity.value
    assert len(text.body.split("\n\n")) >= 3, "what it means, what would happen, what to do"
    assert text.source


def test_every_rule_is_registered_once_under_its_code() -> None:
    registered = [code for check in TAKEOVER_CHECKS.checks for code in check.codes]
    assert sorted(registered) == sorted(RULES)


def test_no_fact_file_stands_for_a_code_that_is_not_there() -> None:
    codes = {path.parent.name for path in FACTS.glob("RP[!4]*/*.yaml")}
    assert codes == set(RULES) | set(PLANNER_CODES)


def test_the_healthy_cluster_has_neither_a_blocker_nor_an_unknown() -> None:
    found = audit_takeover(snapshot_of(healthy()), AuditSettings(now=NOW))
    assert [f for f in found if f.severity is Severity.BLOCKER or f.unknown] == []


def test_evidence_of_expiry_is_a_date_and_does_not_change_with_the_day() -> None:
    about = case(FACTS / "RP212" / "triggers.yaml")
    later = AuditSettings(now=NOW.replace(day=NOW.day + 1))
    today = [f for f in _findings(about) if f.code == "RP212"]
    tomorrow = [f for f in audit_takeover(about.snapshot(), later) if f.code == "RP212"]
    assert today == tomorrow
    assert "2026-12-15" in " ".join(today[0].evidence)
