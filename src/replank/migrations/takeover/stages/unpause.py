"""Stage 6: the pause is lifted piece by piece, from the least dangerous to the most.

Gates look at nodeRef and not at Ready or Available: while KCP is paused NodeHealthy stays Unknown and the
Cluster is not Available (seen on cluster-api v1.14.0), and there is no watch on Nodes, so gates poll.
"""

from __future__ import annotations

from collections.abc import Iterator

from replank.migrations.takeover.built import Built
from replank.migrations.takeover.manifest import key, texts
from replank.migrations.takeover.names import machine_set
from replank.migrations.takeover.openstack.credentials import CLOUD_CONFIG
from replank.migrations.takeover.stages.draft import Takeover, cannot_write, cloud_unchanged, state_locked
from replank.migrations.takeover.vocabulary import JUDGED_BY_REPLANK, judged_upstream
from replank.plan.draft import NOTHING_TO_UNDO, Draft, check, stage
from replank.plan.model import PlanCheck, Stage, Undo

PAUSE_CLUSTER = Undo(
    kind="cluster-api.pause",
    says="Pause the Cluster again and wait for Paused=True on every object. What controllers wrote "
    "meanwhile (owner references, providerIDs, annotations on Nodes) goes when the whole takeover is "
    "undone.",
)


WITHOUT_FENCE = "credential-that-can-write"


def unpause(given: Takeover) -> Stage:
    """Cluster, then each worker group, then the control plane, with checks after each."""
    drafts = [_compare(given), _cluster(given)]
    for built in given.workers:
        drafts += [_machine_set(given, built), _machine_deployment(given, built)]
    if given.control_plane is not None:
        drafts += [_kcp(given, given.control_plane), _look(given)]
    return stage(
        "unpause",
        "Unpause",
        "Let the controllers at it, one after another, and look after each that they only adopted: no new "
        "server, no new port, no machine marked for replacement.",
        "After each step the cluster is adopted a piece further and can be paused again. "
        + ("CAPO still cannot write and every" if given.credential_made else "CAPO can write; every")
        + " server is locked.",
        drafts,
    )


def _compare(given: Takeover) -> Draft:
    return Draft(
        slug="would-roll",
        kind="verify.would-roll",
        says="Ask upstream's own comparison whether any machine would be replaced.",
        params={"machines": [m.machine for m in given.machines]},
        after=(
            check("cluster-api.keep", "KCP's UpToDate and MachineTemplateUpToDate say 'keep' for everything"),
            check(
                "cluster-api.nothing-deleting",
                "No object carries a deletionTimestamp",
                namespace=given.names.namespace,
            ),
        ),
        undo=NOTHING_TO_UNDO,
    )


def _cluster(given: Takeover) -> Draft:
    return Draft(
        slug="cluster",
        kind="cluster-api.unpause-cluster",
        says=f"Unpause Cluster {given.names.cluster_key()}; MachineSets, MachineDeployments and the control "
        "plane stay paused by their own annotation.",
        params={"object": key("Cluster", given.names.cluster)},
        before=(
            check(
                "kubernetes.annotation",
                "The control plane and every MachineSet and MachineDeployment carry the pause annotation",
                objects=texts(_paused(given)),
                annotation="cluster.x-k8s.io/paused",
            ),
            *state_locked(given),
            check(
                "openstack.found-by-name",
                "The names by which CAPO looks find each machine's own server and ports, and no other",
            ),
            *_fence(given),
        ),
        after=(
            check(
                "cluster-api.infrastructure-ready", "The OpenStackCluster is ready, with the plan's network"
            ),
            check(
                "cluster-api.server-ids",
                "Each OpenStackServer has found the very server of the plan",
                servers={m.machine: m.server_id for m in given.machines},
            ),
            check(
                "cluster-api.server-labels",
                "Each OpenStackServer carries the cluster-name label, without which it could not be paused",
                machines=[m.machine for m in given.machines],
            ),
            check(
                "cluster-api.node-refs",
                "Each Machine has found the very Node of the plan",
                nodes={m.machine: m.node for m in given.machines},
            ),
            cloud_unchanged(given),
        ),
        undo=PAUSE_CLUSTER,
        approval="" if given.credential_made else WITHOUT_FENCE,
    )


def _fence(given: Takeover) -> Iterator[PlanCheck]:
    """CAPO cannot write; or where its credential is none of ours, Nova's locks."""
    if given.credential_made:
        yield cannot_write(
            given, "CAPO's credential still cannot write", secret=given.names.secret(CLOUD_CONFIG)
        )
        return
    for machine in given.machines:
        yield check(
            "openstack.server.locked",
            f"Server {machine.rename_server_to or machine.server_name} is locked, for CAPO can write",
            server=machine.server_id,
        )


def _paused(given: Takeover) -> list[str]:
    found = []
    for built in given.workers:
        found += [
            key("MachineSet", machine_set(built.group.name)),
            key("MachineDeployment", built.group.name),
        ]
    if given.control_plane is not None:
        found.append(key("KubeadmControlPlane", given.control_plane.group.name))
    return found


