"""Many clusters at once: canary, parallel, and the failures after which none is begun."""

from __future__ import annotations

import asyncio

import pytest

from replank.app.campaign import Campaign, Ending, Result
from replank.domain.errors import Refused, Transient

NAMES = tuple("abcdefgh")


class Field:
    """Clusters that end as they are told; notes who ran beside whom."""

    def __init__(self, **endings: Ending) -> None:
        self.endings = endings
        self.begun: list[str] = []
        self.at_once = 0
        self.with_canary: set[str] = set()
        self._now: set[str] = set()

    async def take(self, name: str) -> Result:
        self.begun.append(name)
        self._now.add(name)
        self.at_once = max(self.at_once, len(self._now))
        for _ in range(5):
            await asyncio.sleep(0)
            if "c" in self._now:
                self.with_canary |= self._now
        self._now.discard(name)
        ending = self.endings.get(name, "done")
        if ending == "error":
            raise Transient("RP812", "The journal", "does not answer", "Wait.")
        return Result(cluster=name, ending=ending, run_id=name)


def run(field: Field, **settings: object) -> dict[str, Ending]:
    campaign = Campaign(take=field.take, **settings)  # type: ignore[arg-type]
    return {result.cluster: result.ending for result in asyncio.run(campaign.run(NAMES))}


def test_no_more_than_parallel_are_in_work_and_all_are_done():
    field = Field()
    assert run(field, parallel=3) == dict.fromkeys(NAMES, "done")
    assert field.at_once == 3


def test_the_canary_runs_first_and_alone():
    field = Field()
    run(field, canary="c", parallel=8)
    assert field.begun[0] == "c"
    assert field.with_canary == {"c"}
    assert sorted(field.begun) == list(NAMES)


@pytest.mark.parametrize("ending", ["refused", "paused", "waiting-for-approval", "aborted", "error"])
def test_nothing_else_is_begun_unless_the_canary_is_done(ending):
    field = Field(c=ending)
    ends = run(field, canary="c", stop_after=5)
    assert field.begun == ["c"]
    assert {name for name in NAMES if ends[name] == "not-begun"} == set(NAMES) - {"c"}


def test_a_canary_that_is_none_of_the_clusters_is_refused_before_anything_begins():
    field = Field()
    with pytest.raises(Refused, match="RP849"):
        run(field, canary="z")
    assert field.begun == []


@pytest.mark.parametrize("stop_after", [1, 2])
def test_after_so_many_failures_no_cluster_is_begun_and_those_in_work_end(stop_after):
    field = Field(a="refused", b="error")
    ends = run(field, parallel=2, stop_after=stop_after)
    assert (ends["a"], ends["b"]) == ("refused", "error")
    assert ends["h"] == "not-begun"
    assert set(field.begun) <= set("abcd"), "those that had room before the failures"


def test_one_cluster_that_is_refused_stops_no_other_below_the_limit():
    ends = run(Field(b="refused"), parallel=1, stop_after=2)
    assert ends == {**dict.fromkeys(NAMES, "done"), "b": "refused"}


def test_a_pause_is_no_failure():
    ends = run(Field(a="paused", b="waiting-for-approval"), parallel=1)
    assert ends == {**dict.fromkeys(NAMES, "done"), "a": "paused", "b": "waiting-for-approval"}


def test_who_is_asked_to_stop_begins_no_more():
    field = Field()
    ends = run(field, parallel=1, stopping=lambda: len(field.begun) >= 2)
    assert field.begun == ["a", "b"]
    assert ends["c"] == "not-begun"
