"""Whether a cluster is fully Cluster API's: each defect is found by its code, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from adopted_cluster import AT, SERVER_OF, Adopted, adopted, bent, held, lease

from replank.audit.catalogue import catalogue
from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import Flavor, Image, SecurityGroup, ServerGroup
from replank.inventory.fleet.model import NewMachines
from replank.verify.checks import CHECKS

CP, WORKER = "plain-cp-1", "plain-worker-1"
KCP, MD = "KubeadmControlPlane/plain-control-plane", "MachineDeployment/plain-worker"
WORKER_TEMPLATE = "OpenStackMachineTemplate/plain-worker-adopted"
PAUSED = "cluster.x-k8s.io/paused"


def template(site: Adopted) -> dict[str, object]:
    spec: dict[str, object] = site.of(WORKER_TEMPLATE)["spec"]["template"]["spec"]
    return spec


def port_of(site: Adopted, machine: str) -> str:
    ports = site.sight().cloud.ports  # type: ignore[union-attr]
    return next(p.id for p in ports if p.device_id == SERVER_OF[machine])  # type: ignore[union-attr]


def second_machine_on_a_node(site: Adopted) -> None:
    site.of("Machine/plain-worker-2")["status"]["nodeRef"] = {"name": WORKER}


def node_of_nobody(site: Adopted) -> None:
    stray = {"kind": "Node", "metadata": {"name": "stray"}, "spec": {}, "status": {}}
    site.nodes = (*site.nodes, stray)  # type: ignore[misc]


def machine_without_a_node(site: Adopted) -> None:
    site.of(f"Machine/{WORKER}")["status"] = {}


def node_with_another_provider_id(site: Adopted) -> None:
    site.node(WORKER)["spec"]["providerID"] = f"openstack://RegionOne/{SERVER_OF[WORKER]}"


def node_on_another_server(site: Adopted) -> None:
    site.node(WORKER)["status"]["nodeInfo"]["systemUUID"] = SERVER_OF["plain-worker-2"]


def openstack_server_found_another(site: Adopted) -> None:
    site.of(f"OpenStackServer/{WORKER}")["status"]["instanceID"] = SERVER_OF["plain-worker-2"]


def openstack_server_is_gone(site: Adopted) -> None:
    del site.objects[f"OpenStackServer/{WORKER}"]


def server_stopped(site: Adopted) -> None:
    site.change("servers", SERVER_OF[WORKER], status="SHUTOFF")


def server_gone(site: Adopted) -> None:
    site.without("servers", SERVER_OF[WORKER])


def control_plane_of_nobody(site: Adopted) -> None:
    del site.of(f"Machine/{CP}")["metadata"]["ownerReferences"]


def set_without_deployment(site: Adopted) -> None:
    del site.of("MachineSet/plain-worker-adopted")["metadata"]["ownerReferences"]


def openstack_machine_of_nobody(site: Adopted) -> None:
    del site.of(f"OpenStackMachine/{WORKER}")["metadata"]["ownerReferences"]


def kcp_not_the_clusters(site: Adopted) -> None:
    del site.of(KCP)["metadata"]["ownerReferences"]


def more_replicas_wanted(site: Adopted) -> None:
    site.of(MD)["spec"]["replicas"] = 3


def machine_going(site: Adopted) -> None:
    site.of(f"Machine/{WORKER}")["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"


def cluster_paused(site: Adopted) -> None:
    site.of("Cluster/plain")["spec"]["paused"] = True


def set_paused(site: Adopted) -> None:
    site.of("MachineSet/plain-worker-adopted")["metadata"]["annotations"][PAUSED] = ""


def deployment_paused(site: Adopted) -> None:
    site.of(MD)["spec"]["paused"] = True


def skip_coredns(site: Adopted) -> None:
    site.of(KCP)["metadata"]["annotations"]["controlplane.cluster.x-k8s.io/skip-coredns"] = ""


def fields_of_replank(site: Adopted) -> None:
    site.of(MD)["metadata"]["managedFields"] = [{"manager": "kubectl"}, {"manager": "replank"}]


def hook_missing(site: Adopted) -> None:
    annotations = site.of(f"Machine/{WORKER}")["metadata"]["annotations"]
    del annotations["pre-drain.delete.hook.machine.cluster.x-k8s.io/replank"]


def no_operator(site: Adopted) -> None:
    site.leases = ()


def operator_gone_for_an_hour(site: Adopted) -> None:
    site.leases = (lease(AT - 3600),)


def server_in_a_state(site: Adopted) -> None:
    site.states = (held("openstack_compute_instance_v2.worker[0]", SERVER_OF[WORKER]),)


def port_in_a_state(site: Adopted) -> None:
    site.states = (held("openstack_networking_port_v2.worker[0]", port_of(site, WORKER)),)


def no_state_named(site: Adopted) -> None:
    site.states = ()


def kcp_not_available(site: Adopted) -> None:
    site.of(KCP)["status"]["conditions"] = [{"type": "Available", "status": "False", "message": "etcd"}]


def deployment_remediates(site: Adopted) -> None:
    site.of(MD)["status"]["conditions"].append({"type": "Remediating", "status": "True"})


def nobody_says_available(site: Adopted) -> None:
    site.of("Cluster/plain")["status"]["conditions"] = []


def another_version_wanted(site: Adopted) -> None:
    site.of(KCP)["spec"]["version"] = "v1.35.4"


def resized_by_hand(site: Adopted) -> None:
    site.change("servers", SERVER_OF[WORKER], flavor="m1.cp")


def rebuilt_by_hand(site: Adopted) -> None:
    image = Image(id="c0ffee00-0000-4000-8000-000000000001", name="other", status="active")
    site.cloud = replace(site.cloud, images=(*site.cloud.images, image))  # type: ignore[type-var, union-attr]
    site.change("servers", SERVER_OF[WORKER], image_id=image.id)


def group_added_by_hand(site: Adopted) -> None:
    groups = tuple(g.id for g in site.cloud.security_groups)  # type: ignore[union-attr]
    site.change("ports", port_of(site, WORKER), security_group_ids=groups)


def port_taken_off(site: Adopted) -> None:
    site.change("ports", port_of(site, WORKER), device_id="")


def moved_to_another_zone(site: Adopted) -> None:
    site.change("servers", SERVER_OF[WORKER], availability_zone="az9")


def put_into_a_server_group(site: Adopted) -> None:
    group = ServerGroup(id="5e000000-0000-4000-8000-000000000001", name="g", member_ids=(SERVER_OF[WORKER],))
    groups = (*site.cloud.server_groups, group)  # type: ignore[union-attr]
    site.cloud = replace(site.cloud, server_groups=groups)  # type: ignore[type-var]


def template_of_another_flavor(site: Adopted) -> None:
    template(site)["flavorID"] = site.of(f"OpenStackMachine/{CP}")["spec"]["flavorID"]


def template_without_groups(site: Adopted) -> None:
    """Such a port gets the project's default group."""
    default = SecurityGroup(id="5ec00000-0000-4000-8000-000000000001", name="default")
    groups = (*site.cloud.security_groups, default)  # type: ignore[union-attr]
    site.cloud = replace(site.cloud, security_groups=groups)  # type: ignore[type-var]
    del template(site)["ports"][0]["securityGroups"]  # type: ignore[index]


