"""Findings, surveys and verifications as plain JSON values, for `--json`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from replank.audit.finding import Finding
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.identity import Evidence
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.unseen import unseen_sources
from replank.verify.model import Verification


def finding_dict(finding: Finding) -> dict[str, Any]:
    """A finding, every field."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "evidence": list(finding.evidence),
        "consequence": finding.consequence,
        "remedy": finding.remedy,
        "unknown": finding.unknown,
    }


def survey_dict(snapshot: Snapshot) -> dict[str, Any]:
    """Machines, their roles and the evidence; conflicts; what could not be seen."""
    return {
        "cluster": snapshot.cluster,
        "machines": [
            {
                "name": machine.name,
                "role": _fact(machine.role),
                "server_id": _fact(machine.server_id),
                "node": _fact(machine.node),
                "group": machine.group,
                "state_addresses": list(machine.state_addresses),
                "evidence": _evidence(machine.evidence),
            }
            for machine in snapshot.machines
        ],
        "conflicts": [
            {"subject": c.subject, "says": c.says, "evidence": _evidence(c.evidence)}
            for c in snapshot.conflicts
        ],
        "unseen": [{"path": u.path, "why": u.why, "code": u.code} for u in unseen_sources(snapshot)],
    }


def verification_dict(found: Verification) -> dict[str, Any]:
    """A verification, every field."""
    return {
        "cluster": found.cluster,
        "namespace": found.namespace,
        "passed": found.passed,
        "judged_by": _fact(found.judged_by),
        "findings": [asdict(finding) for finding in found.findings],
        "replacements": [
            {
                "machine": each.machine,
                "server_id": each.server,
                "by": each.keeper,
                "parts": [
                    {"what": p.what, "now": _fact(p.now), "then": _fact(p.then), "changed": p.changed}
                    for p in each.parts
                ],
            }
            for each in found.replacements
        ],
    }


def _evidence(evidence: tuple[Evidence, ...]) -> list[dict[str, str]]:
    return [{"key": e.key, "says": e.says} for e in evidence]


def _fact(fact: Fact[Any]) -> Any:
    """An unknown stays one: `{"unknown": why, "code": ...}`."""
    return {"unknown": fact.unknown, "code": fact.code} if isinstance(fact, Unknown) else fact
