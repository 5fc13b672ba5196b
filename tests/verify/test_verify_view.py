"""A verification as people and programs get it."""

from __future__ import annotations

import io
import json

from adopted_cluster import Adopted, adopted
from rich.console import Console

from replank.domain.unknown import Unknown
from replank.report.json_view import verification_dict
from replank.report.terminal.verify_view import verify_view

MD = "MachineDeployment/plain-worker"


def shown(site: Adopted, width: int = 200) -> str:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(verify_view(site.verified()))
    return text.getvalue()


def line_of(text: str, machine: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(machine))


def test_changes_are_marked_and_what_stays_is_said_once() -> None:
    site = adopted()
    site.of(MD)["spec"]["template"]["spec"]["version"] = "v1.35.4"
    text = shown(site)
    assert "v1.34.4 -> v1.35.4" in line_of(text, "plain-worker-1")
    assert "->" not in line_of(text, "plain-cp-1")
    assert "needs a look (1 fail, 16 pass)" in text
    assert "Root volume" not in text, "no machine has one, and none would get one"


def test_the_answer_comes_first_and_one_line_answers_each_question() -> None:
    text = shown(adopted())
    assert text.startswith("plain in namespace fleet is fully Cluster API's (17 pass)")
    assert [line.split()[:2] for line in text.splitlines() if line.strip().startswith("RP7")] == [
        [f"RP{number}", "pass"] for number in range(740, 757)
    ]


def test_what_was_not_seen_is_a_question_mark_and_its_reason() -> None:
    site = adopted()
    site.cloud = Unknown("Keystone says 401")
    text = shown(site)
    assert "Keystone says 401" in text
    assert "? -> ?" in line_of(text, "plain-cp-1")


def test_names_from_the_cloud_cannot_steer_the_terminal() -> None:
    site = adopted()
    site.change("servers", next(s.id for s in site.sight().cloud.servers), flavor="\x1b[2Jm1")  # type: ignore[union-attr]
    text = shown(site)
    assert "\x1b" not in text
    assert "\\x1b[2Jm1" in text


def test_json_has_every_field_and_keeps_unknowns() -> None:
    site = adopted()
    site.nodes = Unknown("no answer", "RP052")
    answer = json.loads(json.dumps(verification_dict(site.verified())))
    assert answer["passed"] is False
    assert {f["code"] for f in answer["findings"] if f["outcome"] == "unknown"} == {"RP740", "RP741"}
    version = answer["replacements"][0]["parts"][0]
    assert version["what"] == "version"
    assert version["now"]["unknown"]
    assert version["changed"] is None
