"""etcd: KCP removes every member that has no Machine of its name."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import EtcdFacts, EtcdMember, StaticPod
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import control_planes, kubeadm, kubernetes, of_host, seen_hosts
from replank.migrations.takeover.checks.rule import Sighting, Unseen, rule, seen, some, unseen

DEFAULT_QUOTA_BYTES = 2 * 1024**3
"""etcd's `--quota-backend-bytes` where it is not set (etcd 3.5 and 3.6, server/storage/quota.go)."""
FULL_AT = 0.8


def is_external(snapshot: Snapshot) -> bool:
    """True if kubeadm-config names an external etcd. Raises `Unseen`."""
    return kubeadm(snapshot).etcd_external is not None


def etcd_members(snapshot: Snapshot) -> tuple[EtcdMember, ...]:
    """All members that any control plane lists, sorted by name. Raises `Unseen` if none lists any."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.etcd)
    members = {m.id: m for _, etcd in found if etcd for m in etcd.members}
    if not members:
        why = blind[0][1] if blind else Unknown("no control plane lists members of etcd")
        raise Unseen(why)
    return tuple(sorted(members.values(), key=lambda m: (m.name, m.id)))


def _node_names(snapshot: Snapshot) -> set[str]:
    """Node names of the control planes. Raises `Unseen` where one is unknown."""
    names = set()
    for machine in control_planes(snapshot):
        if isinstance(machine.node, Unknown):
            raise Unseen(machine.node)
        if machine.node:
            names.add(machine.node)
    return names


@rule(
    "RP201",
    Severity.BLOCKER,
    consequence="Nothing in Cluster API looks after these members: a rollout that replaces their machines "
    "destroys etcd.",
    remedy="Move etcd onto the control planes as kubeadm's stacked etcd (members named as the Nodes) "
    "before the takeover.",
)
def etcd_is_external(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """etcd outside kubeadm's static pods, as Kubespray installs it by default."""
    external = kubeadm(snapshot).etcd_external
    if external is not None:
        yield seen(
            "etcd", "kubeadm-config: etcd.external", *some(f"endpoint {e}" for e in external.endpoints)
        )
        return
    pods, _blind = seen_hosts(snapshot, lambda facts: facts.static_pods)
    without = [m.name for m, found in pods if found and all(pod.component != "etcd" for pod in found)]
    if without:
        yield seen("etcd", *some(f"{name} has no static pod of etcd" for name in without))


