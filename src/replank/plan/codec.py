"""Plans as files: YAML that a person reviews and a program loads again exactly.

The file carries the SHA-256 of what it says, so that an edit by hand is seen. A plan is changed by changing
the settings or the cluster and planning again: its manifests, steps and checks belong together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, ValidationError

from replank.domain.errors import Refused
from replank.plan.model import SCHEMA
from replank.plan.order import manifest_keys, ordered
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.plan.takeover import TakeoverPlan
from replank.plan.yaml_reader import Path, YamlDocument, read_yaml
from replank.plan.yaml_writer import write_yaml

_HEADING = """\
# A replank plan: how the cluster {cluster} would {what}, in place.
#
# Nothing has been done yet. Review it before anybody applies it:
#   replank show THIS-FILE                 five minutes in the terminal
#   replank show THIS-FILE --html PAGE     a page with drawings, to hand round
#   replank diff OLD-PLAN THIS-FILE        what changed since the last plan
# Read first: ready, findings, points_of_no_return, {first}.
# No value here is a secret{secrets}.
# Do not edit: sha256 below is that of the content, and an edited plan is refused. To change the plan, change
# fleet.yaml or the cluster, then survey and plan again.

"""


AnyPlan: TypeAlias = Annotated[TakeoverPlan | RuntimeSwapPlan, Discriminator("migration")]
"""Every kind of plan that a file may hold."""


_LONG: Final = ("stages", "secrets", "manifests", "letting_go", "nodes", "cluster_api")
"""Fields that stand last in the file: a reader comes to them after all that fits on a page."""


_LATER: Final = ("cluster_api", "archive", "package")
"""Fields of a runtime swap that its first plans did not have."""


_WHAT: Final = {
    "takeover": (
        "be taken over by Cluster API",
        "forget; then groups (their differences) and stages",
        "; `secrets` says where each one comes from when the plan is carried out",
    ),
    "runtime-swap": (
        "get another container runtime under its running nodes",
        "ship_first, unsupported; then nodes (settings, files), cluster_api and stages",
        "",
    ),
}


class _Envelope(BaseModel):
    """`extra="forbid"` and `strict` reach the dataclasses below: nothing is ignored, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)

    plan: AnyPlan


def to_dict(plan: AnyPlan) -> dict[str, Any]:
    """The plan as JSON values: every field, `schema` first, then in the order of the model.

    Without what a runtime swap may have and this one has not: so plans of before there was one keep their
    hash.
    """
    data = _Envelope(plan=plan).model_dump(mode="json")["plan"]
    for name in _LATER:
        if data.get(name, "") is None:
            del data[name]
    return {"schema": data.pop("schema"), **data}


def sha256(plan: AnyPlan) -> str:
    """Hexadecimal SHA-256 of the plan's canonical JSON. Equal plans have equal hashes."""
    canonical = json.dumps(to_dict(plan), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def dump(plan: AnyPlan) -> str:
    """The file's text. Equal plans give equal text. Fields that are empty by default are left out."""
    data = _fields(plan)
    if isinstance(plan, TakeoverPlan):
        data["manifests"] = {key: ordered(plan.manifests[key]) for key in manifest_keys(plan)}
    data = {**data, **{name: data.pop(name) for name in _LONG if name in data}}
    document = {"schema": data.pop("schema", SCHEMA), "sha256": sha256(plan), **data}
    cluster = json.dumps(plan.cluster)[1:-1] if not plan.cluster.isprintable() else plan.cluster
    what, first, secrets = _WHAT[plan.migration]
    return _HEADING.format(cluster=cluster, what=what, first=first, secrets=secrets) + write_yaml(document)


def _fields(instance: Any) -> dict[str, Any]:
    """A dataclass as a mapping, without the fields that hold their own empty default."""
    return {
        field.name: _value(getattr(instance, field.name))
        for field in fields(instance)
        if getattr(instance, field.name) or not _empty_by_default(field)
    }


def _value(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        # Mappings of dataclasses (a Secret's data) and of JSON alike.
        return ordered({key: _value(item) for key, item in value.items()})
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    return value


def _empty_by_default(field: Field[Any]) -> bool:
    if field.default_factory is not MISSING:
        return not field.default_factory()
    return field.default is not MISSING and not field.default


def load(data: bytes, *, where: str) -> AnyPlan:
    """The plan in `data`.

    Raises `Refused`: RP032 (not YAML, cut off), RP033 (another schema), RP034 (unknown, missing or mistyped
    fields), RP035 (edited after it was written), RP036 (YAML that replank never writes).
    """
    document = read_yaml(data, where=where)
    schema = document.value.get("schema")
    if schema != SCHEMA:
        raise Refused(
            "RP033",
            "The plan has another schema",
            f"it says {schema!r}, this replank reads {SCHEMA!r}" if schema else "it names no schema",
            "Plan again with this version of replank.",
            where=f"{where}:{document.line(('schema',))}",
        )
    stated = document.value.pop("sha256", None)
    plan = _validated(document, where)
    if stated != sha256(plan):
        raise Refused(
            "RP035",
            "The plan was changed after it was written",
            "its content has another SHA-256 than the one it states" if stated else "it states no SHA-256",
            "Change fleet.yaml or the cluster and plan again; plans are not edited by hand.",
            where=f"{where}:{document.line(('sha256',))}",
        )
    return plan


def _validated(document: YamlDocument, where: str) -> AnyPlan:
    try:
        text = json.dumps({"plan": document.value}, allow_nan=False)
        return _Envelope.model_validate_json(text).plan
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = _path_in(document, tuple(first["loc"][1:]))
        why = f"{'.'.join(map(str, path)) or 'the plan'}: {first['msg']}"
        if first["type"] == "missing":
            why += "; the file may have been cut off"
        raise _malformed(why, f"{where}:{document.line(path)}") from error
    except ValueError as error:
        raise _malformed("a number is not finite", where) from error


def _path_in(document: YamlDocument, loc: Path) -> Path:
    """`loc` without the parts that pydantic adds (alternatives of a union); its last part always stays."""
    path: Path = ()
    for index, part in enumerate(loc):
        if (*path, part) in document.lines or index == len(loc) - 1:
            path = (*path, part)
    return path


def _malformed(why: str, where: str) -> Refused:
    return Refused(
        "RP034",
        "The plan does not have the form of a plan",
        why,
        "Plan again; plans are not edited by hand, and another version of replank may write other fields.",
        where=where,
    )


@cache
def json_schema() -> dict[str, object]:
    """JSON schema of the plan, for documentation and other programs (without the file's `sha256`)."""
    return _Envelope.model_json_schema(mode="serialization")
