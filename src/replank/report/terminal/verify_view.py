"""A verification in the terminal: a line a question, what is wrong and why, what a rollout would bring."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from replank.domain.unknown import Unknown
from replank.report.terminal.layout import bullets, labelled, say, section, table
from replank.report.words import count
from replank.verify.model import Finding, Outcome, Part, Replacement, Verification

_STYLES: Final[dict[Outcome, str]] = {
    "pass": "green",
    "note": "cyan",
    "unknown": "yellow",
    "fail": "bold red",
}
_WORST_FIRST: Final[tuple[Outcome, ...]] = ("fail", "unknown", "note", "pass")
_ALWAYS: Final = ("version", "image", "flavor", "failure domain")
"""Columns that are shown though nothing differs."""


def verify_view(found: Verification) -> RenderableType:
    """The answer first, then why, then what a rollout would replace."""
    return Group(
        _answer(found),
        section("Questions", _questions(found)),
        *(_outcome(found, outcome) for outcome in _WORST_FIRST if outcome != "pass"),
        section("A rollout would replace", *_replacements(found)),
        Text(""),
    )


def _answer(found: Verification) -> Text:
    told = [(outcome, sum(f.outcome == outcome for f in found.findings)) for outcome in _WORST_FIRST]
    counts = ", ".join(f"{number} {outcome}" for outcome, number in told if number)
    word = "is fully Cluster API's" if found.passed else "needs a look"
    return Text.assemble(
        (say(found.cluster).plain, "bold"),
        f" in namespace {say(found.namespace).plain} ",
        (word, "bold green" if found.passed else "bold red"),
        f" ({counts})",
    )


def _questions(found: Verification) -> RenderableType:
    rows = []
    for code, group in groupby(found.findings, key=lambda finding: finding.code):
        same = list(group)
        worst = min((f.outcome for f in same), key=_WORST_FIRST.index)
        rows.append((code, say(worst, _STYLES[worst]), same[0].says))
    return table(("Code", "", "What should hold"), rows)


def _outcome(found: Verification, outcome: Outcome) -> Group:
    same = [finding for finding in found.findings if finding.outcome == outcome]
    title = {"fail": "Fails", "unknown": "Could not be seen", "note": "Worth knowing"}[outcome]
    parts: list[RenderableType] = []
    for finding in same:
        parts += _finding(finding)
    return section(f"{title} ({len(same)})", *parts)


def _finding(finding: Finding) -> list[RenderableType]:
    about = f"{finding.subject}: {finding.why}" if finding.subject else finding.why
    head = Text.assemble((finding.code, _STYLES[finding.outcome]), " ", say(about).plain)
    parts: list[RenderableType] = [head]
    if finding.evidence:
        parts.append(Padding(bullets(finding.evidence), (0, 0, 0, 2)))
    if finding.todo:
        parts.append(Padding(labelled([("do", finding.todo)]), (0, 0, 0, 2)))
    return parts


def _replacements(found: Verification) -> list[RenderableType]:
    kept = [each for each in found.replacements if each.keeper]
    if not kept:
        return []
    by = found.judged_by
    judged = f"nobody could judge: {by.unknown}" if isinstance(by, Unknown) else f"judged by {by}"
    parts: list[RenderableType] = [
        say(
            f"What {count(len(kept), 'Machine')} would be replaced by; `now -> then` where it changes. "
            f"Whether one is about to be is RP753 ({judged})."
        )
    ]
    for keeper, group in groupby(sorted(kept, key=_by_keeper), key=lambda each: each.keeper):
        parts += [Text(""), say(keeper.replace("/", " "), "bold"), _machines(list(group))]
    bare = [each.machine for each in found.replacements if not each.keeper]
    return [*parts, *([say(f"Nobody would replace {', '.join(bare)}.")] if bare else [])]


def _by_keeper(each: Replacement) -> tuple[bool, str, str]:
    """Control planes first, as an upgrade takes them."""
    return (not each.keeper.startswith("KubeadmControlPlane"), each.keeper, each.machine)


def _machines(kept: Sequence[Replacement]) -> RenderableType:
    columns = _columns(kept)
    rows: list[Sequence[str | Text]] = [(each.machine, *_cells(each, columns)) for each in kept]
    return table(("Machine", *(column.capitalize() for column in columns)), rows)


def _columns(kept: Sequence[Replacement]) -> list[str]:
    """Those that say something: some Machine has them, or would."""
    names = list(dict.fromkeys(part.what for each in kept for part in each.parts))
    plain = {
        name
        for name in names
        if all(p.now == p.then == "none" for each in kept for p in each.parts if p.what == name)
    }
    return [name for name in names if name in _ALWAYS or name not in plain]


def _cells(each: Replacement, columns: Sequence[str]) -> list[Text]:
    parts = {part.what: part for part in each.parts}
    return [_cell(parts[column]) if column in parts else Text("") for column in columns]


def _cell(part: Part) -> Text:
    now = "?" if isinstance(part.now, Unknown) else part.now
    then = "?" if isinstance(part.then, Unknown) else part.then
    if part.changed is False:
        return say(then)
    return say(f"{now} -> {then}", "bold yellow" if part.changed else "yellow")
