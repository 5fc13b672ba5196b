"""Versions follow one another as upstream supports it, and no other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.migrations.runtime_swap.hops import LINES, Line, is_supported, route

ANY = st.sampled_from(LINES)


@pytest.mark.parametrize(
    ("old", "new", "by"),
    [
        ((1, 7), (2, 3), ((2, 3),)),
        ((1, 6), (2, 3), ((2, 0), (2, 3))),
        ((2, 0), (2, 3), ((2, 3),)),
        ((2, 0), (2, 2), ((2, 1), (2, 2))),
        ((1, 7), (2, 4), ((2, 3), (2, 4))),
        ((2, 3), (2, 3), ((2, 3),)),
        ((2, 3), (1, 7), ()),
        ((1, 5), (1, 6), ()),
        ((2, 3), (9, 9), ()),
    ],
)
def test_the_fewest_supported_hops(old: Line, new: Line, by: tuple[Line, ...]) -> None:
    assert route(old, new) == by


@given(ANY, ANY)
def test_every_hop_of_a_route_is_supported_and_there_is_one_exactly_forward(old: Line, new: Line) -> None:
    found = route(old, new)
    assert bool(found) == (LINES.index(old) <= LINES.index(new))
    for here, there in zip((old, *found), found, strict=False):
        assert is_supported(here, there)
    assert not found or found[-1] == new


def test_a_leap_that_upstream_does_not_support_is_none() -> None:
    assert not is_supported((1, 6), (2, 3))
    assert not is_supported((2, 0), (2, 2))
    assert not is_supported((2, 3), (2, 2))
