"""Workloads: what a drain meets. A takeover drains nothing, the first rollout drains every machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.inventory.disruption import never_allows
from replank.inventory.facts.kubernetes import DisruptionBudget, PodFact, Webhook
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import kubernetes
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some

# Owners whose pods a drain leaves alone or which come back by themselves on the next Node.
STAYING_OWNERS = ("DaemonSet", "Node")
REPLICATED = ("Deployment", "StatefulSet")
LOCAL_DRIVERS = (
    "local",
    "hostPath",
    "kubernetes.io/local-volume",
    "rancher.io/local-path",
    "openebs.io/local",
)
DONE = ("Succeeded", "Failed")


def _drained(snapshot: Snapshot) -> list[PodFact]:
    """Pods that a drain evicts, sorted."""
    pods = kubernetes(snapshot, lambda facts: facts.pods)
    left = [p for p in pods if p.owner.partition("/")[0] not in STAYING_OWNERS and p.phase not in DONE]
    return sorted(left, key=lambda p: (p.namespace, p.name))


def _covers(budget: DisruptionBudget, pod: PodFact) -> bool:
    """policy/v1: an empty selector takes all pods of the namespace."""
    alike = all(pod.labels.get(key) == value for key, value in budget.selector.items())
    return budget.namespace == pod.namespace and alike


def _never_allows(budget: DisruptionBudget) -> bool:
    return never_allows(
        min_available=budget.min_available,
        max_unavailable=budget.max_unavailable,
        expected_pods=budget.expected_pods,
    )


@rule(
    "RP330",
    Severity.RISK,
    consequence="No pod it covers can ever be evicted: a rollout waits at the first machine, without a "
    "time limit by default.",
    remedy="Give the workload one replica more, or let the budget allow one pod to go.",
)
def budget_never_allows(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A PodDisruptionBudget that leaves no pod to evict, whatever the state of its pods."""
    for budget in kubernetes(snapshot, lambda facts: facts.disruption_budgets):
        if _never_allows(budget):
            bound = f"minAvailable {budget.min_available}" if budget.min_available else ""
            bound = bound or f"maxUnavailable {budget.max_unavailable}"
            evidence = f"{bound}, {budget.expected_pods} pods"
            yield seen(f"PodDisruptionBudget {budget.namespace}/{budget.name}", evidence)


