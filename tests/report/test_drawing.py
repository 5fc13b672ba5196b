"""The drawing holds for any number of machines: nothing overlaps and nothing leaves the sheet."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hostile import hostile_plan
from sample_plan import sample_plan

from replank.report.html.drawing import Drawing, drawings, owners_drawn
from replank.report.html.shapes import CHARACTER, LETTERS, Rect, fitted


def boxes(drawing: Drawing, style: str) -> list[Rect]:
    return [r for r in drawing.sheet.rects if r.style.split()[0] == style]


def overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def test_small_groups_stand_side_by_side_and_do_not_overlap() -> None:
    plan = sample_plan(workers=8)
    control_plane, workers = plan.groups
    single = [
        replace(workers, name=f"plain-group-{n}", machines=(m,)) for n, m in enumerate(workers.machines)
    ]
    pairs = replace(workers, name="plain-pair", machines=workers.machines[6:])
    plan = replace(plan, groups=(control_plane, *single[:6], pairs))
    for drawing in drawings(plan):
        frames = boxes(drawing, "frame")
        assert len(frames) == 8
        assert len({frame.y for frame in frames}) == 4
        assert not [(a, b) for i, a in enumerate(frames) for b in frames[:i] if overlap(a, b)]
        inside = [r for r in boxes(drawing, "claim") if "; Node " in r.title]
        assert len(inside) == 11
        for box in inside:
            holders = [f for f in frames if overlap(box, f)]
            assert len(holders) == 1
            assert holders[0].x < box.x
            assert box.x + box.width < holders[0].x + holders[0].width


@pytest.mark.parametrize(("control_planes", "workers"), [(1, 0), (3, 2), (3, 17), (5, 15), (3, 200)])
@pytest.mark.parametrize("when", [0, 1])
def test_no_box_overlaps_another_or_leaves_the_sheet(control_planes: int, workers: int, when: int) -> None:
    drawing = drawings(sample_plan(control_planes=control_planes, workers=workers))[when]
    for style in ("server", "claim", "badge", "frame"):
        found = boxes(drawing, style)
        assert not [(a, b) for i, a in enumerate(found) for b in found[:i] if overlap(a, b)], style
    for r in drawing.sheet.rects:
        assert r.x >= 0
        assert r.x + r.width <= drawing.width
        assert r.y + r.height <= drawing.height


@pytest.mark.parametrize("plan", [sample_plan(workers=9), hostile_plan(sample_plan())])
def test_no_text_runs_out_of_the_sheet(plan: object) -> None:
    for drawing in drawings(plan):  # type: ignore[arg-type]
        for label in drawing.sheet.labels:
            width = len(label.text) * CHARACTER
            left = {"start": label.x, "end": label.x - width, "middle": label.x - width / 2}[label.anchor]
            assert left >= 0
            assert left + width <= drawing.width


def test_before_and_after_have_the_same_places() -> None:
    before, after = drawings(sample_plan())
    assert before.height == after.height
    for style in ("server", "claim", "badge", "frame"):
        places = [[(r.x, r.y, r.width, r.height) for r in boxes(d, style)] for d in (before, after)]
        assert places[0] == places[1], style


def test_every_server_is_drawn_with_its_owner_and_told_whole_to_a_screen_reader() -> None:
    plan = sample_plan()
    before, after = drawings(plan)
    for machine in plan.machines:
        for drawing, owner in ((before, "own-terraform"), (after, "own-cluster-api")):
            (claim,) = [r for r in boxes(drawing, "claim") if machine.server_id in r.title]
            assert owner in claim.style


def test_owners_differ_by_letter_not_by_colour_alone() -> None:
    assert len(set(LETTERS.values())) == len(LETTERS)
    before, after = drawings(sample_plan())
    assert {"T", "N", "P"} <= {label.text for label in before.sheet.labels}
    assert "C" in {label.text for label in after.sheet.labels}


def test_an_owner_that_is_not_known_is_not_drawn_as_nobody() -> None:
    before, after = drawings(sample_plan(ownership=()))
    assert owners_drawn((before, after)) == ("terraform", "cluster-api", "unknown")
    assert "?" in {label.text for label in before.sheet.labels}


def test_a_load_balancer_that_was_not_seen_is_not_drawn_as_none() -> None:
    choice = sample_plan().load_balancer
    unseen, _ = drawings(sample_plan(load_balancer=replace(choice, load_balancer_id="")))
    assert "load balancer not seen" in {label.text for label in unseen.sheet.labels}
    none, _ = drawings(sample_plan(load_balancer=replace(choice, load_balancer_id="", mode="none")))
    assert "no load balancer" in {label.text for label in none.sheet.labels}


def test_the_legend_explains_what_is_drawn_and_nothing_else() -> None:
    assert owners_drawn(drawings(sample_plan())) == ("terraform", "cluster-api", "nova", "cloud-provider")


def test_renamed_ports_are_marked_after_and_not_before() -> None:
    before, after = drawings(sample_plan())
    marked = [label.text for label in after.sheet.labels if "changed" in label.style]
    assert len(marked) == 7
    assert "plain-w-1-0" in marked
    assert not [label for label in before.sheet.labels if "changed" in label.style]


def test_machines_beyond_the_sheet_are_counted() -> None:
    _, after = drawings(sample_plan(workers=200))
    assert "and 176 more, in the table below" in {label.text for label in after.sheet.labels}


def test_a_shortened_name_keeps_the_end_that_tells_siblings_apart() -> None:
    names = {fitted(f"a-very-long-cluster-name-k8s-node-nf-{n}", 120) for n in range(30)}
    assert len(names) == 30
    assert all(len(name) <= 19 and re.search(r"…", name) for name in names)
    assert fitted("short", 120) == "short"
