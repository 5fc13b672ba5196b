"""Figures of before and after, from what the steps `runtime.measure` answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.report.run.before_after import Figure, NodeFigures
from replank.report.run.events import number, word
from replank.report.run.model import StepReport

_KIND: Final = "runtime.measure"
_SIDES: Final = ("before", "after")
_FIGURES: Final = (
    ("pod start", "ms", "pod_start", "median_ms"),
    ("memory", "MiB", "use", "memory_mib"),
    ("CPU", "millicores", "use", "cpu_millicores"),
    ("log lines", "lines/s", "log", "lines_per_second"),
)
"""What, unit, and where the answer has it."""

Answer = Mapping[str, JSON]


def node_figures(steps: Sequence[StepReport]) -> tuple[NodeFigures, ...]:
    """Of every node that the plan measures and whose swap has come to its first measurement."""
    nodes: dict[str, dict[str, Answer]] = {}
    for step in steps:
        if step.kind == _KIND and (answer := _answer(step)) is not None:
            nodes.setdefault(word(step.params, "node"), {})[word(step.params, "side")] = answer
    return tuple(_figures(node, answers) for node, answers in nodes.items())


def _answer(step: StepReport) -> Answer | None:
    """The newest; None where it has not come to that."""
    told = [did.evidence for did in step.did if did.direction == "apply" and isinstance(did.evidence, dict)]
    return told[-1] if told else None


def _figures(node: str, answers: Mapping[str, Answer]) -> NodeFigures:
    before, after = (answers.get(side, {}) for side in _SIDES)
    return NodeFigures(
        node=node,
        runtime_before=word(before, "runtime"),
        runtime_after=word(after, "runtime"),
        pods_before=_pods(before),
        pods_after=_pods(after),
        figures=tuple(_on_both_sides(before, after)),
        not_measured=tuple(_missing(answers)),
        left=tuple(f"{side}: {why}" for side in _SIDES if (why := word(answers.get(side, {}), "left"))),
    )


def _pods(answer: Answer) -> int | None:
    pods = number(answer, "pods")
    return None if pods is None else int(pods)


def _on_both_sides(before: Answer, after: Answer) -> Iterator[Figure]:
    for what, unit, part, key in _FIGURES:
        was, is_ = number(_part(before, part), key), number(_part(after, part), key)
        if was is not None and is_ is not None:
            yield Figure(what=what, unit=unit, before=was, after=is_)


def _missing(answers: Mapping[str, Answer]) -> Iterator[str]:
    """A side that has answered nothing yet is not missing: the swap goes on."""
    for side in _SIDES:
        answer = answers.get(side)
        if answer is None:
            continue
        if whole := word(answer, "not_measured"):
            yield f"nothing {side}: {whole}"
            continue
        for part, name in (("pod_start", "pod start"), ("use", "memory and CPU"), ("log", "log lines")):
            if why := word(_part(answer, part), "not_measured"):
                yield f"{name} {side}: {why}"


def _part(answer: Answer, part: str) -> Answer:
    value = answer.get(part)
    return value if isinstance(value, dict) else {}