def flavor_deleted(site: Adopted) -> None:
    """From 2.47 on Nova tells the name alone, and the template has the ID."""
    for machine in ("plain-worker-1", "plain-worker-2"):
        site.change("servers", SERVER_OF[machine], flavor_id="")
    site.without("flavors", str(template(site)["flavorID"]))


def image_deactivated(site: Adopted) -> None:
    image = template(site)["image"]["id"]  # type: ignore[index]
    site.change("images", image, status="deactivated")


def template_gone(site: Adopted) -> None:
    del site.objects[WORKER_TEMPLATE]


def bootstrap_template_gone(site: Adopted) -> None:
    del site.objects["KubeadmConfigTemplate/plain-worker"]


DEFECTS: tuple[tuple[Callable[[Adopted], None], str, str, set[str]], ...] = (
    # what is bent, the code, the outcome, codes that say their part of it as well
    (second_machine_on_a_node, "RP740", "fail", {"RP741"}),
    (node_of_nobody, "RP740", "fail", set()),
    (machine_without_a_node, "RP740", "fail", set()),
    (node_with_another_provider_id, "RP741", "fail", set()),
    (node_on_another_server, "RP741", "fail", set()),
    (openstack_server_found_another, "RP741", "fail", set()),
    (openstack_server_is_gone, "RP741", "fail", set()),
    (server_stopped, "RP742", "fail", set()),
    (server_gone, "RP742", "fail", set()),
    (control_plane_of_nobody, "RP743", "fail", {"RP744"}),
    (set_without_deployment, "RP743", "fail", {"RP744"}),
    (openstack_machine_of_nobody, "RP743", "fail", set()),
    (kcp_not_the_clusters, "RP743", "fail", set()),
    (more_replicas_wanted, "RP744", "fail", set()),
    (machine_going, "RP745", "fail", set()),
    (cluster_paused, "RP746", "fail", set()),
    (set_paused, "RP746", "fail", set()),
    (deployment_paused, "RP746", "fail", set()),
    (skip_coredns, "RP747", "note", set()),
    (fields_of_replank, "RP748", "note", set()),
    (hook_missing, "RP749", "note", set()),
    (no_operator, "RP750", "fail", set()),
    (operator_gone_for_an_hour, "RP750", "fail", set()),
    (server_in_a_state, "RP751", "fail", set()),
    (port_in_a_state, "RP751", "fail", set()),
    (no_state_named, "RP751", "note", set()),
    (kcp_not_available, "RP752", "fail", set()),
    (deployment_remediates, "RP752", "fail", set()),
    (nobody_says_available, "RP752", "unknown", set()),
    (another_version_wanted, "RP753", "fail", set()),
    (resized_by_hand, "RP754", "fail", {"RP755"}),
    (rebuilt_by_hand, "RP754", "fail", {"RP755"}),
    (group_added_by_hand, "RP754", "fail", {"RP755"}),
    (port_taken_off, "RP754", "fail", {"RP755"}),
    (moved_to_another_zone, "RP754", "fail", {"RP755"}),
    (put_into_a_server_group, "RP754", "fail", {"RP755"}),
    (template_of_another_flavor, "RP755", "fail", set()),
    (template_without_groups, "RP755", "fail", set()),
    (flavor_deleted, "RP756", "fail", {"RP754", "RP755"}),
    (image_deactivated, "RP756", "fail", set()),
    (template_gone, "RP756", "fail", {"RP755"}),
    (bootstrap_template_gone, "RP756", "fail", set()),
)


