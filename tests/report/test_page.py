"""What the page promises: all of the plan, nothing from elsewhere, nothing that runs, for every reader."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from itertools import pairwise

import pytest
from hostile import EVIL, hostile_plan
from page_reader import read_page
from sample_plan import sample_plan

from replank.plan.takeover import TakeoverPlan
from replank.report.html.page import render_index, render_plan

PLANS = {
    "ready": sample_plan(),
    "blocked": sample_plan(blocked=True),
    "hostile": hostile_plan(sample_plan(blocked=True)),
    "one machine": sample_plan(control_planes=1, workers=0),
    "nothing could be planned": sample_plan(
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
        settings={},
    ),
    "machines of no group": sample_plan(groups=()),
}


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest) -> TakeoverPlan:
    return PLANS[request.param]


def test_the_page_is_well_formed_and_its_ids_are_unique(plan: TakeoverPlan) -> None:
    page = read_page(render_plan(plan))
    ids = Counter(e.attributes["id"] for e in page.elements if "id" in e.attributes)
    assert [name for name, n in ids.items() if n > 1] == []
    for element in page.elements:
        for name in element.attributes.get("aria-labelledby", "").split() if element.tag != "details" else []:
            assert name in ids, name


def test_nothing_runs_and_nothing_is_loaded(plan: TakeoverPlan) -> None:
    html = render_plan(plan)
    page = read_page(html)
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base", "image", "use"} & {
        e.tag for e in page.elements
    }
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in {"src", "style"}]
        assert element.attributes.get("href", "#").startswith("#")
    style = page.all("style")[0].text
    assert not re.search(r"url\(|@import|https?:", style)


def test_the_policy_allows_the_one_stylesheet_and_nothing_else(plan: TakeoverPlan) -> None:
    page = read_page(render_plan(plan))
    policy = next(e.attributes["content"] for e in page.all("meta") if "http-equiv" in e.attributes)
    digest = base64.b64encode(hashlib.sha256(page.all("style")[0].text.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy


def test_no_invisible_character_of_a_name_reaches_the_page() -> None:
    html = render_plan(PLANS["hostile"])
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "<script" not in html
    # The harm is shown, not swallowed: a reviewer must see that a name is strange.
    assert read_page(html).all("h1")[0].text == "plain" + EVIL.replace("\x1b", "\\x1b").replace(
        "\u202e", "\\u202e"
    )


def test_every_step_check_finding_object_and_secret_is_on_the_page() -> None:
    plan = sample_plan(blocked=True)
    page = read_page(render_plan(plan))
    text = " ".join(page.all("body")[0].text.replace("`", "").split())
    expected = [
        *(f"{s.says} {s.id}" for stage in plan.stages for s in stage.steps),
        *(f"{f.code} {f.subject} {f.consequence} {f.remedy}" for f in plan.findings),
        *(e for f in plan.findings for e in f.evidence),
        *(c.says for stage in plan.stages for s in stage.steps for c in (*s.before, *s.after)),
        *(stage.rest for stage in plan.stages),
        *(p.why for p in plan.points_of_no_return),
        *(f.address for f in plan.forget),
        *(o.id for o in plan.ownership),
        *plan.manifests,
        *(f"{d.machine} {d.at_next_rollout}" for g in plan.groups for d in g.differences),
        plan.snapshot_sha256,
    ]
    for words in expected:
        for part in (words,) if " " not in words else words.split():
            assert part.replace("`", "") in text, words


def test_points_of_no_return_lead_to_their_steps() -> None:
    page = read_page(render_plan(sample_plan()))
    ids = {e.attributes.get("id") for e in page.elements}
    links = [e.attributes["href"] for e in page.all("a")]
    assert "#step-settle/1-credential" in links
    assert {link.removeprefix("#") for link in links} <= ids


def test_headings_never_skip_a_level(plan: TakeoverPlan) -> None:
    page = read_page(render_plan(plan))
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels


def test_the_page_has_its_landmarks_and_a_language() -> None:
    page = read_page(render_plan(sample_plan()))
    assert page.all("html")[0].attributes["lang"] == "en"
    for tag in ("header", "nav", "main", "footer"):
        assert len(page.all(tag)) == 1, tag
    for svg in page.all("svg"):
        assert svg.attributes["role"] == "img"
        assert svg.attributes["aria-labelledby"]
    assert all(e.attributes.get("scope") for e in page.all("th"))


def test_the_same_plan_gives_the_same_page(plan: TakeoverPlan) -> None:
    assert render_plan(plan) == render_plan(plan)


def test_no_secret_value_has_a_place_on_the_page() -> None:
    html = render_plan(sample_plan())
    assert "plain-cp-1:/etc/kubernetes/pki/ca.key" in html
    assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY|<base64>", html)


def test_a_removed_block_for_terraform_never_destroys() -> None:
    page = read_page(render_plan(sample_plan()))
    first, second, commands, import_blocks, imports = [
        e.text for e in page.all("pre") if e.attributes.get("class") == "copy"
    ]
    assert first.count("removed {") == first.count("destroy = false") == 1
    assert "destroy" not in second
    assert "terraform state rm 'openstack_compute_instance_v2.worker[3]'" in commands
    assert import_blocks.count("import {") == imports.count("terraform import ") == 6


def test_the_index_leads_to_each_plan_with_its_verdict() -> None:
    plans = [sample_plan("alpha"), sample_plan("be ta?", blocked=True)]
    page = read_page(render_index(plans))
    assert [(a.text, a.attributes["href"]) for a in page.all("a")] == [
        ("alpha", "alpha.html"),
        ("be ta?", "be%20ta%3F.html"),
    ]
    tags = [e.text for e in page.all("span") if "tag" in e.attributes.get("class", "")]
    assert tags == ["ready", "not ready"]
    assert "RP207" in page.all("body")[0].text
    assert read_page(render_index([])).all("p")


def test_an_index_of_hostile_plans_is_escaped() -> None:
    html = render_index([PLANS["hostile"]])
    assert "<script" not in html
    assert "\x1b" not in html
    read_page(html)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_the_contrast_of_wcag_aa_in_light_and_dark() -> None:
    style = read_page(render_plan(sample_plan())).all("style")[0].text
    pairs = [("ink", "paper"), ("dim", "paper"), ("dim", "soft"), ("link", "paper"), ("link", "bad-soft")]
    pairs += [(name, f"{name}-soft") for name in ("bad", "warn", "good", "note")] + [("ink", "changed")]
    owners = ("terraform", "cluster-api", "nova", "cloud-provider", "nobody")
    pairs += [("paper", name) for name in owners] + [("dim", f"{name}-soft") for name in owners]
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", theme))
        for front, back in pairs:
            light, dark = sorted((_luminance(colours[front]), _luminance(colours[back])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)
