"""The ClusterGuard's spec: windows by days and zones, addresses of members, and what is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from replank.guards.policy import DEFAULT, Policy, Pool, Window


def moment(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def window(opens: str, closes: str, **more: Any) -> Window:
    return Window.model_validate({"opens": opens, "closes": closes, **more})


# 2026-11-23 is a Monday.
@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23T01:59:59", False),
        ("2026-11-23T02:00:00", True),
        ("2026-11-23T03:59:59", True),
        ("2026-11-23T04:00:00", False),
        ("2026-11-24T03:00:00", False),
    ],
)
def test_a_window_is_open_from_its_first_second_to_before_its_last(at: str, is_open: bool) -> None:
    assert window("02:00", "04:00", days=["Mon"]).is_open(moment(at)) is is_open


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-27T21:59:00", False),
        ("2026-11-27T22:00:00", True),
        ("2026-11-28T03:59:00", True),
        ("2026-11-28T04:00:00", False),
        ("2026-11-28T23:00:00", False),
        ("2026-11-27T03:00:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens(at: str, is_open: bool) -> None:
    assert window("22:00", "04:00", days=["Fri"]).is_open(moment(at)) is is_open


def test_sunday_night_goes_on_on_monday() -> None:
    nights = window("22:00", "04:00", days=["Sun"])
    assert nights.is_open(moment("2026-11-30T01:00:00"))
    assert not nights.is_open(moment("2026-11-29T01:00:00"))


def test_equal_times_are_a_whole_day() -> None:
    saturday = window("08:00", "08:00", days=["Sat"])
    assert saturday.is_open(moment("2026-11-28T08:00:00"))
    assert saturday.is_open(moment("2026-11-29T07:59:00"))
    assert not saturday.is_open(moment("2026-11-29T08:00:00"))
    assert not saturday.is_open(moment("2026-11-28T07:59:00"))


def test_a_window_is_by_the_clock_of_its_zone_in_summer_and_in_winter() -> None:
    berlin = window("02:00", "04:00", timeZone="Europe/Berlin")
    assert berlin.is_open(moment("2026-07-01T00:30:00"))
    assert not berlin.is_open(moment("2026-07-01T02:30:00"))
    assert berlin.is_open(moment("2026-12-01T01:30:00"))
    assert not berlin.is_open(moment("2026-12-01T00:30:00"))


def test_the_day_is_that_of_the_zone() -> None:
    tokyo = window("00:00", "06:00", days=["Tue"], timeZone="Asia/Tokyo")
    assert tokyo.is_open(moment("2026-11-23T16:00:00"))
    assert not tokyo.is_open(moment("2026-11-24T16:00:00"))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"opens": "2 o'clock", "closes": "04:00"}, "opens"),
        ({"opens": 1320, "closes": "04:00"}, "write it as text"),
        ({"opens": "02:00+02:00", "closes": "04:00"}, "timeZone's alone"),
        ({"opens": "02:00", "closes": "04:00", "days": []}, "days"),
        ({"opens": "02:00", "closes": "04:00", "days": ["Monday"]}, "days"),
        ({"opens": "02:00", "closes": "04:00", "timeZone": "Europe/Atlantis"}, "no time zone"),
        ({"opens": "02:00"}, "closes"),
    ],
)
def test_a_window_that_nobody_can_have_meant_is_refused(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Policy.model_validate({"drain": {"window": spec}})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"hoooks": "all"}, "hoooks"),
        ({"drain": {"deadlineSeconds": 0}}, "deadlineSeconds"),
        ({"drain": {"onDeadline": "release"}}, "onDeadline"),
        ({"drain": {"taint": "none"}}, "surge must be never"),
        ({"pools": [{"id": "a", "port": 0}]}, "port"),
        ({"pools": [{"id": "a", "port": 1, "network": "10.0.0.0/33"}]}, "network"),
        ({"pools": [{"id": "a", "port": 1}, {"id": "a", "port": 2}]}, "named twice"),
    ],
)
def test_what_is_not_in_the_schema_is_refused(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Policy.model_validate(spec)


def test_whoever_says_nothing_waits_for_ever_before_a_drain_and_keeps_floating_ips() -> None:
    said = Policy.model_validate({})
    assert said.drain.on_deadline == "wait"
    assert said.drain.bare_pods == "wait"
    assert said.terminate.floating_ips == "keep"
    assert said.hooks == "all"


def test_without_a_guard_no_hooks_are_added() -> None:
    assert DEFAULT.hooks == "adopted"
    assert DEFAULT.pools == ()


def test_a_member_has_the_first_address_or_the_one_of_its_network() -> None:
    addresses = ("10.0.0.5", "192.168.7.9", "fd00::5")
    assert Pool(id="a", port=1).address_of(addresses) == "10.0.0.5"
    assert Pool(id="a", port=1, network="192.168.7.1/24").address_of(addresses) == "192.168.7.9"
    assert Pool(id="a", port=1, network="fd00::/64").address_of(addresses) == "fd00::5"
    assert Pool(id="a", port=1, network="172.16.0.0/12").address_of(addresses) == ""
    assert Pool(id="a", port=1, network="").address_of(addresses) == "10.0.0.5"
    assert Pool(id="a", port=1).address_of(()) == ""
