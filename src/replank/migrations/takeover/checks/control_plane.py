"""The control plane as it runs: components, their files, and what differs between its machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import ReferencedFile, StaticPod
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.etcd import is_external
from replank.migrations.takeover.checks.look import control_planes, hosts, kubernetes, nodes, seen_hosts
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
OF_THE_MACHINE = frozenset({"advertise-address", "etcd-servers", "node-ip"})
"""Flags whose value is the machine's own."""


@rule(
    "RP223",
    Severity.NOTE,
    consequence="The keys in this file open every Secret in etcd. Lost or changed, those Secrets cannot "
    "be read any more.",
    remedy="Nothing to do: the plan carries the file by reference (contentFrom.secret), never inline. "
    "Mind key and key name.",
)
def secrets_are_encrypted(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Encryption at rest is in use."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.referenced_files)
    paths = {file.path for _, files in found for file in files if file.purpose == "encryption"}
    for path in sorted(paths):
        users = (m.name for m, files in found if any(f.path == path for f in files))
        yield seen(f"file {path}", *some(f"used by {name}" for name in users))
    if not paths and blind:
        yield unseen("encryption at rest", *(fact for _, fact in blind))


@rule(
    "RP224",
    Severity.BLOCKER,
    consequence="New control planes get the file of one machine: what another wrote with its own keys "
    "cannot be read there.",
    remedy="Make file and flag equal on all control planes (see the encryption guide: add, restart, "
    "rewrite) first.",
)
def encryption_differs(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Encryption at rest that is not the same on all control planes, as far as metadata tell."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.referenced_files)
    told = {machine.name: _encryption(files) for machine, files in found}
    if len(set(told.values())) > 1:
        lines = (f"{name}: {'; '.join(entries) or 'no encryption'}" for name, entries in told.items())
        yield seen("encryption at rest", *some(lines))
    elif blind:
        yield unseen("encryption at rest", *(fact for _, fact in blind))


def _encryption(files: Iterable[ReferencedFile]) -> tuple[str, ...]:
    """Path and size of each file. The content is never compared: replank does not read it."""
    wanted = (file for file in files if file.purpose == "encryption")
    return tuple(sorted(f"{f.path}, {f.file.size} bytes" if f.file else f.path for f in wanted))


@rule(
    "RP225",
    Severity.BLOCKER,
    consequence="The component does not start again without this file, and the plan cannot carry it to "
    "new machines.",
    remedy="Put the file back, or take the flag away.",
)
def referenced_file_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A flag points at a file that does not exist."""
    for machine, files in hosts(snapshot, lambda facts: facts.referenced_files):
        if isinstance(files, Unknown):
            yield unseen(f"files of {machine.name}", files)
            continue
        for file in files:
            if file.file is None:
                evidence = f"--{file.flag} of {file.component} points at it"
                yield seen(f"file {file.path} of {machine.name}", evidence)


@rule(
    "RP226",
    Severity.RISK,
    consequence="KCP has one content for all: new control planes get that of the machine that the plan "
    "names.",
    remedy="Make the files equal, or choose deliberately which one is right.",
)
def referenced_files_differ(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A file that a flag points at is not the same on all control planes. Encryption is RP224."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.referenced_files)
    told: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for machine, files in found:
        for file in files:
            if file.purpose != "encryption":
                told[file.component, file.flag][machine.name] = _traits(file)
    for (component, flag), by_machine in sorted(told.items()):
        absent = [machine.name for machine, _files in found if machine.name not in by_machine]
        if len(set(by_machine.values())) > 1 or absent:
            lines = [f"{name}: {traits}" for name, traits in by_machine.items()]
            lines += [f"{name}: no such flag" for name in absent]
            yield seen(f"--{flag} of {component}", *some(lines))
    for machine, fact in blind:
        yield unseen(f"files of {machine.name}", fact)


def _traits(file: ReferencedFile) -> str:
    if file.file is None:
        return f"{file.path} is missing"
    comparable = file.file.content not in ("", "secret")
    content = f"sha256 {file.file.content}" if comparable else f"{file.file.size} bytes"
    return f"{file.path}, {content}, mode {file.file.mode}, {file.file.owner}:{file.file.group}"


@rule(
    "RP227",
    Severity.RISK,
    consequence="KCP has one set of flags for all: the first rollout changes the machines that differ.",
    remedy="Make the flags equal, or choose deliberately which are right.",
)
def flags_differ(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A component has other flags on one control plane than on another."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.static_pods)
    for component in COMPONENTS:
        flags = {m.name: _flags(pods, component) for m, pods in found}
        names = sorted({name for per_machine in flags.values() for name in per_machine})
        lines = []
        for name in names:
            values = {machine: per_machine.get(name, "not set") for machine, per_machine in flags.items()}
            if len(set(values.values())) > 1:
                lines.append(f"--{name}: " + "; ".join(f"{m}: {v}" for m, v in values.items()))
        if lines:
            yield seen(component, *some(lines))
    for machine, fact in blind:
        yield unseen(f"manifests of {machine.name}", fact)


def _flags(pods: Iterable[StaticPod], component: str) -> dict[str, str]:
    values: dict[str, list[str]] = defaultdict(list)
    for pod in pods:
        for arg in pod.args if pod.component == component else ():
            if arg.name not in OF_THE_MACHINE:
                values[arg.name].append(arg.value)
    return {name: " and ".join(sorted(found)) for name, found in values.items()}


@rule(
    "RP230",
    Severity.BLOCKER,
    consequence="KCP looks for a ready pod `<component>-<Node>` on every control plane before it does "
    "anything, and the takeover's own checks would stop there.",
    remedy="Bring the component up on this machine before the takeover.",
)
def component_is_not_ready(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A control-plane component, or stacked etcd, that is absent or not ready on a control plane."""
    pods = kubernetes(snapshot, lambda facts: facts.control_plane_pods)
    ready = {(pod.component, pod.node): pod.ready for pod in pods}
    wanted: tuple[str, ...] = COMPONENTS
    if not is_external(snapshot):
        wanted = (*COMPONENTS, "etcd")
        etcd_pods = kubernetes(snapshot, lambda facts: facts.etcd_pods)
        ready |= {("etcd", pod.node): pod.ready for pod in etcd_pods}
    for _machine, node in nodes(snapshot, Role.CONTROL_PLANE):
        for component in wanted:
            if not ready.get((component, node.name), False):
                state = "is not ready" if (component, node.name) in ready else "does not exist"
                yield seen(f"{component} on {node.name}", f"pod kube-system/{component}-{node.name} {state}")


@rule(
    "RP231",
    Severity.RISK,
    consequence="A machine made by Cluster API is called by its host name in Kubernetes and etcd; tools "
    "and certificates that expect the old pattern meet another.",
    remedy="Look for what depends on Node names; the machines that run keep theirs.",
)
def hostname_is_not_the_node_name(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The host calls itself otherwise than Kubernetes calls the Node."""
    for machine, hostname in hosts(snapshot, lambda facts: facts.hostname):
        node = machine.node
        if isinstance(hostname, Unknown) or isinstance(node, Unknown):
            blind = [fact for fact in (hostname, node) if isinstance(fact, Unknown)]
            yield unseen(f"host {machine.name}", *blind)
        elif node and hostname.lower() != node.lower():
            yield seen(f"host {machine.name}", f"hostname {hostname}, Node {node}")


@rule(
    "RP240",
    Severity.BLOCKER,
    consequence="KCP does nothing while a control plane's Node is not Ready, and one more loss may cost "
    "etcd its quorum.",
    remedy="Bring the Node to Ready, or remove the machine properly, before the takeover.",
)
def control_plane_is_not_ready(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The Node of a control plane is not Ready."""
    missing = _without_node(snapshot)
    for machine in missing:
        if isinstance(machine.node, Unknown):
            yield unseen(f"Node of {machine.name}", machine.node)
    for _machine, node in nodes(snapshot, Role.CONTROL_PLANE):
        if not node.ready:
            yield seen(f"Node {node.name}", "its condition Ready is not True")


def _without_node(snapshot: Snapshot) -> list[LegacyMachine]:
    return [machine for machine in control_planes(snapshot) if not isinstance(machine.node, str)]
