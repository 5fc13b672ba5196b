"""What counts as a change in OpenStack, and what is other people's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from openstack_world import NOW, World, networks, stamp

from replank.ports.access import ObjectRef

MINUTE = 60.0


def adopted(when: float = NOW - 10 * MINUTE) -> World:
    """Names are aligned, and the Cluster object was written at `when`."""
    world = World().until("namespace")
    world.management.put(
        {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "Cluster",
            "metadata": {"name": "plain", "namespace": "fleet", "creationTimestamp": stamp(when)},
        }
    )
    return world


def verdict(world: World) -> tuple[str, str]:
    found = world.ask("openstack.unchanged", networks=list(networks(world.plan)))
    return found.outcome, found.why


def test_nothing_new_passes() -> None:
    assert verdict(adopted())[0] == "pass"


def first_port(world: World) -> dict[str, object]:
    return world.cloud.ports_by_id[world.plan.machines[0].ports[0].id]


def new_port(name: str, *, server: str = "", created: float = NOW) -> Callable[[World], None]:
    return lambda world: world.cloud.add_port("new", name, networks(world.plan)[0], server, created)


CHANGES: dict[str, tuple[Callable[[World], object], str]] = {
    "a server is gone": (lambda w: w.cloud.servers_by_id.pop(w.plan.machines[0].server_id), "is gone"),
    "a server has another name": (
        lambda w: w.cloud.servers_by_id[w.plan.machines[0].server_id].update(name="x"),
        "is called x",
    ),
    "a second server has its name": (lambda w: w.cloud.add_server("new", "plain-cp-1"), "plain-cp-1 (new)"),
    "Cluster API made a machine": (
        lambda w: w.cloud.add_server("new", "plain-control-plane-x7k2p", NOW),
        "plain-control-plane-x7k2p (new) is new",
    ),
    "a port is gone": (lambda w: w.cloud.ports_by_id.pop(w.plan.machines[0].ports[0].id), "is gone"),
    "a port has another name": (lambda w: first_port(w).update(name="x"), "is called 'x'"),
    "a port is on another server": (lambda w: first_port(w).update(device_id="x"), "is on server x"),
    "a port has another address": (
        lambda w: first_port(w).update(fixed_ips=[{"ip_address": "10.9.9.9"}]),
        "addresses were 10.20.0.11 and are 10.9.9.9",
    ),
    "a port lost its groups": (lambda w: first_port(w).update(security_groups=[]), "are none"),
    "a port has address pairs": (
        lambda w: first_port(w).update(allowed_address_pairs=[{"ip_address": "10.0.0.0/8"}]),
        "allowed address pairs were none and are 10.0.0.0/8",
    ),
    "CAPO missed a port and made one": (new_port("plain-cp-1-1"), "plain-cp-1-1 (new) is new"),
    "a port was plugged in": (
        lambda w: new_port("eth9", server=w.plan.machines[0].server_id, created=NOW - 1e6)(w),
        "eth9 (new) is new",
    ),
    "a pool member was made anew": (
        lambda w: w.cloud.parts["pool", w.plan.load_balancer.pool_id].update(members=[{"id": "x"}]),
        "its members were",
    ),
    "the pool is gone": (lambda w: w.cloud.parts.clear(), "is gone"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_fails_and_is_named(change: str) -> None:
    world = adopted()
    apply, says = CHANGES[change]
    apply(world)
    outcome, why = verdict(world)
    assert (outcome, says in why) == ("fail", True), why


def test_older_things_and_other_clusters_are_none_of_its_business() -> None:
    world = adopted()
    net = networks(world.plan)[0]
    world.cloud.add_server("other", "elsewhere-cp-1", NOW)
    world.cloud.add_port("other", "elsewhere-cp-1-0", net, "other", NOW)
    world.cloud.add_port("old", "plain-cp-1-left-over", net, "", NOW - 3600)
    world.cloud.add_server("old", "plain-worker-left-over", NOW - 3600)
    world.cloud.add_port("far", "plain-cp-1-1", "another network", "", NOW)
    assert verdict(world)[0] == "pass"


def test_a_new_port_of_nobody_waits() -> None:
    """CAPO makes the port before the server; another cluster's port gets its server soon."""
    world = adopted()
    new_port("anything")(world)
    outcome, why = verdict(world)
    assert (outcome, "anything (new)" in why) == ("wait", True)


def test_a_thing_without_a_time_counts_as_new() -> None:
    world = adopted()
    new_port("plain-cp-1-1")(world)
    del world.cloud.ports_by_id["new"]["created_at"]
    assert verdict(world)[0] == "fail"


def test_members_that_octavia_does_not_tell_are_unknown() -> None:
    world = adopted()
    del world.cloud.parts["pool", world.plan.load_balancer.pool_id]["members"]
    assert verdict(world)[0] == "unknown"


def test_an_address_pair_of_the_plan_is_recognised_without_the_ports_own_mac() -> None:
    world = adopted()
    machine = world.plan.machines[0]
    pairs = ("10.0.0.0/8", "10.1.0.0/16 fa:16:3e:aa:aa:aa")
    port = replace(machine.ports[0], address_pairs=pairs)
    world.plan = replace(world.plan, machines=(replace(machine, ports=(port,)), *world.plan.machines[1:]))
    first_port(world)["allowed_address_pairs"] = [
        {"ip_address": "10.1.0.0/16", "mac_address": "fa:16:3e:aa:aa:aa"},
        {"ip_address": "10.0.0.0/8", "mac_address": "fa:16:3e:00:00:01"},
    ]
    assert verdict(world)[0] == "pass"


@pytest.mark.parametrize(
    ("status", "task", "outcome"),
    [
        ("ACTIVE", None, "pass"),
        ("ACTIVE", "migrating", "wait"),
        ("REBOOT", None, "wait"),
        ("SHUTOFF", None, "fail"),
        ("ERROR", None, "fail"),
    ],
)
def test_servers_must_be_active_and_idle(status: str, task: str | None, outcome: str) -> None:
    world = World()
    server = world.plan.machines[0].server_id
    world.cloud.servers_by_id[server] |= {"status": status, "OS-EXT-STS:task_state": task}
    assert world.ask("openstack.servers-active", servers=[server]).outcome == outcome


def test_clusters_ref_is_the_plans() -> None:
    world = adopted()
    assert ObjectRef("cluster.x-k8s.io/v1beta2", "Cluster", "fleet", "plain") in world.management.objects
