"""What the report of a runtime swap says of its nodes, and that it does not speak of a takeover."""

from __future__ import annotations

import io

from rich.console import Console
from run_story import BEGIN
from swap_story import NAMES, NEW, OLD, SwapStory, swap_plan

from replank.report.html.run_page import render_run
from replank.report.run.model import RunReport
from replank.report.run.report import run_dict, run_report
from replank.report.terminal.run_view import run_view

WORKER, CONTROL = NAMES


def told(steps: int = 100) -> RunReport:
    story = SwapStory(swap_plan()).apply(steps)
    return run_report(story.plan, story.events, run_id="run-7", at=BEGIN + 999)


def shown(report: RunReport) -> str:
    text = io.StringIO()
    Console(file=text, width=160, highlight=False).print(run_view(report))
    return text.getvalue()


def test_every_node_of_the_plan_has_a_row_with_its_runtimes_and_its_window() -> None:
    rows = [(n.node, n.runtime, n.to, n.status, n.window_s) for n in told().nodes]
    assert rows == [(WORKER, OLD, NEW, "done", 0.7), (CONTROL, OLD, NEW, "done", 0.7)]


def test_a_node_that_is_not_swapped_yet_has_no_window() -> None:
    rows = [(n.node, n.status, n.window_s) for n in told(steps=3).nodes]
    assert rows == [(WORKER, "done", 0.7), (CONTROL, "pending", None)]


def test_pods_that_nobody_looked_at_are_said_to_be_so() -> None:
    assert {n.pods for n in told().nodes} == {""}
    assert "nobody looked" in render_run(told())


def test_page_and_terminal_show_the_nodes_and_speak_of_no_takeover() -> None:
    report = told()
    page, terminal = render_run(report), shown(report)
    for text in (page, terminal):
        assert WORKER in text
        assert "0.7 s" in text
        assert "another container runtime under running nodes" in text
        for word in ("takeover", "Servers and ports", "Cluster API"):
            assert word not in text, word


def test_json_has_the_nodes_and_the_migration() -> None:
    data = run_dict(told())
    assert data["migration"] == "runtime-swap"
    assert [node["window_s"] for node in data["nodes"]] == [0.7, 0.7]
