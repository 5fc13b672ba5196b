"""The operator's manifests as documents, and rights as single grants."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

Document = dict[str, Any]
Grant = tuple[str, str, str]
"""Group, resource, verb."""


def documents(text: str) -> list[Document]:
    return [document for document in YAML(typ="safe").load_all(text) if document]


def delivered() -> dict[tuple[str, str], Document]:
    """operator.yaml, by kind and name."""
    text = files("replank.controllers").joinpath("deploy/operator.yaml").read_text(encoding="utf-8")
    return by_name(documents(text))


def by_name(found: Iterable[Document]) -> dict[tuple[str, str], Document]:
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


def grants(role: Document) -> set[Grant]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
