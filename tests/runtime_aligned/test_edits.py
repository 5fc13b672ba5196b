"""Edits on an object: forth and back in any order of interruptions it is what it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.migrations.runtime_swap.steps.edits import edited, fits, patch, places_of, stands
from replank.plan.runtime_swap import PlannedEdit
from replank.testbed.simulation.documents import patched

ARGUMENTS = ("container-runtime", "container-runtime-endpoint", "image-service-endpoint", "runtime-cgroups")
AT = "/spec/joinConfiguration/nodeRegistration/kubeletExtraArgs"


def edit(argument: str, was: str, becomes: str) -> PlannedEdit:
    return PlannedEdit(
        object="KubeadmConfig/a", api_version="b/v1", at=AT, was=was, becomes=becomes, argument=argument
    )


def document(entries: list[tuple[str, str]]) -> dict[str, Any]:
    arguments = [{"name": name, "value": value} for name, value in entries]
    return {
        "metadata": {"name": "a", "resourceVersion": "7"},
        "spec": {
            "format": "cloud-config",
            "joinConfiguration": {"nodeRegistration": {"kubeletExtraArgs": arguments}},
        },
    }


@st.composite
def arguments(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[PlannedEdit]]:
    """A list with others between, and edits of some of those that are about the runtime."""
    names = draw(st.permutations([*ARGUMENTS, "cloud-provider", "v", "node-labels"]))
    kept = draw(st.sampled_from([names[: draw(st.integers(1, len(names)))], [*ARGUMENTS[:1]]]))
    edits = [
        edit(name, f"old-{name}", draw(st.sampled_from(["", "new"]))) for name in kept if name in ARGUMENTS
    ]
    return [(name, f"old-{name}") for name in kept], edits


@given(arguments())
def test_back_is_exactly_what_was_there(given_: tuple[list[tuple[str, str]], list[PlannedEdit]]) -> None:
    entries, edits = given_
    before = document(entries)
    places = places_of(before, edits)
    forth = edited(before, edits, "forth", places)
    assert all(stands(forth, e, "forth") and fits(forth, e) for e in edits)
    assert "[]" not in str(forth)
    assert "{}" not in str(forth), "the schema takes no empty list or object there"
    assert edited(forth, edits, "forth", places) == forth
    assert edited(forth, edits, "back", places) == before
    assert edited(before, edits, "back", places) == before


@given(arguments())
def test_the_patch_makes_what_was_wanted_and_holds_for_that_version_alone(
    given_: tuple[list[tuple[str, str]], list[PlannedEdit]],
) -> None:
    entries, edits = given_
    before = document(entries)
    wanted = edited(before, edits, "forth", {})
    operations = patch(before, wanted, edits)
    assert patched(before, operations) == wanted
    assert bool(operations) == (before != wanted)
    places = places_of(before, edits)
    back = edited(wanted, edits, "back", places)
    assert patched(wanted, patch(wanted, back, edits)) == before
    if operations:
        assert operations[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}


@pytest.mark.parametrize(
    "entries",
    [
        [("container-runtime-endpoint", "another")],
        [("container-runtime-endpoint", "old"), ("container-runtime-endpoint", "old")],
        [],
    ],
)
def test_a_value_of_somebody_else_does_not_fit(entries: list[tuple[str, str]]) -> None:
    assert not fits(document(entries), edit("container-runtime-endpoint", "old", "new"))


def test_what_is_not_there_at_all_does_not_fit() -> None:
    bare = document([])
    del bare["spec"]["joinConfiguration"]
    socket = PlannedEdit(
        object="KubeadmConfig/a", api_version="b/v1", at="/spec/joinConfiguration/x", was="a", becomes="b"
    )
    assert not fits(bare, socket)
    assert copy.deepcopy(bare) == bare
