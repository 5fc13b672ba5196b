"""The CustomResourceDefinition says what the operator reads: same fields, same defaults, same verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from replank.guards.names import GUARD_API, GUARD_KIND
from replank.guards.policy import Drain, Policy, Pool, Terminate, Window

CRD: dict[str, Any] = YAML(typ="safe").load(
    files("replank.controllers").joinpath("deploy/crd.yaml").read_text(encoding="utf-8")
)
VERSION: dict[str, Any] = CRD["spec"]["versions"][0]
SPEC: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]["properties"]["spec"]
DRAIN = SPEC["properties"]["drain"]
POOL = SPEC["properties"]["pools"]["items"]
MODELS: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Policy, SPEC),
    (Drain, DRAIN),
    (Window, DRAIN["properties"]["window"]),
    (Terminate, SPEC["properties"]["terminate"]),
    (Pool, POOL),
]

GOOD: list[dict[str, Any]] = [
    {},
    {"hooks": "adopted"},
    {"drain": {"taint": "none", "surge": "never", "barePods": "evict", "onDeadline": "force"}},
    {
        "drain": {
            "window": {"opens": "22:00", "closes": "05:30", "days": ["Sat"], "timeZone": "Europe/Berlin"}
        }
    },
    {"drain": {"window": None}},
    {"terminate": {"floatingIps": "release", "deadlineSeconds": 1, "onDeadline": "wait"}},
    {"pools": [{"id": "p1", "port": 6443}]},
    {"pools": [{"id": "p1", "port": 30080, "machines": "workers", "deployments": ["md-0"], "subnetId": "s"}]},
    {"pools": [{"id": "p1", "port": 6443, "network": "10.0.0.0/24"}, {"id": "p2", "port": 1, "network": ""}]},
    {"pools": [{"id": "p1", "port": 6443, "network": "fd00::/64"}]},
]
BAD: list[dict[str, Any]] = [
    {"hooks": "none"},
    {"hook": "all"},
    {"drain": {"taint": "all"}},
    {"drain": {"deadlineSeconds": 0}},
    {"drain": {"onDeadline": "release"}},
    {"drain": {"bare_pods": "wait", "barepods": "evict"}},
    {"drain": {"window": {"opens": "22:00"}}},
    {"drain": {"window": {"opens": "25:00", "closes": "05:00"}}},
    {"drain": {"window": {"opens": "22:00", "closes": "05:00", "days": ["Sunday"]}}},
    {"terminate": {"onDeadline": "force"}},
    {"terminate": {"floatingIps": "delete"}},
    {"pools": [{"id": "p1"}]},
    {"pools": [{"port": 6443}]},
    {"pools": [{"id": "p1", "port": 0}]},
    {"pools": [{"id": "p1", "port": 65536}]},
    {"pools": [{"id": "p1", "port": 6443, "machines": "all"}]},
    {"pools": [{"id": "p1", "port": 6443, "network": "lan"}]},
    {"pools": [{"id": "p1", "port": 6443}, {"id": "p1", "port": 6444}]},
    {"pools": {"id": "p1", "port": 6443}},
]


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """As an API server takes it with fieldValidation Strict: no unknown fields, `nullable`."""
    found = dict(deepcopy(dict(schema)))
    if "properties" in found:
        found["properties"] = {key: strict(value) for key, value in found["properties"].items()}
        found["additionalProperties"] = False
    if "items" in found:
        found["items"] = strict(found["items"])
    if found.pop("nullable", False):
        return {"anyOf": [found, {"type": "null"}]}
    return found


def by_schema(spec: dict[str, Any]) -> bool:
    """What an API server would say, list-map keys included."""
    try:
        jsonschema.validate(spec, strict(SPEC))
    except jsonschema.ValidationError:
        return False
    ids = [pool["id"] for pool in spec.get("pools", [])]
    assert SPEC["properties"]["pools"]["x-kubernetes-list-map-keys"] == ["id"]
    return len(ids) == len(set(ids))


def by_policy(spec: dict[str, Any]) -> bool:
    try:
        Policy.model_validate(spec)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("spec", GOOD, ids=str)
def test_both_take_what_is_good(spec: dict[str, Any]):
    assert (by_schema(spec), by_policy(spec)) == (True, True)


@pytest.mark.parametrize("spec", BAD, ids=str)
def test_both_refuse_what_is_bad(spec: dict[str, Any]):
    assert (by_schema(spec), by_policy(spec)) == (False, False)


@pytest.mark.parametrize(("model", "schema"), MODELS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_same_fields_are_there_and_required(model: type[BaseModel], schema: dict[str, Any]):
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    assert set(fields) == set(schema["properties"])
    required = {name for name, field in fields.items() if field.is_required()}
    assert required == set(schema.get("required", []))


def test_defaults_of_the_schema_are_the_operators():
    def filled(value: Any, schema: Mapping[str, Any]) -> Any:
        if not isinstance(value, dict):
            return value
        given = dict(value)
        for key, inner in schema["properties"].items():
            if key not in given and "default" in inner:
                given[key] = deepcopy(inner["default"])
            if key in given:
                given[key] = filled(given[key], inner) if inner["type"] == "object" else given[key]
        return given

    assert Policy.model_validate(filled({}, SPEC)) == Policy()
    window = {"opens": "22:00", "closes": "05:00"}
    assert Window.model_validate(filled(window, DRAIN["properties"]["window"])) == Window.model_validate(
        window
    )
    pool = {"id": "p1", "port": 6443}
    assert Pool.model_validate(filled(pool, POOL)) == Pool.model_validate(pool)


def test_it_is_the_kind_that_the_operator_asks_for_and_clusterctl_moves():
    names = CRD["spec"]["names"]
    assert (f"{CRD['spec']['group']}/{VERSION['name']}", names["kind"]) == (GUARD_API, GUARD_KIND)
    assert CRD["metadata"]["name"] == f"{names['plural']}.{CRD['spec']['group']}"
    # clusterctl looks objects up by the kind in lower case with an s (objectgraph.go, getKindAPIString).
    assert names["plural"] == f"{names['kind'].lower()}s"
    assert {"clusterctl.cluster.x-k8s.io", "clusterctl.cluster.x-k8s.io/move"} <= set(
        CRD["metadata"]["labels"]
    )
    assert VERSION["storage"] is True


def test_printed_columns_point_at_fields_that_are_there():
    for column in VERSION["additionalPrinterColumns"]:
        path = column["jsonPath"].removeprefix(".").replace("[*]", "")
        if path.startswith("metadata."):
            continue
        schema: dict[str, Any] = {"properties": {"spec": SPEC}}
        for part in path.split("."):
            schema = schema["properties"][part]
            schema = schema.get("items", schema)


def test_every_object_of_the_schema_is_structural():
    """What apiextensions asks of a structural schema: a type everywhere, no open objects."""

    def look(schema: Mapping[str, Any], path: str) -> None:
        assert "type" in schema, path
        for key, inner in schema.get("properties", {}).items():
            look(inner, f"{path}.{key}")
        if "items" in schema:
            look(schema["items"], f"{path}[]")

    look(VERSION["schema"]["openAPIV3Schema"], "")
