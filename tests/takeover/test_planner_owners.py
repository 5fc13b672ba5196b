"""One owner for each resource, and what Terraform must forget."""

from __future__ import annotations

from dataclasses import replace

from planner_cases import (
    Case,
    cloud_of,
    healthy,
    with_ports,
    with_resources,
)
from planner_words import cases, plan, steps

from replank.domain.unknown import is_known
from replank.inventory.facts.terraform import TerraformResource


@cases
def test_every_resource_has_one_owner(case: Case) -> None:
    of = case.plan()
    keys = [(o.kind, o.id) for o in of.ownership]
    assert len(keys) == len(set(keys))
    after = {(o.kind, o.id): o.after for o in of.ownership}
    for machine in of.machines:
        assert after["server", machine.server_id] == "cluster-api"
        assert all(after["port", port.id] == "cluster-api" for port in machine.ports)
    for (kind, _), owner in after.items():
        if kind in ("network", "subnet", "router", "security-group"):
            assert owner != "cluster-api"


@cases
def test_terraform_forgets_exactly_what_cluster_api_or_the_operator_owns(case: Case) -> None:
    of = case.plan()
    new_owners = ("cluster-api", "replank")
    owned = {o.id for o in of.ownership if o.after in new_owners and o.before == "terraform"}
    assert {f.id for f in of.forget} == owned
    assert all((f.how == "state-rm") is ("[" in f.address) for f in of.forget)


def test_terraform_step_names_what_stays_and_refers_to_what_goes() -> None:
    record = TerraformResource(
        address="openstack_dns_recordset_v2.api",
        mode="managed",
        type="openstack_dns_recordset_v2",
        name="api",
        id="zone/record",
        dependencies=("openstack_compute_instance_v2.control_plane",),
        state="tf/terraform.tfstate",
    )
    (step,) = [s for s in steps(plan(with_resources(healthy(), record))) if s.kind == "terraform.forget"]
    assert step.params["dependents"] == [record.address]
    assert step.params["serial"] == 42


def test_members_of_a_kept_pool_follow_their_machines_and_leave_terraform_with_them() -> None:
    of = plan(healthy())
    members = {o.address for o in of.ownership if o.kind == "member"}
    assert {o.after for o in of.ownership if o.kind == "member"} == {"replank"}
    assert members == {f"openstack_lb_member_v2.api[{n}]" for n in range(3)}
    assert members < {f.address for f in of.forget}


def test_a_whole_set_of_members_goes_and_its_pool_stays() -> None:
    pool = plan(healthy()).load_balancer.pool_id
    together = TerraformResource(
        address="openstack_lb_members_v2.api",
        mode="managed",
        type="openstack_lb_members_v2",
        name="api",
        id=pool,
        attributes={"pool_id": pool},
        state="tf/terraform.tfstate",
    )
    of = plan(with_resources(healthy(), together))
    assert together.address in {f.address for f in of.forget}
    assert "openstack_lb_pool_v2.api" not in {f.address for f in of.forget}


def test_association_of_a_machines_floating_ip_is_forgotten_with_its_port() -> None:
    cloud = cloud_of(healthy())
    assert is_known(cloud.ports)
    port = next(p for p in cloud.ports if p.name == "plain-cp-1-port")
    association = TerraformResource(
        address="openstack_networking_floatingip_associate_v2.ssh",
        mode="managed",
        type="openstack_networking_floatingip_associate_v2",
        name="ssh",
        id="44440000-aaaa-4bbb-8ccc-000000000001",
        attributes={"port_id": port.id},
        state="tf/terraform.tfstate",
    )
    of = plan(with_resources(healthy(), association))
    (forget,) = [f for f in of.forget if f.address == association.address]
    assert forget.how == "removed-block"


def test_ports_that_nova_made_belong_to_nova_before() -> None:
    bare = with_ports(healthy(), lambda p: replace(p, name="") if p.name.endswith("-port") else p)
    assert is_known(bare.terraform)
    state = bare.terraform.states[0]
    kept = tuple(r for r in state.resources if r.type != "openstack_networking_port_v2")
    bare = replace(bare, terraform=replace(bare.terraform, states=(replace(state, resources=kept),)))
    of = plan(bare)
    ports = {port.id for m in of.machines for port in m.ports}
    assert {o.before for o in of.ownership if o.kind == "port" and o.id in ports} == {"nova"}
    assert all(port.old == "" for m in of.machines for port in m.ports)
