"""What the terminal views promise: they hold at 80 columns, without colours, and obey no name."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from facts_file import healthy
from hostile import hostile_plan
from rich.console import Console, RenderableType
from sample_plan import sample_plan

from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.snapshot_diff import SnapshotChange
from replank.plan.model import PointOfNoReturn
from replank.plan.takeover import TakeoverPlan
from replank.report.json_view import finding_dict, survey_dict
from replank.report.terminal.audit_view import audit_view
from replank.report.terminal.diff_view import diff_view
from replank.report.terminal.plan_view import plan_view
from replank.report.terminal.survey_view import survey_view


def shown(view: RenderableType, width: int = 80) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(view)
    return text.getvalue()


def words(view: RenderableType) -> str:
    """The words in one line, whatever the line breaks."""
    return " ".join(shown(view, 200).split())


def finding(code: str, severity: Severity, subject: str, **changes: object) -> Finding:
    one = Finding(
        code=code,
        severity=severity,
        subject=subject,
        evidence=("seen",),
        consequence=f"{code} would hurt.",
        remedy=f"Mend {code}.",
    )
    return replace(one, **changes)  # type: ignore[arg-type]


FINDINGS = (
    finding("RP207", Severity.BLOCKER, "etcd on cp-2"),
    finding("RP118", Severity.RISK, "floating IP 198.51.100.7"),
    finding("RP118", Severity.RISK, "floating IP 198.51.100.8"),
    finding("RP201", Severity.RISK, "etcd", unknown=True, evidence=("SSH to cp-1 was refused",)),
    finding("RP202", Severity.RISK, "keys", unknown=True, evidence=("SSH to cp-1 was refused",)),
)

BLIND = replace(
    healthy(),
    terraform=Unknown("the state is encrypted by OpenTofu; " * 4, "RP024"),
    kubernetes=Unknown("the API at https://10.0.0.10:6443 did not answer", "RP051"),
)

VIEWS = {
    "plan": lambda: plan_view(sample_plan(blocked=True)),
    "large plan": lambda: plan_view(sample_plan("a-cluster-with-a-long-name-0123456789", workers=17)),
    "hostile plan": lambda: plan_view(hostile_plan(sample_plan(blocked=True))),
    "audit": lambda: audit_view("plain", FINDINGS),
    "no finding": lambda: audit_view("plain", ()),
    "survey": lambda: survey_view(healthy()),
    "blind survey": lambda: survey_view(BLIND),
    "changes": lambda: diff_view([SnapshotChange("OpenStack", "server " + "x" * 90, "status: A -> B " * 9)]),
    "no change": lambda: diff_view([]),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    for line in shown(VIEWS[name](), width).splitlines():
        assert len(line) <= width, line


@pytest.mark.parametrize("name", VIEWS)
def test_off_a_terminal_there_are_no_escapes_even_if_a_name_brings_some(name: str) -> None:
    text = shown(VIEWS[name]())
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markup_in_a_name_is_shown_not_obeyed() -> None:
    assert "[red]" in words(plan_view(hostile_plan(sample_plan())))


def test_the_verdict_and_the_blockers_come_first() -> None:
    text = shown(plan_view(sample_plan(blocked=True)))
    assert (
        text.index("NOT READY. 1 blocker must be cleared") < text.index("RP207") < text.index("WHAT CHANGES")
    )
    assert text.count("RP207") == 1
    assert "READY. No blocker stands. 3 risks" in words(plan_view(sample_plan()))


def test_a_plan_blocked_by_what_nobody_could_see_says_so() -> None:
    (blocker, *_) = sample_plan(blocked=True).findings
    plan = sample_plan(ready=False, findings=(replace(blocker, unknown=True),))
    assert "1 check that could find a blocker could not be made" in words(plan_view(plan))


def test_the_reviewer_sees_what_changes_and_what_stays() -> None:
    text = words(plan_view(sample_plan()))
    assert "5 servers: 0 replaced, 0 renamed" in text
    assert "7 ports: 7 renamed" in text
    assert "Terraform forgets 6 resources, and destroys none" in text
    assert "The API endpoint stays 203.0.113.10:6443" in text
    assert "plain-cp-1-port -> plain-cp-1-0" in text
    assert "(unnamed) -> plain-w-1-1" in text


def test_a_step_without_undo_is_marked_wherever_it_stands() -> None:
    text = words(plan_view(sample_plan()))
    assert "1 NO UNDO Swap in the credential that can write. [asks approval: settle]" in text
    assert "POINTS OF NO RETURN (1) ! settle/1-credential:" in text
    none = sample_plan(points_of_no_return=(), stages=sample_plan().stages[:6])
    assert "POINTS OF NO RETURN None: every step has an undo." in words(plan_view(none))


def test_a_step_with_a_lossy_undo_or_an_approval_never_hides_among_alike_steps() -> None:
    plan = sample_plan(workers=20)
    first, *rest = plan.stages
    steps = list(first.steps)
    steps[20] = replace(steps[20], approval="look-here")
    steps[30] = replace(steps[30], says="Rename the strange port.")
    point = PointOfNoReturn(step=steps[30].id, why="something is lost")
    changed = replace(plan, stages=(replace(first, steps=tuple(steps)), *rest), points_of_no_return=(point,))
    text = words(plan_view(changed))
    assert "[asks approval: look-here]" in text
    assert "31 LOSSY undo Rename the strange port." in text


def test_forty_alike_steps_do_not_fill_the_screen() -> None:
    text = words(plan_view(sample_plan(workers=20)))
    assert "and 41 more of kind openstack.port.rename" in text


def test_secrets_stand_by_reference() -> None:
    assert "plain-ca tls.key plain-cp-1:/etc/kubernetes/pki/ca.key" in words(plan_view(sample_plan()))


def test_the_audit_counts_by_severity_and_shares_advice() -> None:
    text = words(audit_view("plain", FINDINGS))
    assert text.startswith("plain: 1 blocker, 4 risks; 2 of them could not be checked, and count as if found")
    assert text.index("BLOCKERS (1)") < text.index("RISKS (4)")
    assert text.count("Mend RP118.") == 1


def test_subjects_with_one_evidence_are_one_line() -> None:
    text = words(audit_view("plain", FINDINGS))
    assert "- floating IP 198.51.100.7, floating IP 198.51.100.8: seen" in text
    other = replace(FINDINGS[2], evidence=("seen otherwise",))
    text = words(audit_view("plain", (FINDINGS[1], other)))
    assert "- floating IP 198.51.100.7: seen - floating IP 198.51.100.8: seen otherwise" in text


def test_checks_that_failed_for_one_cause_are_one_line() -> None:
    text = words(audit_view("plain", FINDINGS))
    assert "could not be checked (2 findings): RP201, RP202, because: SSH to cp-1 was refused" in text


def test_the_survey_names_each_machine_with_role_and_evidence() -> None:
    text = words(survey_view(healthy()))
    assert text.startswith("plain: 5 machines")
    assert "plain-cp-1 control-plane" in text
    assert "provider-id" in text
    assert "NOT SEEN" not in text


def test_a_source_that_could_not_be_seen_says_why_with_its_code() -> None:
    text = words(survey_view(BLIND))
    assert "NOT SEEN: the API at https://10.0.0.10:6443 did not answer [RP051]" in text


def test_json_holds_the_evidence_and_keeps_unknowns_apart_from_none() -> None:
    machine = replace(healthy().machines[0], node=Unknown("not looked at"), server_id=None)
    data = survey_dict(replace(healthy(), machines=(machine,)))
    assert data["machines"][0]["node"] == {"unknown": "not looked at", "code": "RP000"}
    assert data["machines"][0]["server_id"] is None
    assert data["machines"][0]["evidence"]
    assert finding_dict(FINDINGS[0])["severity"] == "blocker"


def test_changes_stand_under_their_area() -> None:
    changes = [
        SnapshotChange("OpenStack", "server a", "is gone"),
        SnapshotChange("Kubernetes", "", "x: 1 -> 2"),
    ]
    assert (
        words(diff_view(changes))
        == "2 differences OPENSTACK (1) - server a: is gone KUBERNETES (1) - x: 1 -> 2"
    )
    assert words(diff_view([])) == "Nothing differs."


def test_a_plan_that_holds_nothing_can_still_be_shown() -> None:
    empty = sample_plan(
        ready=False,
        machines=(),
        groups=(),
        ownership=(),
        forget=(),
        findings=(),
        points_of_no_return=(),
        stages=(),
        secrets=(),
        manifests={},
    )
    assert isinstance(empty, TakeoverPlan)
    assert "the planner could not plan every part" in words(plan_view(empty))
