"""Finds the CustomResourceDefinitions that a plan's manifests are held against."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from replank.app.store import read_file
from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import ClusterConfig, ManagementTarget
from replank.plan.schemas import SchemaProblem, kinds_without_schema, rules_not_evaluated, validate
from replank.plan.takeover import TakeoverPlan


@dataclass(frozen=True, slots=True)
class CrdSource:
    """CRDs and where they came from; or none, and why."""

    source: str
    crds: tuple[Mapping[str, Any], ...]
    why_none: str = ""


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """The outcome. `left_out`: code and words for what was not validated."""

    source: str
    problems: tuple[SchemaProblem, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def crds_of_folder(folder: Path) -> CrdSource:
    """All CustomResourceDefinitions in YAML files below `folder`. Raises `Refused` RP072 without one."""
    import yaml

    # libyaml is ten times as quick, and optional: upstream's CRDs are 50,000 lines.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Mapping[str, Any]] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml")):
        try:
            documents = list(yaml.load_all(read_file(path, what="A CRD file"), loader))
        except yaml.YAMLError as error:
            raise Refused(
                "RP072",
                "A CRD file is no YAML",
                str(error).splitlines()[0],
                "Mend or remove it.",
                where=str(path),
            ) from error
        found += [d for d in documents if isinstance(d, dict) and d.get("kind") == "CustomResourceDefinition"]
    if not found:
        raise Refused(
            "RP072",
            "There are no CustomResourceDefinitions",
            f"no YAML file below {folder} holds one",
            "Name the folder of the providers' CRDs with --crds.",
        )
    return CrdSource(str(folder), tuple(found))


def crds_of_management(config: ClusterConfig) -> CrdSource:
    """Those that the management cluster serves; none, with the reason, if it cannot be reached."""
    target = config.management
    if target.kubeconfig is None:
        why = "fleet.yaml names no kubeconfig of a management cluster, and --crds was not given"
        return CrdSource("", (), why)
    return _served(replace(target, namespace=""))


@cache
def _served(target: ManagementTarget) -> CrdSource:
    """Asked once, however many clusters go to one management cluster."""
    from replank.transports.kubernetes.management import KubernetesManagementReader

    try:
        crds = asyncio.run(KubernetesManagementReader().crds(target))
    except ReplankError as error:
        return CrdSource("", (), error.reason)
    return CrdSource("the management cluster", tuple(crds))


def check_manifests(plan: TakeoverPlan, source: CrdSource) -> SchemaCheck:
    """Holds every manifest of the plan against the CRDs."""
    if not source.crds:
        return SchemaCheck("", (), (("RP070", f"The manifests were NOT validated: {source.why_none}."),))
    rules = rules_not_evaluated(plan.manifests, source.crds)
    why = f"{rules} CEL rules were not evaluated: only an API server does (`kubectl apply --dry-run=server`)."
    left_out = [("RP074", why)] if rules else []
    if open_kinds := kinds_without_schema(plan.manifests, source.crds):
        kinds = ", ".join(open_kinds)
        left_out.append(("RP070", f"NOT validated, for the CRDs of {source.source} take anything: {kinds}."))
    return SchemaCheck(source.source, validate(plan.manifests, source.crds), tuple(left_out))
