"""CAPO's clouds.yaml, composed and read. It holds a secret, so it stays in memory and in its Secret.

CAPO reads the keys `clouds.yaml` and `cacert` (v0.14.7, pkg/scope/provider.go, getCloudFromSecret), and takes
the region from clouds.yaml where identityRef names none.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

import yaml

from replank.domain.errors import Refused
from replank.migrations.takeover.openstack.machines import CLOUD_NAME
from replank.migrations.takeover.steps.application_credential import Credential
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.planned import secret_ref
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import CloudLogin

CLOUDS_YAML: Final = "clouds.yaml"
CACERT: Final = "cacert"


def cloud_config(plan: TakeoverPlan, login: CloudLogin, credential: Credential) -> dict[str, bytes]:
    """The Secret's data. The same login and credential give the same bytes."""
    auth = {
        "auth_url": login.auth_url,
        "application_credential_id": credential.id,
        "application_credential_secret": credential.secret,
    }
    lines = ["clouds:", f"  {json.dumps(_cloud_name(plan))}:", "    auth_type: v3applicationcredential"]
    lines += ["    auth:", *(f"      {key}: {json.dumps(value)}" for key, value in auth.items())]
    if login.region:
        lines.append(f"    region_name: {json.dumps(login.region)}")
    if login.interface:
        lines.append(f"    interface: {json.dumps(login.interface)}")
    lines.append("    identity_api_version: 3")
    data = {CLOUDS_YAML: ("\n".join(lines) + "\n").encode()}
    if login.cacert:
        data[CACERT] = login.cacert.encode()
    return data


async def credential_in(at: At, secret: str) -> Credential:
    """The credential that CAPO uses now. Raises `Refused` RP879 where the Secret holds none."""
    live = await at.access.management.get(secret_ref(at.plan.namespace, secret))
    where = f"Secret {at.plan.namespace}/{secret}"
    if live is None:
        raise _unusable(where, "it does not exist")
    try:
        text = base64.b64decode((live.get("data") or {}).get(CLOUDS_YAML, ""), validate=True).decode()
        document: Any = yaml.safe_load(text)
        auth = document["clouds"][_cloud_name(at.plan)]["auth"]
        held = str(auth["application_credential_id"]), str(auth["application_credential_secret"])
    except (binascii.Error, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        # The parser's own words may quote the file, and with it the secret: the chain is cut on purpose.
        problem = _unusable(where, f"{CLOUDS_YAML} holds no application credential of the planned cloud")
    else:
        return Credential(id=held[0], name=f"the credential in {secret}", secret=held[1])
    raise problem


def _cloud_name(plan: TakeoverPlan) -> str:
    """identityRef.cloudName of the OpenStackCluster."""
    spec: Any = plan.manifests.get(f"OpenStackCluster/{plan.cluster}", {}).get("spec")
    reference = spec.get("identityRef") if isinstance(spec, dict) else None
    return str(reference["cloudName"]) if isinstance(reference, dict) else CLOUD_NAME


def _unusable(where: str, why: str) -> Refused:
    return Refused(
        "RP879",
        f"{where} cannot be used",
        why,
        "Undo to stage `credentials` and apply again, or put its content back.",
    )
