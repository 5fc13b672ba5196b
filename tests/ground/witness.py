"""Who looks at a cluster's secrets after every death of its takeover: none is lost, none is made twice."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from openstack.connection import Connection

from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders
from replank.plan.takeover import TakeoverPlan


@dataclass(slots=True)
class Witness:
    """`secrets`: name -> (uid, digest of the data) of every version seen. `credentials`: name -> IDs seen."""

    plane: Kube
    cloud: Connection
    plan: TakeoverPlan
    secrets: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    credentials: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def look(self) -> None:
        """Notes what is there now."""
        for secret in self.plane.list("Secret", self.plan.namespace):
            version = (secret["metadata"]["uid"], _digest(secret["data"]))
            self.secrets[secret["metadata"]["name"]].add(version)
        for name, found in credentials_of(self.cloud, self.plan).items():
            self.credentials[name].add(found)

    def second_ones(self) -> list[str]:
        """Secrets and credentials that were made twice, or changed. CAPO's own changes once, by the swap."""
        swapped = {
            str(step.params["secret"])
            for stage in self.plan.stages
            for step in stage.steps
            if "credential" in step.params and step.kind == "kubernetes.secret.write"
        }
        found: list[str] = []
        for name, versions in self.secrets.items():
            if len({uid for uid, _ in versions}) > 1:
                found.append(f"Secret {name} was made again")
            if len({digest for _, digest in versions}) > (2 if name in swapped else 1):
                found.append(f"Secret {name} had {len(versions)} contents")
        again = [name for name, ids in self.credentials.items() if len(ids) > 1]
        return [*found, *(f"credential {name} was made again" for name in again)]


def credentials_of(cloud: Connection, plan: TakeoverPlan) -> dict[str, str]:
    """The takeover's application credentials in Keystone, name -> ID."""
    mine = credential_names(plan, "openstack.application-credential.create")
    found = cloud.identity.application_credentials(cloud.current_user_id)
    return {credential.name: credential.id for credential in found if credential.name in mine}


def credential_names(plan: TakeoverPlan, kind: str) -> set[str]:
    """Those that steps of the kind speak of."""
    return {str(s.params["name"]) for stage in plan.stages for s in stage.steps if s.kind == kind}


def secrets_on_machines(ground: Folders, cluster: LegacyCluster, plan: TakeoverPlan) -> dict[str, str]:
    """The digest of each Secret whose content comes from files of a machine, as it ought to be."""
    addresses = {machine.name: machine.address for machine in tofu.read(ground, cluster).machines}
    servers = {machine.machine: machine.server_name for machine in plan.machines}
    known = create.known_hosts(ground, cluster)
    digests: dict[str, str] = {}
    for secret in plan.secrets:
        if all(source.source == "host-file" for source in secret.data.values()):
            data = {
                key: ssh.run(ground, known, addresses[servers[source.machine]], f"sudo cat {source.path}")
                for key, source in secret.data.items()
            }
            digests[secret.name] = _digest({k: base64.b64encode(v).decode() for k, v in data.items()})
    return digests


def secrets_now(plane: Kube, namespace: str) -> dict[str, str]:
    """Name -> digest of the data."""
    return {s["metadata"]["name"]: _digest(s["data"]) for s in plane.list("Secret", namespace)}


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
