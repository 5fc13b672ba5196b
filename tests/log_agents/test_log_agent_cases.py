"""Log agents as vendors and charts ship them: what they read, and what the remedy makes of it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from replank.domain.unknown import Unknown
from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.judgement import judge
from replank.inventory.log_agents.read import read
from replank.migrations.runtime_swap.log_agents.model import changed
from replank.migrations.runtime_swap.log_agents.remedy import Remedy, remedy
from tests.log_agents.agent_cases import CASES, Case

SECRETS = ("hunter2", "changeme-really", "glc_abcdef", "abcdefgh1234567890")
EVERY = pytest.mark.parametrize("case", [Case(path) for path in CASES], ids=lambda case: case.name)


def remedied(case: Case) -> Remedy:
    return remedy(case.workload, case.container, case.kind, case.texts)


@EVERY
def test_agent_is_recognised_and_judged_as_expected(case: Case) -> None:
    assert case.kind == case.expect["agent"]
    judged = judge(read(case.workload, case.container, case.kind, case.texts))
    if "unknown" in case.expect:
        assert isinstance(judged.reads, Unknown)
        assert judged.reads.code == case.expect["unknown"], judged.reads
        assert judged.code == "RP423"
        return
    assert judged.reads == case.expect["reads"], judged
    assert list(judged.trap_codes) == case.expect["traps"], [
        trap for one in judged.inputs for trap in one.traps
    ]


@EVERY
def test_remedy_is_of_the_kind_that_is_expected(case: Case) -> None:
    found = remedied(case)
    kinds = {"edits": (True, False), "by hand": (False, True), "none": (False, False)}
    assert (bool(found.edits), bool(found.by_hand)) == kinds[case.expect["remedy"]], found
    if "todo" in case.expect:
        assert case.expect["todo"] in found.by_hand[0].todo
    for line in case.expect.get("shown", []):
        assert line in found.diff.splitlines(), found.diff
    assert case.expect.get("notes", "") in " ".join(found.notes)


@EVERY
def test_remedied_agent_reads_both_and_needs_no_second_remedy(case: Case) -> None:
    found = remedied(case)
    if not found.edits:
        return
    texts = changed(case.texts, found.edits)
    again = judge(read(case.workload, case.container, case.kind, texts))
    assert again.reads == "both"
    assert again == found.after
    if "remedied_traps" in case.expect:
        traps = [trap for one in again.inputs for trap in one.traps]
        assert list(again.trap_codes) == case.expect["remedied_traps"], traps
    second = remedy(case.workload, case.container, case.kind, texts)
    assert not second.edits, second.diff


@EVERY
def test_secrets_stand_in_no_fact_no_judgement_and_no_diff(case: Case) -> None:
    found = remedied(case)
    agent = read(case.workload, case.container, case.kind, case.texts)
    shown = f"{agent!r}{found!r}{found.diff}{case.container!r}"
    assert not [secret for secret in SECRETS if secret in shown]


@EVERY
def test_every_line_that_the_remedy_does_not_concern_stays_byte_for_byte(case: Case) -> None:
    for edit in remedied(case).edits:
        before, after = edit.before.splitlines(keepends=True), edit.after.splitlines(keepends=True)
        head = next(i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
        tail = next(i for i, (a, b) in enumerate(zip(before[::-1], after[::-1], strict=False)) if a != b)
        comments = [line for line in before if line.lstrip().startswith("#")]
        assert all(line in after for line in comments if line not in before[head : len(before) - tail])
        assert edit.after.endswith("\n") == edit.before.endswith("\n")


def test_there_is_a_case_for_every_agent_and_every_judgement() -> None:
    cases = [Case(path) for path in CASES]
    assert len(cases) >= 20
    assert len({case.expect["agent"] for case in cases}) == 8
    assert {case.expect.get("reads") for case in cases} >= {"docker", "cri", "both"}


@EVERY
def test_facts_come_back_from_json_as_they_were(case: Case) -> None:
    agent = read(case.workload, case.container, case.kind, case.texts)
    facts = TypeAdapter(LogAgent)
    assert facts.validate_json(facts.dump_json(agent)) == agent
