"""A credential of CAPO's that was there before the takeover: looked at, never written.

It can write from the start, so of the two fences only Nova's locks stand.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import yaml

from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.inventory.label_selector import selects
from replank.migrations.takeover.openstack.credentials import is_made
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.cloud_config import CLOUDS_YAML
from replank.migrations.takeover.steps.credential_checks import credential_cannot_write
from replank.migrations.takeover.steps.live_object import labels_of, name_of, spec_of
from replank.migrations.takeover.steps.planned import secret_ref
from replank.migrations.takeover.vocabulary import INFRASTRUCTURE
from replank.plan.parameters import Params, text
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Document, ObjectRef

IDENTITY: Final = (f"{INFRASTRUCTURE}/v1alpha1", "OpenStackClusterIdentity")

_REMEDY: Final = "Make it, or change `credentials` in fleet.yaml and plan again."


async def credential_given(at: At, params: Params) -> Verdict:
    """`openstack.credential.given`: the Secret or OpenStackClusterIdentity is there, and CAPO may use it."""
    if text(params, "by") == "secret":
        return await _secret(at, text(params, "namespace"), text(params, "name"), text(params, "cloud"))
    return await _identity(at, text(params, "name"), text(params, "namespace"))


async def cannot_delete(at: At, params: Params) -> Verdict:
    """Whether CAPO could delete no server now: its credential cannot write; or, where that is none of the
    takeover's, every server is locked in Nova."""
    if is_made(at.plan):
        return await credential_cannot_write(at, params)
    open_ = []
    for machine in at.plan.machines:
        server = await at.access.cloud.server(machine.server_id)
        if server is not None and not server.get("locked"):
            open_.append(machine.server_name)
    if open_:
        return failed(
            f"CAPO's credential can write, and not locked in Nova are {', '.join(open_)}",
            "Lock them: `openstack server lock SERVER`. replank asks again by itself.",
        )
    return passed(locked=[machine.server_id for machine in at.plan.machines])


def is_given_secret(plan: TakeoverPlan, document: Document) -> bool:
    """Whether it is the Secret that the plan's OpenStackCluster names, and not the takeover's."""
    if document["kind"] != "Secret" or is_made(plan):
        return False
    spec: Any = plan.manifests.get(f"OpenStackCluster/{plan.cluster}", {}).get("spec")
    reference = spec.get("identityRef") if isinstance(spec, dict) else None
    return isinstance(reference, dict) and reference.get("name") == name_of(document)


async def _secret(at: At, namespace: str, name: str, cloud: str) -> Verdict:
    live = await at.access.management.get(secret_ref(namespace, name))
    where = f"Secret {namespace}/{name}"
    if live is None:
        return failed(f"{where} does not exist", _REMEDY)
    if cloud not in _clouds(live):
        return failed(
            f"the {CLOUDS_YAML} of {where} has no cloud {cloud}",
            "Put it there, or name another with `credentials.cloud` in fleet.yaml and plan again.",
        )
    return passed(secret=name, cloud=cloud)


def _clouds(secret: Document) -> Mapping[str, Any]:
    """By name; nothing where the Secret holds no clouds.yaml. Nothing of it goes into a message."""
    try:
        held = base64.b64decode((secret.get("data") or {}).get(CLOUDS_YAML, ""), validate=True).decode()
        document: Any = yaml.safe_load(held)
    except (binascii.Error, UnicodeDecodeError, yaml.YAMLError):
        return {}
    clouds = document.get("clouds") if isinstance(document, dict) else None
    return clouds if isinstance(clouds, dict) else {}


async def _identity(at: At, name: str, namespace: str) -> Verdict:
    live = await at.access.management.get(ObjectRef(*IDENTITY, "", name))
    if live is None:
        return failed(f"OpenStackClusterIdentity {name} does not exist", _REMEDY)
    home = await at.access.management.get(ObjectRef("v1", "Namespace", "", namespace))
    selector = spec_of(live).get("namespaceSelector")
    if selector and not selects(selector, labels_of(home) if home is not None else {}):
        return failed(
            f"OpenStackClusterIdentity {name} does not let namespace {namespace} use it (namespaceSelector)",
            "Label the namespace as it wants, or let it in.",
        )
    reference: JSON = spec_of(live).get("secretRef")
    return passed(identity=name, secret=reference)
