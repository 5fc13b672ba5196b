"""What the validator makes of a structural schema, with a small schema of our own: needs neither Go nor
network.
"""

from __future__ import annotations

from typing import Any

import pytest

from replank.plan.schemas import rules_not_evaluated, validate

SPEC = {
    "type": "object",
    "required": ["size", "mode"],
    "x-kubernetes-validations": [{"rule": "self.size > 0"}],
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "surge": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "id": {"type": "string", "format": "uuid"},
        "note": {"type": "string", "nullable": True, "maxLength": 3},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "empty": {"type": "object"},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "args": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
                "x-kubernetes-validations": [{"rule": "true"}],
            },
        },
    },
}
CRD: dict[str, Any] = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"kind": "Thing"},
        "versions": [
            {"name": "v1", "served": False, "schema": {"openAPIV3Schema": {"type": "object"}}},
            {
                "name": "v2",
                "served": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC}}},
            },
        ],
    },
}


def thing(spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    metadata = {"name": "one", "namespace": "ns", "labels": {"a": "b"}}
    return {"apiVersion": "example.org/v2", "kind": "Thing", "metadata": metadata, "spec": spec, **changes}


def problems(item: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(p.code, p.path, p.says) for p in validate({"Thing/one": item}, [CRD])]


@pytest.mark.parametrize(
    "spec",
    [
        {"size": 1},
        {"size": 1, "surge": 1},
        {"size": 1, "surge": "25%"},
        {"size": 1, "note": None},
        {"size": 1, "free": {"anything": [1, {"goes": True}]}},
        {"size": 1, "labels": {"x": "y"}},
        {"size": 1, "id": "295676ec-f194-4bff-9944-7c3828b6fffb"},
        {"size": 1, "args": [{"name": "a"}, {"name": "b"}], "tags": ["x", "y"], "empty": {}},
    ],
)
def test_what_an_api_server_takes_is_taken(spec: dict[str, Any]) -> None:
    assert problems(thing(spec)) == []


@pytest.mark.parametrize(
    ("spec", "path", "says"),
    [
        ({}, "spec", "required field size is missing"),
        ({"size": 1, "sise": 2}, "spec", "unknown field sise"),
        ({"size": 1, "empty": {"x": 1}}, "spec.empty", "unknown field x"),
        ({"size": 1, "args": [{"name": "a", "val": "b"}]}, "spec.args[0]", "unknown field val"),
        ({"size": "1"}, "spec.size", "str is not type integer"),
        ({"size": True}, "spec.size", "bool is not type integer"),
        ({"size": 0}, "spec.size", "does not keep minimum 1"),
        ({"size": 1, "mode": "c"}, "spec.mode", "does not keep enum ['a', 'b']"),
        ({"size": 1, "mode": None}, "spec.mode", "NoneType is not type string"),
        ({"size": 1, "surge": 1.5}, "spec.surge", "float is not type ['integer', 'string']"),
        ({"size": 1, "note": "long"}, "spec.note", "does not keep maxLength 3"),
        ({"size": 1, "id": "plain-cp-1"}, "spec.id", "str is not format uuid"),
        ({"size": 1, "labels": {"x": 1}}, "spec.labels.x", "int is not type string"),
        ({"size": 1, "tags": ["x", "x"]}, "spec.tags", "does not keep uniqueItems True"),
        ({"size": 1, "args": [{"name": "a"}, {"name": "a"}]}, "spec.args", "two items have the same name"),
    ],
)
def test_what_an_api_server_refuses_or_drops_is_a_problem(spec: dict[str, Any], path: str, says: str) -> None:
    found = problems(thing(spec))
    assert ("RP071", path, says) in found
    assert all(code == "RP071" for code, _, _ in found)


def test_version_that_is_not_served_is_a_problem() -> None:
    says = "example.org/v1 of kind Thing is not served (v2 is)"
    assert problems(thing({}, apiVersion="example.org/v1")) == [("RP073", "", says)]


def test_kind_that_nobody_serves_is_a_problem() -> None:
    assert problems(thing({}, kind="Other")) == [("RP073", "", "kind Other of example.org is not served")]


def test_namespaced_object_without_a_namespace_is_a_problem() -> None:
    found = problems(thing({"size": 1}, metadata={"name": "one"}))
    assert found == [("RP071", "metadata.namespace", "is missing")]


def test_core_kinds_need_no_definition() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}
    assert validate({"Namespace/ns": namespace}, [CRD]) == ()


def test_problems_name_the_object_and_the_field() -> None:
    (problem,) = validate({"Thing/one": thing({"size": 0})}, [CRD])
    assert str(problem) == "Thing/one: spec.size: does not keep minimum 1"


def test_rules_are_counted_where_they_apply() -> None:
    plain = {"Thing/one": thing({"size": 1})}
    listed = {"Thing/one": thing({"size": 1, "args": [{"name": "a"}, {"name": "b"}]})}
    assert rules_not_evaluated(plain, [CRD]) == 1
    assert rules_not_evaluated(listed, [CRD]) == 3


def test_a_definition_that_takes_anything_counts_as_not_validated() -> None:
    from replank.plan.schemas import kinds_without_schema

    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    crd = {
        "spec": {
            "group": "example.org",
            "names": {"kind": "Boat"},
            "versions": [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": anything}}],
        }
    }
    boat = {"Boat/a": {"apiVersion": "example.org/v1", "kind": "Boat", "spec": {"planks": 3}}}
    assert kinds_without_schema(boat, [crd]) == ("Boat",)
    anything["properties"] = {"spec": {"type": "object", "properties": {"planks": {"type": "integer"}}}}
    assert kinds_without_schema(boat, [crd]) == ()
