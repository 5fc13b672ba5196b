"""Application credentials of a cluster, whose secrets are written down before Keystone knows them.

The secret is random and goes first into a staging Secret on the management cluster, and Keystone is given
exactly that one (Identity API v3, `application_credential.secret` may be chosen). So neither a crash nor a
second run loses a secret or makes another. The staging Secret goes with the credential.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import uid_of
from replank.migrations.takeover.steps.planned import real_server_and_port, secret_ref
from replank.plan.parameters import found_before, text, texts
from replank.ports.access import Document

_KEY: Final = "secret"
_BYTES: Final = 48
STAGING_LABELS: Final = {"app.kubernetes.io/managed-by": "replank"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An application credential that works. `made`: by this call. `secret` stays in memory."""

    id: str
    name: str
    secret: str = field(repr=False)
    made: bool = False


class CredentialCreate:
    """`openstack.application-credential.create`."""

    async def found(self, at: At) -> JSON:
        name = text(at.step.params, "name")
        known, staged = await credential_named(at, name), await _staging(at, name)
        return {
            "credential": str(known["id"]) if known else None,
            "staging": uid_of(staged) if staged else None,
        }

    async def apply(self, at: At) -> JSON:
        name = text(at.step.params, "name")
        credential = await ensured(at, name, texts(at.step.params, "roles"))
        return {"credential": credential.id, "name": name, "made": credential.made}

    async def undo(self, at: At) -> JSON:
        name, before = text(at.step.params, "name"), found_before(at.before)
        known = await credential_named(at, name)
        if known is not None and str(known["id"]) == before.get("credential"):
            return {"name": name, "left": "it was there before"}
        return await _removed(at, name)


class CredentialDelete:
    """`openstack.application-credential.delete`: irreversible, so its undo has nothing to do."""

    async def found(self, at: At) -> JSON:
        known = await credential_named(at, text(at.step.params, "name"))
        return {"credential": str(known["id"]) if known else None}

    async def apply(self, at: At) -> JSON:
        return await _removed(at, text(at.step.params, "name"))

    async def undo(self, at: At) -> JSON:
        return {"name": text(at.step.params, "name"), "left": "a revoked credential does not come back"}


async def ensured(at: At, name: str, roles: Sequence[str]) -> Credential:
    """The credential of that name with its staged secret, made where it is not there or does not work.

    Raises `Conflict` where somebody writes the same at the same time.
    """
    secret = await _staged_secret(at, name) or await _stage(at, name)
    known = await credential_named(at, name)
    if known is not None:
        if set(roles) <= _roles(known) and not await _refusal(at, str(known["id"]), secret):
            return Credential(id=str(known["id"]), name=name, secret=secret)
        # Another secret than the staged one: nobody can use it, so nobody loses it.
        await at.access.cloud.delete_application_credential(str(known["id"]))
    made = await at.access.cloud.create_application_credential(name, secret, roles)
    return Credential(id=str(made["id"]), name=name, secret=secret, made=True)


async def existing(at: At, name: str) -> Credential:
    """The credential with its staged secret. Raises `Refused` RP878 where either is gone."""
    known, secret = await credential_named(at, name), await _staged_secret(at, name)
    if known is None or not secret:
        lost = "Keystone has no such credential" if known is None else "its staging Secret is gone"
        raise Refused(
            "RP878",
            f"Application credential {name} cannot be used",
            lost,
            "Undo to the stage before the one that made it, and apply again: it is made anew.",
        )
    return Credential(id=str(known["id"]), name=name, secret=secret)


async def credential_named(at: At, name: str) -> Document | None:
    """Keystone's own document, None where there is none. Names are unique for a user."""
    found = await at.access.cloud.application_credentials()
    return next((credential for credential in found if credential["name"] == name), None)


async def _refusal(at: At, credential_id: str, secret: str) -> str:
    server, port = real_server_and_port(at.plan)
    trial = await at.access.cloud.try_credential(
        credential_id, secret, server_id=server, port_id=port, write=False
    )
    return trial.reads


async def _removed(at: At, name: str) -> JSON:
    """The credential first: a staging Secret without one is found again, the other way round is not."""
    known = await credential_named(at, name)
    if known is not None:
        await at.access.cloud.delete_application_credential(str(known["id"]))
    staged = await _staging(at, name)
    if staged is not None:
        await at.access.management.delete(secret_ref(at.plan.namespace, name), uid=uid_of(staged))
    return {"name": name, "credential": str(known["id"]) if known else None}


async def _staging(at: At, name: str) -> Document | None:
    return await at.access.management.get(secret_ref(at.plan.namespace, name))


async def _staged_secret(at: At, name: str) -> str:
    """ "" where there is no staging Secret. Raises `Refused` RP878 for one that is not replank's."""
    staged = await _staging(at, name)
    if staged is None:
        return ""
    value = (staged.get("data") or {}).get(_KEY)
    if not isinstance(value, str) or not value:
        raise Refused(
            "RP878",
            f"Secret {at.plan.namespace}/{name} is not replank's",
            f"it has no key `{_KEY}`",
            "Remove or rename it: replank keeps a credential's secret under this name.",
        )
    return base64.b64decode(value).decode("ascii")


async def _stage(at: At, name: str) -> str:
    secret = secrets.token_urlsafe(_BYTES)
    await at.access.management.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": at.plan.namespace, "labels": dict(STAGING_LABELS)},
            "type": "Opaque",
            "data": {_KEY: base64.b64encode(secret.encode("ascii")).decode("ascii")},
        }
    )
    return secret


def _roles(credential: Document) -> set[str]:
    """With those that its own roles imply: Keystone lists `load-balancer_observer` of one made with `reader`
    where Octavia's roles are set up so (seen on the ground). So more roles than were asked for say nothing;
    that a reader cannot write is proved by trying."""
    return {str(role["name"]) for role in credential.get("roles") or ()}
