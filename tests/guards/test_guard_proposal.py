"""Which pools a ClusterGuard names, by what the survey saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown, is_known
from replank.guards.policy import Policy, Pool
from replank.guards.proposal import Proposal, propose
from replank.inventory.facts import openstack as seen
from replank.inventory.facts.kubernetes import LoadBalancerService
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.planner import plan_takeover
from tests.takeover.planner_cases import (
    SETTINGS,
    cloud_of,
    healthy,
    two_worker_groups,
    with_cloud,
    with_kubernetes,
)

CIDR = "10.20.0.0/24"


def _balancer(snapshot: Snapshot) -> seen.LoadBalancer:
    balancers = cloud_of(snapshot).load_balancers
    assert is_known(balancers)
    (found,) = balancers
    return found


def members(snapshot: Snapshot, names: list[str], port: int = 30080) -> tuple[seen.PoolMember, ...]:
    servers = cloud_of(snapshot).servers
    assert is_known(servers)
    by_name = {
        server.name: next(a.address for a in server.addresses if a.kind == "fixed") for server in servers
    }
    return tuple(
        seen.PoolMember(id=f"m-{name}", name=name, address=by_name[name], protocol_port=port, subnet_id="sub")
        for name in names
    )


def with_pool(snapshot: Snapshot, pool: seen.Pool, **balancer: str) -> Snapshot:
    """A second load balancer with that pool."""
    ingress = seen.LoadBalancer(
        **{"id": "lb2", "name": "ingress", "vip_address": "10.20.0.9", **balancer}, pools=(pool,)
    )
    return with_cloud(snapshot, load_balancers=(_balancer(snapshot), ingress))


def pool_of(*found: seen.PoolMember) -> seen.Pool:
    return seen.Pool(id="p2", name="http", protocol="TCP", members=found)


def proposed(snapshot: Snapshot) -> Proposal:
    return propose(snapshot, plan_takeover(snapshot, SETTINGS, ()))


def ingress_pool(proposal: Proposal) -> Pool:
    (found,) = (pool for pool in proposal.pools if pool.id == "p2")
    return found


def test_the_api_pool_has_the_control_planes_as_its_members():
    proposal = proposed(healthy())
    (pool,) = proposal.pools
    (api,) = _balancer(healthy()).pools
    assert (pool.id, pool.port, pool.machines, pool.deployments) == (api.id, 6443, "control-plane", ())
    assert (pool.subnet_id, pool.network) == (api.members[0].subnet_id, CIDR)
    assert proposal.left_out == ()


def test_a_node_port_pool_of_all_workers_names_no_deployment():
    snapshot = healthy()
    pool = pool_of(*members(snapshot, ["plain-worker-1", "plain-worker-2"]))
    found = ingress_pool(proposed(with_pool(snapshot, pool)))
    assert (found.machines, found.port, found.deployments, found.subnet_id) == ("workers", 30080, (), "sub")


def test_a_node_port_pool_of_one_worker_group_names_its_deployment():
    snapshot = two_worker_groups()
    plan = plan_takeover(snapshot, SETTINGS, ())
    group, other = (group for group in plan.groups if group.role == "worker")
    servers = {machine.machine: machine.server_name for machine in plan.machines}
    pool = pool_of(*members(snapshot, [servers[name] for name in group.machines]))
    assert ingress_pool(proposed(with_pool(snapshot, pool))).deployments == (group.name,)
    both = [servers[name] for name in (*group.machines, *other.machines)]
    assert ingress_pool(proposed(with_pool(snapshot, pool_of(*members(snapshot, both))))).deployments == ()


def test_pools_that_are_anothers_or_nobodys_are_left_out_with_the_reason():
    snapshot = healthy()
    workers = members(snapshot, ["plain-worker-1", "plain-worker-2"])
    cases = {
        "made it for a Service": with_pool(
            snapshot, pool_of(*workers), name="kube_service_plain_web_ingress"
        ),
        "no members": with_pool(snapshot, pool_of()),
        "several ports": with_pool(snapshot, pool_of(workers[0], replace(workers[1], protocol_port=30443))),
        "10.9.9.9 is no machine": with_pool(
            snapshot, pool_of(workers[0], replace(workers[1], address="10.9.9.9"))
        ),
        "both control planes and workers": with_pool(
            snapshot, pool_of(*members(snapshot, ["plain-cp-1", "plain-worker-1"]))
        ),
    }
    for why, case in cases.items():
        proposal = proposed(case)
        (left_out,) = proposal.left_out
        assert why in left_out
        assert left_out.startswith("pool p2 (http) of load balancer ")
        assert [pool.machines for pool in proposal.pools] == ["control-plane"]


def test_a_load_balancer_that_a_service_names_is_left_out():
    snapshot = with_pool(healthy(), pool_of(*members(healthy(), ["plain-worker-1"])))
    service = LoadBalancerService(namespace="web", name="ingress", load_balancer_id="lb2")
    proposal = proposed(with_kubernetes(snapshot, load_balancer_services=(service,)))
    assert "keeps it" in proposal.left_out[0]


def test_in_a_pool_that_capo_keeps_only_weights_are_set():
    settings = replace(SETTINGS, load_balancer="managed")
    plan = plan_takeover(healthy(), settings, ())
    assert plan.load_balancer.mode == "managed"
    proposal = propose(healthy(), plan)
    (pool,) = proposal.pools
    assert (pool.id, pool.kept_by, pool.machines) == (
        plan.load_balancer.pool_id,
        "cluster-api",
        "control-plane",
    )
    assert proposal.left_out == ()


@pytest.mark.parametrize("what", ["load_balancers", "servers"])
def test_what_was_not_seen_is_no_empty_answer(what: str):
    snapshot = with_cloud(healthy(), **{what: Unknown("403 from Octavia")})
    with pytest.raises(Refused, match="403 from Octavia") as caught:
        propose(snapshot, plan_takeover(healthy(), SETTINGS, ()))
    assert caught.value.code == "RP763"


def test_the_manifest_says_only_what_is_not_usual_and_the_operator_reads_it():
    snapshot = healthy()
    pool = pool_of(*members(snapshot, ["plain-worker-1", "plain-worker-2"]))
    proposal = proposed(with_pool(snapshot, pool))
    manifest = proposal.manifest("plain", "fleet")
    assert manifest["metadata"] == {"namespace": "fleet", "name": "plain"}
    spec = manifest["spec"]
    assert Policy.model_validate(spec) == Policy(pools=proposal.pools)
    assert "deployments" not in str(spec)