@rule(
    "RP202",
    Severity.BLOCKER,
    consequence="KCP looks for a Machine of each member's name. A member under another name counts as "
    "left over, and KCP removes it from etcd within seconds.",
    remedy="Remove and re-add each member under its Node's name, one at a time, before the takeover.",
)
def etcd_member_is_no_node(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A member whose name is not the name of a control plane's Node.

    KCP leaves the members of an external etcd alone (Cluster API v1.14.0, reconcileEtcdMembers).
    """
    if is_external(snapshot):
        return
    names = _node_names(snapshot)
    for member in etcd_members(snapshot):
        if member.name not in names:
            evidence = f"no control plane's Node is called {member.name!r}"
            yield seen(f"etcd member {member.name or member.id}", evidence, *some(f"Node {n}" for n in names))


@rule(
    "RP203",
    Severity.BLOCKER,
    consequence="KCP makes members and Machines equal: it removes a member without a Machine, and waits "
    "for ever for a Machine without a member.",
    remedy="Remove dead members, and let every control plane join etcd, before the takeover.",
)
def etcd_and_control_planes_differ_in_number(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Not one member for each control plane; an external etcd has as many as it likes."""
    if is_external(snapshot):
        return
    machines = control_planes(snapshot)
    members = etcd_members(snapshot)
    if len(members) != len(machines):
        evidence = f"{len(members)} members, {len(machines)} control planes"
        yield seen("etcd", evidence, *some(f"member {m.name or m.id}" for m in members))


@rule(
    "RP204",
    Severity.BLOCKER,
    consequence="KCP neither scales nor rolls out while a member is unhealthy, and with one member less "
    "etcd may lose its quorum at the first step.",
    remedy="Mend etcd first; `etcdctl endpoint health --cluster` tells which member.",
)
def etcd_is_unhealthy(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A control plane whose etcd says that it is not healthy, or that has none although etcd is stacked."""
    for machine in control_planes(snapshot):
        etcd = of_host(snapshot, machine, lambda facts: facts.etcd)
        subject = f"etcd on {machine.name}"
        if isinstance(etcd, Unknown):
            yield unseen(subject, etcd)
        elif etcd is not None and not etcd.healthy:
            yield seen(subject, "etcd reports that it is not healthy")


@rule(
    "RP205",
    Severity.BLOCKER,
    consequence="A learner is a join that failed half-way. KCP does nothing until it is gone.",
    remedy="Remove the learner with `etcdctl member remove`, or promote it if its machine is meant to stay.",
)
def etcd_has_a_learner(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A member that does not vote."""
    for member in etcd_members(snapshot):
        if member.learner:
            yield seen(f"etcd member {member.name or member.id}", f"member {member.id} is a learner")


@rule(
    "RP206",
    Severity.RISK,
    consequence="A new member must receive all of it before it votes, and a full database stops every write.",
    remedy="Compact and defragment etcd, and find out what fills it, before the first rollout.",
)
def etcd_is_nearly_full(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A database of more than four fifths of etcd's quota."""
    for machine in control_planes(snapshot):
        etcd = of_host(snapshot, machine, lambda facts: facts.etcd)
        pods = of_host(snapshot, machine, lambda facts: facts.static_pods)
        subject = f"etcd on {machine.name}"
        if isinstance(etcd, Unknown):
            yield unseen(subject, etcd)
        elif etcd is None:
            continue
        elif etcd.db_size_bytes is None:
            yield unseen(subject, Unknown("etcd did not tell the size of its database"))
        else:
            quota = _quota(() if isinstance(pods, Unknown) else pods)
            if etcd.db_size_bytes > FULL_AT * quota:
                yield seen(subject, f"database {etcd.db_size_bytes} bytes, quota {quota} bytes")


def _quota(pods: tuple[StaticPod, ...]) -> int:
    args = (a for pod in pods if pod.component == "etcd" for a in pod.args)
    told = [a.value for a in args if a.name == "quota-backend-bytes" and a.value.isdecimal()]
    return int(told[-1]) or DEFAULT_QUOTA_BYTES if told else DEFAULT_QUOTA_BYTES


@rule(
    "RP207",
    Severity.BLOCKER,
    consequence="The webhook of KubeadmControlPlane refuses an even number of replicas with stacked etcd.",
    remedy="Add or remove one control plane before the takeover.",
)
def control_planes_are_even(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """An even number of control planes with stacked etcd."""
    machines = control_planes(snapshot)
    if len(machines) % 2 == 0 and not is_external(snapshot):
        yield seen("control plane", f"{len(machines)} control planes", *some(m.name for m in machines))


@rule(
    "RP208",
    Severity.NOTE,
    consequence="While it is down or being replaced nobody can change or take over anything.",
    remedy="Consider three control planes; the takeover itself works with one.",
)
def control_plane_is_single(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """One control plane only."""
    machines = control_planes(snapshot)
    if len(machines) == 1:
        yield seen("control plane", f"{machines[0].name} is the only control plane")


@rule(
    "RP209",
    Severity.BLOCKER,
    consequence="There may be two etcd clusters, or one that is being changed: KCP would act on either list.",
    remedy="Compare `etcdctl member list` on each control plane and mend what differs.",
)
def etcd_member_lists_differ(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Control planes that list different members."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.etcd)
    lists = {machine.name: _members(etcd) for machine, etcd in found if etcd is not None}
    if len(set(lists.values())) > 1:
        yield seen("etcd", *some(f"{name} lists {', '.join(ids)}" for name, ids in lists.items()))
    elif blind:
        yield unseen("etcd", *(fact for _, fact in blind))


def _members(etcd: EtcdFacts) -> tuple[str, ...]:
    return tuple(sorted(f"{member.name or 'unnamed'} ({member.id})" for member in etcd.members))


@rule(
    "RP229",
    Severity.BLOCKER,
    consequence="KCP does not see these pods, so the control plane never becomes healthy for it: no "
    "scaling, no rollout.",
    remedy="Give the static pod manifests kubeadm's labels (`tier: control-plane`, `component: <name>`).",
)
def static_pods_lack_labels(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A mirror pod of a component without kubeadm's labels."""
    found = [(p.pod, p.labels_ok) for p in kubernetes(snapshot, lambda facts: facts.control_plane_pods)]
    found += [(p.pod, p.labels_ok) for p in kubernetes(snapshot, lambda facts: facts.etcd_pods)]
    for pod, labels_ok in sorted(found):
        if not labels_ok:
            yield seen(
                f"pod kube-system/{pod}", "it lacks the label tier or component as kubeadm writes them"
            )
