"""Every code that replank can say has a text, and every text has a code that replank can say."""

from __future__ import annotations

import re
from pathlib import Path

import replank
from replank.audit.catalogue import catalogue
from replank.migrations.takeover.checks import RULES

SOURCE = Path(replank.__file__).parent
CODE = re.compile(r'"(RP\d{3})"')


def used() -> dict[str, str]:
    """Code -> a file that says it (texts aside)."""
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        for code in CODE.findall(path.read_text(encoding="utf-8")):
            found.setdefault(code, str(path.relative_to(SOURCE)))
    return found


def test_every_code_in_the_source_has_a_text():
    assert {code: place for code, place in used().items() if code not in catalogue()} == {}


def test_every_text_belongs_to_a_code_that_is_said_somewhere():
    assert sorted(set(catalogue()) - set(used())) == []


def test_texts_and_rules_agree_on_the_severity():
    texts = catalogue()
    differing = {
        code: (str(rule.severity), texts[code].severity)
        for code, rule in RULES.items()
        if texts[code].severity != rule.severity
    }
    assert differing == {}


def test_a_text_says_what_it_means_and_what_to_do():
    short = [text.code for text in catalogue().values() if len(text.body.split("\n\n")) < 2]
    assert short == []
    assert [text.code for text in catalogue().values() if not text.source.strip()] == []
