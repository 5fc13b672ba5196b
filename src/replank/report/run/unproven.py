"""What the report does not prove. A reader must not take silence for a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replank.plan.model import Plan
from replank.probe.judge import ProbeResult
from replank.report.run.model import Identity, StageReport
from replank.report.words import count, listed


def unproven(
    plan: Plan, stages: Sequence[StageReport], seen: Sequence[Identity], probe: ProbeResult | None
) -> tuple[str, ...]:
    """One sentence a gap in the proof."""
    return (
        *_probe(probe),
        *_gates(stages),
        *_identities(seen),
        *_judged(stages),
        *_undo(stages),
        *_not_reached(stages),
        *_findings(plan),
    )


def _probe(probe: ProbeResult | None) -> Iterator[str]:
    if probe is None:
        yield "No probe watched the cluster: this run proves nothing about downtime."
        return
    if not probe.complete:
        yield "The probes were ended before they were told to: nobody looked after that."
    for target in probe.targets:
        if target.outcome == "inconclusive":
            yield f"Probe {target.name} is inconclusive: {target.why}."
        elif target.stats.unknown:
            unknown = count(target.stats.unknown, "sample")
            yield f"Probe {target.name}: {unknown} of {target.stats.samples} are Unknown (within the limits)."


def _gates(stages: Sequence[StageReport]) -> Iterator[str]:
    for stage in stages:
        for step in stage.steps:
            if step.status != "done":
                continue
            for gate in step.gates:
                if gate.outcome != "pass":
                    yield f"Check {gate.when} step {step.id} has no pass in the journal: {gate.says}"


def _identities(seen: Sequence[Identity]) -> Iterator[str]:
    for kind in ("server", "port"):
        blind = [i.name_after or i.id for i in seen if i.kind == kind and i.same is None]
        if blind:
            shown = listed([*blind[:5], f"{len(blind) - 5} more"] if len(blind) > 5 else blind)
            yield f"No check has compared the IDs of {count(len(blind), kind)} since: {shown}."


def _judged(stages: Sequence[StageReport]) -> Iterator[str]:
    """Where upstream's own code could not judge."""
    for stage in stages:
        for step in stage.steps:
            for gate in step.gates:
                if gate.outcome == "pass" and gate.evidence.get("by") == "replank":
                    yield (
                        f"Check {gate.when} step {step.id} was judged by replank's own comparison, not by "
                        "Cluster API's code."
                    )


def _undo(stages: Sequence[StageReport]) -> Iterator[str]:
    undone = sum(1 for stage in stages for step in stage.steps if step.status == "undone")
    if undone:
        yield (
            f"An undo has no checks of its own: of {count(undone, 'undone step')} the report shows what the "
            "systems answered and the receipts. IDs were compared last before it began."
        )


def _not_reached(stages: Sequence[StageReport]) -> Iterator[str]:
    open_ = [stage.title for stage in stages if stage.status == "pending"]
    if open_:
        yield f"Not begun: {listed(open_)}."


def _findings(plan: Plan) -> Iterator[str]:
    for finding in plan.findings:
        if finding.unknown:
            why = f": {finding.evidence[0]}" if finding.evidence else ""
            yield f"{finding.code} {finding.subject} could not be checked when it was planned{why}."
