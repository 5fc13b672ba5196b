"""Who keeps the API load balancer, and why."""

from __future__ import annotations

from dataclasses import replace

from planner_cases import (
    SETTINGS,
    healthy,
    kubernetes_of,
    unknown_load_balancers,
    with_cloud,
    with_kubernetes,
)
from planner_words import codes, plan, spec_of, steps

from replank.domain.unknown import is_known


def test_load_balancer_stays_unmanaged_and_says_why() -> None:
    of = plan(healthy())
    assert of.load_balancer.mode == "unmanaged"
    assert "managed would need 7 renames" in of.load_balancer.why
    assert not [s for s in steps(of) if "load-balancer" in s.kind or "listener" in s.kind]


def test_managed_load_balancer_gets_every_name_capo_looks_for() -> None:
    of = plan(healthy(), replace(SETTINGS, load_balancer="managed"))
    name = "k8s-clusterapi-cluster-fleet-plain-kubeapi"
    renames = sorted(
        (s.kind, s.params["new"]) for s in steps(of) if s.id.startswith("align") and "new" in s.params
    )
    assert [r for r in renames if r[0] != "openstack.port.rename"] == [
        ("openstack.listener.rename", f"{name}-6443"),
        ("openstack.load-balancer.rename", name),
        ("openstack.member.rename", f"{name}-6443-plain-cp-1"),
        ("openstack.member.rename", f"{name}-6443-plain-cp-2"),
        ("openstack.member.rename", f"{name}-6443-plain-cp-3"),
        ("openstack.monitor.rename", f"{name}-6443"),
        ("openstack.pool.rename", f"{name}-6443"),
    ]
    spec = spec_of(of, "OpenStackCluster/plain")
    assert spec["apiServerLoadBalancer"]["monitor"] == {
        "delay": 10,
        "timeout": 5,
        "maxRetries": 5,
        "maxRetriesDown": 3,
    }
    assert spec["apiServerFixedIP"] == "10.20.0.10"
    assert spec["apiServerPort"] == 6443
    forgotten = {f.address.partition("[")[0] for f in of.forget}
    assert {"openstack_lb_loadbalancer_v2.api", "openstack_lb_member_v2.api"} <= forgotten
    (member,) = [f for f in of.forget if f.address == "openstack_lb_member_v2.api[0]"]
    assert member.import_id.endswith(f"/{member.id}")
    assert member.import_id != member.id


def test_managed_load_balancer_behind_a_name_is_refused() -> None:
    config = kubernetes_of(healthy()).kubeadm_config
    assert is_known(config)
    assert config is not None
    named = with_kubernetes(
        healthy(), kubeadm_config=replace(config, control_plane_endpoint="api.plain.example.org:6443")
    )
    of = plan(named, replace(SETTINGS, load_balancer="managed"))
    assert of.load_balancer.mode == "unmanaged"
    assert codes(of) == {"RP078"}
    assert not of.ready
    assert of.load_balancer.load_balancer_id == plan(healthy()).load_balancer.load_balancer_id
    # Unmanaged, a name is fine.
    assert plan(named).ready


def test_unseen_load_balancers_are_left_alone_and_said_so() -> None:
    of = plan(unknown_load_balancers())
    assert of.load_balancer.mode == "unmanaged"
    assert "403" in of.load_balancer.why
    assert codes(of) == {"RP079"}


def test_cluster_without_a_load_balancer_says_none() -> None:
    of = plan(with_cloud(healthy(), load_balancers=()))
    assert of.load_balancer.mode == "none"
    assert spec_of(of, "OpenStackCluster/plain")["disableAPIServerFloatingIP"] is True
