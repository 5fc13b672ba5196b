"""Which resources are a cluster's, which servers are claimed twice, which ports a server has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.inventory.facts.terraform import StateFile
from replank.inventory.terraform import (
    matches,
    parse_state,
    select_resources,
    server_ports,
    shared_between,
    unmatched,
)
from replank.inventory.terraform.address import enclosing, resource_address

FIXTURES = Path(__file__).parent / "fixtures"


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def read(name: str) -> StateFile:
    return parse_state((FIXTURES / name).read_bytes(), source=name, backend="local")


@pytest.mark.parametrize(
    ("glob", "ids"),
    [
        ("module.blue", [51, 52, 55]),
        ("module.green", [61]),
        ('module.green["x"]', [61]),
        ('module.green["y"]', []),
        ("module.blue.module.workers", [55]),
        ("openstack_networking_network_v2.net", [530]),
        ("module.*.openstack_compute_instance_v2.cp", [51, 52, 61]),
        ("module.blue.openstack_compute_instance_v2.cp[1]", [52]),
        ("*cp[?]", [51, 52, 61]),
        ("module.b", []),
    ],
)
def test_only_covers_addresses_modules_and_what_lies_in_them(glob: str, ids: list[int]) -> None:
    [state] = select_resources([read("two-clusters.tfstate")], [glob])
    assert sorted(r.id for r in state.resources) == [uid(i) for i in ids]
    assert unmatched([read("two-clusters.tfstate")], [glob]) == (() if ids else (glob,))


def test_without_only_everything_is_the_clusters() -> None:
    state = read("two-clusters.tfstate")
    assert select_resources([state], ()) == (state,)


def test_a_state_of_which_nothing_is_left_stays() -> None:
    [state] = select_resources([read("two-clusters.tfstate")], ["module.nowhere"])
    assert state.resources == ()
    assert state.serial == 5


def test_a_server_in_the_states_of_two_clusters_is_claimed_by_both() -> None:
    state = read("two-clusters.tfstate")
    blue, green = select_resources([state], ["module.blue"]), select_resources([state], ["module.green"])
    assert shared_between({"blue": blue, "green": green}) == ()
    [shared] = shared_between({"green": (*green, *select_resources([state], ["*cp[1]"])), "blue": blue})
    assert (shared.server_id, shared.name, shared.clusters) == (uid(52), "blue-cp-1", ("blue", "green"))
    assert [claim.address for claim in shared.claims] == [
        "module.blue.openstack_compute_instance_v2.cp[1]"
    ] * 2


def test_a_server_in_two_states_of_one_cluster_is_not_shared() -> None:
    state = read("two-clusters.tfstate")
    assert shared_between({"blue": (state, state)}) == ()


def test_ports_come_from_the_servers_interfaces_and_none_where_nova_made_them() -> None:
    first, second = server_ports(read("for-each.tfstate").resources)
    assert (first.server_id, first.ports, first.attached) == (uid(31), (uid(141), uid(131)), ())
    assert (second.server_id, second.ports) == (uid(32), (uid(142), uid(132), None))
    assert second.attached == (uid(150),)
    assert second.address == 'openstack_compute_instance_v2.nodes["node2"]'


KEYS = st.none() | st.integers(min_value=0, max_value=99) | st.text(max_size=6)
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, KEYS), max_size=3), NAMES, KEYS)
def test_an_address_lies_in_all_its_modules(
    modules: list[tuple[str, int | str | None]], name: str, key: int | str | None
) -> None:
    module = ""
    outer = []
    for module_name, module_key in modules:
        module = resource_address(module, "managed", "module", module_name, module_key)
        outer.append(module)
    address = resource_address(module, "managed", "openstack_x", name, key)
    assert set(outer) <= set(enclosing(address))
    assert enclosing(address)[-1] == address
    plain = resource_address(module, "managed", "openstack_x", name, None)
    assert matches(address, plain.replace("*", "?"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_glob_and_address_can_be_compared(address: str, glob: str) -> None:
    assert matches(address, glob) in (True, False)
    if address:
        assert matches(address, "*")
