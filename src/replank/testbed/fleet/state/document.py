"""State v4 documents: the shape that the cluster's configuration has, around its claims.

Format: terraform internal/states/statefile/version4.go; OpenTofu writes the provider on each instance of a
resource whose provider has keys (internal/states/statefile/version4.go of OpenTofu 1.9).
"""

from __future__ import annotations

import base64
import json

from replank.testbed.fleet.layout import ClusterLayout
from replank.testbed.fleet.state.claim import Claim, Member
from replank.testbed.fleet.state.endpoint import endpoint_claims
from replank.testbed.fleet.state.machines import machine_claims
from replank.testbed.fleet.state.network import network_claims
from replank.testbed.world import Document, Project

_VERSIONS = {"legacy": "0.12.31", "opentofu": "1.10.6"}
_RANDOM = "hashicorp/random"


def state_files(layout: ClusterLayout, project: Project) -> dict[str, Document]:
    """Path, relative to the operator's folder -> state document. `project` holds the cluster's cloud side."""
    claims = [*network_claims(layout, project), *machine_claims(layout), *endpoint_claims(layout, project)]
    claims.append(_random_password(layout))
    document: Document = {
        "version": 4,
        "terraform_version": _VERSIONS.get(layout.spec.terraform, "1.9.8"),
        "serial": 40 + layout.mint.number("serial", layout.name, below=400),
        "lineage": layout.id("lineage"),
        "outputs": {
            "api_address": {"value": layout.floating_ip or layout.vip, "type": "string"},
            "join_token": {"value": layout.secret("output"), "type": "string", "sensitive": True},
        },
        "resources": [_resource(layout, claim) for claim in claims],
    }
    if layout.spec.terraform != "legacy":
        document["check_results"] = None
    return {state_path(layout): document}


def state_path(layout: ClusterLayout) -> str:
    """Where the operator keeps the state."""
    if layout.spec.terraform == "workspace":
        return f"tf/{layout.name}/terraform.tfstate.d/{layout.name}/terraform.tfstate"
    return f"tf/{layout.name}/terraform.tfstate"


def _random_password(layout: ClusterLayout) -> Claim:
    password = layout.secret("random-password")
    attributes: Document = {"id": "none", "length": 36, "result": password, "special": False}
    member = Member(key="", attributes=attributes, sensitive=("result",))
    return Claim(type="random_password", name="join", part="root", members=(member,), provider=_RANDOM)


def _resource(layout: ClusterLayout, claim: Claim) -> Document:
    shape = layout.spec.terraform
    document: Document = {}
    if module := _module(layout, claim):
        document["module"] = module
    document |= {"mode": claim.mode, "type": claim.type, "name": _name(layout, claim)}
    if claim.many and shape == "legacy":
        document["each"] = "list"
    provider = _provider(layout, claim)
    if shape != "opentofu":
        document["provider"] = provider
    document["instances"] = [
        _instance(layout, claim, member, index) for index, member in enumerate(claim.members)
    ]
    if shape == "opentofu":
        for instance in document["instances"]:
            instance["provider"] = provider
    return document


def _instance(layout: ClusterLayout, claim: Claim, member: Member, index: int) -> Document:
    document: Document = {}
    if claim.many:
        keyed = layout.spec.terraform in ("for_each", "module")
        document["index_key"] = member.key if keyed else index
    document |= {"schema_version": 0, "attributes": member.attributes}
    if layout.spec.terraform != "legacy":
        sensitive = [[{"type": "get_attr", "value": name}] for name in member.sensitive]
        document["sensitive_attributes"] = sensitive
    if claim.mode == "managed":
        document["private"] = _private(layout)
        if claim.needs:
            document["dependencies"] = sorted(_address(layout, need) for need in claim.needs)
    return document


def _private(layout: ClusterLayout) -> str:
    """The provider's private data: base64 of JSON, opaque to Terraform."""
    text = json.dumps({"schema_version": "0", "note": layout.secret("private")})
    encoded = base64.b64encode(text.encode()).decode()
    layout.mint.planted.append(encoded)
    return encoded


def _provider(layout: ClusterLayout, claim: Claim) -> str:
    shape = layout.spec.terraform
    if shape == "legacy":
        return f"provider.{claim.provider.rpartition('/')[2]}"
    registry = "registry.opentofu.org" if shape == "opentofu" else "registry.terraform.io"
    return f'provider["{registry}/{claim.provider}"]'


def _module(layout: ClusterLayout, claim: Claim) -> str:
    if layout.spec.terraform != "module" or claim.part == "root":
        return ""
    if claim.part == "workers":
        return f'module.workers["{claim.group}"]'
    return f"module.{claim.part}"


def _name(layout: ClusterLayout, claim: Claim) -> str:
    """In the workers' module every group has the same resource names."""
    return "node" if layout.spec.terraform == "module" and claim.part == "workers" else claim.name


def _address(layout: ClusterLayout, need: str) -> str:
    """The configuration address of a dependency, in the module that holds it."""
    if layout.spec.terraform != "module":
        return need
    kind, _, name = need.partition(".")
    if kind == "openstack_compute_keypair_v2":
        return need
    if name == "api" or name == "vip":
        return f"module.api.{need}"
    if name == "control_plane" and kind != "openstack_networking_secgroup_v2":
        return f"module.control_plane.{need}"
    if any(name == group.name.replace("-", "_") for group in layout.spec.workers) and "port" in kind:
        return f"module.workers.{kind}.node"
    return f"module.network.{need}"
