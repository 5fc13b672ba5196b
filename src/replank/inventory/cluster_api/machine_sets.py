"""Which MachineSets of a MachineDeployment would be scaled down for another one.

Source: cluster-api v1.14.0, core/reconcilers/machinedeployment (getAndAdoptMachineSetsForDeployment) and
mdutil (MachineTemplateUpToDate, FindNewAndOldMachineSets). Single Machines are never compared.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from replank.domain.errors import Refused
from replank.inventory.cluster_api.object_meta import controlled_by, labels, moment, owner_uid
from replank.inventory.label_selector import OPERATORS, selects

Document = Mapping[str, Any]


def sets_to_replace(
    name: str, deployment: Document, sets: Mapping[str, Document], now: float
) -> Iterator[tuple[str, str]]:
    """`Kind/name` and why. `sets`: all MachineSets by name. `now`: seconds since 1970. Raises `Refused`."""
    selector = deployment["spec"].get("selector") or {}
    mine = {
        key: found
        for key, found in sets.items()
        if controlled_by(found, deployment)
        or (owner_uid(found) is None and _selected(selector, labels(found), name))
    }
    if not mine:
        _selected(selector, {}, name)
        yield f"MachineDeployment/{name}", "it has no MachineSet: it would make one, with new Machines"
        return
    kept, why = _kept(deployment, mine, now)
    for key, found in mine.items():
        if key != kept and found["spec"].get("replicas") != 0:
            reasons = template_differences(found, deployment)
            yield f"MachineSet/{key}", "; ".join(reasons) or why


def template_differences(machine_set: Document, deployment: Document) -> list[str]:
    """Why the MachineSet's template is another one; labels, annotations, timeouts and taints do not count."""
    has, wants = (_template(document) for document in (machine_set, deployment))
    return [
        f"the template's {field} is another one than the MachineDeployment's"
        for field in ("version", "bootstrap", "infrastructureRef", "failureDomain")
        if has[field] != wants[field]
    ]


def _template(document: Document) -> dict[str, Any]:
    spec = (document["spec"].get("template") or {}).get("spec") or {}
    bootstrap = spec.get("bootstrap") or {}
    return {
        "version": spec.get("version") or "",
        # dataSecretName is a pointer: an empty one is not the same as none.
        "bootstrap": (_reference(bootstrap.get("configRef")), bootstrap.get("dataSecretName")),
        "infrastructureRef": _reference(spec.get("infrastructureRef")),
        "failureDomain": spec.get("failureDomain") or "",
    }


def _reference(reference: Mapping[str, str] | None) -> tuple[str, ...]:
    return tuple((reference or {}).get(key) or "" for key in ("apiGroup", "kind", "name"))


def _kept(deployment: Document, sets: Mapping[str, Document], now: float) -> tuple[str, str]:
    """The name of the MachineSet that stays ("" = none), and why others go."""
    ordered = sorted(sets.items(), key=functools.cmp_to_key(_more_replicas))
    alike = [(key, found) for key, found in ordered if not template_differences(found, deployment)]
    after = moment((deployment["spec"].get("rollout") or {}).get("after"))
    if after is not None and now >= after:
        alike = [(key, found) for key, found in alike if _created(found) >= after]
    if not alike:
        return "", "no MachineSet was made after rollout.after: a new one would be"
    return alike[0][0], f"MachineSet {alike[0][0]} is kept instead"


def _more_replicas(one: tuple[str, Document], other: tuple[str, Document]) -> int:
    """MachineSetsByDecreasingReplicas: replicas, then age, then name; without replicas last."""
    has, had = one[1]["spec"].get("replicas"), other[1]["spec"].get("replicas")
    if has is None or had is None:
        return (has is None) - (had is None)
    mine, theirs = (-has, _created(one[1]), one[0]), (-had, _created(other[1]), other[0])
    return (mine > theirs) - (mine < theirs)


def _created(document: Document) -> float:
    found = moment(document["metadata"].get("creationTimestamp"))
    return float("-inf") if found is None else found


def _selected(selector: Mapping[str, Any], has: Mapping[str, str], name: str) -> bool:
    """Whether a label selector takes the labels. Raises `Refused` for an empty or unknown one."""
    terms = selector.get("matchExpressions") or []
    empty = not (selector.get("matchLabels") or terms)
    if empty or any(term.get("operator") not in OPERATORS for term in terms):
        raise Refused(
            "RP917",
            f"MachineDeployment {name} cannot be judged",
            "its selector is empty or holds an operator that is not known",
            "Correct the selector; Cluster API's controller cannot use it either.",
        )
    return selects(selector, has)
