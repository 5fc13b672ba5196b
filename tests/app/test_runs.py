"""status, log, pause, abort, undo, resume and report: commands on runs that are there already."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from apply_site import ApplySite


def start(applying: ApplySite, *more: object) -> str:
    """A run of cluster b that waits for its first approval; its ID."""
    assert applying.apply(applying.plan("b"), "--yes", *more).status == 2
    return list(applying.engine.journal.kept)[-1]


def kinds(applying: ApplySite, run_id: str) -> list[str]:
    return [event.kind for event in applying.engine.journal.kept[run_id][1]]


@pytest.mark.parametrize(
    "command", ["status", "log b", "pause b", "resume b", "abort b --yes", "undo b --yes"]
)
def test_without_a_journal_nothing_is_made_and_the_place_is_named(applying: ApplySite, command: str):
    done = applying.run(command)
    assert (done.status, "RP845" in done.err) == (1, True)
    assert not (applying.site.folder / ".replank").exists()


@pytest.mark.parametrize(
    "command", ["status x", "log x", "pause x", "resume x", "abort x", "undo x", "report x"]
)
def test_no_such_run_names_those_there_are(applying: ApplySite, command: str):
    run_id = start(applying)
    done = applying.run(command)
    assert (done.status, "RP809" in done.err, run_id in done.said) == (1, True, True)


def test_status_tells_what_needs_attention_by_its_exit_status(applying: ApplySite):
    run_id = start(applying)
    done = applying.run("status --json")
    (row,) = json.loads(done.out)
    assert (done.status, row["run"], row["status"]) == (2, run_id, "waiting-for-approval")
    assert 0 < row["done"] < row["steps"]
    assert row["why"] == "it cannot be undone"
    assert "waiting for approval" in applying.run("status").out
    applying.approve_all("b")
    assert applying.apply(applying.plan("b"), "--yes").status == 0
    done = applying.run("status b --json")
    (row,) = json.loads(done.out)
    assert (done.status, row["status"], row["done"]) == (0, "done", row["steps"])


def test_status_of_one_run_shows_its_stages(applying: ApplySite):
    start(applying)
    done = applying.run("status b")
    assert done.status == 2
    assert [s.title for s in applying.loaded("b").stages if s.title not in done.out] == []


def test_status_marks_a_run_of_another_version(applying: ApplySite):
    run_id = start(applying)
    run, events = applying.engine.journal.kept[run_id]
    applying.engine.journal.kept[run_id] = (replace(run, schema="replank.journal/v9", plan="?"), events)
    done = applying.run("status")
    assert (done.status, "of another version" in done.out) == (2, True)


def test_log_prints_words_or_a_json_line_an_event(applying: ApplySite):
    run_id = start(applying)
    events = applying.engine.journal.kept[run_id][1]
    lines = [json.loads(line) for line in applying.run("log --json", run_id).out.splitlines()]
    assert [line["kind"] for line in lines] == [event.kind for event in events]
    words = applying.run("log b").out
    assert "asks" in words
    assert events[-1].step in words


def test_log_follow_ends_when_the_run_is_at_rest(applying: ApplySite):
    applying.approve_all("b")
    assert applying.apply(applying.plan("b"), "--yes").status == 0
    done = applying.run("log --follow --json b")
    assert json.loads(done.out.splitlines()[-1])["kind"] == "run-done"


def test_pause_asks_a_run_that_is_at_work(applying: ApplySite):
    run_id = start(applying)
    run, events = applying.engine.journal.kept[run_id]
    applying.engine.journal.kept[run_id] = (run, events[:2])
    done = applying.run("pause b")
    assert (done.status, kinds(applying, run_id)[-1]) == (0, "paused")
    assert f"replank resume {run_id}" in done.said


def test_pause_leaves_a_run_that_is_not_at_work_as_it_is(applying: ApplySite):
    applying.engine.scripts["b", applying.loaded("b").stages[0].steps[0].id] = "refuse"
    assert applying.apply(applying.plan("b"), "--yes").status == 1
    done = applying.run("pause b")
    assert (done.status, "refused" in done.said) == (2, True)
    assert "paused" not in kinds(applying, "b-1")


def test_abort_wants_a_word_and_a_run_that_is_given_up_is_not_resumed(applying: ApplySite):
    run_id = start(applying)
    applying.answer("no")
    assert applying.run("abort", run_id).status == 2
    assert applying.run("abort --yes", run_id).status == 0
    assert kinds(applying, run_id)[-1] == "aborted"
    for command in ("resume", "pause", "abort --yes"):
        done = applying.run(command, run_id)
        assert (done.status, "RP856" in done.err) == (1, True)


def test_undo_gives_back_and_a_new_run_may_begin(applying: ApplySite):
    run_id = start(applying)
    done = applying.run("undo --yes --json b", "--reports", applying.reports)
    (row,) = json.loads(done.out)
    assert (done.status, row["status"], row["run"]) == (0, "undone", run_id)
    assert (applying.reports / f"{run_id}.html").is_file()
    assert start(applying) != run_id


def test_undo_asks_and_anything_but_yes_leaves_it(applying: ApplySite):
    run_id = start(applying)
    before = kinds(applying, run_id)
    applying.answer("no")
    assert applying.run("undo b").status == 2
    assert kinds(applying, run_id) == before
    applying.world.answers = None
    done = applying.run("undo b")
    assert (done.status, "RP855" in done.err) == (1, True)


def test_undo_to_a_stage_leaves_it_done_and_apply_goes_on_with_the_same_run(applying: ApplySite):
    run_id = start(applying)
    stages = applying.loaded("b").stages
    done = applying.run("undo --yes --json b --to", stages[0].name, "--reports", applying.reports)
    assert done.status == 0
    undone = [e.step for e in applying.engine.journal.kept[run_id][1] if e.direction == "undo" and e.step]
    assert undone
    assert [step for step in undone if step.startswith(f"{stages[0].name}/")] == []
    applying.approve_all("b")
    assert applying.apply(applying.plan("b"), "--yes").status == 0
    assert list(applying.engine.journal.kept) == [run_id]


def test_undo_to_a_stage_that_is_none_is_refused(applying: ApplySite):
    start(applying)
    done = applying.run("undo --yes b --to nowhere")
    assert (done.status, "RP806" in done.err) == (1, True)


def test_an_undo_that_was_paused_is_resumed_as_an_undo_to_the_same_stage(applying: ApplySite):
    run_id = start(applying)
    stages = applying.loaded("b").stages
    applying.engine.scripts["b", stages[1].steps[1].id] = "refuse"
    done = applying.run("undo --yes b --to", stages[0].name, "--reports", applying.reports)
    assert done.status == 1
    applied = applying.apply(applying.plan("b"), "--yes")
    assert (applied.status, "RP851" in applied.err) == (1, True)
    applying.engine.scripts.clear()
    assert applying.run("resume b", "--reports", applying.reports).status == 0
    last = applying.engine.journal.kept[run_id][1][-1]
    assert (last.kind, last.direction, last.data["until"]) == ("run-done", "undo", stages[0].name)


def test_report_writes_the_page_and_prints_the_same_as_json(applying: ApplySite):
    run_id = start(applying)
    done = applying.run("report --json b", "--reports", applying.reports)
    assert done.status == 0
    page = (applying.reports / f"{run_id}.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert run_id in page
    kept = json.loads((applying.reports / f"{run_id}.json").read_text())
    assert kept == json.loads(done.out)
