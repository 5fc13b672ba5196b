"""replank's side of the files, held together with the node's side."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_plans import put_plan
from node_runs import Runs, journal

from replank.domain.errors import Refused
from replank.migrations.runtime_swap.node import order, status, swap_node, words

BOTH = ["in-place", "switch"]
Make = Callable[[str], Runs]


@pytest.mark.parametrize("strategy", BOTH)
def test_order_that_replank_writes_is_carried_out_by_the_node(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    text = order.to_json(order.from_json(json.dumps(node.plan).encode(), where="test"))
    assert order.to_json(order.from_json(text, where="test")) == text
    put_plan(node.world, json.loads(text))
    assert node.do("stage")["outcome"] == "staged"
    assert node.do("run")["outcome"] == "swapped"
    node.assert_swapped()
    assert node.do("undo")["outcome"] == "undone"
    node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_every_answer_of_the_node_is_read(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    seen = []
    for command in ("commit", "check", "stage", "start", "run", "undo", "stage"):
        seen.append(status.read_status(json.dumps(node.do(command)).encode(), where="test"))
    assert [s.outcome for s in seen] == ["", "", "staged", "staged", "swapped", "undone", "staged"]
    assert seen[0].refused is not None
    assert seen[1].ok
    assert all(s.at_rest for s in seen)
    entries = status.read_journal((node.base / "journal").read_bytes(), where="test")
    assert len(entries) == len(journal(node)) == seen[-1].entries
    assert {e.event for e in entries} >= {"attempt", "begun", "done", "found", "command", "outcome", "undone"}


def test_words_and_schemas_are_the_same_on_both_sides() -> None:
    assert swap_node.SCHEMA == order.SCHEMA
    assert swap_node.STATUS_SCHEMA == status.SCHEMA
    assert {c.value for c in words.Command} == set(swap_node.COMMANDS)
    assert swap_node.EXIT["undone"] == words.WENT_BACK
    assert swap_node.EXIT["stuck"] == words.IS_STUCK


@pytest.mark.parametrize("text", [b"", b"{", b"{}", b'{"schema": "other"}', b"[1]"])
def test_what_is_no_order_and_no_status_is_refused(text: bytes) -> None:
    for read in (order.from_json, status.read_status):
        with pytest.raises(Refused, match="RP498"):
            read(text, where="node-1")


def test_unknown_field_in_an_order_is_refused(runs: Make) -> None:
    plan = {**runs("switch").plan, "hurry": True}
    with pytest.raises(Refused, match="hurry"):
        order.from_json(json.dumps(plan).encode(), where="node-1")


def test_order_of_another_schema_is_refused(runs: Make) -> None:
    plan = order.from_json(json.dumps(runs("switch").plan).encode(), where="test")
    with pytest.raises(Refused, match="replank-swap-plan/9"):
        order.from_json(
            order.to_json(dataclasses.replace(plan, schema="replank-swap-plan/9")), where="node-1"
        )


def test_journal_that_is_none_is_refused_with_its_line() -> None:
    with pytest.raises(Refused, match="line 2"):
        status.read_journal(b'{"at": 1, "event": "attempt"}\nbroken\n', where="node-1")


def test_settings_of_a_dump_do_not_depend_on_its_quotes_blanks_or_lines() -> None:
    one = "version = 2\n[a.'b.c'.d]\n  k = ['x', 'y']\n  e = 'f'\n"
    other = 'version=2\n\n# words\n[a."b.c".d]\nk = [\n  "x",\n  "y",\n]\ne = "f"\n'
    assert swap_node.settings(one) == swap_node.settings(other)
    assert swap_node.settings(one) == {"version": "2", 'a."b.c".d.k': '["x","y"]', 'a."b.c".d.e': '"f"'}


def test_strings_in_a_dump_are_left_as_they_are() -> None:
    dump = "a = 'it is, [so] = 1'\nb = \"don't\"\nc = ['x, ]', \"y\"]\nd = '\\d+'\n"
    assert swap_node.settings(dump) == {
        "a": '"it is, [so] = 1"',
        "b": '"don\'t"',
        "c": '["x, ]","y"]',
        "d": '"\\\\d+"',
    }


KEY = st.text("abc_", min_size=1, max_size=4)
VALUE = st.one_of(
    st.booleans().map(lambda v: str(v).lower()),
    st.integers().map(str),
    st.text("ab/.:", max_size=5).map(repr),
)


@given(st.dictionaries(KEY, st.dictionaries(KEY, VALUE, max_size=4), max_size=4))
def test_no_setting_of_a_dump_is_lost(tables: dict[str, dict[str, str]]) -> None:
    dump = "\n".join(
        f"[{t}]\n" + "\n".join(f"  {k} = {v}" for k, v in rows.items()) for t, rows in tables.items()
    )
    seen = swap_node.settings(dump)
    assert seen == {f"{t}.{k}": v.replace("'", '"') for t, rows in tables.items() for k, v in rows.items()}


@pytest.mark.parametrize(
    ("config", "flags", "driver"),
    [
        ("", "", "cgroupfs"),
        ("cgroupDriver: systemd\n", "", "systemd"),
        ('{"cgroupDriver":"systemd"}', "", "systemd"),
        ("cgroupDriver: systemd\n", 'KUBELET_KUBEADM_ARGS="--cgroup-driver=cgroupfs"', "cgroupfs"),
        ("# cgroupDriver: systemd\n", "", "cgroupfs"),
    ],
)
def test_cgroup_driver_of_the_kubelet_is_its_flag_then_its_file(config: str, flags: str, driver: str) -> None:
    assert swap_node.kubelet_driver(config, flags) == driver
