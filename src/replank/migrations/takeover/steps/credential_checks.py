"""What an application credential can do, tried with harmless calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.migrations.takeover.openstack.credentials import CLOUD_CONFIG
from replank.migrations.takeover.steps.application_credential import Credential, credential_named, existing
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.cloud_config import credential_in
from replank.migrations.takeover.steps.planned import names_in, real_server_and_port, secret_ref
from replank.plan.parameters import Params, optional, text

REFUSALS: Final = frozenset({401, 403})
"""403 of a role without the right; 401 of an application credential with access rules."""


async def credential_reads(at: At, params: Params) -> Verdict:
    """`openstack.credential.reads`."""
    credential = await existing(at, text(params, "name"))
    server, port = real_server_and_port(at.plan)
    trial = await at.access.cloud.try_credential(
        credential.id, credential.secret, server_id=server, port_id=port, write=False
    )
    # A new credential may be unknown to a part of the cloud for a moment.
    return waiting(f"{credential.name} cannot read: {trial.reads}") if trial.reads else passed()


async def credential_cannot_write(at: At, params: Params) -> Verdict:
    """`openstack.credential.cannot-write`: of the credential `name`; without one, of what CAPO's Secret
    holds (`secret`, or else the plan's)."""
    if name := optional(params, "name"):
        return await refused_writes(at, await existing(at, name))
    secret = optional(params, "secret") or names_in(at.plan).secret(CLOUD_CONFIG)
    return await refused_writes(at, await credential_in(at, secret))


async def refused_writes(at: At, credential: Credential) -> Verdict:
    """Passes only where writes to a real server and a real port were both refused: a 404 is no proof."""
    server, port = real_server_and_port(at.plan)
    trial = await at.access.cloud.try_credential(
        credential.id, credential.secret, server_id=server, port_id=port, write=True
    )
    if trial.reads:
        return waiting(f"{credential.name} cannot even read: {trial.reads}")
    return _judged(credential.name, trial.writes)


def _judged(name: str, writes: Mapping[str, int]) -> Verdict:
    evidence = dict(sorted(writes.items()))
    if len(writes) < 2:
        return failed(f"{name} was not tried on a server and on a port", "Report this.", writes=evidence)
    others = {call: status for call, status in evidence.items() if status not in REFUSALS}
    if not others:
        return passed(writes=evidence)
    calls = ", ".join(f"{call}: {status}" for call, status in others.items())
    return failed(
        f"{name} was not refused with 403 or 401 ({calls})",
        "Give the role `reader` no right to write in this cloud's policies, or leave this cluster alone: "
        "without this fence a mistake in a name makes or deletes a machine.",
        writes=evidence,
    )


async def credential_unused(at: At, params: Params) -> Verdict:
    """`openstack.credential.unused`: the Secret `secret` holds another one."""
    known = await credential_named(at, text(params, "name"))
    if known is None:
        return passed(credential="gone already")
    held = await credential_in(at, text(params, "secret"))
    if held.id == known["id"]:
        return failed(
            f"Secret {text(params, 'secret')} still holds {known['name']}",
            "Somebody has put it back; find out who, before it is revoked.",
        )
    return passed(holds=held.id)


async def credential_gone(at: At, params: Params) -> Verdict:
    """`openstack.credential.gone`: and its staging Secret with it, or a run killed between the two would
    leave that one behind."""
    name = text(params, "name")
    known = await credential_named(at, name)
    if known is not None:
        return waiting(f"Keystone still has {name}", credential=str(known["id"]))
    staged = await at.access.management.get(secret_ref(at.plan.namespace, name))
    return passed() if staged is None else waiting(f"the staging Secret {name} is still there")
