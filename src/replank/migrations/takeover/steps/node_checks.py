"""Checks of the workload cluster's Nodes."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import condition_is, condition_text, spec_of
from replank.migrations.takeover.steps.node_metadata import node_ref
from replank.plan.parameters import found_before, pairs, text, texts


async def provider_ids(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.node.provider-ids`: each Node's providerID is exactly that of the plan.

    Cluster API compares the texts (v1.14.0, machine_controller_noderef.go); it cannot be changed on a Node
    once it is set.
    """
    nodes, wrong = pairs(params, "nodes"), []
    for name, wanted in nodes.items():
        node = await at.access.workload.get(node_ref(name))
        there = None if node is None else str(spec_of(node).get("providerID") or "")
        if there != wanted:
            seen = "it is not there" if there is None else f"its providerID is '{there}'"
            wrong.append(f"Node {name}: {seen}, the plan's is '{wanted}'")
    if wrong:
        return failed("; ".join(wrong), "Survey and plan again: a Machine would never find its Node.")
    return passed(nodes=dict(nodes))


async def same_node(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.node.same`: the Node is there under its name, and Ready."""
    name = text(params, "node")
    node = await at.access.workload.get(node_ref(name))
    if node is None:
        return failed(f"Node {name} is not there", "Give the server its old name back: undo the run.")
    if not condition_is(node, "Ready"):
        return waiting(f"Node {name}: {condition_text(node, 'Ready')}")
    return passed(node=name)


async def nodes_ready(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.nodes-ready`: every Node is Ready, and none is cordoned that was not before."""
    names, unready, cordoned = texts(params, "nodes"), [], []
    noted = found_before(at.before).get("cordoned")
    before = noted if isinstance(noted, list) else []
    for name in names:
        node = await at.access.workload.get(node_ref(name))
        if node is None:
            return failed(f"Node {name} is gone", "Look at its machine; undo the run.")
        if not condition_is(node, "Ready"):
            unready.append(f"Node {name}: {condition_text(node, 'Ready')}")
        if spec_of(node).get("unschedulable") and name not in before:
            cordoned.append(name)
    if cordoned:
        return failed(
            f"{', '.join(cordoned)} was cordoned meanwhile",
            "Find out who drains it. If it was Cluster API, a Machine is being deleted: undo the run.",
        )
    if unready:
        return waiting("; ".join(unready))
    return passed(nodes=list(names))
