"""`kubernetes.secret.write`: a Secret of the plan, and the swap of CAPO's credential in it.

A Secret that is there with other content is never written over: it may hold the only copy of somebody's CA.
The one exception is CAPO's credential, which the settle stage swaps and its undo swaps back.
"""

from __future__ import annotations

from replank.domain.errors import Refused
from replank.domain.verdict import Verdict
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.application_credential import ensured
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.credential_checks import refused_writes
from replank.migrations.takeover.steps.live_object import labels_of, uid_of, version_of
from replank.migrations.takeover.steps.planned import secret_of, secret_ref
from replank.migrations.takeover.steps.secret_content import (
    Data,
    differing,
    digests,
    document_of,
    encoded,
    seen,
    wanted,
)
from replank.plan.parameters import found_before, optional, text, texts
from replank.plan.takeover import SecretPlan
from replank.ports.access import Document, ObjectRef


class SecretWrite:
    """Made, or found the same, or refused. With `credential` in the parameters: swapped."""

    async def found(self, at: At) -> JSON:
        live = await at.access.management.get(_ref(at))
        return seen(live) if live is not None else None

    async def apply(self, at: At) -> JSON:
        plan, credential = _plan(at), optional(at.step.params, "credential")
        live = await at.access.management.get(_ref(at))
        data = await wanted(at, plan, credential=credential, live=live)
        done = await _written(at, plan, data, live, swap=bool(credential))
        return {"secret": plan.name, "did": done, "digests": digests(data)}

    async def undo(self, at: At) -> JSON:
        if optional(at.step.params, "credential"):
            return await _swapped_back(at)
        live = await at.access.management.get(_ref(at))
        if live is None:
            return {"secret": _ref(at).name, "did": "nothing: it is not there"}
        if at.before is None:
            await at.access.management.delete(_ref(at), uid=uid_of(live))
            return {"secret": _ref(at).name, "did": "deleted"}
        return await _labels_back(at, live)


async def _written(at: At, plan: SecretPlan, data: Data, live: Document | None, *, swap: bool) -> str:
    if live is None:
        await at.access.management.create(document_of(plan, data))
        return "made"
    why = differing(live, plan, data)
    missing = {key: value for key, value in plan.labels.items() if labels_of(live).get(key) != value}
    if why and not (swap and live.get("type") == plan.type):
        raise Refused(
            "RP876",
            f"Secret {plan.namespace}/{plan.name} is there with other content",
            why,
            "Find out whose it is. If nobody needs it, remove it and go on; it is never written over.",
        )
    if not why and not missing:
        return "nothing: it is there already"
    patch: Document = {"metadata": {"labels": missing}} if missing else {}
    if why:
        patch["data"] = encoded(data)
    await at.access.management.merge(_ref(at), patch, resource_version=version_of(live))
    return "swapped" if why else "labelled"


async def _swapped_back(at: At) -> JSON:
    """The reading credential, made anew where the takeover has revoked it, and proved before it is used."""
    plan, name = _plan(at), text(at.step.params, "back")
    credential = await ensured(at, name, texts(at.step.params, "back_roles"))
    proof = await refused_writes(at, credential)
    if proof.outcome != "pass":
        raise _not_fenced(name, proof)
    live = await at.access.management.get(_ref(at))
    data = await wanted(at, plan, credential=name, live=live)
    done = await _written(at, plan, data, live, swap=True)
    return {"secret": plan.name, "did": done, "credential": credential.id}


async def _labels_back(at: At, live: Document) -> JSON:
    """It was there before: only labels can have been added."""
    had = found_before(at.before).get("labels")
    before = had if isinstance(had, dict) else {}
    now = labels_of(live)
    patch: dict[str, JSON] = {
        key: before.get(key) for key in _plan(at).labels if now.get(key) != before.get(key)
    }
    if patch:
        await at.access.management.merge(
            _ref(at), {"metadata": {"labels": patch}}, resource_version=version_of(live)
        )
    return {"secret": _ref(at).name, "did": "left: it was there before"}


def _plan(at: At) -> SecretPlan:
    return secret_of(at.plan, text(at.step.params, "secret"))


def _ref(at: At) -> ObjectRef:
    return secret_ref(text(at.step.params, "namespace"), text(at.step.params, "secret"))


def _not_fenced(name: str, proof: Verdict) -> Refused:
    return Refused(
        "RP883",
        f"Credential {name} is not put back",
        proof.why,
        proof.todo or "Make the cloud answer, then undo again: nothing is deleted without this fence.",
    )
