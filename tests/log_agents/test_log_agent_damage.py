"""Whatever a configuration looks like: it is judged or it is Unknown, and nothing passes by being broken."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replank.domain.unknown import Unknown
from replank.inventory.log_agents.judgement import judge
from replank.inventory.log_agents.mounted import Texts
from replank.inventory.log_agents.read import read
from replank.migrations.runtime_swap.log_agents.model import changed
from replank.migrations.runtime_swap.log_agents.remedy import remedy
from tests.log_agents.agent_cases import CASES, Case

ALL = [Case(path) for path in CASES]
WITH_TEXTS = [case for case in ALL if case.texts]
ODD = (
    "",
    "}",
    "{",
    "- x",
    "x: [",
    "<source>",
    "</parse>",
    "  bad\tline",
    "a: {b: c}",
    "[INPUT]",
    '"',
    "x = {",
    "null",
)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Case, Texts]:
    """A case with lines of its texts taken away, doubled, moved out or overwritten."""
    case = draw(st.sampled_from(WITH_TEXTS))
    texts: dict[Any, dict[str, str]] = {}
    for source, keys in case.texts.items():
        texts[source] = {}
        for key, text in keys.items():
            lines = text.split("\n")
            for _ in range(draw(st.integers(0, 3))):
                at = draw(st.integers(0, len(lines) - 1))
                how = draw(st.sampled_from(("cut", "double", "odd", "dedent", "value")))
                if how == "cut" and len(lines) > 1:
                    del lines[at]
                elif how == "double":
                    lines.insert(at, lines[at])
                elif how == "odd":
                    lines.insert(at, draw(st.sampled_from(ODD)))
                elif how == "dedent":
                    lines[at] = lines[at].strip()
                elif how == "value" and ":" in lines[at]:
                    lines[at] = (
                        lines[at].split(":")[0]
                        + ": "
                        + draw(st.sampled_from(("x", "[1]", "{a: 1}", "", "3")))
                    )
            texts[source][key] = "\n".join(lines)
    return case, texts


@MANY
@given(found=damaged())
def test_a_damaged_configuration_is_judged_or_unknown_and_never_an_exception(
    found: tuple[Case, Texts],
) -> None:
    case, texts = found
    judged = judge(read(case.workload, case.container, case.kind, texts))
    if isinstance(judged.reads, Unknown):
        assert judged.reads.code.startswith("RP48")
        assert not judged.ready_for("cri")
        assert not judged.ready_for("docker")


@MANY
@given(found=damaged())
def test_whatever_is_offered_as_a_remedy_reads_both(found: tuple[Case, Texts]) -> None:
    case, texts = found
    offered = remedy(case.workload, case.container, case.kind, texts)
    if offered.edits and not offered.by_hand:
        again = judge(read(case.workload, case.container, case.kind, changed(texts, offered.edits)))
        assert again.reads == "both"
    if isinstance(offered.before.reads, Unknown):
        assert offered.by_hand
        assert not offered.edits


@MANY
@given(case=st.sampled_from(WITH_TEXTS), data=st.data())
def test_without_one_of_its_sources_no_agent_is_better_than_with_it(case: Case, data: st.DataObject) -> None:
    missing = data.draw(st.sampled_from(sorted(case.texts, key=str)))
    texts = {source: keys for source, keys in case.texts.items() if source != missing}
    judged = judge(read(case.workload, case.container, case.kind, texts))
    assert isinstance(judged.reads, Unknown), judged
