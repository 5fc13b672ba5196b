"""Stage 1: everything gets the name CAPO will look for, after Terraform has let go of it.

Terraform first: it would put the old names back at its next run.
"""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.stages.draft import Takeover, lockable
from replank.migrations.takeover.terraform import StateRelease
from replank.migrations.takeover.was_tag import was_tag
from replank.plan.draft import NOTHING_TO_UNDO, Draft, check, stage
from replank.plan.model import PlanCheck, Stage, Undo
from replank.plan.takeover import PlannedMachine, PortName


def align_names(given: Takeover) -> Stage:
    """Identity check, Terraform, ports, servers, load balancer."""
    drafts = [
        _identity(given),
        *(_forget(release) for release in given.releases),
        *(_lock_state(release) for release in given.releases if lockable(given, release)),
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
    where: dict[str, JSON] = {"state": state.source, "workspace": state.workspace}
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
            check("terraform.unlocked", "Nobody else holds the state's lock", **where),
            # The serial alone says nothing: others may share the state, and forgetting raises it.
            check(
                "terraform.state-is",
                "The state is of the lineage that was surveyed and no older, and has these resources under "
                "these addresses or no longer at all",
                serial=state.serial,
                lineage=state.lineage,
                **where,
            ),
            *_plan_is_empty(
                release, "`terraform plan` has nothing to do, unless forgetting has begun", until="begun"
            ),
        ),
        after=(
            check(
                "terraform.forgotten",
                "The state knows none of these addresses and none of these IDs any more",
                **where,
            ),
            *_plan_is_empty(
                release,
                "`terraform plan` with the shortened configuration has nothing to make, change or destroy",
            ),
        ),
        undo=Undo(
            kind="terraform.import",
            says="Hold until each resource is in the state again with its ID, its block is back in the "
            "configuration, and `terraform plan`, where it can be run, has nothing to do.",
        ),
    )


def _plan_is_empty(release: StateRelease, says: str, **more: JSON) -> Iterator[PlanCheck]:
    """`terraform plan`, where the survey saw a configuration to run it in; a finding says it otherwise."""
    state = release.state
    if state.configured:
        yield check("terraform.no-changes", says, state=state.source, workspace=state.workspace, **more)


def _lock_state(release: StateRelease) -> Draft:
    state = release.state
    where: dict[str, JSON] = {"state": state.source, "workspace": state.workspace}
    return Draft(
        slug=f"terraform-lock-{state.source}",
        kind="terraform.lock",
        says=f"Hold the lock of state {state.source} until the takeover is settled, where its back end has "
        "one: nobody applies in between.",
        params=where,
        after=(check("terraform.locked", "The lock is ours, or the back end has none", **where),),
        undo=Undo(kind="terraform.unlock", says="Give the lock back if this step took it."),
    )


def _ports(given: Takeover) -> Iterator[Draft]:
    for machine in given.machines:
        for port in machine.ports:
            if port.old != port.new:
                yield _port(machine, port)


def _port(machine: PlannedMachine, port: PortName) -> Draft:
    old = f"'{port.old}'" if port.old else "no name"
    tag = was_tag(port.old)
    params: dict[str, JSON] = {
        "port": port.id,
        "server": machine.server_id,
        "old": port.old,
        "new": port.new,
    }
    if tag:
        params["tag"] = tag
    return Draft(
        slug=f"port-{port.new}",
        kind="openstack.port.rename",
        says=f"Rename port {port.id} of {machine.machine}: {old} becomes '{port.new}'.",
        params=params,
        before=(
            check(
                "openstack.port.is",
                f"The port is plugged into {machine.server_name} and has {old} (or its new one already)",
                port=port.id,
                server=machine.server_id,
                name=port.old,
                new=port.new,
            ),
            check(
                "openstack.port.name-free",
                f"No other port of its network is called '{port.new}'",
                name=port.new,
                port=port.id,
            ),
        ),
        after=(
            check(
                "openstack.port.is",
                f"It is called '{port.new}'" + (", and a tag keeps what it was called" if tag else ""),
                port=port.id,
                name=port.new,
                **({"tag": tag} if tag else {}),
            ),
        ),
        undo=Undo(kind="openstack.port.rename", says="Give the port the name and tags back that it had."),
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
                    f"It is called '{machine.server_name}' (or '{new}' already)",
                    server=machine.server_id,
                    name=machine.server_name,
                    new=new,
                ),
                check(
                    "openstack.server.name-free",
                    f"No other server is called '{new}'",
                    name=new,
                    server=machine.server_id,
                ),
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
                    **({"pool": rename.pool_id} if rename.pool_id else {}),
                ),
            ),
            undo=Undo(kind=f"openstack.{rename.kind}.rename", says="Give it the name back that it had."),
        )
