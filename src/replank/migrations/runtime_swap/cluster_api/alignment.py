"""From the facts of a cluster's objects of Cluster API to what is changed in them, and what is told.

What may change without a rollout (cluster-api v1.14.0):
- KCP compares each Machine's KubeadmConfig with its own configuration, and of the infrastructure the
  annotation cloned-from-name with the template's name, where both annotations are there
  (controlplane/kubeadm/pkg, filters.go). So all of them change at once, under a pause.
- A MachineDeployment compares its template with that of its MachineSet, references by name
  (core/reconcilers/machinedeployment/mdutil, MachineTemplateUpToDate). Both change at once; the webhook lets
  a MachineSet's template be edited (core/webhooks/admission/machineset.go). Machines are not compared.
- A KubeadmConfigTemplate is edited under its name (bootstrap/kubeadm/webhooks/admission lets it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.cluster_api.controlled import (
    BootstrapSpec,
    ClusterApiFacts,
    ControlledMachine,
    Keeper,
)
from replank.inventory.cluster_api.names import CONTROL_PLANE, CORE, INFRASTRUCTURE
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.cluster_api import told
from replank.migrations.runtime_swap.cluster_api.images import (
    NoSuchImage,
    has_image,
    image_named,
    new_template,
    template_of,
)
from replank.migrations.runtime_swap.cluster_api.registration import edits_of
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.plan.model import PlanFinding
from replank.plan.runtime_swap import Alignment, ClusterApiPart, PlannedEdit, PlannedTemplate

CLONED_AT: Final = "/metadata/annotations/cluster.x-k8s.io~1cloned-from-name"
_KCP_TEMPLATE: Final = "/spec/machineTemplate/spec/infrastructureRef/name"
_TEMPLATE: Final = "/spec/template/spec/infrastructureRef/name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """`part` None: the cluster is not under Cluster API, or it was not seen (which the audit tells)."""

    part: ClusterApiPart | None
    findings: tuple[PlanFinding, ...] = ()


def decide(snapshot: Snapshot, settings: RuntimeSwapSettings) -> Decided:
    """What is changed. Pure: the same snapshot and settings give the same."""
    runtimes = snapshot.runtimes
    facts = runtimes if isinstance(runtimes, Unknown) else runtimes.cluster_api
    if isinstance(facts, Unknown) or facts is None:
        if not settings.image:
            return Decided(part=None)
        return Decided(part=None, findings=(told.nobody_to_tell(snapshot.cluster, settings.image),))
    return _Decider(snapshot, facts, settings).decided()


class _Decider:
    def __init__(self, snapshot: Snapshot, facts: ClusterApiFacts, settings: RuntimeSwapSettings) -> None:
        self._snapshot, self._facts, self._settings = snapshot, facts, settings
        self._findings: list[PlanFinding] = []
        self._templates: dict[str, PlannedTemplate] = {}
        self._written: set[str] = set()

    def decided(self) -> Decided:
        self._choose_templates()
        alignments = [a for keeper in self._facts.keepers if (a := self._alignment(keeper)) is not None]
        used = {edit.becomes for alignment in alignments for edit in alignment.edits}
        if not any(edits_of(spec) for spec in self._facts.configurations):
            self._findings.append(told.registration_stays(self._snapshot.cluster, self._facts))
        if self._facts.pools:
            self._findings.append(told.pools_are_not_read(self._facts.pools))
        return Decided(
            part=ClusterApiPart(
                namespace=self._facts.namespace,
                version=self._facts.version,
                templates=tuple(t for _, t in sorted(self._templates.items()) if t.name in used),
                alignments=tuple(alignments),
            ),
            findings=tuple(self._findings),
        )

    def _choose_templates(self) -> None:
        """A new template for each old one that has another image, or why there is none."""
        facts, wanted = self._facts, self._settings.image
        for keeper in facts.keepers:
            if template_of(facts, keeper) is None:
                self._findings.append(told.unknown_template(keeper))
        seen = {k.infrastructure: t for k in facts.keepers if (t := template_of(facts, k)) is not None}
        if not wanted:
            self._findings += [told.old_image(t, _users(facts, key)) for key, t in sorted(seen.items())]
            return
        try:
            image, looked_up = image_named(self._snapshot, wanted)
        except NoSuchImage as error:
            self._findings.append(told.no_such_image(self._snapshot.cluster, wanted, str(error)))
            return
        if not looked_up:
            self._findings.append(told.image_not_looked_up(self._snapshot.cluster, wanted))
        for template in seen.values():
            if not has_image(template, image):
                to = f"containerd-{self._settings.to}"
                self._templates[template.name] = new_template(template, image, to)

    def _alignment(self, keeper: Keeper) -> Alignment | None:
        of = self._control_plane if keeper.kind == "KubeadmControlPlane" else self._deployment
        edits = tuple(of(keeper))
        if not edits:
            return None
        why = self._why_not(keeper, edits)
        if why:
            self._findings.append(told.not_aligned(keeper, edits, why))
            return None
        self._written |= {edit.object for edit in edits}
        sets = (f"MachineSet/{s}" for s in _sets(self._facts, keeper))
        return Alignment(keeper=keeper.key, pauses=(*sets, keeper.key), edits=edits)

    def _why_not(self, keeper: Keeper, edits: tuple[PlannedEdit, ...]) -> str:
        """Why replank leaves it, "" = it does not."""
        facts = self._facts
        if facts.topology:
            return f"ClusterClass {facts.topology} writes it anew"
        if facts.paused:
            return "its Cluster is paused, so nobody could see that nothing follows"
        if keeper.kind == "MachineDeployment" and not _sets(facts, keeper):
            return "it has no MachineSet with its template: it is not at rest"
        touched = {edit.object for edit in edits}
        kept = {f"{c.kind}/{c.name}": c.kept_by for c in facts.configurations}
        kept[keeper.key] = keeper.kept_by
        by = [f"{name} by {kept[name]}" for name in sorted(touched) if kept.get(name)]
        return f"kept from elsewhere: {', '.join(by)}" if by else ""

    def _control_plane(self, keeper: Keeper) -> Iterator[PlannedEdit]:
        """What is compared with it first, itself last."""
        planned = self._template(keeper)
        for machine in self._machines(keeper):
            if planned is not None and machine.cloned_from == planned.like:
                yield _renamed(machine.infrastructure, INFRASTRUCTURE, CLONED_AT, planned)
        for machine in self._machines(keeper):
            yield from self._configuration("KubeadmConfig", machine.config)
        yield from self._configuration("KubeadmControlPlane", keeper.name)
        if planned is not None:
            yield _renamed(keeper.key, CONTROL_PLANE, _KCP_TEMPLATE, planned)

    def _deployment(self, keeper: Keeper) -> Iterator[PlannedEdit]:
        planned = self._template(keeper)
        if planned is not None:
            for name in _sets(self._facts, keeper):
                yield _renamed(f"MachineSet/{name}", CORE, _TEMPLATE, planned)
            yield _renamed(keeper.key, CORE, _TEMPLATE, planned)
        yield from self._configuration("KubeadmConfigTemplate", keeper.bootstrap)
        for machine in self._machines(keeper):
            yield from self._configuration("KubeadmConfig", machine.config)

    def _template(self, keeper: Keeper) -> PlannedTemplate | None:
        return self._templates.get(keeper.infrastructure.partition("/")[2])

    def _machines(self, keeper: Keeper) -> list[ControlledMachine]:
        return [m for m in self._facts.machines if m.keeper == keeper.key and not m.deleting]

    def _configuration(self, kind: str, name: str) -> Iterator[PlannedEdit]:
        """Nothing where an earlier alignment has it: MachineDeployments may share a template."""
        spec = self._named(kind, name)
        if spec is not None and f"{kind}/{name}" not in self._written:
            yield from edits_of(spec)

    def _named(self, kind: str, name: str) -> BootstrapSpec | None:
        return next((c for c in self._facts.configurations if (c.kind, c.name) == (kind, name)), None)


def _sets(facts: ClusterApiFacts, keeper: Keeper) -> list[str]:
    if keeper.kind != "MachineDeployment":
        return []
    return [s.name for s in facts.sets if s.deployment == keeper.name]


def _users(facts: ClusterApiFacts, infrastructure: str) -> list[str]:
    return [k.key.replace("/", " ") for k in facts.keepers if k.infrastructure == infrastructure]


def _renamed(name: str, api_version: str, at: str, planned: PlannedTemplate) -> PlannedEdit:
    return PlannedEdit(object=name, api_version=api_version, at=at, was=planned.like, becomes=planned.name)
