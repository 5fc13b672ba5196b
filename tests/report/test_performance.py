"""What was measured of a swap: a row a node where both sides are there, and a reason where one is not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hostile import EVIL
from page_reader import PageReader, read_page
from rich.console import Console
from run_story import BEGIN
from swap_story import NAMES, NEW, OLD, SwapStory, answer, swap_plan

from replank.report.html.run_page import render_run
from replank.report.run.model import RunReport
from replank.report.run.report import run_dict, run_report
from replank.report.terminal.performance_view import performance_view
from replank.report.terminal.run_view import run_view

WORKER, CONTROL = NAMES


def told(answers: dict[tuple[str, str], dict[str, Any]], steps: int = 100) -> RunReport:
    story = SwapStory(swap_plan(), answers).apply(steps)
    return run_report(story.plan, story.events, run_id="run-7", at=BEGIN + 999)


def whole() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (WORKER, "before"): answer("before"),
        (WORKER, "after"): answer("after", 640, 60.0, 40.0, pods=11),
        (CONTROL, "before"): answer("before", 1000, 80.0, 0.0),
        (CONTROL, "after"): answer("after", 1100, 81.2, 3.0),
    }


def shown(report: RunReport, width: int = 100) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(performance_view(report.performance))
    return text.getvalue()


def page(report: RunReport) -> PageReader:
    return read_page(render_run(report))


def test_both_sides_and_the_change_are_told_for_every_node() -> None:
    report = told(whole())
    assert [node.node for node in report.performance] == [WORKER, CONTROL]
    worker, control = report.performance
    assert (worker.runtime_before, worker.runtime_after) == (OLD, NEW)
    assert (worker.pods_before, worker.pods_after) == (12, 11)
    rows = [(f.what, f.unit, f.before, f.after, f.change, f.change_percent) for f in worker.figures]
    assert rows == [
        ("pod start", "ms", 812.0, 640.0, -172.0, -21.2),
        ("memory", "MiB", 95.5, 60.0, -35.5, -37.2),
        ("CPU", "millicores", 40.0, 40.0, 0.0, 0.0),
    ]
    cpu = control.figures[-1]
    assert (cpu.change, cpu.change_percent) == (3.0, None), "there is no share of nothing"
    assert worker.not_measured == control.not_measured == ()


def test_terminal_page_and_json_say_the_same() -> None:
    report = told(whole())
    lines = shown(report).splitlines()
    row = next(line for line in lines if line.strip().startswith(WORKER))
    assert row.split() == [
        *(WORKER, "812", "->", "640", "(-21", "%)"),
        *("95.5", "->", "60.0", "(-37", "%)", "40", "->", "40", "(0", "%)", "12", "->", "11"),
    ]
    assert any("0 -> 3 (+3)" in line for line in lines)
    (table,) = [e for e in page(report).all("table") if "Pod start, ms" in e.text]
    for figure in ("812", "640", "-21 %", "95.5", "60.0", "-37 %", OLD, NEW):
        assert figure in table.text
    found = json.loads(json.dumps(run_dict(report)))["performance"][0]
    assert found["node"] == WORKER
    assert found["figures"][0] == {
        "what": "pod start",
        "unit": "ms",
        "before": 812.0,
        "after": 640.0,
        "change": -172.0,
        "change_percent": -21.2,
    }


def test_log_lines_have_a_column_where_somebody_asked_for_them() -> None:
    plain = told(whole())
    assert "Log lines/s" not in shown(plain)
    assert "Log lines/s" not in page(plain).all("main")[0].text
    answers = whole()
    for side, speed in (("before", 210_000), ("after", 315_000)):
        answers[WORKER, side] |= {"log": {"lines_per_second": speed, "lines": 202_000}}
        answers[CONTROL, side] |= {"log": {"not_measured": "RP058 no such image"}}
    report = told(answers)
    assert report.performance[1].not_measured == (
        "log lines before: RP058 no such image",
        "log lines after: RP058 no such image",
    )
    (table,) = [e for e in page(report).all("table") if "Log lines/s" in e.text]
    for words in ("210,000", "315,000", "+50 %", "not on both sides"):
        assert words in table.text
    text = " ".join(shown(report, 140).split())
    assert "210,000 -> 315,000 (+50 %)" in text
    assert "the times that the runtime puts beside them" in text
    assert "the times that the runtime puts beside them" not in shown(plain)


def test_how_it_was_measured_stands_beside_the_figures() -> None:
    report = told(whole())
    for text in (shown(report), page(report).all("main")[0].text):
        words = " ".join(text.split())
        assert "median" in words
        assert "The kubelet is in neither" in words


def test_a_figure_of_one_side_alone_is_no_row_and_its_reason_is_told() -> None:
    answers = whole()
    answers[WORKER, "after"] |= {"pod_start": {"not_measured": "RP053 the user may not create pods"}}
    answers[CONTROL, "before"] = {"side": "before", "not_measured": "it is swapped, which is not before"}
    worker, control = (report := told(answers)).performance
    assert [figure.what for figure in worker.figures] == ["memory", "CPU"]
    assert worker.not_measured == ("pod start after: RP053 the user may not create pods",)
    assert control.figures == ()
    assert control.not_measured == ("nothing before: it is swapped, which is not before",)
    for text in (shown(report, 200), page(report).all("main")[0].text):
        assert "may not create pods" in text
        assert "which is not before" in text
        assert "not on both sides" in text
    assert report.headline.ending == "swapped", "what is not measured is no fault of the swap"


def test_pods_that_were_left_are_told() -> None:
    answers = whole()
    answers[WORKER, "after"] |= {"left": "pods in replank-measure do not end: start-1"}
    report = told(answers)
    assert report.performance[0].left == ("after: pods in replank-measure do not end: start-1",)
    for text in (shown(report, 200), page(report).all("main")[0].text):
        assert "do not end: start-1" in text


@pytest.mark.parametrize("steps", [1, 2])
def test_a_swap_under_way_has_nothing_missing_yet(steps: int) -> None:
    (worker,) = told(whole(), steps).performance
    assert (worker.figures, worker.not_measured) == ((), ())
    assert worker.pods_after is None


def test_a_run_that_measures_nothing_has_no_such_section() -> None:
    report = told(whole(), 0)
    assert report.performance == ()
    assert shown(report).strip() == ""
    assert not [e for e in page(report).elements if e.attributes.get("id") == "performance"]


def test_the_newest_measurement_counts_and_an_undo_is_none() -> None:
    story = SwapStory(
        swap_plan(WORKER), {(WORKER, side): answer(side) for side in ("before", "after")}
    ).apply()
    last = story.plan.stages[0].steps[-1].id
    story.tell("applied", last, evidence=answer("after", 500), receipts=[])
    story.tell("applied", last, "undo", evidence={"kept": "the figures"}, receipts=[])
    (worker,) = run_report(story.plan, story.events, run_id="run-7", at=BEGIN + 999).performance
    assert worker.figures[0].after == 500


@pytest.mark.parametrize(
    "odd", [{}, {"use": 7, "pod_start": [], "pods": "x", "not_measured": 3}, {"use": {"memory_mib": "x"}}]
)
def test_an_answer_of_another_version_breaks_nothing(odd: dict[str, Any]) -> None:
    report = told({**whole(), (WORKER, "after"): odd})
    assert run_dict(report)
    assert shown(report)
    assert page(report)
    assert report.performance[0].figures == ()


def test_no_name_or_reason_is_obeyed() -> None:
    plan = swap_plan("worker-1")
    bad = {"side": "before", "pod_start": {"not_measured": EVIL}, "use": {"not_measured": EVIL}, "left": EVIL}
    for side in ("before", "after"):
        story = SwapStory(plan, {("worker-1", side): bad}).apply()
        report = run_report(plan, story.events, run_id="run-7", at=BEGIN + 999)
        html = render_run(report)
        text = io.StringIO()
        Console(file=text, width=80, highlight=False).print(run_view(report))
        for out in (html, text.getvalue()):
            assert "\x1b" not in out
            assert "\u202e" not in out
        assert not read_page(html).all("script")
        assert max(len(line) for line in text.getvalue().splitlines()) <= 80