@rule(
    "RP331",
    Severity.NOTE,
    consequence="Pods it covers cannot be evicted until more of them are ready.",
    remedy="Find out why they are not; a rollout would wait here.",
)
def budget_allows_none_now(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A PodDisruptionBudget that allows no disruption at the moment."""
    for budget in kubernetes(snapshot, lambda facts: facts.disruption_budgets):
        if budget.expected_pods and not budget.disruptions_allowed and not _never_allows(budget):
            evidence = f"disruptionsAllowed 0 of {budget.expected_pods} pods"
            yield seen(f"PodDisruptionBudget {budget.namespace}/{budget.name}", evidence)


@rule(
    "RP332",
    Severity.RISK,
    consequence="Each of them is down for as long as its pod takes to start elsewhere, once for every drain.",
    remedy="Tell their owners before the first rollout; more replicas and a budget where that matters.",
)
def workloads_are_single(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Deployments and StatefulSets with one replica, by namespace."""
    found: dict[str, list[str]] = defaultdict(list)
    for workload in kubernetes(snapshot, lambda facts: facts.workloads):
        if workload.kind in REPLICATED and workload.replicas == 1:
            found[workload.namespace].append(f"{workload.kind} {workload.name}")
    for namespace, lines in sorted(found.items()):
        yield seen(f"namespace {namespace}", *some(lines))


@rule(
    "RP333",
    Severity.RISK,
    consequence="Nobody makes them anew: a drain ends them for good.",
    remedy="Have their owners put them under a Deployment or a Job.",
)
def pods_are_bare(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Pods without a controller, by namespace."""
    found: dict[str, list[str]] = defaultdict(list)
    for pod in _drained(snapshot):
        if not pod.owner:
            found[pod.namespace].append(f"pod {pod.name} on {pod.node}")
    for namespace, lines in sorted(found.items()):
        yield seen(f"namespace {namespace}", *some(lines))


@rule(
    "RP334",
    Severity.NOTE,
    consequence="What they keep in emptyDir or on the machine's disk is gone with the drain or with the "
    "machine.",
    remedy="Ask their owners whether it is more than cache.",
)
def pods_have_local_storage(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Pods with local storage that a drain evicts, by namespace."""
    found: dict[str, set[str]] = defaultdict(set)
    for pod in _drained(snapshot):
        if pod.local_storage:
            found[pod.namespace].add(pod.owner or f"pod {pod.name}")
    for namespace, lines in sorted(found.items()):
        yield seen(f"namespace {namespace}", *some(lines))


@rule(
    "RP336",
    Severity.RISK,
    consequence="A drain may take all of their pods at once: replicas alone do not keep a service up.",
    remedy="Have their owners add a PodDisruptionBudget before the first rollout.",
)
def budgets_are_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Replicated workloads without a PodDisruptionBudget, by namespace."""
    budgets = kubernetes(snapshot, lambda facts: facts.disruption_budgets)
    pods: dict[tuple[str, str], list[PodFact]] = defaultdict(list)
    for pod in _drained(snapshot):
        pods[pod.namespace, pod.owner].append(pod)
    found: dict[str, list[str]] = defaultdict(list)
    for workload in kubernetes(snapshot, lambda facts: facts.workloads):
        own = pods[workload.namespace, f"{workload.kind}/{workload.name}"]
        covered = any(_covers(budget, pod) for budget in budgets for pod in own)
        if workload.kind in REPLICATED and workload.replicas > 1 and own and not covered:
            found[workload.namespace].append(f"{workload.kind} {workload.name}, {workload.replicas} replicas")
    for namespace, lines in sorted(found.items()):
        yield seen(f"namespace {namespace}", *some(lines))


@rule(
    "RP337",
    Severity.RISK,
    consequence="While its pod moves, the API refuses what the webhook guards; if that is pods or Nodes, "
    "a drain or a join stops itself.",
    remedy="Spread the webhook's pods over two Nodes at least, with a budget, or let it fail open.",
)
def webhook_stands_on_one_node(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A webhook with failurePolicy Fail whose service has pods on fewer than two Nodes."""
    pods = kubernetes(snapshot, lambda facts: facts.pods)
    for webhook in kubernetes(snapshot, lambda facts: facts.webhooks):
        kind, _space, target = webhook.target.partition(" ")
        if webhook.failure_policy != "Fail" or kind != "service":
            continue
        behind = _behind(target, pods)
        running = sorted({pod.node for pod in behind if pod.node and pod.ready})
        if len(running) < 2:
            where = f"its pods run on {running[0]} only" if running else "no ready pod of it was found"
            yield seen(_name(webhook), f"{webhook.target}: {where}", *some(webhook.resources))


def _behind(service: str, pods: tuple[PodFact, ...]) -> list[PodFact]:
    """Pods that may stand behind `namespace/name`: those of owners called alike, else all of the namespace.

    A service's selector is not in the snapshot, so this errs on the side of more pods.
    """
    namespace, _slash, name = service.partition("/")
    local = [p for p in pods if p.namespace == namespace and p.phase not in DONE]
    alike = [
        p
        for p in local
        if (owner := p.owner.partition("/")[2]) and (owner.startswith(name) or name.startswith(owner))
    ]
    return alike or local


def _name(webhook: Webhook) -> str:
    return f"{webhook.kind} webhook {webhook.configuration}/{webhook.name}"


@rule(
    "RP338",
    Severity.RISK,
    consequence="Pods that use it can run on one machine only: when that is replaced, they hang and their "
    "data is gone.",
    remedy="Move the data to Cinder volumes, or keep such machines out of rollouts.",
)
def volume_is_local(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A PersistentVolume on a machine's own disk."""
    for volume in kubernetes(snapshot, lambda facts: facts.persistent_volumes):
        if volume.driver in LOCAL_DRIVERS and volume.phase in ("", "Bound"):
            yield seen(f"PersistentVolume {volume.name}", f"driver {volume.driver}", f"claim {volume.claim}")
