"""What a report says of a run: the verdict first, nothing claimed that the journal does not show."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from page_reader import read_page
from run_story import BEGIN, Story, probe, steps, with_looks
from sample_plan import sample_plan

from replank.plan import codec
from replank.plan.takeover import TakeoverPlan
from replank.probe.record import result_dict
from replank.report.html.run_page import render_run
from replank.report.run.model import RunReport
from replank.report.run.report import run_dict, run_report
from replank.report.time_words import fine_moment, lasting, moment

PLAN = with_looks(sample_plan())
STEPS = steps(PLAN)
PLANNED = sorted((Path(__file__).parents[1] / "takeover" / "plans").glob("*.yaml"))[:4]


def report(story: Story, plan: TakeoverPlan = PLAN, **changes: Any) -> RunReport:
    return run_report(plan, story.events, run_id="run-7", at=story.now + 10, **changes)


def taken_over() -> Story:
    return Story(PLAN).start().apply()


def refused() -> Story:
    story = Story(PLAN).start()
    story.do(STEPS[0]).begin(STEPS[1]).before(STEPS[1])
    return story.tell(
        "step-refused",
        STEPS[1].id,
        code="RP800",
        what="It was not begun",
        why="no port",
        todo="Survey again.",
    )


def test_a_whole_takeover_is_taken_over_with_every_gate_passed() -> None:
    told = report(taken_over(), probe=probe({"api": "." * 900}))
    assert (told.headline.ending, told.headline.tone) == ("taken-over", "good")
    assert {gate.outcome for step in told.steps for gate in step.gates} == {"pass"}
    assert all(stage.status == "done" and stage.seconds is not None for stage in told.stages)
    # What the plan could not know stays unproven, and nothing else.
    assert told.unproven == (
        "RP702 management cluster could not be checked when it was planned: fleet.yaml names no kubeconfig "
        "for it.",
    )


@pytest.mark.parametrize("cut", range(1, len(taken_over().events)))
def test_no_part_of_a_run_looks_like_the_whole(cut: int) -> None:
    told = run_report(PLAN, taken_over().events[:cut], run_id="r", at=BEGIN + 9999)
    assert told.headline.ending not in ("taken-over", "stage-reached", "undone")
    assert told.headline.because
    assert told.headline.next
    assert run_dict(told)


def test_a_run_that_was_to_go_to_a_stage_is_not_taken_over() -> None:
    told = report(Story(PLAN).start("credentials").apply("credentials"))
    assert told.headline.ending == "stage-reached"
    assert told.headline.says == "Stage reached: Credentials and certificates"
    assert "Secrets lie in the namespace" in told.headline.because
    assert "Not begun: Infrastructure, Workers, Control plane" in " ".join(told.unproven)


def test_a_refusal_names_step_code_reason_and_what_to_do() -> None:
    told = report(refused())
    assert told.headline.says == f"Refused at step {STEPS[1].id}"
    assert told.headline.because == "RP800 It was not begun: No port."
    assert told.headline.next == (
        "Survey again.",
        "`replank resume run-7` goes on.",
        "`replank undo run-7` gives the cluster back.",
    )
    assert [stage.status for stage in told.stages][:2] == ["refused", "pending"]


def test_a_refusal_that_was_mended_is_history_and_not_the_verdict() -> None:
    story = refused().tell("resumed", holder="ben@ops-2")
    for step in STEPS[1:]:
        story.do(step)
    told = report(story.tell("run-done", until=""))
    assert told.headline.ending == "taken-over"
    assert [r.code for r in told.refusals] == ["RP800"]
    assert told.holder == "ben@ops-2"
    assert next(step for step in told.steps if step.id == STEPS[1].id).attempts == 2


def test_a_hold_is_shown_with_its_reason_its_deadline_and_how_long_it_took() -> None:
    story = Story(PLAN).start().begin(STEPS[0])
    story.tell(
        "hold", STEPS[0].id, code="RP801", what="Check", why="locked", todo="Unlock.", deadline=BEGIN + 600
    )
    told = report(story)
    assert told.headline.says == f"Running, on hold at step {STEPS[0].id}"
    assert told.headline.next[0] == "Unlock."
    assert told.current_step == STEPS[0].id
    assert told.current_hold is not None
    assert told.current_hold.deadline == BEGIN + 600
    story.wait(90).before(STEPS[0])
    told = report(story)
    assert told.current_hold is None
    assert told.holds[0].until == BEGIN + 90
    assert told.stages[0].held_s == 90


def test_approvals_are_told_with_who_gave_them_and_a_given_one_is_waited_for_no_longer() -> None:
    story = (
        Story(PLAN).start().tell("approval-needed", STEPS[0].id, word="terraform-forget", why="it is final")
    )
    told = report(story)
    assert told.headline.ending == "waiting-for-approval"
    assert told.headline.because == "It is final."
    assert any(PLAN.cluster in line for line in told.headline.next)
    assert told.approvals[0].at is None
    story.tell("approved", word="terraform-forget", who="ana", how="typed").begin(STEPS[0])
    told = report(story)
    assert told.headline.ending == "running"
    assert [(a.word, a.who, a.how) for a in told.approvals] == [("terraform-forget", "ana", "typed")]


def test_pause_and_abort_are_not_failures_of_a_step() -> None:
    paused = report(Story(PLAN).start().do(STEPS[0]).tell("paused", why="Ctrl-C"))
    assert (paused.headline.ending, paused.headline.because) == ("paused", "Ctrl-C.")
    assert paused.headline.next[0] == "`replank resume run-7` goes on."
    aborted = report(Story(PLAN).start().do(STEPS[0]).tell("aborted", holder="ana"))
    assert aborted.headline.ending == "aborted"
    assert "1 of" in aborted.headline.because


def test_undone_says_what_stayed_and_that_an_undo_proves_less() -> None:
    told = report(taken_over().undo())
    assert (told.headline.ending, told.headline.tone) == ("undone", "good")
    assert [step for step, _ in told.give_back.lost] == ["settle/1-credential"]
    assert told.give_back.steps == ()
    assert any("An undo has no checks of its own" in line for line in told.unproven)
    # Names are what the undo answered.
    assert all(i.name_after == i.name_before for i in told.identities)


def test_undone_to_a_stage_leaves_the_rest_to_be_given_back() -> None:
    story = Story(PLAN).start().apply("workers")
    story.undo("align-names")
    told = report(story)
    assert told.headline.ending == "partly-undone"
    assert {step.split("/")[0] for step, _ in told.give_back.steps} == {"align-names"}


def test_an_undo_goes_backwards_and_names_what_it_cannot_bring_back() -> None:
    told = report(taken_over())
    order = [step for step, _ in told.give_back.steps]
    assert order == [s.id for s in reversed(STEPS) if s.id != "settle/1-credential"]
    assert [step for step, _ in told.give_back.never] == ["settle/1-credential"]


def test_ids_are_the_same_only_where_a_check_has_looked() -> None:
    before = report(Story(PLAN).start().do(STEPS[0]))
    assert {i.same for i in before.identities} == {None}
    assert any("No check has compared the IDs of 5 servers" in line for line in before.unproven)
    after = report(taken_over())
    assert {i.same for i in after.identities} == {True}
    renamed = [i for i in after.identities if i.kind == "port"]
    assert all(i.name_after.startswith(i.machine) and i.name_after != i.name_before for i in renamed)


def test_a_failed_comparison_beats_an_older_pass() -> None:
    story = taken_over()
    look = STEPS[-1]
    story.wait(5).check(look, "after", look.after[0], "fail", why="a sixth server")
    told = report(story)
    assert {i.same for i in told.identities} == {False}
    assert any(f"Check after step {look.id} has no pass" in line for line in told.unproven)


def test_a_gate_nobody_asked_is_not_a_pass() -> None:
    story = taken_over()
    missing = STEPS[0].after[0]
    story.events = [e for e in story.events if e.data.get("says") != missing.says]
    told = report(story)
    gate = next(g for g in told.steps[0].gates if g.says == missing.says)
    assert gate.outcome == "not asked"
    assert any(missing.says in line for line in told.unproven)


def test_an_outcome_of_another_version_is_unknown() -> None:
    story = Story(PLAN).start().begin(STEPS[0]).check(STEPS[0], "before", STEPS[0].before[0], "splendid")
    assert report(story).steps[0].gates[0].outcome == "unknown"


def test_replanks_own_judgement_is_told_apart_from_upstreams() -> None:
    step = STEPS[0]
    story = Story(PLAN).start().begin(step)
    for who, told in (("replank", True), ("cluster-api v1.14.0", False)):
        story.check(step, "before", step.before[0], evidence={"by": who})
        lines = report(story).unproven
        assert any("replank's own comparison" in line for line in lines) is told


def test_receipts_of_failed_tries_are_kept() -> None:
    step = STEPS[0]
    story = Story(PLAN).start().begin(step).before(step)
    story.tell("retry", step.id, code="RP920", what="w", why="503", after_s=2.0, receipts=["PUT req-1"])
    assert report(story).steps[0].did[0].receipts == ("PUT req-1",)
    assert report(story).retries[0].after_s == 2.0


@pytest.mark.parametrize(
    ("marks", "tone", "words"),
    [
        ("." * 500, "good", ""),
        ("." * 400 + "F" + "." * 99, "bad", "The probes saw an interruption"),
        ("." * 400 + "?" * 100, "wait", "The probes are inconclusive"),
    ],
)
def test_a_takeover_with_downtime_is_no_good_end(marks: str, tone: str, words: str) -> None:
    told = report(taken_over(), probe=probe({"api": marks}))
    assert told.headline.ending == "taken-over"
    assert told.headline.tone == tone
    assert words in told.headline.because


def test_the_probes_of_the_journal_are_read_and_none_is_said() -> None:
    seen = probe({"api": "." * 50})
    story = taken_over().tell("probe", summary=json.loads(json.dumps(result_dict(seen))))
    assert report(story).probe == seen
    assert any("No probe watched" in line for line in report(taken_over()).unproven)
    broken = taken_over().tell("probe", summary={"outcome": "passed"})
    assert report(broken).probe is None
    assert any("No probe watched" in line for line in report(broken).unproven)


def test_it_is_json_and_the_same_each_time() -> None:
    story = refused()
    told = run_dict(report(story, probe=probe({"api": "..F.."})))
    assert json.loads(json.dumps(told)) == json.loads(
        json.dumps(run_dict(report(story, probe=probe({"api": "..F.."}))))
    )
    assert told["schema"] == "replank.report/v1"
    assert told["stages"][0]["status"] == "refused"
    assert told["probe"]["targets"][0]["stats"]["passed"] == 4


def test_events_whose_data_is_of_another_version_break_nothing() -> None:
    story = taken_over()
    for odd in ({}, {"evidence": 7, "receipts": "x", "deadline": "soon", "attempt": None, "word": 3}):
        events = [
            dataclasses.replace(e, data=odd if e.kind != "approved" else {"word": "x", **odd})
            for e in story.events
        ]
        assert run_dict(run_report(PLAN, events, run_id="r", at=BEGIN + 1))


def test_a_run_without_events_says_nothing_was_done() -> None:
    told = run_report(PLAN, (), run_id="r", at=BEGIN)
    assert told.started_at is None
    assert told.headline.because == f"0 of {len(STEPS)} steps are done."


def test_times_are_utc_and_durations_are_short() -> None:
    assert moment(BEGIN) == "2026-11-26 01:00:00 UTC"
    assert fine_moment(BEGIN + 0.96) == "2026-11-26 01:00:01.0 UTC"
    assert [lasting(s) for s in (-1, 0.04, 9.94, 9.96, 59.6, 61, 3600, 7260)] == [
        "0.0 s",
        "0.0 s",
        "9.9 s",
        "10 s",
        "1 min",
        "1 min 1 s",
        "1 h",
        "2 h 1 min",
    ]


@pytest.mark.parametrize("file", PLANNED, ids=lambda file: file.stem)
def test_a_run_of_the_planners_own_plans_is_told_whole(file: Path) -> None:
    plan = codec.load(file.read_bytes(), where=file.name)
    told = report(Story(plan).start().apply(), plan, probe=probe({"api": "." * 50}))
    assert told.headline.ending == "taken-over"
    # The planner's stages look at every server and port after the controllers have run.
    assert {i.same for i in told.identities} <= {True}
    text = read_page(render_run(told)).all("body")[0].text
    for stage in plan.stages:
        for step in stage.steps:
            assert step.id in text
