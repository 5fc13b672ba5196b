"""The report as a page and in the terminal: for every reader, and obeying no name."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from itertools import pairwise
from typing import get_args

import pytest
from hostile import EVIL, hostile, hostile_plan
from page_reader import read_page
from rich.console import Console, RenderableType
from run_story import BEGIN, Story, probe, steps, with_looks
from sample_plan import sample_plan

from replank.journal.event import Event, EventKind
from replank.report.html.run_page import render_run
from replank.report.run.model import RunReport
from replank.report.run.report import run_report
from replank.report.terminal.event_lines import event_line
from replank.report.terminal.run_view import run_view

PLAN = with_looks(sample_plan())
STEPS = steps(PLAN)


def troubled() -> Story:
    story = Story(PLAN).start().do(STEPS[0])
    story.tell("drift", differences=["Machine x is new"])
    story.begin(STEPS[1]).check(STEPS[1], "before", STEPS[1].before[0], "wait", why="not yet")
    story.tell(
        "hold", STEPS[1].id, code="RP801", what="Check", why="not yet", todo="Wait.", deadline=BEGIN + 99
    )
    story.wait(30).before(STEPS[1]).tell("retry", STEPS[1].id, code="RP920", what="w", why="503", after_s=2.5)
    story.begin(STEPS[1], 2).before(STEPS[1])
    return story.tell("step-refused", STEPS[1].id, code="RP805", what="It failed", why="no", todo="Look.")


STORIES = {
    "taken over": Story(PLAN).start().apply(),
    "undone": Story(PLAN).start().apply().undo(),
    "refused": troubled(),
    "waiting": Story(PLAN).start().tell("approval-needed", STEPS[0].id, word="w", why="because"),
    "held": Story(PLAN)
    .start()
    .begin(STEPS[0])
    .tell("hold", STEPS[0].id, code="RP801", what="C", why="not yet"),
    "nothing yet": Story(PLAN),
}
PROBES = {
    "api": "." * 100 + "FF?F" + "." * 300,
    "web": "." * 300 + "?" * 50,
    "dns": "." * 350,
    "gone": "..FF",
}


def told(name: str, *, probed: bool = True) -> RunReport:
    story = STORIES[name]
    seen = probe(PROBES, baseline="." * 60) if probed else None
    return run_report(PLAN, story.events, run_id="run-7", at=story.now + 5, probe=seen)


def hostile_report() -> RunReport:
    story = troubled()
    events = [
        Event(at=e.at, kind=e.kind, step=e.step + (EVIL if e.step else ""), data=hostile(e.data))
        for e in story.events
    ]
    return run_report(hostile_plan(PLAN), events, run_id="run-7" + EVIL, at=story.now, probe=hostile_probe())


def hostile_probe():  # type: ignore[no-untyped-def]
    import dataclasses

    seen = probe(PROBES)
    targets = tuple(dataclasses.replace(t, name=t.name + EVIL, why=t.why + EVIL) for t in seen.targets)
    return dataclasses.replace(seen, why=seen.why + EVIL, targets=targets)


PAGES = {**{name: lambda n=name: told(n) for name in STORIES}, "hostile": hostile_report}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_well_formed_self_contained_and_runs_nothing(name: str) -> None:
    html = render_run(PAGES[name]())
    page = read_page(html)
    ids = Counter(e.attributes["id"] for e in page.elements if "id" in e.attributes)
    assert [i for i, n in ids.items() if n > 1] == []
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base", "image", "use"} & {
        e.tag for e in page.elements
    }
    for element in page.elements:
        assert not [a for a in element.attributes if a.startswith("on") or a in {"src", "style"}]
        assert element.attributes.get("href", "#").startswith("#")
    digest = base64.b64encode(hashlib.sha256(page.all("style")[0].text.encode()).digest()).decode()
    policy = next(e.attributes["content"] for e in page.all("meta") if "http-equiv" in e.attributes)
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "\x1b" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize("name", STORIES)
def test_links_lead_somewhere_and_headings_skip_no_level(name: str) -> None:
    page = read_page(render_run(told(name)))
    ids = {e.attributes.get("id") for e in page.elements}
    assert {e.attributes["href"].removeprefix("#") for e in page.all("a")} <= ids
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_every_step_gate_receipt_id_and_evidence_is_on_the_page() -> None:
    report = told("taken over")
    text = " ".join(read_page(render_run(report)).all("body")[0].text.split())
    for step in report.steps:
        assert step.id in text
        for gate in step.gates:
            assert gate.kind in text
        for did in step.did:
            assert all(line in text for line in did.receipts)
    for identity in report.identities:
        assert identity.id in text
        assert identity.name_after in text
    assert '{"seen": "openstack.unchanged"}' in text
    assert "given 2026-11-26 01:00:20 UTC by ana (ana@fleet) (typed the name)" in text
    for line in report.unproven:
        assert line.replace("`", "") in text


def test_samples_gaps_and_the_longest_interruption_stand_at_every_target() -> None:
    page = read_page(render_run(told("taken over")))
    rows = {e.text[:3]: e.text.replace("\n", " ") for e in page.all("tr")}
    assert "failed404310.5 s0.1 s" in rows["api"]
    assert "inconclusive350050none5.0 s" in rows["web"]
    assert "passed35000nonenone" in rows["dns"]
    text = " ".join(page.all("main")[0].text.split())
    assert "2026-11-26 01:00:09.9 UTC to 2026-11-26 01:00:10.4 UTC, at most 0.5 s" in text
    assert "and no answer came any more" in text


def test_without_probes_the_page_says_that_nobody_looked() -> None:
    text = " ".join(read_page(render_run(told("taken over", probed=False))).all("body")[0].text.split())
    assert "Nobody probed this run" in text
    assert "proves nothing about downtime" in text


def test_refused_step_stands_open_and_the_others_do_not() -> None:
    page = read_page(render_run(told("refused")))
    opened = [e.text for e in page.all("details") if "open" in e.attributes]
    assert len(opened) == 1
    assert STEPS[1].id in opened[0]


def shown(view: RenderableType, width: int = 80) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(view)
    return text.getvalue()


@pytest.mark.parametrize("name", PAGES)
def test_the_terminal_view_holds_at_80_columns_and_obeys_no_name(name: str) -> None:
    text = shown(run_view(PAGES[name]()))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_status_says_what_is_waited_for_and_until_when() -> None:
    story = Story(PLAN).start().begin(STEPS[0])
    story.tell(
        "hold",
        STEPS[0].id,
        code="RP801",
        what="State",
        why="locked by ben",
        todo="Unlock.",
        deadline=BEGIN + 300,
    )
    report = run_report(PLAN, story.events, run_id="run-7", at=BEGIN + 60)
    text = " ".join(shown(run_view(report), 200).split())
    assert "RP801 State: locked by ben" in text
    assert "since 1 min" in text
    assert "in 4 min, at 2026-11-26 01:05:00 UTC" in text
    assert "do Unlock." in text
    assert "0/8" in text


def test_progress_counts_done_steps() -> None:
    story = Story(PLAN).start()
    for step in STEPS[:4]:
        story.do(step)
    report = run_report(PLAN, story.events, run_id="run-7", at=story.now)
    assert "######...... 4/8" in shown(run_view(report))


def line(kind: EventKind, step: str = "", **data: object) -> str | None:
    found = event_line(Event(at=BEGIN, kind=kind, step=step, data=data), PLAN)  # type: ignore[arg-type]
    return None if found is None else found.plain


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_every_event_is_one_safe_line_or_none(kind: EventKind) -> None:
    for step in ("", STEPS[1].id, "of/another-plan", EVIL):
        for direction in ("apply", "undo"):
            for data in ({}, {"why": EVIL + "\nsecond line", "says": EVIL, "deadline": 1.0, "summary": {}}):
                event = Event(at=BEGIN, kind=kind, step=step, direction=direction, data=data)  # type: ignore[arg-type]
                for every in (False, True):
                    found = event_line(event, PLAN, every=every)
                    assert (found is None) == (not every and kind in ("found", "check"))
                    if found is not None:
                        assert found.plain.isprintable()
                        assert found.plain.startswith("01:00:00 ")


def test_lines_say_what_why_and_what_to_do() -> None:
    step = STEPS[1]
    assert line("step-started", step.id, attempt=1) == f"01:00:00 begins     {step.id}: {step.says}"
    assert line("step-started", step.id, attempt=2) == f"01:00:00 again      {step.id}: {step.says}"
    hold = line("hold", step.id, code="RP801", why="locked", todo="Unlock.", deadline=BEGIN + 60)
    assert hold == f"01:00:00 on hold    {step.id}: RP801 locked (at most 1 min). Unlock."
    refused = line("step-refused", step.id, code="RP805", what="It failed", why="no", todo="Look.")
    assert refused == f"01:00:00 REFUSED    {step.id}: RP805 It failed: no. Look."
    assert line("check", step.id, outcome="pass") is None
    assert line("probe", summary={"outcome": "passed", "why": "all"}) == "01:00:00 probes     passed: all"
    assert line("run-done", until="workers") == "01:00:00 reached    workers"
