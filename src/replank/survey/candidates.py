"""Servers that may be machines of the cluster: from the cloud, or from the state alone when offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import TerraformFacts, TerraformResource
from replank.inventory.identity import Candidate
from replank.inventory.terraform.select import SERVER_TYPE


def candidates_of(cloud: Fact[OpenStackFacts], state: Fact[TerraformFacts]) -> Fact[tuple[Candidate, ...]]:
    """Live servers where the cloud was seen; else what the state claims; unknown where neither was."""
    instances = _instances(state)
    if is_known(cloud) and is_known(cloud.servers):
        return tuple(
            Candidate(
                id=server.id,
                name=server.name,
                addresses=tuple(a.address for a in server.addresses),
                metadata=tuple(sorted(server.metadata.items())),
                state_addresses=tuple(r.address for r in instances if r.id == server.id),
            )
            for server in cloud.servers
        )
    if not isinstance(state, Unknown):
        return tuple(_claimed(instance) for instance in instances)
    return cloud if isinstance(cloud, Unknown) else state


def _instances(state: Fact[TerraformFacts]) -> Sequence[TerraformResource]:
    if not is_known(state):
        return ()
    return [r for r in state.resources if r.type == SERVER_TYPE and r.mode == "managed" and not r.deposed]


def _claimed(instance: TerraformResource) -> Candidate:
    attributes = instance.attributes
    addresses = [_text(attributes, "access_ip_v4"), _text(attributes, "access_ip_v6")]
    networks = attributes.get("network")
    for network in networks if isinstance(networks, list) else []:
        if isinstance(network, dict):
            addresses += [_text(network, "fixed_ip_v4"), _text(network, "fixed_ip_v6")]
    metadata = attributes.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return Candidate(
        id=instance.id,
        name=_text(attributes, "name") or instance.address,
        addresses=tuple(dict.fromkeys(a for a in addresses if a)),
        metadata=tuple(sorted((key, value) for key, value in pairs if isinstance(value, str))),
        state_addresses=(instance.address,),
    )


def _text(values: Mapping[str, JSON], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""
