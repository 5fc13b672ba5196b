"""Which blocks go and which stay, and what names them, by file and line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planner_cases import BALANCER, MACHINES, healthy, state_of, with_configuration, with_resources
from planner_words import codes, plan

from replank.domain.unknown import is_known
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import StateFile, TerraformFacts, TerraformResource
from replank.plan.drift import drift
from replank.plan.takeover import BrokenReference, TakeoverPlan

PORT = "openstack_networking_port_v2.control_plane"
SERVER = "openstack_compute_instance_v2.control_plane"


def configured(**files: str) -> Snapshot:
    return with_configuration(healthy(), unread=False, **(files or {"machines": MACHINES, "lb": BALANCER}))


def with_state(snapshot: Snapshot, **changes: object) -> Snapshot:
    state: StateFile = replace(state_of(snapshot), **changes)  # type: ignore[arg-type]
    return replace(snapshot, terraform=TerraformFacts(states=(state,)))


def blocks(of: TakeoverPlan, block: str) -> set[tuple[str, str]]:
    return {(f.block, f.keep_block) for f in of.forget if f.address.startswith(f"{block}[")}


def broken(of: TakeoverPlan) -> dict[int, BrokenReference]:
    """By line; every reference of these tests stands on a line of its own."""
    (state,) = of.letting_go
    return {reference.line: reference for reference in state.references}


def addresses() -> list[str]:
    found = (r for r in state_of(healthy()).resources if r.address.startswith(f"{SERVER}["))
    return [str(r.attributes["access_ip_v4"]) for r in found]


def test_a_block_whose_members_all_go_is_named_and_goes() -> None:
    of = plan(configured())
    assert blocks(of, PORT) == {("machines.tf:1..4", "")}
    assert blocks(of, SERVER) == {("machines.tf:6..11", "")}
    assert {f.block for f in of.forget if ".worker[" in f.address} == {""}


def test_each_reference_that_stays_is_named_with_its_value() -> None:
    found = broken(plan(configured(machines=MACHINES.partition("moved")[0], lb=BALANCER)))
    a, b, c = addresses()
    assert sorted(found) == [4, 5, 9, 13], "not those inside blocks that go themselves"
    assert (found[4].file, found[4].inside) == ("lb.tf", "openstack_dns_recordset_v2.api")
    assert found[4].mentions == f"{SERVER}[count.index].access_ip_v4"
    assert found[4].put == f'["{a}", "{b}", "{c}"][count.index]'
    assert (found[5].put, found[5].why) == ("", "take it out of the list")
    assert (found[9].mentions, found[9].put) == (f"{SERVER}[0].access_ip_v4", f'"{a}"')
    assert found[13].put == ""
    assert "all of the resource is used" in found[13].why


def test_blocks_of_addresses_are_to_be_deleted() -> None:
    found = broken(plan(configured(machines=MACHINES)))
    assert found[19].why == "delete this `moved` block"


@pytest.mark.parametrize(
    ("expression", "put"),
    [
        (f"{SERVER}[1].id", "one"),
        (f"{SERVER}[*].id", "list"),
        (f"{SERVER}.*.id", "list"),
        (f"{SERVER}[7].id", ""),
        (f"{SERVER}[var.which].id", ""),
        (f"{SERVER}[0].user_data", ""),
        (f"{SERVER}[*].network[*].port", ""),
        (f"{SERVER}[each.key].id", ""),
    ],
)
def test_only_a_clear_value_is_put(expression: str, put: str) -> None:
    ids = [r.id for r in state_of(healthy()).resources if r.address.startswith(f"{SERVER}[")]
    texts = {"one": f'"{ids[1]}"', "list": str(ids).replace("'", '"'), "": ""}
    (found,) = broken(
        plan(configured(m=MACHINES.partition("moved")[0], o=f"output o {{ value = {expression} }}\n"))
    ).values()
    assert (found.put, bool(found.why)) == (texts[put], not put)


def test_a_text_that_looks_like_a_template_is_put_as_a_text() -> None:
    server = next(r for r in state_of(healthy()).resources if r.address == f"{SERVER}[0]")
    named = replace(server, attributes={**server.attributes, "name": 'a"${b}'})
    others = tuple(r for r in state_of(healthy()).resources if r != server)
    snapshot = configured(m=MACHINES, o=f"output o {{ value = {SERVER}[0].name }}\n")
    snapshot = with_state(snapshot, resources=(*others, named))
    assert broken(plan(snapshot))[1].put == '"a\\"$${b}"'


def extra(address: str, module: str = "", index: int | None = None) -> TerraformResource:
    return TerraformResource(
        address=address,
        mode="managed",
        type="openstack_compute_instance_v2",
        name="control_plane",
        module=module,
        index=index,
        id="another",
        state="tf/terraform.tfstate",
    )


def test_a_block_that_makes_others_too_stays() -> None:
    other = f"{SERVER}[7]"
    of = plan(with_resources(configured(), extra(other, index=7)))
    assert blocks(of, SERVER) == {("machines.tf:6..11", f"it also makes {other}")}
    assert blocks(of, PORT) == {("machines.tf:1..4", "")}
    assert broken(of)[9].put, "a literal index is lost all the same"


def test_a_block_with_instances_of_other_clusters_stays() -> None:
    """`only` in fleet.yaml leaves them out of the snapshot, and a plan must not destroy them."""
    of = plan(with_state(configured(), others=(SERVER,)))
    assert {keep for _, keep in blocks(of, SERVER)} == {
        f"it also makes instances of {SERVER} that are not this cluster's"
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"workspace": "prod"}, "workspace prod"), ({}, "workspaces of the same folder")],
)
def test_a_folder_of_several_workspaces_keeps_its_blocks(changes: dict[str, object], why: str) -> None:
    snapshot = configured()
    configuration = state_of(snapshot).configuration
    assert configuration is not None
    if not changes:
        changes = {"configuration": replace(configuration, workspaces=("test",))}
    of = plan(with_state(snapshot, **changes))
    assert all(why in keep for _, keep in blocks(of, SERVER) | blocks(of, PORT))


def test_a_module_outside_the_folder_and_one_that_is_called_twice_keep_their_blocks() -> None:
    snapshot = configured()
    configuration = state_of(snapshot).configuration
    assert configuration is not None
    outside = tuple(replace(b, file=f"../{b.file}") for b in configuration.blocks)
    of = plan(with_state(snapshot, configuration=replace(configuration, blocks=outside)))
    assert all("outside the state's folder" in keep for _, keep in blocks(of, SERVER))
    twice = (*configuration.blocks, *(replace(b, module="module.b") for b in configuration.blocks))
    snapshot = with_state(snapshot, configuration=replace(configuration, blocks=twice))
    assert blocks(plan(snapshot), SERVER) == {("machines.tf:6..11", "")}, "the second call made nothing"
    of = plan(with_resources(snapshot, extra(f"module.b.{SERVER}[0]", "module.b", 0)))
    assert all(f"module.b.{SERVER}[0]" in keep for _, keep in blocks(of, SERVER))


def test_what_was_not_read_is_told() -> None:
    of = plan(with_configuration(healthy(), machines=MACHINES))
    assert of.letting_go[0].unread == ("module.workers: its source is no local folder",)
    assert "RP884" in codes(of)
    assert "RP884" not in codes(plan(configured()))


def test_an_operator_who_has_begun_to_edit_is_no_drift() -> None:
    before = plan(configured())
    for after in (configured(machines="\n" + MACHINES), configured(lb=BALANCER), healthy()):
        assert drift(before, plan(after)) == ()
    assert is_known(healthy().terraform)
