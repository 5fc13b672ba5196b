"""Death at every call and every journal append, then again: the end is the same."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.domain.errors import Hold, Transient
from replank.engine.walk import to_apply, to_undo
from replank.journal.state import state_of
from tests.engine.toy import RUN, Death, Toy, World, irreversible, plan, step

APPLIED = {name: f"new-{name}" for name in World().names}


class Change(BaseException):
    """Somebody wants something else."""


def dying_at(toy: Toy, point: int) -> None:
    """The `point`-th thing that happens is the last: before or after each call and append."""
    left = [point]

    def tick(_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Death

    toy.world.before_call = toy.world.after_call = tick
    toy.journal.before_append = toy.journal.after_append = tick


def living(toy: Toy) -> None:
    def nothing(_: Any) -> None:
        return None

    toy.world.before_call = toy.world.after_call = nothing
    toy.journal.before_append = toy.journal.after_append = nothing


def points(direction: str) -> int:
    """How many there are, counted in a run that lives."""
    toy, count = Toy(), [0]
    asyncio.run(toy.begin())
    if direction == "undo":
        asyncio.run(toy.go())

    def tick(_: Any) -> None:
        count[0] += 1

    toy.world.before_call = toy.world.after_call = tick
    toy.journal.before_append = toy.journal.after_append = tick
    asyncio.run(toy.go(direction))  # type: ignore[arg-type]
    return count[0]


def finds(toy: Toy) -> list[Any]:
    return [(event.step, event.data["before"]) for event in toy.journal.kept[RUN] if event.kind == "found"]


@pytest.mark.parametrize("deaths", [1, 2])
def test_apply_ends_the_same_after_death_at_every_point(deaths: int):
    total = points("apply")
    assert total > 60
    for point in range(1, total + 1):
        toy = Toy()
        asyncio.run(toy.begin())
        for _ in range(deaths):
            dying_at(toy, point)
            with contextlib.suppress(Death):
                asyncio.run(toy.go())
        living(toy)
        assert asyncio.run(toy.go()) == "done", f"died at {point}"
        assert toy.world.names == APPLIED
        assert sorted(toy.world.writes) == sorted(set(toy.world.writes)), f"written twice, died at {point}"
        befores = dict(finds(toy))
        assert len(befores) == len(finds(toy)) == 4
        assert befores["align/1-a"] == {"name": "old-a"}, f"forgot what was there, died at {point}"


def test_undo_ends_the_same_after_death_at_every_point():
    total = points("undo")
    for point in range(1, total + 1):
        toy = Toy()
        asyncio.run(toy.go())
        dying_at(toy, point)
        with contextlib.suppress(Death):
            asyncio.run(toy.go("undo"))
        living(toy)
        assert asyncio.run(toy.go("undo")) == "undone", f"died at {point}"
        assert toy.world.names == World().names


def test_undo_from_death_at_every_point_of_apply_returns_to_the_start():
    for point in range(1, points("apply") + 1):
        toy = Toy()
        asyncio.run(toy.begin())
        dying_at(toy, point)
        with contextlib.suppress(Death):
            asyncio.run(toy.go())
        living(toy)
        assert asyncio.run(toy.go("undo")) == "undone", f"died at {point}"
        assert toy.world.names == World().names, f"died at {point}"
        assert to_undo(toy.plan, state_of(toy.journal.kept[RUN]), "") == ()


@given(
    seed=st.integers(0, 2**32 - 1),
    faults=st.lists(st.sampled_from(["death", "transient", "after", "hold", "pause", "undo"]), max_size=12),
)
def test_whatever_comes_in_between_the_end_is_reached_or_the_start(seed: int, faults: list[str]):
    """Faults at random points, pauses and changes of mind; then quiet, and once there and once back."""
    chance, queue = random.Random(seed), list(faults)
    toy = Toy(plan=plan((step("align", "a"), irreversible(step("align", "b"))), (step("build", "c"),)))
    asyncio.run(toy.begin())
    direction = "apply"

    def fault(_: Any) -> None:
        if not queue or chance.random() > 0.2:
            return
        match queue.pop(0):
            case "death":
                raise Death
            case "transient" | "after":
                raise Transient("RP900", "No", "503", "Nothing.")
            case "hold":
                raise Hold("RP815", "No", "no lease", "Nothing.")
            case word:
                raise Change(word)

    toy.world.before_call = toy.world.after_call = fault
    for _ in range(60):
        try:
            status = asyncio.run(toy.go(direction))  # type: ignore[arg-type]
        except Death:
            continue
        except Change as word:
            if str(word) == "undo":
                direction = "undo" if direction == "apply" else "apply"
            else:
                asyncio.run(toy.note("paused", why="x"))
                asyncio.run(toy.note("resumed", direction))  # type: ignore[arg-type]
            continue
        if status in ("done", "undone"):
            break
    living(toy)
    assert asyncio.run(toy.go()) == "done"
    assert toy.world.names == {**World().names, "a": "new-a", "b": "new-b", "c": "new-c"}
    assert to_apply(toy.plan, state_of(toy.journal.kept[RUN]), "") == ()
    assert asyncio.run(toy.go("undo")) == "undone"
    assert toy.world.names == {**World().names, "b": "new-b"}
