"""Checks of Secrets, and of the files they are made from. No verdict shows a value."""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Refused
from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.key_pair import mismatch
from replank.migrations.takeover.steps.live_object import labels_of
from replank.migrations.takeover.steps.planned import host_of, names_in, secret_of, secret_ref
from replank.migrations.takeover.steps.secret_content import data_of, differing, wanted
from replank.plan.parameters import Params, optional, pairs, text, texts
from replank.ports.access import Document

_KCP_MAKES: Final = ("ca", "etcd", "sa", "proxy", "kubeconfig")
"""Purposes of the Secrets that an unpaused KCP makes where there are none (cluster-api v1.14.0, util/secret
LookupOrGenerateCached, and its kubeconfig): a new CA beside the one that the machines trust."""


async def absent_or_same(at: At, params: Params) -> Verdict:
    """`kubernetes.secret.absent-or-same`."""
    live = await _live(at, params)
    if live is None:
        return passed(there=False)
    plan = secret_of(at.plan, text(params, "name"))
    try:
        why = differing(live, plan, await wanted(at, plan, live=live))
    except Refused as error:
        return failed(error.reason, error.todo)
    if not why:
        return passed(there=True)
    return failed(
        f"Secret {plan.namespace}/{plan.name} is there with other content: {why}",
        "Find out whose it is. If nobody needs it, remove it; it is never written over.",
    )


async def complete(at: At, params: Params) -> Verdict:
    """`kubernetes.secret.complete`: keys, type, labels, and each value as its source holds it.

    `credential`: the application credential that it must hold by now.
    """
    live = await _live(at, params)
    name = text(params, "name")
    if live is None:
        return waiting(f"Secret {name} is not there")
    plan = secret_of(at.plan, name)
    missing = sorted(set(texts(params, "keys")) - set(live.get("data") or {}))
    if missing:
        return failed(f"Secret {name} lacks {', '.join(missing)}", "Find out who changed it.")
    unlabelled = {key: value for key, value in plan.labels.items() if labels_of(live).get(key) != value}
    if unlabelled:
        return waiting(f"Secret {name} lacks the labels {', '.join(sorted(unlabelled))}")
    why = differing(live, plan, await wanted(at, plan, credential=optional(params, "credential"), live=live))
    if why:
        return failed(f"Secret {name}: {why}", "Find out who changed it, or what changed on the machine.")
    return passed(keys=sorted(live.get("data") or {}), type=live.get("type"))


async def pair(at: At, params: Params) -> Verdict:
    """`kubernetes.secret.pair`."""
    live = await _live(at, params)
    name = text(params, "name")
    if live is None:
        return waiting(f"Secret {name} is not there")
    data = data_of(live)
    why = mismatch(data.get("tls.crt", b""), data.get("tls.key", b""))
    if not why:
        return passed()
    return failed(
        f"Secret {name}: {why}",
        "Look at both files on the control plane that the plan names: with a wrong key KCP breaks the "
        "cluster.",
    )


async def kubeconfig_works(at: At, params: Params) -> Verdict:
    """`kubernetes.kubeconfig.works`."""
    live = await _live(at, params)
    name = text(params, "name")
    if live is None:
        return waiting(f"Secret {name} is not there")
    value = data_of(live).get("value")
    if value is None:
        return failed(f"Secret {name} has no key `value`", "Remove it and go on: it is made anew.")
    silent = await at.access.workload.works_with(value)
    if silent:
        return waiting(f"the cluster does not answer to the kubeconfig in {name}: {silent}")
    return passed(endpoint=text(params, "endpoint"))


async def certificates(at: At, _: Params) -> Verdict:
    """`cluster-api.certificates`: every Secret that KCP would make anew is there and holds what its source
    holds, whether the plan writes it or not."""
    wrong: list[str] = []
    for name in map(names_in(at.plan).secret, _KCP_MAKES):
        live = await at.access.management.get(secret_ref(at.plan.namespace, name))
        if all(secret.name != name for secret in at.plan.secrets):
            wrong.append(f"the plan has no Secret {name}")
        elif live is None:
            wrong.append(f"Secret {name} is not there")
        else:
            plan = secret_of(at.plan, name)
            why = differing(live, plan, await wanted(at, plan, live=live))
            unlabelled = [key for key, value in plan.labels.items() if labels_of(live).get(key) != value]
            wrong += [f"Secret {name}: {why}"] if why else []
            # KCP's cache holds only Secrets with the cluster-name label: it would not see this one.
            wrong += [f"Secret {name} lacks the label {label}" for label in unlabelled]
    if wrong:
        return failed(
            "; ".join(wrong),
            "Do not unpause the control plane: it would make new CAs. Find out who did it; undo the run and "
            "apply again, which writes them anew from the machines.",
            wrong=list(wrong),
        )
    return passed(secrets=[names_in(at.plan).secret(purpose) for purpose in _KCP_MAKES])


async def files_readable(at: At, params: Params) -> Verdict:
    """`host.files-readable`: `files` is path -> Machine. Raises what `Hosts.read_secret` raises."""
    sizes: dict[str, int] = {}
    for path, machine in sorted(pairs(params, "files").items()):
        content = await at.access.hosts.read_secret(host_of(at.plan, machine), path)
        if not content:
            return failed(f"{path} on {machine} is empty", "Look at it there; then survey and plan again.")
        sizes[path] = len(content)
    return passed(bytes=sizes)


async def _live(at: At, params: Params) -> Document | None:
    namespace = optional(params, "namespace") or at.plan.namespace
    return await at.access.management.get(secret_ref(namespace, text(params, "name")))
