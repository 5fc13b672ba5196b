"""What a round came to, in metrics and log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from replank.controllers.log import log_to
from replank.controllers.metrics import Metrics
from replank.controllers.telling import ClusterKey, Teller
from replank.domain.errors import Refused, Transient
from replank.domain.unknown import Unknown
from replank.guards.decision import AddMember, Decision, Reason, Release, Scale, Word
from replank.guards.names import PRE_DRAIN, PRE_TERMINATE
from replank.guards.sight import CloudSight, MachineSight, MemberSight, Sight
from replank.guards.work.act import Fault
from replank.guards.work.round import Rounded

BLUE = ClusterKey("shop", "blue")
MACHINE = MachineSight(name="m1", uid="u1", role="worker", waiting_since=940.0)
MEMBER = MemberSight(id="1", name="m1", address="10.0.0.1", port=6443, state="ONLINE")
SIGHT = Sight(
    namespace="shop",
    cluster="blue",
    at=1000.0,
    machines=(MACHINE,),
    workload=Unknown("not looked at"),
    cloud=CloudSight(pools={"p1": (MEMBER,), "p2": Unknown("Octavia is away")}),
)
BUDGET = Reason(code="RP725", word="BudgetAllowsNoneNow", text="PodDisruptionBudget shop/web lets no pod go")
BARE = Reason(code="RP726", word="BarePod", text="pod shop/x has no controller")
WAITING = Word(machine="m1", uid="u1", hook=PRE_DRAIN, state="waiting", reasons=(BUDGET, BARE))
ROUND = Rounded(sight=SIGHT, decision=Decision(words=(WAITING,)), done=(), faults=(), untold=(), again_s=3.0)
QUIET = replace(ROUND, decision=Decision(), sight=replace(SIGHT, cloud=CloudSight()))
AWAY = Transient("RP900", "The API does not answer", "refused", "Nothing.")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    told = io.StringIO()
    log_to(told)
    yield told
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Values by the labels' values, in the order of the labels' names."""
    return {
        tuple(sample.labels[key] for key in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name == name
    }


def test_why_a_machine_waits_stands_in_the_metrics_while_it_waits(metrics: Metrics):
    teller = Teller(metrics)
    teller.rounded(BLUE, ROUND, 0.2)
    assert samples(metrics, "replank_guard_waiting") == {
        ("blue", "pre-drain", "m1", "shop", "BudgetAllowsNoneNow"): 1,
        ("blue", "pre-drain", "m1", "shop", "BarePod"): 1,
    }
    assert samples(metrics, "replank_guard_waiting_seconds") == {("blue", "pre-drain", "m1", "shop"): 60}
    less = replace(ROUND, decision=Decision(words=(replace(WAITING, reasons=(BARE,)),)))
    teller.rounded(BLUE, less, 0.2)
    assert list(samples(metrics, "replank_guard_waiting")) == [("blue", "pre-drain", "m1", "shop", "BarePod")]
    teller.rounded(BLUE, QUIET, 0.2)
    assert samples(metrics, "replank_guard_waiting") == {}
    assert samples(metrics, "replank_guard_waiting_seconds") == {}


def test_members_are_told_of_pools_that_were_seen(metrics: Metrics):
    teller = Teller(metrics)
    teller.rounded(BLUE, ROUND, 0.2)
    assert samples(metrics, "replank_pool_members") == {("p1",): 1}
    teller.rounded(BLUE, QUIET, 0.2)
    assert samples(metrics, "replank_pool_members") == {}


@pytest.mark.parametrize("last", ["gone", "forget"])
def test_a_cluster_that_is_gone_or_anothers_leaves_nothing_behind(metrics: Metrics, last: str):
    teller = Teller(metrics)
    teller.rounded(BLUE, ROUND, 0.2)
    if last == "gone":
        teller.gone(BLUE, 0.1)
    else:
        teller.forget(BLUE)
    for name in ("replank_guard_waiting", "replank_guard_waiting_seconds", "replank_pool_members"):
        assert samples(metrics, name) == {}


def test_actions_and_releases_are_counted_by_result(metrics: Metrics, stream: io.StringIO):
    words = (
        Word(machine="m1", uid="u1", hook=PRE_DRAIN, state="released"),
        Word(machine="m2", uid="u2", hook=PRE_TERMINATE, state="forced", reasons=(BARE,), warn=True),
    )
    done = (
        Release("m1", "u1", PRE_DRAIN),
        Release("m2", "u2", PRE_TERMINATE),
        Scale("apps", "web", 2, 1, "7"),
    )
    fault = Fault(AddMember("p1", "m3", "10.0.0.3", 6443, ""), AWAY)
    teller = Teller(metrics)
    teller.rounded(BLUE, replace(ROUND, decision=Decision(words=words), done=done, faults=(fault,)), 0.2)
    assert samples(metrics, "replank_released_total") == {
        ("false", "pre-drain"): 1,
        ("true", "pre-terminate"): 1,
    }
    assert samples(metrics, "replank_actions_total") == {
        ("release", "ok"): 2,
        ("scale", "ok"): 1,
        ("add-member", "failed"): 1,
    }
    told = lines(stream)
    assert [line["action"] for line in told if line["event"] == "done"] == ["release", "release", "scale"]
    (broken,) = (line for line in told if line["event"] == "an action did not work")
    assert (broken["code"], broken["action"], broken["about"]["pool"]) == ("RP900", "add-member", "p1")


def test_rounds_are_counted_by_result(metrics: Metrics):
    teller = Teller(metrics)
    teller.rounded(BLUE, ROUND, 0.2)
    teller.rounded(BLUE, replace(ROUND, untold=(("m1", AWAY),)), 0.2)
    teller.failed(BLUE, AWAY, 0.1, 2.0)
    teller.broke(BLUE, KeyError("spec"), 0.1, 2.0)
    teller.gone(BLUE, 0.1)
    assert samples(metrics, "replank_rounds_total") == dict.fromkeys(
        [("ok",), ("faults",), ("error",), ("bug",), ("gone",)], 1
    )
    assert samples(metrics, "replank_round_seconds_count") == {(): 5}


def test_what_lasts_is_said_once_and_what_changes_again(metrics: Metrics, stream: io.StringIO):
    teller = Teller(metrics)
    for _ in range(5):
        teller.rounded(BLUE, ROUND, 0.2)
    overdue = replace(WAITING, state="overdue", warn=True)
    for _ in range(5):
        teller.rounded(BLUE, replace(ROUND, decision=Decision(words=(overdue,), notes=(BARE,))), 0.2)
    told = [(line["event"], line["level"]) for line in lines(stream)]
    assert told == [("hook waiting", "info"), ("hook overdue", "warning"), ("note", "warning")]
    assert lines(stream)[0]["reasons"] == [f"RP725 {BUDGET.text}", f"RP726 {BARE.text}"]


def test_each_event_is_one_json_line_with_code_reason_and_remedy(metrics: Metrics, stream: io.StringIO):
    error = Refused("RP729", "ClusterGuard shop/blue is not valid", "spec.pools: a\nb", "Correct it.")
    Teller(metrics).failed(BLUE, error, 0.1, 2.0)
    (line,) = lines(stream)
    assert (line["code"], line["todo"], line["cluster"], line["again_s"]) == (
        "RP729",
        "Correct it.",
        "blue",
        2.0,
    )
    assert line["error"] == error.reason


def test_a_bug_is_told_with_its_place_and_without_its_text(metrics: Metrics, stream: io.StringIO):
    secret = f"hunter{len(BLUE)}"
    try:
        raise ValueError(secret)
    except ValueError as error:
        Teller(metrics).broke(BLUE, error, 0.1, 2.0)
    logging.getLogger("kopf").error("a handler failed", exc_info=ValueError(secret))
    assert secret not in stream.getvalue()
    bug, library = lines(stream)
    assert bug["bug"] == library["bug"] == "ValueError"
    assert any("test_telling.py" in line for line in bug["traceback"])


def test_text_lines_say_the_same_for_people():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    told = io.StringIO()
    log_to(told, style="text")
    Teller(Metrics()).failed(BLUE, AWAY, 0.1, 2.0)
    root.handlers[:] = before
    root.setLevel(level)
    assert (
        'WARNING a round did not work code=RP900 error="The API does not answer: refused"' in told.getvalue()
    )
    assert "cluster=blue" in told.getvalue()
