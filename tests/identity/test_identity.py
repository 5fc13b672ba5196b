"""Who is who: joins by several keys, evidence kept, contradictions never resolved by a guess."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from replank.domain.roles import Role
from replank.domain.unknown import Unknown
from replank.inventory.facts.kubernetes import Node, NodeAddress
from replank.inventory.facts.openstack import LoadBalancer, Pool, PoolMember
from replank.inventory.fleet.model import Override
from replank.inventory.identity import Candidate, JoinInput, join_machines

CP = "node-role.kubernetes.io/control-plane"


def node(name, *, provider="", uuid="", address="", labels=()):
    addresses = (NodeAddress(type="InternalIP", address=address),) if address else ()
    return Node(
        name=name,
        uid=f"uid-{name}",
        provider_id=provider,
        system_uuid=uuid,
        addresses=addresses,
        labels=dict.fromkeys(labels, ""),
    )


def server(number, name, *, address="", metadata=()):
    return Candidate(
        id=f"0000000{number}-aaaa-bbbb-cccc-000000000000",
        name=name,
        addresses=(address,) if address else (),
        metadata=metadata,
    )


def joined(candidates, nodes, **more):
    return join_machines(JoinInput(candidates=tuple(candidates), nodes=tuple(nodes), **more))


def test_provider_id_joins_a_node_whose_name_and_server_name_differ():
    cp = server(1, "k8s-prod-master-1")
    machines, conflicts = joined([cp], [node("host-17", provider=f"openstack:///{cp.id}", labels=[CP])])
    assert [(m.name, m.node, m.server_id, m.role) for m in machines] == [
        ("k8s-prod-master-1", "host-17", cp.id, Role.CONTROL_PLANE)
    ]
    assert {e.key for e in machines[0].evidence} == {"provider-id", "node-label"}
    assert conflicts == ()


@pytest.mark.parametrize("written", [str.upper, lambda uuid: uuid.replace("-", "")])
def test_system_uuid_joins_where_the_provider_id_is_empty_however_it_is_written(written):
    worker = server(1, "w-1")
    machines, _ = joined([worker], [node("other", uuid=written(worker.id))])
    assert machines[0].server_id == worker.id


def test_address_and_name_join_only_where_they_agree():
    a, b = server(1, "w-1", address="10.0.0.1"), server(2, "w-2", address="10.0.0.2")
    machines, conflicts = joined([a, b], [node("w-1", address="10.0.0.2")])
    of_node = next(m for m in machines if m.node == "w-1")
    assert isinstance(of_node.server_id, Unknown)
    assert [c.subject for c in conflicts] == ["Node w-1"]
    assert "different servers" in conflicts[0].says


def test_strong_keys_that_disagree_are_a_conflict_not_a_guess():
    a, b = server(1, "w-1"), server(2, "w-2")
    machines, conflicts = joined([a, b], [node("w-1", provider=f"openstack:///{a.id}", uuid=b.id)])
    assert isinstance(next(m for m in machines if m.node == "w-1").server_id, Unknown)
    assert len(conflicts) == 1


def test_provider_id_of_a_server_that_is_gone_is_a_conflict():
    _, conflicts = joined([server(1, "w-1")], [node("w-9", provider="openstack:///dead-beef")])
    assert "does not have" in conflicts[0].says


def test_one_name_on_two_servers_joins_neither():
    machines, _ = joined([server(1, "w"), server(2, "w")], [node("w")])
    assert next(m for m in machines if m.node == "w").server_id is None


def test_two_nodes_on_one_server_are_a_conflict():
    only = server(1, "w-1")
    nodes = [node(name, provider=f"openstack:///{only.id}") for name in ("a", "b")]
    _, conflicts = joined([only], nodes)
    assert conflicts[0].says == "2 Nodes are joined to it: a, b"


def test_without_the_cloud_the_provider_id_is_kept_and_the_rest_unknown():
    unseen = Unknown("403", "RP042")
    machines, _ = join_machines(
        JoinInput(candidates=unseen, nodes=(node("a", provider="openstack:///x"), node("b")))
    )
    assert [m.server_id for m in machines] == ["x", unseen]


def test_without_nodes_roles_come_from_load_balancer_metadata_and_name_in_this_order():
    member = PoolMember(id="m", name="", address="10.0.0.1", protocol_port=6443)
    pool = Pool(id="p", name="api", protocol="TCP", members=(member,))
    balancer = LoadBalancer(id="l", name="lb", vip_address="10.0.0.9", pools=(pool,))
    candidates = [
        server(1, "worker-named-wrongly", address="10.0.0.1"),
        server(2, "x-2", metadata=(("kubespray_groups", "kube_node,k8s_cluster"),)),
        server(3, "prod-bastion-1"),
        server(4, "x-4"),
    ]
    machines, _ = join_machines(
        JoinInput(candidates=tuple(candidates), nodes=Unknown("offline"), load_balancers=(balancer,))
    )
    roles = {m.name: m.role for m in machines}
    assert roles["worker-named-wrongly"] is Role.CONTROL_PLANE
    assert roles["x-2"] is Role.WORKER
    assert roles["prod-bastion-1"] is Role.BASTION
    assert isinstance(roles["x-4"], Unknown)
    assert all(isinstance(m.node, Unknown) for m in machines)


def test_fleet_yaml_has_the_last_word_on_role_and_group():
    overrides = (Override(server="*", group="general"), Override(server="db-*", role=Role.OTHER))
    machines, _ = joined([server(1, "db-1")], [node("db-1")], overrides=overrides)
    assert (machines[0].role, machines[0].group) == (Role.OTHER, "general")
    assert machines[0].evidence[-1].key == "override"


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_join_is_the_same_for_any_order_of_the_inputs(seed, count):
    note(f"seed {seed}")
    candidates = [server(i, f"m-{i}", address=f"10.0.0.{i}") for i in range(count)]
    nodes = [
        node(f"m-{i}", provider=f"openstack:///{c.id}" if i % 2 else "", address=f"10.0.0.{(i + i // 3) % 7}")
        for i, c in enumerate(candidates)
    ]
    want = joined(candidates, nodes)
    shuffle = random.Random(seed)
    shuffle.shuffle(candidates)
    shuffle.shuffle(nodes)
    assert joined(candidates, nodes) == want