def test_a_clean_cluster_passes_every_check() -> None:
    found = adopted().verified()
    assert [(f.code, f.outcome) for f in found.findings] == [(f.code, "pass") for f in found.findings]
    assert {f.code for f in found.findings} == {check.code for check in CHECKS}
    assert found.passed


@pytest.mark.parametrize(
    ("bend", "code", "outcome", "more"), DEFECTS, ids=[bend.__name__ for bend, *_ in DEFECTS]
)
def test_a_defect_is_found_by_its_code_and_by_no_other(
    bend: Callable[[Adopted], None], code: str, outcome: str, more: set[str]
) -> None:
    site = bent(bend)
    faults = site.faults()
    assert set(faults) == {code} | more, faults
    assert {finding.outcome for finding in faults[code]} == {outcome}
    assert all(finding.why and finding.code in catalogue() for finding in faults[code])
    assert site.verified().passed == (outcome == "note")


def test_every_check_has_a_planted_defect() -> None:
    assert {check.code for check in CHECKS} == {code for _, code, _, _ in DEFECTS}


SOURCES: tuple[tuple[str, set[str]], ...] = (
    ("nodes", {"RP740", "RP741"}),
    ("cloud", {"RP742", "RP751", "RP754", "RP755", "RP756"}),
    ("states", {"RP751"}),
    ("leases", {"RP750"}),
)


@pytest.mark.parametrize(("source", "codes"), SOURCES)
def test_a_source_that_cannot_be_seen_passes_nothing(source: str, codes: set[str]) -> None:
    site = adopted()
    setattr(site, source, Unknown("it does not answer"))
    faults = site.faults()
    assert {code: f.outcome for code, found in faults.items() for f in found} == dict.fromkeys(
        codes, "unknown"
    )
    assert all("it does not answer" in f.why for found in faults.values() for f in found)
    assert not site.verified().passed


@pytest.mark.parametrize("listing", ["servers", "ports", "images", "flavors", "server_groups"])
def test_a_listing_that_cannot_be_seen_is_told_and_no_difference_is_made_up(listing: str) -> None:
    site = adopted()
    site.cloud = replace(site.cloud, **{listing: Unknown("403")})  # type: ignore[type-var]
    faults = site.faults()
    assert "RP755" in faults
    assert {f.outcome for found in faults.values() for f in found} == {"unknown"}


def test_a_kind_that_cannot_be_read_makes_what_needs_it_unknown() -> None:
    site = adopted()
    site.unread["OpenStackServer"] = Unknown("403")
    site.unjudged = Unknown("half of the objects")
    faults = site.faults()
    assert {"RP741", "RP742", "RP743", "RP753"} <= set(faults)
    assert {f.outcome for found in faults.values() for f in found} == {"unknown"}


def test_without_hooks_nobody_is_missed() -> None:
    """A cluster that Cluster API made: no hooks, no operator, no state."""
    site = adopted()
    for machine in (d for key, d in site.objects.items() if key.startswith("Machine/")):
        machine["metadata"]["annotations"] = {}
    site.leases, site.states = Unknown("403"), ()
    assert {f.code: f.outcome for f in site.verified().findings if f.outcome != "pass"} == {
        "RP749": "note",
        "RP751": "note",
    }
    assert site.verified().passed


