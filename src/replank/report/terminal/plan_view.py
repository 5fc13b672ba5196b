"""A plan for the review in the terminal: the verdict first, then what an engineer would ask."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from replank.plan.takeover import BrokenReference, MachineGroup, PlannedMachine, TakeoverPlan
from replank.report.forgetting import BlockText, ForgetTexts, forget_texts
from replank.report.headline import headline, owned_alike, settings_words, what_changes, what_stays
from replank.report.terminal.findings import findings_by_severity, plan_blockers
from replank.report.terminal.layout import bullets, labelled, say, section, table
from replank.report.terminal.steps import points_section, stages_section
from replank.report.words import count, kind_word, listed, owner_word, sentence, short_id


def plan_view(plan: TakeoverPlan) -> RenderableType:
    """Everything a reviewer needs but the manifests themselves."""
    return Group(
        _top(plan),
        plan_blockers(plan),
        section("What changes", bullets(what_changes(plan))),
        section("What stays", bullets(what_stays(plan))),
        points_section(plan),
        _machines(plan),
        _load_balancer(plan),
        _ownership(plan),
        _forget(plan),
        stages_section(plan),
        _secrets(plan),
        findings_by_severity(plan.findings, blockers=False),
        _footer(plan),
    )


def _top(plan: TakeoverPlan) -> Group:
    h = headline(plan)
    return Group(
        say(f"{plan.cluster}: takeover by Cluster API, in place", "bold"),
        say(
            f"Kubernetes {plan.kubernetes_version}, Cluster API {plan.targets.cluster_api}, "
            f"CAPO {plan.targets.capo}, namespace {plan.namespace}",
            "dim",
        ),
        Text(""),
        Text.assemble(
            (f"{h.verdict.upper()}. ", "bold green" if h.ready else "bold red"), say(h.because).plain
        ),
    )


def _machines(plan: TakeoverPlan) -> Group:
    """Machines by group, each group with what is not alike in it."""
    parts: list[RenderableType] = []
    for group in plan.groups:
        kind = "KubeadmControlPlane" if group.role == "control-plane" else "MachineDeployment"
        members = [machine for machine in plan.machines if machine.machine in group.machines]
        title = Text.assemble(
            (say(f"{kind} {group.name}").plain, "bold"), f", {count(len(group.machines), 'Machine')}"
        )
        parts += [
            title,
            Padding(say(sentence(group.why), "dim"), (0, 0, 0, 2)),
            Padding(_table(members), (0, 0, 0, 2)),
        ]
        if group.differences:
            parts.append(Padding(bullets(_differences(group), mark="!"), (0, 0, 0, 2)))
        parts.append(Text(""))
    grouped = {name for group in plan.groups for name in group.machines}
    if rest := [machine for machine in plan.machines if machine.machine not in grouped]:
        parts += [say("In no group", "bold"), Padding(_table(rest), (0, 0, 0, 2)), Text("")]
    return section(f"Machines and their groups ({len(plan.machines)})", *parts[:-1])


def _differences(group: MachineGroup) -> list[str]:
    """One line for all machines that differ alike."""
    alike: dict[str, list[str]] = {}
    for d in group.differences:
        says = f"in {d.field}: {d.has}, not {d.template}. {sentence(d.at_next_rollout)}"
        alike.setdefault(says, []).append(d.machine)
    return [
        f"{listed(machines)} {'differs' if len(machines) == 1 else 'differ'} {says}"
        for says, machines in alike.items()
    ]


def _table(machines: list[PlannedMachine]) -> Table:
    rows = [(m.machine, _server(m), m.version, m.failure_domain, _ports(m)) for m in machines]
    return table(("Machine", "Server, Node", "Version", "Zone", "Ports"), rows)


def _server(machine: PlannedMachine) -> str:
    lines = [short_id(machine.server_id)]
    if machine.server_name != machine.machine:
        lines.append(f"named {machine.server_name}")
    if machine.rename_server_to:
        lines.append(f"RENAMED to {machine.rename_server_to}")
    if machine.node != machine.machine:
        lines.append(f"Node {machine.node}")
    return "\n".join(lines)


def _ports(machine: PlannedMachine) -> str:
    return "\n".join(
        f"{port.new} (kept)" if port.old == port.new else f"{port.old or '(unnamed)'} -> {port.new}"
        for port in machine.ports
    )


def _load_balancer(plan: TakeoverPlan) -> Group:
    choice = plan.load_balancer
    return section(
        "Load balancer of the API",
        labelled(
            [
                ("mode", choice.mode),
                ("endpoint", choice.endpoint or "unknown"),
                (
                    "load balancer",
                    choice.load_balancer_id or ("none" if choice.mode == "none" else "not seen"),
                ),
                ("why", sentence(choice.why)),
            ]
        ),
    )


def _ownership(plan: TakeoverPlan) -> Group:
    rows = [
        (
            count(len(row.resources), kind_word(row.kind)),
            owner_word(row.before),
            say(owner_word(row.after), "" if row.before == row.after else "bold"),
            _few([o.name or short_id(o.id) for o in row.resources]),
        )
        for row in owned_alike(plan)
    ]
    if not rows:
        return Group()
    return section("Who owns what", table(("Resource", "Now", "After", "Names"), rows))


def _few(names: list[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _forget(plan: TakeoverPlan) -> Group:
    if not plan.forget:
        return Group()
    by_command = sum(len(texts.state_rm_addresses) for texts in forget_texts(plan))
    by_block = len(plan.forget) - by_command
    says = []
    if by_block:
        says.append(f"{count(by_block, 'resource')} by `removed` blocks with `destroy = false`")
    if by_command:
        says.append(f"{by_command} by `terraform state rm`")
    return section(
        f"Terraform must forget ({len(plan.forget)})",
        say(
            f"{listed(says)}. Their configuration must go too, or the next apply makes duplicates. "
            "`replank show PLAN --forget DIR` writes the files."
        ),
        *(part for texts in forget_texts(plan) for part in _state(texts)),
    )


def _state(texts: ForgetTexts) -> list[RenderableType]:
    """Blocks and references of one state."""
    folder = texts.let_go.folder
    where = f"configuration in {folder}" if folder else "configuration not seen"
    parts: list[RenderableType] = [
        say(f"{texts.state}: {where}", "dim"),
        bullets(_few_lines([_block(block) for block in texts.blocks], "blocks")),
    ]
    if texts.references:
        parts += [
            say(f"{count(len(texts.references), 'reference')} to them would break:"),
            bullets(_few_lines([_reference(r) for r in texts.references], "references")),
        ]
    if texts.let_go.unread:
        parts.append(bullets([f"not read: {text}" for text in texts.let_go.unread], mark="!"))
    return parts


def _block(block: BlockText) -> str:
    makes = f"{block.address} ({count(block.resources, 'resource')})"
    if block.keep:
        return f"{block.place} must stay: {makes}; {block.keep}"
    return f"{block.place or 'not seen'}  {makes}"


def _reference(reference: BrokenReference) -> str:
    instead = f"put {reference.put}" if reference.put else reference.why
    return f"{reference.file}:{reference.line} {reference.inside}: {reference.mentions}; {instead}"


def _few_lines(lines: list[str], what: str, most: int = 12) -> list[str]:
    more = f"and {len(lines) - most} more {what}: --forget, --html or the plan file"
    return [*lines[:most], more] if len(lines) > most else lines


def _secrets(plan: TakeoverPlan) -> Group:
    rows = []
    for secret in plan.secrets:
        for key, source in secret.data.items():
            where = ":".join(part for part in (source.machine, source.path) if part)
            text = where or source.source.replace("-", " ")
            rows.append((secret.name, key, f"{text}{f' ({source.says})' if source.says else ''}"))
    if not rows:
        return Group()
    return section("Secrets, by reference", table(("Secret", "Key", "Comes from, when applied"), rows))


def _footer(plan: TakeoverPlan) -> Group:
    return section(
        "Made from",
        labelled(
            [
                ("snapshot", f"sha256 {plan.snapshot_sha256}"),
                ("made by", plan.made_by),
                ("settings", _settings(plan)),
            ]
        ),
    )


def _settings(plan: TakeoverPlan) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings_words(plan.settings)) or "defaults"
