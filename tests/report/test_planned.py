"""The planner's own plans, as the file, in the terminal and as a page."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from page_reader import read_page
from rich.console import Console

from replank.plan import codec
from replank.plan.compare import compare
from replank.report.html.page import render_plan
from replank.report.manifests import manifest_files
from replank.report.terminal.plan_view import plan_view

FILES = sorted((Path(__file__).parents[1] / "takeover" / "plans").glob("*.yaml"))


def test_there_are_plans_to_look_at() -> None:
    assert len(FILES) >= 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_plan_of_the_planner_reads_well_everywhere(file: Path) -> None:
    data = file.read_bytes()
    plan = codec.load(data, where=file.name)
    assert codec.dump(plan).encode() == data
    assert compare(plan, plan) == ()
    page = read_page(render_plan(plan))
    text = page.all("body")[0].text
    for stage in plan.stages:
        for step in stage.steps:
            assert step.id in text
    for finding in plan.findings:
        assert finding.subject in text
    terminal = io.StringIO()
    Console(file=terminal, width=80).print(plan_view(plan))
    assert max(map(len, terminal.getvalue().splitlines())) <= 80
    assert manifest_files(plan)
