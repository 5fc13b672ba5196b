"""Findings that an audit must report for a cluster of the ground, no more and no less: files in expected/."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

EXPECTED = Path(__file__).parent / "expected"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""OpenStack's IDs differ from run to run: a subject has `<id>` for each."""
ADDRESS = re.compile(r"198\.1[89](?:\.\d{1,3}){2}")
"""So do addresses of the ground (RFC 2544): `<address>`."""

Finding = tuple[str, str, str, bool]
"""Code, severity, subject, and whether it is a check that could not be made."""


def expected(name: str) -> list[Mapping[str, Any]]:
    """The entries of expected/<name>.yaml: `code`, `severity`, `subject`, and in `because` what is true of
    the cluster."""
    document = yaml.safe_load((EXPECTED / f"{name}.yaml").read_text())
    return list(document["findings"])


def differences(wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the audit did not say and should, and what it said and should not, in words."""
    reasons = {_finding(entry): entry["because"] for entry in wanted}
    evidence = {_finding(entry): entry["evidence"] for entry in found}
    counted = Counter(map(_finding, found))
    lines = [
        f"not reported: {_words(finding)}: {' '.join(reasons[finding].split())}"
        for finding in sorted(reasons.keys() - evidence.keys())
    ]
    lines += [
        f"reported, and not expected: {_words(finding)}: {'; '.join(evidence[finding])}"
        for finding in sorted(evidence.keys() - reasons.keys())
    ]
    lines += [f"reported {n} times: {_words(finding)}" for finding, n in sorted(counted.items()) if n > 1]
    return lines


def _finding(entry: Mapping[str, Any]) -> Finding:
    subject = ADDRESS.sub("<address>", UUID.sub("<id>", entry["subject"]))
    return str(entry["code"]), str(entry["severity"]), subject, bool(entry.get("unknown", False))


def _words(finding: Finding) -> str:
    code, severity, subject, unknown = finding
    return f"{code} ({severity}{', could not be seen' if unknown else ''}) {subject}"
