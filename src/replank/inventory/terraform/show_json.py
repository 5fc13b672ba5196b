"""The output of `terraform show -json` for a state: format_version 0.1, 0.2 and 1.0.

Source: Terraform v1.11, internal/command/jsonstate/state.go. It has no serial and no lineage, and names the
provider without its alias. 0.12 wrote addresses without module and key, so addresses are put together here.
"""

from __future__ import annotations

from collections import Counter

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.terraform.address import provider_name, resource_address
from replank.inventory.terraform.attributes import is_openstack
from replank.inventory.terraform.keep import keep, paths_of_mask
from replank.inventory.terraform.shape import (
    Place,
    index,
    mapping,
    mode_of,
    objects,
    resource_id,
    text,
    texts,
)


def resources(body: dict[str, JSON], source: str) -> tuple[list[TerraformResource], Counter[str]]:
    """The instances of OpenStack types in `body`, and how many instances other providers have.

    Raises `Refused` RP029 for content of a wrong shape.
    """
    found: list[TerraformResource] = []
    skipped: Counter[str] = Counter()
    top = Place(source).at("values")
    # A state that holds nothing is printed without `values`.
    root = mapping(mapping(body, "values", Place(source)), "root_module", top)
    waiting = [("", root, top.at("root_module"))]
    while waiting:
        module, document, place = waiting.pop()
        for resource, here in objects(document, "resources", place):
            resource_type = text(resource, "type", here, required=True)
            if is_openstack(resource_type):
                found.append(_resource(module, resource_type, resource, here))
            else:
                skipped[provider_name(text(resource, "provider_name", here))[0]] += 1
        for child, here in objects(document, "child_modules", place):
            waiting.append((text(child, "address", here, required=True), child, here))
    return found, skipped


def _resource(module: str, resource_type: str, resource: dict[str, JSON], place: Place) -> TerraformResource:
    mode = mode_of(resource, place)
    name = text(resource, "name", place, required=True)
    key = index(resource, "index", place)
    provider, alias = provider_name(text(resource, "provider_name", place))
    attributes = mapping(resource, "values", place)
    return TerraformResource(
        address=resource_address(module, mode, resource_type, name, key),
        mode=mode,
        type=resource_type,
        name=name,
        module=module,
        index=key,
        provider=provider,
        provider_alias=alias,
        id=resource_id(attributes),
        attributes=keep(resource_type, attributes, paths_of_mask(resource.get("sensitive_values"))),
        dependencies=texts(resource, "depends_on"),
        tainted=resource.get("tainted") is True,
        deposed=text(resource, "deposed_key", place),
        state=place.source,
    )
