"""What must hold before and after a node's swap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.steps.at import At, node_of
from replank.migrations.runtime_swap.steps.node_part import status_of
from replank.migrations.runtime_swap.steps.pods import live_pods, name_of, pods_of
from replank.plan.parameters import found_before, texts
from replank.ports.access import Document, ObjectRef


async def nodes_ready(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `nodes.ready`: every Node of the cluster is Ready. `but`: those that need not be."""
    but = texts(params, "but") if "but" in params else ()
    nodes = await at.access.workload.list("v1", "Node")
    unready = [n["metadata"]["name"] for n in nodes if not _is_ready(n) and n["metadata"]["name"] not in but]
    if unready:
        return waiting(f"not Ready: {', '.join(unready)}")
    return passed(nodes=len(nodes))


async def runs_on(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `node.runs-on`: the Node is Ready, and its kubelet tells of the new runtime."""
    node = node_of(at)
    live = await at.access.workload.get(ObjectRef("v1", "Node", "", node.node))
    if live is None:
        return failed(f"Node {node.node} is not there", "Look at its machine.")
    runtime = live.get("status", {}).get("nodeInfo", {}).get("containerRuntimeVersion", "")
    if not _is_ready(live):
        return waiting(f"Node {node.node} is not Ready")
    if not _same_runtime(runtime, node.to):
        return waiting(f"the kubelet of {node.node} tells of {runtime or 'no runtime'}")
    return passed(runtime=runtime)


async def pods_kept(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `node.pods-kept`: every container that was ready before is the same one, and was not restarted.

    Pods that are gone or new are their owners' doing. A machine that was rebooted meanwhile has restarted
    them all by that: then they only have to be Ready.
    """
    status = await status_of(at, node_of(at))
    if status is not None and status.rebooted:
        return await pods_ready(at, {})
    before = found_before(at.before).get("pods")
    was: dict[str, Any] = dict(before) if isinstance(before, dict) else {}
    now = await pods_of(at, node_of(at).node)
    restarted, unready = [], []
    for name, pod in was.items():
        live: Any = now.get(name)
        if live is None or live["uid"] != pod["uid"]:
            continue
        for container, seen in pod["containers"].items():
            here = live["containers"].get(container)
            if here is None:
                unready.append(f"{name} {container}")
            elif here["restarts"] > seen["restarts"] or here["id"] != seen["id"]:
                restarted.append(f"{name} {container}")
    if restarted:
        return failed(
            f"restarted in the swap: {', '.join(sorted(restarted))}",
            "Look at these pods. If it was the swap, undo the run; if they restart by themselves, resume it.",
        )
    if unready:
        return waiting(f"not ready yet: {', '.join(sorted(unready))}")
    return passed(pods=len(was))


async def pods_ready(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `node.pods-ready`: every pod that is on the node is Ready, in containers of the new runtime."""
    unready = [name_of(pod) for pod in await live_pods(at, node_of(at).node) if not _serves(pod)]
    if unready:
        return waiting(f"not ready yet: {', '.join(sorted(unready))}")
    return passed()


def _serves(pod: Document) -> bool:
    status = pod.get("status", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    containers = status.get("containerStatuses") or ()
    return ready and all(str(c.get("containerID", "")).startswith("containerd://") for c in containers)


async def etcd_healthy(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `etcd.healthy`: every member was started, is no learner, and is healthy."""
    members = await at.access.hosts.etcd_members(node_of(at).node)
    ill = [m.name or m.id for m in members if not m.healthy or m.learner or not m.name]
    if ill:
        return waiting(f"etcd members that are not healthy: {', '.join(ill)}")
    return passed(members=[m.name for m in members])


def _is_ready(node: Document) -> bool:
    conditions = node.get("status", {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _same_runtime(told: str, planned: str) -> bool:
    """`containerd://v2.3.5` and `containerd://2.3.5` are one."""
    return told.replace("://v", "://") == planned.replace("://v", "://")
