"""State version 4, as Terraform since 0.12 and OpenTofu write it.

Source: Terraform v1.11, internal/states/statefile/version4.go; OpenTofu v1.9, the same file (`provider` on
the instance). Early 0.12 (seen in a state of 0.12.4) wrote `depends_on` on the instance, relative to its
module, where newer ones write `dependencies`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.terraform.address import provider_name, resource_address
from replank.inventory.terraform.attributes import is_openstack
from replank.inventory.terraform.flatmap import expand
from replank.inventory.terraform.keep import Path, keep
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
    for resource, place in objects(body, "resources", Place(source)):
        resource_type = text(resource, "type", place, required=True)
        instances = objects(resource, "instances", place)
        if is_openstack(resource_type):
            found += _instances(resource, resource_type, instances, place)
        elif instances:
            skipped[provider_name(text(resource, "provider", place))[0]] += len(instances)
    return found, skipped


def _instances(
    resource: dict[str, JSON],
    resource_type: str,
    instances: list[tuple[dict[str, JSON], Place]],
    place: Place,
) -> Iterator[TerraformResource]:
    mode = mode_of(resource, place)
    name = text(resource, "name", place, required=True)
    module = text(resource, "module", place)
    provider = text(resource, "provider", place)
    for instance, here in instances:
        # OpenTofu >= 1.9 writes the provider on the instance where `for_each` picks it.
        source_address, alias = provider_name(text(instance, "provider", here) or provider)
        key = index(instance, "index_key", here)
        attributes = _attributes(instance, here)
        yield TerraformResource(
            address=resource_address(module, mode, resource_type, name, key),
            mode=mode,
            type=resource_type,
            name=name,
            module=module,
            index=key,
            provider=source_address,
            provider_alias=alias,
            id=resource_id(attributes),
            attributes=keep(resource_type, attributes, _sensitive(instance)),
            dependencies=texts(instance, "dependencies") or texts(instance, "depends_on"),
            tainted=text(instance, "status", here) == "tainted",
            deposed=text(instance, "deposed", here),
            state=place.source,
        )


def _attributes(instance: dict[str, JSON], place: Place) -> dict[str, JSON]:
    if instance.get("attributes") is not None:
        return mapping(instance, "attributes", place)
    flat = mapping(instance, "attributes_flat", place)
    return expand({key: value for key, value in flat.items() if isinstance(value, str)})


def _sensitive(instance: dict[str, JSON]) -> list[Path]:
    """The marked paths. A step that is not understood ends its path: more is hidden, never less."""
    marked = instance.get("sensitive_attributes")
    if not isinstance(marked, list):
        return []
    paths: list[Path] = []
    for steps in marked:
        path: list[str | int] = []
        for step in steps if isinstance(steps, list) else [steps]:
            value = step.get("value") if isinstance(step, dict) else step
            if isinstance(value, dict):  # an index: {"value": 0, "type": "number"}
                value = value.get("value")
            if isinstance(value, bool) or not isinstance(value, (str, int)):
                break
            path.append(value)
        paths.append(tuple(path))
    return paths