def _machine_set(given: Takeover, built: Built) -> Draft:
    name = machine_set(built.group.name)
    return Draft(
        slug=f"machineset-{name}",
        kind="cluster-api.unpause",
        says=f"Unpause MachineSet {name}.",
        params={"object": key("MachineSet", name)},
        before=tuple(_has_node_refs(built)),
        after=(
            check(
                "cluster-api.owns",
                f"It owns exactly its {len(built.group.machines)} Machines, and made and deleted none",
                object=key("MachineSet", name),
                machines=list(built.group.machines),
            ),
            cloud_unchanged(given),
        ),
        undo=_pause(key("MachineSet", name)),
    )


def _machine_deployment(given: Takeover, built: Built) -> Draft:
    name = built.group.name
    return Draft(
        slug=f"machinedeployment-{name}",
        kind="cluster-api.unpause",
        says=f"Unpause MachineDeployment {name}.",
        params={"object": key("MachineDeployment", name)},
        before=(
            check(
                "cluster-api.owns",
                "The MachineSet owns its Machines",
                object=key("MachineSet", machine_set(name)),
                machines=list(built.group.machines),
            ),
        ),
        after=(
            check(
                "cluster-api.one-machine-set",
                f"It took MachineSet {machine_set(name)} as revision 1 and made no other",
                object=key("MachineDeployment", name),
                machine_set=machine_set(name),
            ),
            cloud_unchanged(given),
        ),
        undo=_pause(key("MachineDeployment", name)),
    )


def _kcp(given: Takeover, built: Built) -> Draft:
    name = key("KubeadmControlPlane", built.group.name)
    machines = texts(built.group.machines)
    return Draft(
        slug=f"kcp-{built.group.name}",
        kind="cluster-api.unpause",
        says=f"Unpause KubeadmControlPlane {built.group.name}.",
        params={"object": name},
        before=(
            check(
                "cluster-api.control-plane-machines",
                f"All {len(machines)} control planes have a labelled Machine: an etcd member without one is "
                "removed",
                machines=machines,
            ),
            *_has_node_refs(built),
            check(
                "cluster-api.certificates",
                "CA, etcd's CA, front proxy's CA, service-account keys and kubeconfig are in their Secrets, "
                "as on the machines: KCP makes new ones where they are not",
            ),
            check(
                "etcd.members-are-nodes",
                "etcd has exactly one healthy member a control plane, called as its Node, and no learner",
                members={m.machine: m.node for m in given.role_machines},
            ),
            *state_locked(given),
            *_fresh_snapshot(given),
            check(
                "cluster-api.keep",
                "KCP's UpToDate says 'keep' for every control plane; where replank's comparison says it "
                "instead, a person must approve of that",
                machines=machines,
                upstream=True,
            ),
        ),
        after=(
            check(
                "cluster-api.owns",
                f"It owns exactly its {len(machines)} Machines, all up to date, and is Available",
                object=name,
                machines=machines,
            ),
            check(
                "etcd.members-are-nodes",
                "etcd's members are the same as before",
                members={m.machine: m.node for m in given.role_machines},
            ),
            cloud_unchanged(given),
        ),
        undo=Undo(
            kind="cluster-api.pause",
            says="Pause the KubeadmControlPlane again. Its hooks and readiness gates stay on the Machines "
            "until the whole takeover is undone.",
        ),
        approval="" if judged_upstream(given.settings.targets) else JUDGED_BY_REPLANK,
    )


def _fresh_snapshot(given: Takeover) -> Iterator[PlanCheck]:
    if not given.stacked_etcd:
        return
    minutes = given.settings.snapshot_max_age_minutes
    yield check(
        "etcd.snapshot-fresh",
        f"The newest etcd snapshot is at most {minutes} minutes old; where it is older, a new one is taken",
        max_age_minutes=minutes,
        # A person may have been asked for an hour in between.
        renew=texts(m.machine for m in given.role_machines),
    )


def _look(given: Takeover) -> Draft:
    return Draft(
        slug="look-again",
        kind="verify.unchanged",
        says=f"Look at everything once more after {given.settings.quiet_seconds} seconds of quiet.",
        params={"quiet_seconds": given.settings.quiet_seconds},
        after=(
            cloud_unchanged(given),
            check("cluster-api.keep", "Nothing is marked for replacement"),
            check("cluster-api.available", "Cluster, control plane and MachineDeployments are Available"),
            check(
                "kubernetes.nodes-ready",
                "Every Node is Ready and schedulable as before",
                nodes=[m.node for m in given.machines],
            ),
        ),
        undo=NOTHING_TO_UNDO,
    )


def _has_node_refs(built: Built) -> Iterator[PlanCheck]:
    yield check(
        "cluster-api.node-refs",
        "Each of its Machines has its Node",
        nodes={m.adoptee.name: m.adoptee.node.name for m in built.members},
    )


def _pause(name: str) -> Undo:
    return Undo(kind="cluster-api.pause", says=f"Put the pause annotation on {name} again.")
