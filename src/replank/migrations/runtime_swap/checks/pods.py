"""Pods on nodes that are switched: which a drain cannot evict, and which do not come back as they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, some
from replank.domain.severity import Severity
from replank.inventory.disruption import never_allows
from replank.inventory.facts.kubernetes import DisruptionBudget, PodFact
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import drained_pods, kubernetes, switched, uses, uses_docker

_REPLICATED = ("Deployment", "StatefulSet")


@rule(
    "RP406",
    Severity.RISK,
    consequence="The kubelet, finding an empty runtime, starts them again: a job runs twice. The node's swap "
    "waits until they have ended, or is refused.",
    remedy="Let them end, or pause what starts them (suspend the CronJob), while the node is swapped.",
)
def pods_run_once_only(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Live pods with restartPolicy Never or OnFailure, by node."""
    if not uses_docker(snapshot):
        return
    drained = switched(snapshot)
    found: dict[str, list[str]] = defaultdict(list)
    for pod in uses(snapshot, lambda facts: facts.once_only):
        if pod.node in drained:
            found[pod.node].append(f"pod {pod.namespace}/{pod.name} ({pod.policy}) of {pod.owner}")
    for node, lines in sorted(found.items()):
        yield seen(f"Node {node}", *some(lines))


@rule(
    "RP407",
    Severity.RISK,
    consequence="Nobody makes them anew: the drain before the switch ends them for good.",
    remedy="Have their owners put them under a Deployment or a Job, or let the plan keep them in place.",
)
def pods_are_bare(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Pods without a controller, by namespace."""
    if uses_docker(snapshot):
        yield from _by_namespace(
            snapshot, lambda pod: f"pod {pod.name} on {pod.node}" if not pod.owner else ""
        )


@rule(
    "RP408",
    Severity.NOTE,
    consequence="What they keep in emptyDir is gone with the drain; what lies in a hostPath stays on this "
    "node, while the pod starts on another.",
    remedy="Ask their owners whether it is more than cache.",
)
def pods_have_local_data(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Pods with local storage, by namespace."""
    if uses_docker(snapshot):
        yield from _by_namespace(
            snapshot, lambda pod: (pod.owner or f"pod {pod.name}") if pod.local_storage else ""
        )


@rule(
    "RP409",
    Severity.RISK,
    consequence="It is away for as long as its pod takes to start elsewhere.",
    remedy="Tell their owners; more replicas and a budget where that matters.",
)
def workloads_are_single(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Deployments and StatefulSets with one replica whose pod is on a node to be switched, by namespace."""
    if not uses_docker(snapshot):
        return
    here = {(pod.namespace, pod.owner) for pod in drained_pods(snapshot)}
    found: dict[str, list[str]] = defaultdict(list)
    for workload in kubernetes(snapshot, lambda facts: facts.workloads):
        name = f"{workload.kind}/{workload.name}"
        if workload.kind in _REPLICATED and workload.replicas == 1 and (workload.namespace, name) in here:
            found[workload.namespace].append(f"{workload.kind} {workload.name}")
    for namespace, lines in sorted(found.items()):
        yield seen(f"namespace {namespace}", *some(lines))


@rule(
    "RP410",
    Severity.BLOCKER,
    consequence="The drain never ends: a node with a pod of it is not switched, and everything behind it "
    "waits.",
    remedy="Give the workload one replica more, or let the budget allow one pod to go.",
)
def budget_never_allows(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A PodDisruptionBudget that leaves no pod to evict, with a pod on a node to be switched."""
    if not uses_docker(snapshot):
        return
    budgets = kubernetes(snapshot, lambda facts: facts.disruption_budgets)
    pods = drained_pods(snapshot) if budgets else ()
    for budget in budgets:
        covered = sorted({pod.node for pod in pods if _covers(budget, pod)})
        if covered and _never(budget):
            bound = f"minAvailable {budget.min_available}" if budget.min_available else ""
            bound = bound or f"maxUnavailable {budget.max_unavailable}"
            yield seen(
                f"PodDisruptionBudget {budget.namespace}/{budget.name}",
                f"{bound}, {budget.expected_pods} pods",
                f"pods on {', '.join(covered)}",
            )


def _covers(budget: DisruptionBudget, pod: PodFact) -> bool:
    """policy/v1: an empty selector takes all pods of the namespace. Expressions may narrow it down, which
    errs on the safe side here."""
    alike = all(pod.labels.get(key) == value for key, value in budget.selector.items())
    return budget.namespace == pod.namespace and alike


def _never(budget: DisruptionBudget) -> bool:
    return never_allows(
        min_available=budget.min_available,
        max_unavailable=budget.max_unavailable,
        expected_pods=budget.expected_pods,
    )


def _by_namespace(snapshot: Snapshot, line: Callable[[PodFact], str]) -> Iterator[Sighting]:
    found: dict[str, set[str]] = defaultdict(set)
    for pod in drained_pods(snapshot):
        if text := line(pod):
            found[pod.namespace].add(text)
    for namespace, lines in sorted(found.items()):
        yield seen(f"namespace {namespace}", *some(lines))
