"""Two snapshots compared, in the words of the people who run the cluster."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from facts_file import healthy
from hypothesis import given, settings
from hypothesis import strategies as st

from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.kubernetes import PodFact
from replank.inventory.facts.snapshot import Infrastructure, Snapshot
from replank.inventory.snapshot_diff import SnapshotChange, diff


def with_openstack(snapshot: Snapshot, **changes: Any) -> Snapshot:
    openstack = snapshot.infrastructure.openstack
    assert is_known(openstack)
    return replace(snapshot, infrastructure=Infrastructure(openstack=replace(openstack, **changes)))


def with_kubernetes(snapshot: Snapshot, **changes: Any) -> Snapshot:
    assert is_known(snapshot.kubernetes)
    return replace(snapshot, kubernetes=replace(snapshot.kubernetes, **changes))


def openstack(snapshot: Snapshot) -> Any:
    return snapshot.infrastructure.openstack


def lines(a: Snapshot, b: Snapshot) -> list[str]:
    return [f"{c.subject}: {c.says}" if c.subject else c.says for c in diff(a, b)]


def test_one_world_twice_differs_in_nothing() -> None:
    assert diff(healthy(), healthy()) == ()


def test_a_server_that_stopped_is_told_by_name_and_id() -> None:
    servers = openstack(healthy()).servers
    stopped = (replace(servers[0], status="SHUTOFF"), *servers[1:])
    assert diff(healthy(), with_openstack(healthy(), servers=stopped)) == (
        SnapshotChange(
            "OpenStack", f"server {servers[0].name} ({servers[0].id[:8]})", "status: ACTIVE -> SHUTOFF"
        ),
    )


def test_a_node_that_came_is_told() -> None:
    nodes = healthy().kubernetes.nodes  # type: ignore[union-attr]
    more = (*nodes, replace(nodes[-1], name="plain-w-9"))  # type: ignore[misc, type-var]
    assert lines(healthy(), with_kubernetes(healthy(), nodes=more)) == ["node plain-w-9: appeared"]


def test_a_pool_member_that_went_is_told_below_its_load_balancer() -> None:
    balancer = openstack(healthy()).load_balancers[0]
    pool = balancer.pools[0]
    member = pool.members[0]
    less = replace(balancer, pools=(replace(pool, members=pool.members[1:]),))
    (line,) = lines(healthy(), with_openstack(healthy(), load_balancers=(less,)))
    assert line.startswith(f"load balancer {balancer.name}")
    assert line.endswith(f"pool {pool.name}: member {member.address}:{member.protocol_port} removed")


def test_what_could_be_seen_and_now_cannot_says_why() -> None:
    blind = with_openstack(healthy(), volumes=Unknown("Cinder answered 403", "RP043"))
    assert lines(healthy(), blind) == ["could not see volumes any more: Cinder answered 403 [RP043]"]
    (line,) = lines(blind, healthy())
    assert line.startswith("volumes can be seen now: ")


def test_a_source_that_fell_silent_is_one_line() -> None:
    blind = replace(healthy(), kubernetes=Unknown("the API did not answer", "RP051"))
    assert diff(healthy(), blind) == (
        SnapshotChange("Kubernetes", "", "could not see Kubernetes any more: the API did not answer [RP051]"),
    )


def test_a_label_is_told_by_its_key() -> None:
    nodes = healthy().kubernetes.nodes  # type: ignore[union-attr]
    first = nodes[0]  # type: ignore[index]
    changed = (replace(first, labels={**first.labels, "zone": "b"}), *nodes[1:])  # type: ignore[index]
    assert lines(healthy(), with_kubernetes(healthy(), nodes=changed)) == [
        f"node {first.name}: labels zone added: b"
    ]


def test_parts_of_a_source_keep_their_name() -> None:
    certificate = healthy().kubernetes.serving_certificate  # type: ignore[union-attr]
    later = replace(certificate, not_after="2030-01-01T00:00:00Z")  # type: ignore[type-var]
    (line,) = lines(healthy(), with_kubernetes(healthy(), serving_certificate=later))
    assert line.startswith("serving certificate end of validity: 20")


def pod(name: str, owner: str, node: str = "w-1") -> PodFact:
    return PodFact(namespace="shop", name=name, node=node, phase="Running", owner=owner)


def test_pods_are_summed_up_by_owner() -> None:
    a = with_kubernetes(healthy(), pods=tuple(pod(f"web-{n}", "Deployment/web") for n in range(30)))
    b = with_kubernetes(
        healthy(), pods=(*(pod(f"web-{n}", "Deployment/web") for n in range(50, 78)), pod("lone", ""))
    )
    assert lines(a, b) == ["pods of Deployment/web in shop: 30 -> 28", "pods of lone in shop: 0 -> 1"]


def test_pods_that_only_moved_are_one_line() -> None:
    a = with_kubernetes(healthy(), pods=(pod("web-1", "Deployment/web"), pod("web-2", "Deployment/web")))
    b = with_kubernetes(healthy(), pods=(pod("web-1", "Deployment/web"), pod("web-3", "Deployment/web")))
    assert lines(a, b) == ["pods: 1 of 2 are others or run elsewhere, as many of each owner"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of every field and item below `value`."""
    found = []
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            found += [(*path, field.name), *places(getattr(value, field.name), (*path, field.name))]
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            found += [(*path, index), *places(item, (*path, index))]
    return found


def changed_at(value: Any, path: tuple[Any, ...]) -> Any:
    """`value` with another value at `path`: an item is dropped, a text or number changed, all else unseen."""
    if not path:
        if isinstance(value, str):
            return value + "x"
        if isinstance(value, bool):
            return not value
        return value + 1 if isinstance(value, int) else Unknown("not looked at")
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        inner = () if not rest else (changed_at(value[head], rest),)
        return (*value[:head], *inner, *value[head + 1 :])
    return replace(value, **{head: changed_at(getattr(value, head), rest)})


PLACES = [path for path in places(healthy()) if path != ("schema",)]


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(PLACES))
def test_a_change_anywhere_is_told(path: tuple[Any, ...]) -> None:
    other = changed_at(healthy(), path)
    assert other != healthy()
    changes = diff(healthy(), other)
    assert changes, path
    assert len(changes) <= 4, changes
    assert all(change.says and "object at 0x" not in change.says for change in changes)
