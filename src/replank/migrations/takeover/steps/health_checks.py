"""Checks that Cluster API is content: infrastructure found, everything Available, nothing to be replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import CHILDREN_FIRST, Family, kind_in, look
from replank.migrations.takeover.steps.foreign import foreign_objects
from replank.migrations.takeover.steps.live_object import spec_of, status_of
from replank.migrations.takeover.steps.rollout import rollout_wish, unmet
from replank.migrations.takeover.vocabulary import JUDGED_BY_REPLANK, OWN_JUDGE
from replank.ports.access import Document

_JUDGED: Final = (
    "KubeadmControlPlane",
    "MachineDeployment",
    "MachineSet",
    "Machine",
    "KubeadmConfig",
    "OpenStackMachine",
)
_NOT_UPSTREAM: Final = (
    "that no machine would be replaced is the word of replank's own comparison, not of Cluster API's code "
    "(program replank-would-roll)"
)
_STOP: Final = "Undo the run: it pauses the Cluster first. Then compare the plan with what is live."


async def keep(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.keep`: no Machine would be replaced, as the controllers judge it.

    Judged are all of the cluster, whatever `machines` names. An object that is missing would be judged as
    kept (cluster-api v1.14.0, filters.go), so all must be there. `by` in the evidence: who judged. With
    `upstream` a pass that is not the word of upstream's own code needs an approval.
    """
    family = await look(at, _JUDGED)
    missing = [n for n in at.plan.manifests if kind_in(n) in _JUDGED and n not in family.objects]
    if missing:
        return failed(f"{', '.join(missing)} is not there, so nobody can judge", _STOP)
    judgement = await at.access.judge.judge(family.objects)
    if judgement.rolling:
        rolling = [f"{found.object}: {found.why}" for found in judgement.rolling]
        return failed(
            f"would be replaced: {'; '.join(rolling)}",
            "Do not unpause its owner. Undo the run and plan again.",
            by=judgement.by,
            rolling=list(rolling),
        )
    evidence = {"by": judgement.by, "judged": len(family.objects)}
    if params.get("upstream") is True and judgement.by == OWN_JUDGE:
        return Verdict(outcome="pass", why=_NOT_UPSTREAM, evidence=evidence, approval=JUDGED_BY_REPLANK)
    return Verdict(outcome="pass", evidence=evidence)


async def available(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.available`: Cluster, control plane and MachineDeployments are Available."""
    family = await look(at)
    wrong = [f"{name} is none of the plan" for name in foreign_objects(at.plan, family)]
    missing = []
    for name in at.plan.manifests:
        if kind_in(name) not in ("Cluster", "KubeadmControlPlane", "MachineDeployment"):
            continue
        document = family.objects.get(name)
        if document is None:
            wrong.append(f"{name} is not there")
            continue
        wrong += rollout_wish(document)
        missing += unmet(document, "Available")
    if wrong:
        return failed("; ".join(wrong), _STOP)
    return waiting("; ".join(missing)) if missing else passed()


async def infrastructure_ready(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.infrastructure-ready`: the OpenStackCluster is ready with the plan's network and
    load balancer, the Cluster knows it, and CAPO says no error about any of the cluster's objects."""
    kinds = [kind for kind in CHILDREN_FIRST if kind.startswith("OpenStack") or kind == "Cluster"]
    family = await look(at, kinds)
    name = key("OpenStackCluster", at.plan.cluster)
    found, cluster = family.objects.get(name), family.get("Cluster", at.plan.cluster)
    if found is None or cluster is None:
        return failed(f"{name if found is None else 'the Cluster'} is not there", _STOP)
    wrong = [*_network_faults(at, found), *_terminal_errors(family)]
    if wrong:
        return failed("; ".join(wrong), _STOP)
    missing = []
    initialization = status_of(found).get("initialization") or {}
    if not (status_of(found).get("ready") or initialization.get("provisioned")):
        missing.append(f"{name} is not ready yet")
    if not (status_of(cluster).get("initialization") or {}).get("infrastructureProvisioned"):
        missing.append("the Cluster does not know its infrastructure as provisioned yet")
    missing += _errors(family)
    if missing:
        return waiting("; ".join(missing))
    return passed(network=_id(status_of(found).get("network")))


def _network_faults(at: At, found: Document) -> Iterator[str]:
    planned = spec_of(at.plan.manifests[key("OpenStackCluster", at.plan.cluster)])
    wanted, seen = _id(planned.get("network")), _id(status_of(found).get("network"))
    if wanted and seen and wanted != seen:
        yield f"OpenStackCluster has network {seen}, the plan's is {wanted}"
    choice = at.plan.load_balancer
    balancer = _id(status_of(found).get("apiServerLoadBalancer"))
    if choice.mode == "managed" and balancer and balancer != choice.load_balancer_id:
        yield f"OpenStackCluster has load balancer {balancer}, the plan's is {choice.load_balancer_id}"


def _id(part: Any) -> str:
    return str(part.get("id") or "") if isinstance(part, Mapping) else ""


def _terminal_errors(family: Family) -> Iterator[str]:
    """What CAPO will not try again (v0.14.7, status.failureReason)."""
    for name, document in family.objects.items():
        status = status_of(document)
        if status.get("failureReason") or status.get("failureMessage"):
            yield f"{name}: {status.get('failureReason')}: {status.get('failureMessage')}"


def _errors(family: Family) -> Iterator[str]:
    """Conditions of CAPO's with severity Error (v1beta1 conditions)."""
    for name, document in family.objects.items():
        for said in status_of(document).get("conditions") or []:
            if said.get("status") == "False" and said.get("severity") == "Error":
                message = " ".join(str(said.get("message") or said.get("reason") or "").split())
                yield f"{name}: {said.get('type')}: {message[:300]}"