def test_a_node_without_firmware_that_tells_a_uuid_is_no_contradiction() -> None:
    site = adopted()
    machine_id = "67a369e18d4ec88f6823253fd413adee"
    site.node(WORKER)["status"]["nodeInfo"].update({"systemUUID": machine_id, "machineID": machine_id})
    assert site.faults() == {}


def test_what_fleet_yaml_asks_of_new_machines_is_no_fault() -> None:
    site = bent(template_of_another_flavor)
    site.new_machines = NewMachines(flavor="m1.cp")
    (first, *_) = site.faults()["RP755"]
    assert first.outcome == "note"
    assert first.evidence == ("flavor: the server has m1.worker, it should be m1.cp",)


def openstack_machine_of_another_flavor(site: Adopted) -> None:
    wanted = site.of(f"OpenStackMachine/{CP}")["spec"]["flavorID"]
    site.of(f"OpenStackMachine/{WORKER}")["spec"]["flavorID"] = wanted


def test_what_fleet_yaml_asks_of_new_machines_is_no_drift_of_an_adopted_one() -> None:
    site = bent(openstack_machine_of_another_flavor)
    site.new_machines = NewMachines(flavor="m1.cp")
    (found,) = site.faults()["RP754"]
    assert found.outcome == "note"


def test_it_is_drift_of_one_that_cluster_api_made() -> None:
    site = bent(openstack_machine_of_another_flavor)
    site.of(f"Machine/{WORKER}")["spec"]["bootstrap"] = {"dataSecretName": "plain-worker-xyz12"}
    site.new_machines = NewMachines(flavor="m1.cp")
    (found,) = site.faults()["RP754"]
    assert found.outcome == "fail"


def test_an_image_that_a_name_chooses_is_no_fault_and_is_not_taken_for_drift() -> None:
    """The newest bearer of the name is another one by now; the machine was made from the older one."""
    site = adopted()
    newest = Image(id="c0ffee00-0000-4000-8000-000000000002", name="rolling", status="active")
    site.cloud = replace(site.cloud, images=(*site.cloud.images, newest))  # type: ignore[type-var, union-attr]
    older = str(template(site)["image"]["id"])  # type: ignore[index]
    template(site)["image"] = {"filter": {"name": "rolling"}}
    for name in ("plain-worker-1", "plain-worker-2"):
        site.of(f"OpenStackMachine/{name}")["spec"]["image"] = {"filter": {"name": "rolling"}}
        site.of(f"OpenStackServer/{name}")["status"]["resolved"] = {"imageID": older}
    assert {code: {f.outcome for f in found} for code, found in site.faults().items()} == {"RP755": {"note"}}


def test_two_images_of_one_name_make_no_machine() -> None:
    site = adopted()
    twins = tuple(
        Image(id=f"c0ffee00-0000-4000-8000-00000000000{n}", name="two", status="active") for n in "34"
    )
    site.cloud = replace(site.cloud, images=(*site.cloud.images, *twins))  # type: ignore[type-var, union-attr]
    template(site)["image"] = {"filter": {"name": "two"}}
    (found,) = site.faults()["RP756"]
    assert found.evidence == ("the project does not have one image called two (there are 2)",)


def test_before_an_upgrade_people_see_what_each_machine_would_become() -> None:
    site = adopted()
    flavor = Flavor(id="f1a00000-0000-4000-8000-000000000001", name="m2.worker")
    site.cloud = replace(site.cloud, flavors=(*site.cloud.flavors, flavor))  # type: ignore[type-var, union-attr]
    site.of(MD)["spec"]["template"]["spec"]["version"] = "v1.35.4"
    template(site)["flavorID"] = flavor.id
    found = {each.machine: each for each in site.verified().replacements}
    assert set(found) == set(SERVER_OF)
    changed = {part.what: (part.now, part.then) for part in found[WORKER].parts if part.changed}
    assert changed == {"version": ("v1.34.4", "v1.35.4"), "flavor": ("m1.worker", "m2.worker")}
    assert found[WORKER].keeper == MD
    kept = {part.what: part.then for part in found[CP].parts}
    assert not any(part.changed for part in found[CP].parts)
    assert kept["failure domain"] == "one of az1, az2, az3"
    assert kept["ports"] == "plain-net"


def test_a_machine_of_nobody_has_no_replacement() -> None:
    site = bent(control_plane_of_nobody)
    (bare,) = [each for each in site.verified().replacements if not each.keeper]
    assert (bare.machine, bare.parts) == (CP, ())


def test_a_machine_that_is_about_to_roll_is_not_said_to_be_out_of_line_as_well() -> None:
    site = bent(another_version_wanted)
    site.of("OpenStackMachineTemplate/plain-control-plane-adopted")["spec"]["template"]["spec"].pop(
        "serverGroup"
    )
    assert set(site.faults()) == {"RP753"}
    assert site.verified().judged_by == "replank"
