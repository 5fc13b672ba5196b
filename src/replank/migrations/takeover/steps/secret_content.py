"""What a planned Secret holds, fetched from where the plan says it is. Values are in memory only."""

from __future__ import annotations

import base64
import binascii
import hashlib

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.openstack.credentials import reader_name
from replank.migrations.takeover.steps import kubeconfig
from replank.migrations.takeover.steps.application_credential import existing
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.cloud_config import cloud_config
from replank.migrations.takeover.steps.kubeconfig import ClusterAuthority
from replank.migrations.takeover.steps.live_object import labels_of, uid_of
from replank.migrations.takeover.steps.planned import host_of, names_in, secret_of
from replank.plan.takeover import SecretPlan, SecretSource
from replank.ports.access import Document

Data = dict[str, bytes]


async def wanted(at: At, plan: SecretPlan, *, credential: str = "", live: Document | None = None) -> Data:
    """The Secret's data. `credential`: the application credential that CAPO is to use, "" = the one that only
    reads. `live`: the Secret that is there; a kubeconfig in it that is good stays.

    Raises `Refused` RP878 (no credential), RP880 (no CA), RP881 (a kubeconfig that is no good).
    """
    data: Data = {}
    held = data_of(live) if live is not None else {}
    for key, source in plan.data.items():
        match source.source:
            case "host-file":
                data[key] = await _host_file(at, source)
            case "application-credential":
                name = credential or reader_name(names_in(at.plan))
                login = await at.access.cloud.login()
                data |= cloud_config(at.plan, login, await existing(at, name))
            case "made-kubeconfig":
                data[key] = await _kubeconfig(at, plan, held.get(key))
    return data


def document_of(plan: SecretPlan, data: Data) -> Document:
    """The Secret as the API takes it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": plan.name, "namespace": plan.namespace, "labels": dict(plan.labels)},
        "type": plan.type,
        "data": encoded(data),
    }


def encoded(data: Data) -> dict[str, str]:
    """As `data` of a Secret."""
    return {key: base64.b64encode(value).decode("ascii") for key, value in sorted(data.items())}


def data_of(live: Document) -> Data:
    """The values of a live Secret."""
    try:
        return {key: base64.b64decode(value) for key, value in (live.get("data") or {}).items()}
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused(
            "RP882",
            f"Secret {live['metadata'].get('namespace', '')}/{live['metadata']['name']} is damaged",
            "a value of it is not base64",
            "Find out what the API server answers for it.",
        ) from error


def seen(live: Document) -> dict[str, JSON]:
    """What may be told of a live Secret: digests, never values."""
    return {
        "uid": uid_of(live),
        "type": str(live.get("type") or ""),
        "labels": dict(labels_of(live)),
        "digests": digests(data_of(live)),
    }


def digests(data: Data) -> dict[str, JSON]:
    """Key -> SHA-256 of its value."""
    return {key: hashlib.sha256(value).hexdigest() for key, value in sorted(data.items())}


def differing(live: Document, plan: SecretPlan, data: Data) -> str:
    """ "" where type and values are the planned ones, else which are not."""
    if live.get("type") != plan.type:
        # The type cannot be changed, and Cluster API adopts and deletes Secrets of its own type.
        return f"its type is {live.get('type')}, the plan says {plan.type}"
    held = data_of(live)
    unlike = sorted(key for key in held.keys() | data.keys() if held.get(key) != data.get(key))
    return f"{', '.join(unlike)} differ from what their source holds" if unlike else ""


async def _host_file(at: At, source: SecretSource) -> bytes:
    return await at.access.hosts.read_secret(host_of(at.plan, source.machine), source.path)


async def _kubeconfig(at: At, plan: SecretPlan, held: bytes | None) -> bytes:
    """The one that is there if it is good, else a new one. One that is there and no good is never replaced:
    somebody made it."""
    ca = secret_of(at.plan, names_in(at.plan).secret("ca"))
    authority = ClusterAuthority.of(
        await _host_file(at, ca.data["tls.crt"]), await _host_file(at, ca.data["tls.key"])
    )
    cluster, endpoint, now = at.plan.cluster, at.plan.load_balancer.endpoint, at.access.clock.now()
    if held is None:
        return kubeconfig.made(authority, cluster=cluster, endpoint=endpoint, now=now)
    why = kubeconfig.unfit(held, authority, cluster=cluster, endpoint=endpoint, now=now)
    if why and (silent := await at.access.workload.works_with(held)):
        raise Refused(
            "RP881",
            f"Secret {plan.namespace}/{plan.name} holds a kubeconfig that is no good",
            f"{why}, and the cluster does not answer to it ({silent})",
            "Remove or rename that Secret if nobody needs it; then go on, and a new one is made.",
        )
    return held
