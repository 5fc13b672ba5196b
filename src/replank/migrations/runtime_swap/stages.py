"""The stages of a runtime swap: everything is staged, each node is swapped, Cluster API's objects are brought
in line, and one day all is committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from replank.migrations.runtime_swap.align_stage import aligning, fence
from replank.migrations.runtime_swap.measure_steps import measured
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.plan.draft import Draft, check, stage
from replank.plan.model import Irreversible, PlanCheck, PointOfNoReturn, Stage, Undo
from replank.plan.runtime_swap import ClusterApiPart, PlannedNode
from replank.plan.slug import limited, slug

_BACK = {
    "in-place": "The old daemon runs again on the same root; no pod notices.",
    "switch": "Docker serves again; the pods come back in new containers, restart count one more.",
}


def stages_for(
    nodes: Sequence[PlannedNode],
    settings: RuntimeSwapSettings,
    part: ClusterApiPart | None = None,
    images: Mapping[str, str] | None = None,
) -> tuple[Stage, ...]:
    """None where there is nothing to do. Where every node is there already, Cluster API's objects alone.

    `images`: each node's sandbox image, "" = not known; None = nothing is measured.
    """
    if not nodes:
        return aligning(part)
    return (
        _staging(nodes, settings),
        *(_swapping(node, settings, part, images) for node in nodes),
        *aligning(part),
        _committing(nodes),
    )


def points_of_no_return(stages: Sequence[Stage]) -> tuple[PointOfNoReturn, ...]:
    """Every step without an undo."""
    return tuple(
        PointOfNoReturn(step=step.id, why=step.undo.irreversible)
        for each in stages
        for step in each.steps
        if isinstance(step.undo, Irreversible)
    )


def _staging(nodes: Sequence[PlannedNode], settings: RuntimeSwapSettings) -> Stage:
    return stage(
        "stage",
        "Stage on every node",
        "The new runtime's programs and configuration, beside Docker its images too, are put on all nodes.",
        "Nothing that serves has changed; undo takes it all away again.",
        [
            Draft(
                slug=node.node,
                kind="runtime.stage",
                says=f"Stage {node.to} on {node.node}, beside {node.runtime}{_origin(settings)}",
                params={"node": node.node},
                before=(_all_ready(),),
                undo=Undo(kind="runtime.unstage", says="Everything that was staged is taken away."),
            )
            for node in nodes
        ],
    )


def _origin(settings: RuntimeSwapSettings) -> str:
    """Where the programs come from, as the end of a sentence."""
    if settings.package is not None:
        return f"; its apt fetches {settings.package}, and does not install it"
    return f"; the programs come from {settings.archive.source}" if settings.archive is not None else ""


def _swapping(
    node: PlannedNode,
    settings: RuntimeSwapSettings,
    part: ClusterApiPart | None,
    images: Mapping[str, str] | None,
) -> Stage:
    steps = list(_steps(node, settings, part))
    how = (
        "The daemon is restarted under its pods" if node.strategy == "in-place" else "The kubelet moves over"
    )
    return stage(
        f"swap-{limited(slug(node.node), 50)}",
        f"Swap {node.node} ({node.role})",
        f"{how}: {node.runtime} to {node.to}. The node does it by itself, and goes back by itself if it is "
        "not well in time.",
        "The node serves on the new runtime; the others as before.",
        steps if images is None else measured(node, images[node.node], settings.log_image, steps),
    )


def _steps(node: PlannedNode, settings: RuntimeSwapSettings, part: ClusterApiPart | None) -> Iterator[Draft]:
    control_plane = node.role == "control-plane"
    etcd = control_plane and settings.snapshot_minutes > 0
    if etcd:
        yield Draft(
            slug="etcd-snapshot",
            kind="runtime.etcd-snapshot",
            says=f"Take an etcd snapshot on {node.node} unless there is one younger than "
            f"{settings.snapshot_minutes} minutes",
            params={"node": node.node, "max_age_minutes": settings.snapshot_minutes},
            undo=Undo(kind="keep", says="The snapshot is kept."),
        )
    drained = node.strategy == "switch" and settings.drain
    if drained:
        yield Draft(
            slug="drain",
            kind="runtime.drain",
            says=f"Cordon {node.node} and evict its pods, as their budgets allow",
            params={"node": node.node},
            before=(_all_ready(), *_agents(node), *fence(part)),
            undo=Undo(kind="runtime.open", says="New pods may come again, unless it was cordoned before."),
        )
    members: tuple[PlanCheck, ...] = (check("etcd.healthy", "Every etcd member is healthy"),) if etcd else ()
    kept = (
        check("node.pods-kept", "No container on the node was restarted")
        if node.strategy == "in-place"
        else check("node.pods-ready", "Every pod on the node is Ready, on the new runtime")
    )
    yield Draft(
        slug="swap",
        kind="runtime.swap",
        says=f"Swap the runtime of {node.node}",
        params={"node": node.node},
        before=(_all_ready(), *_agents(node), *members, *fence(part)),
        after=(
            _runs_on(node),
            kept,
            *members,
            _all_ready(),
        ),
        undo=Undo(kind="runtime.undo", says=_BACK[node.strategy]),
    )
    if drained:
        yield Draft(
            slug="open",
            kind="runtime.open",
            says=f"Let new pods come to {node.node} again",
            params={"node": node.node},
            undo=Undo(
                kind="runtime.cordon",
                says="It is cordoned and emptied again, as far as budgets allow within two minutes.",
            ),
        )


def _committing(nodes: Sequence[PlannedNode]) -> Stage:
    return stage(
        "commit",
        "Give up the old runtime",
        "Days later if you like: new pods get the new shim, or Docker goes with its containers and its data.",
        "The old runtime is gone.",
        [
            Draft(
                slug=node.node,
                kind="runtime.commit",
                says=f"Commit {node.to} on {node.node}{_removed(node)}",
                params={"node": node.node},
                before=(_runs_on(node),),
                after=(_runs_on(node),),
                undo=Irreversible(irreversible=f"{node.runtime} is given up on {node.node}."),
            )
            for node in nodes
        ],
        on_request=True,
    )


def _removed(node: PlannedNode) -> str:
    """What goes, as the end of a sentence."""
    switch = node.instructions.get("switch")
    if not isinstance(switch, Mapping):
        return ""
    commit = switch["commit"]
    commands = commit["commands"] if isinstance(commit, Mapping) else ()
    rows = commands if isinstance(commands, list) else []
    lines = [" ".join(str(word) for word in argv) for argv in rows if isinstance(argv, list)]
    packages = f"; then {' and '.join(f'`{line}`' for line in lines)}" if lines else "; its packages stay"
    return f": Docker's containers of Kubernetes go, and its data unless others use it{packages}"


def _agents(node: PlannedNode) -> tuple[PlanCheck, ...]:
    """In place the format stays."""
    says = "Every log agent reads what containerd writes"
    return (check("agents.ready", says),) if node.strategy == "switch" else ()


def _runs_on(node: PlannedNode) -> PlanCheck:
    return check("node.runs-on", f"Node {node.node} is Ready on {node.to}")


def _all_ready() -> PlanCheck:
    return check("nodes.ready", "Every Node of the cluster is Ready")
