"""Stage 1: everything gets the name CAPO will look for, after Terraform has let go of it.

Terraform first: it would put the old names back at its next run.
"""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.stages.draft import NOTHING_TO_UNDO, Draft, Takeover, check, stage
from replank.migrations.takeover.terraform import StateRelease
from replank.plan.model import PlannedMachine, PortName, Stage, Undo


def align_names(given: Takeover) -> Stage:
    """Identity check, Terraform, ports, servers, load balancer."""
    drafts = [
        _identity(given),
        *(_forget(release) for release in given.releases),
        *_ports(given),
        *_servers(given),
        *_load_balancer(given),
    ]
    return stage(
        "align-names",
        "Align names",
        "Check who is who once more, let Terraform forget what Cluster API will own, and give ports (and "
        "where approved, servers) the names by which CAPO finds them.",
        "Nothing runs differently. Terraform no longer knows the machines and must not be applied with "
        "their blocks still in its configuration; names are labels that nothing in the cluster reads.",
        drafts,
    )


def _identity(given: Takeover) -> Draft:
    etcd: dict[str, JSON] = {m.machine: m.node for m in given.role_machines}
    return Draft(
        slug="identity",
        kind="verify.identity",
        says="Check that every server, Node and etcd member still is who the plan takes it for.",
        params={
            "machines": [
                {"machine": m.machine, "server": m.server_id, "node": m.node, "providerID": m.provider_id}
                for m in given.machines
            ]
        },
        after=(
            check(
                "kubernetes.node.provider-ids",
                "Each Node's providerID is, character by character, what CAPO will compute for its server",
                nodes={m.node: m.provider_id for m in given.machines},
            ),
            check(
                "etcd.members-are-nodes",
                "etcd has exactly one healthy member a control plane, called as its Node, and no learner",
                members=etcd,
            ),
            check(
                "openstack.servers-active",
                "Every server is ACTIVE and under no task",
                servers=[m.server_id for m in given.machines],
            ),
        ),
        undo=NOTHING_TO_UNDO,
    )


def _forget(release: StateRelease) -> Draft:
    state = release.state
    says = (
        f"Let Terraform forget {len(release.forget)} resources of state {state.source}, without destroying "
        "any."
    )
    if release.dependents:
        says += (
            f" {len(release.dependents)} resources that stay refer to them in the configuration and need "
            "plain values there."
        )
    return Draft(
        slug=f"terraform-forget-{state.source}",
        kind="terraform.forget",
        says=says,
        params={
            "state": state.source,
            "workspace": state.workspace,
            "serial": state.serial,
            "lineage": state.lineage,
            "forget": [
                {"address": f.address, "id": f.id, "how": f.how, "import": f.import_id}
                for f in release.forget
            ],
            "dependents": list(release.dependents),
        },
        before=(
            check("terraform.unlocked", "Nobody holds the state's lock", state=state.source),
            check(
                "terraform.state-is",
                "The state is still the one that was surveyed",
                state=state.source,
                serial=state.serial,
                lineage=state.lineage,
            ),
            check("terraform.no-changes", "`terraform plan` has nothing to do", state=state.source),
        ),
        after=(
            check(
                "terraform.forgotten",
                "The state knows none of these addresses any more",
                state=state.source,
                addresses=[f.address for f in release.forget],
            ),
            check(
                "terraform.no-changes",
                "`terraform plan` with the shortened configuration has nothing to make, change or destroy",
                state=state.source,
            ),
        ),
        undo=Undo(
            kind="terraform.import",
            says="Import each resource again by its ID and put its block back into the configuration.",
        ),
    )


def _ports(given: Takeover) -> Iterator[Draft]:
    for machine in given.machines:
        for port in machine.ports:
            if port.old != port.new:
                yield _port(machine, port)


def _port(machine: PlannedMachine, port: PortName) -> Draft:
    old = f"'{port.old}'" if port.old else "no name"
    return Draft(
        slug=f"port-{port.new}",
        kind="openstack.port.rename",
        says=f"Rename port {port.id} of {machine.machine}: {old} becomes '{port.new}'.",
        params={"port": port.id, "server": machine.server_id, "old": port.old, "new": port.new},
        before=(
            check(
                "openstack.port.is",
                f"The port is plugged into {machine.server_name} and has {old}",
                port=port.id,
                server=machine.server_id,
                name=port.old,
            ),
            check(
                "openstack.port.name-free",
                f"No other port of its network is called '{port.new}'",
                name=port.new,
                port=port.id,
            ),
        ),
        after=(check("openstack.port.is", f"It is called '{port.new}'", port=port.id, name=port.new),),
        undo=Undo(kind="openstack.port.rename", says="Give the port the name back that it had."),
    )


def _servers(given: Takeover) -> Iterator[Draft]:
    for machine in given.machines:
        if not machine.rename_server_to:
            continue
        new = machine.rename_server_to
        yield Draft(
            slug=f"server-{new}",
            kind="openstack.server.rename",
            says=f"Rename server {machine.server_name} ({machine.server_id}) to '{new}': CAPO could not find "
            "it else.",
            params={"server": machine.server_id, "old": machine.server_name, "new": new},
            before=(
                check(
                    "openstack.server.is",
                    f"It is called '{machine.server_name}'",
                    server=machine.server_id,
                    name=machine.server_name,
                ),
                check("openstack.server.name-free", f"No server is called '{new}'", name=new),
            ),
            after=(
                check("openstack.server.is", f"It is called '{new}'", server=machine.server_id, name=new),
                check(
                    "kubernetes.node.same",
                    f"Node {machine.node} keeps its name, and its kubelet is Ready",
                    node=machine.node,
                ),
            ),
            undo=Undo(kind="openstack.server.rename", says="Give the server the name back that it had."),
            approval="rename-server",
        )


def _load_balancer(given: Takeover) -> Iterator[Draft]:
    for rename in given.load_balancer.renames:
        params: dict[str, JSON] = {"id": rename.id, "old": rename.old, "new": rename.new}
        if rename.pool_id:
            params["pool"] = rename.pool_id
        yield Draft(
            slug=f"{rename.kind}-{rename.id}",
            kind=f"openstack.{rename.kind}.rename",
            says=f"Rename {rename.kind} {rename.id}: '{rename.old}' becomes '{rename.new}'.",
            params=params,
            before=(
                check(
                    "openstack.load-balancer.active",
                    "The load balancer is ACTIVE",
                    id=given.load_balancer.choice.load_balancer_id,
                ),
            ),
            after=(
                check(
                    f"openstack.{rename.kind}.is",
                    f"It is called '{rename.new}'",
                    id=rename.id,
                    name=rename.new,
                ),
            ),
            undo=Undo(kind=f"openstack.{rename.kind}.rename", says="Give it the name back that it had."),
        )
