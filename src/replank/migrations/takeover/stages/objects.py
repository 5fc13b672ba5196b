"""Stages 3 to 5: every object is written while the Cluster is paused, so no controller acts on any of
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replank.migrations.takeover.built import Built
from replank.migrations.takeover.manifest import key, texts
from replank.migrations.takeover.names import machine_set
from replank.migrations.takeover.stages.draft import Takeover, state_locked
from replank.plan.draft import Draft, check, stage
from replank.plan.model import PlanCheck, Stage, Undo

# Under Paused the controllers put finalizers back within a second, so strip and delete belong together.
REMOVE = Undo(
    kind="cluster-api.remove-paused",
    says="While everything is paused: strip each object's finalizers and at once delete it (with its uid "
    "and resourceVersion), children first. No controller ever sees a deletion with its finalizer.",
)


def infrastructure(given: Takeover) -> Stage:
    """Cluster (paused) and OpenStackCluster."""
    name = given.names.cluster
    drafts = [
        _apply(
            "cluster",
            f"Write Cluster {given.names.cluster_key()}, paused.",
            (key("Cluster", name),),
            before=tuple(state_locked(given)),
            after=(
                check("kubernetes.cluster.paused", "Its spec.paused is true", object=key("Cluster", name)),
            ),
        ),
        _apply(
            "openstack-cluster",
            f"Write OpenStackCluster {given.names.cluster_key()}: existing networks by ID, nothing managed.",
            (key("OpenStackCluster", name),),
        ),
    ]
    return stage(
        "infrastructure",
        "Infrastructure",
        "Describe the cluster and its networks to Cluster API, under a pause that covers all that follows.",
        "Cluster API knows of the cluster and does nothing. The cluster runs as before.",
        drafts,
    )


def workers(given: Takeover) -> Stage:
    """Every MachineDeployment with its MachineSet, templates and Machines, paused."""
    drafts = [draft for built in given.workers for draft in _group(given, built)]
    return stage(
        "workers",
        "Workers",
        "Describe each group of alike workers: templates, a Machine for every server, then the MachineSet "
        "and MachineDeployment that will own them. Both are paused themselves.",
        "As before: everything is paused. Workers stand before the control plane because a mistake here "
        "costs least.",
        drafts,
    )


def control_plane(given: Takeover) -> Stage:
    """KubeadmControlPlane after all of its Machines: one without Machines would make a new control plane."""
    built = given.control_plane
    drafts: list[Draft] = []
    if built is not None:
        name = built.group.name
        drafts = [
            *_snapshot(given),
            _apply(
                f"template-{name}",
                f"Write the OpenStackMachineTemplate of {name}.",
                _of(built, "OpenStackMachineTemplate"),
            ),
            *_machines(given, built, ("KubeadmConfig", "OpenStackMachine", "Machine")),
            _apply(
                f"kcp-{name}",
                f"Write KubeadmControlPlane {name}: {len(built.group.machines)} replicas, {built.version}, "
                "paused.",
                (key("KubeadmControlPlane", name),),
                before=(
                    check(
                        "cluster-api.control-plane-machines",
                        "Every control plane has its labelled Machine and KubeadmConfig: one left out would "
                        "lose its etcd member",
                        machines=list(built.group.machines),
                    ),
                ),
                after=(
                    check(
                        "kubernetes.annotation",
                        "It carries the pause annotation",
                        object=key("KubeadmControlPlane", name),
                        annotation="cluster.x-k8s.io/paused",
                    ),
                ),
            ),
        ]
    return stage(
        "control-plane",
        "Control plane",
        "Take a snapshot of etcd. Then describe the control plane as it runs: a Machine and a KubeadmConfig "
        "for each, and the KubeadmControlPlane that will own them, paused.",
        "All objects are there and paused. Up to here everything can be removed without a trace.",
        drafts,
    )


def _snapshot(given: Takeover) -> Iterator[Draft]:
    if not given.stacked_etcd:
        return
    machines = texts(m.machine for m in given.role_machines)
    minutes = given.settings.snapshot_max_age_minutes
    yield Draft(
        slug="etcd-snapshot",
        kind="etcd.snapshot",
        says="Take a snapshot of etcd, verify it, and keep it encrypted where fleet.yaml says, unless there "
        f"is one that is at most {minutes} minutes old.",
        params={"machines": machines, "max_age_minutes": minutes},
        after=(
            check(
                "etcd.snapshot-fresh",
                f"The newest snapshot is at most {minutes} minutes old",
                max_age_minutes=minutes,
            ),
        ),
        undo=Undo(kind="nothing", says="The snapshot stays where it is; it says where."),
    )


def _group(given: Takeover, built: Built) -> Iterator[Draft]:
    name = built.group.name
    yield _apply(
        f"templates-{name}",
        f"Write the templates of {name}.",
        (*_of(built, "KubeadmConfigTemplate"), *_of(built, "OpenStackMachineTemplate")),
    )
    yield from _machines(given, built, ("OpenStackMachine", "Machine"))
    for kind, called in (("MachineSet", machine_set(name)), ("MachineDeployment", name)):
        yield _apply(
            f"{kind}-{called}",
            f"Write {kind} {called} with {len(built.group.machines)} replicas, paused.",
            (key(kind, called),),
            after=(
                check(
                    "kubernetes.annotation",
                    "It carries the pause annotation",
                    object=key(kind, called),
                    annotation="cluster.x-k8s.io/paused",
                ),
            ),
        )


def _machines(given: Takeover, built: Built, kinds: Sequence[str]) -> Iterator[Draft]:
    planned = {m.machine: m for m in given.machines}
    for name in built.group.machines:
        server = planned[name].server_id
        yield _apply(
            f"machine-{name}",
            f"Write Machine {name} for server {server}, with its guards and without user data.",
            tuple(key(kind, name) for kind in kinds),
            after=(
                check(
                    "cluster-api.guarded",
                    "It carries both guard hooks, so nothing can drain or terminate it",
                    machine=name,
                ),
            ),
        )


def _apply(
    slug: str,
    says: str,
    objects: tuple[str, ...],
    *,
    before: tuple[PlanCheck, ...] = (),
    after: tuple[PlanCheck, ...] = (),
) -> Draft:
    return Draft(
        slug=slug,
        kind="kubernetes.apply",
        says=says,
        objects=objects,
        before=(
            check(
                "kubernetes.dry-run",
                "The management cluster takes it (server-side dry run, webhooks included)",
            ),
            *before,
        ),
        after=(check("kubernetes.as-planned", "It is there with every field of the plan"), *after),
        undo=REMOVE,
    )


def _of(built: Built, kind: str) -> tuple[str, ...]:
    return tuple(sorted(k for k in built.manifests if k.partition("/")[0] == kind))
