"""Holds manifests against CustomResourceDefinitions, as an API server would before its webhooks.

What an API server does with a structural schema (apiextensions.k8s.io/v1): it drops fields that the schema
does not know (what is dropped was meant, so here it is a problem), fills in defaults, and validates types,
formats and lengths. Rules in CEL (`x-kubernetes-validations`) are not evaluated here:
`rules_not_evaluated` counts them, so that nobody takes this for all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft4Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

NO_MATCH: Final = "RP071"
NOT_SERVED: Final = "RP073"

Schema = Mapping[str, Any]
Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProblem:
    """One mismatch. `object`: key in the plan; `path`: the field, dotted; `says`: what is wrong with it."""

    code: str
    object: str
    path: str
    says: str

    def __str__(self) -> str:
        return f"{self.object}: {self.path}: {self.says}" if self.path else f"{self.object}: {self.says}"


def validate(manifests: Mapping[str, Manifest], crds: Sequence[Schema]) -> tuple[SchemaProblem, ...]:
    """Every problem of every manifest, sorted.

    `manifests`: key -> object; `crds`: CustomResourceDefinition objects (apiextensions.k8s.io/v1). Objects of
    core kinds (apiVersion `v1`) have no CRD and are not looked at.
    """
    by_kind = _by_kind(crds)
    found = [problem for key, item in manifests.items() for problem in _problems(key, item, by_kind)]
    return tuple(sorted(found, key=lambda p: (p.object, p.path, p.says)))


def rules_not_evaluated(manifests: Mapping[str, Manifest], crds: Sequence[Schema]) -> int:
    """How many CEL rules stand on fields that these manifests set. Only an API server evaluates them."""
    by_kind = _by_kind(crds)
    count = 0
    for item in manifests.values():
        schema = _schema(item, by_kind)
        if not isinstance(schema, str) and schema is not None:
            count += _rules(schema, item)
    return count


def kinds_without_schema(manifests: Mapping[str, Manifest], crds: Sequence[Schema]) -> tuple[str, ...]:
    """Kinds of these manifests whose CRD takes anything (no properties): nothing was validated by them."""
    by_kind = _by_kind(crds)
    schemas = ((str(item.get("kind", "")), _schema(item, by_kind)) for item in manifests.values())
    return tuple(
        sorted(
            {
                kind
                for kind, schema in schemas
                if schema is not None and not isinstance(schema, str) and not _says_anything(schema)
            }
        )
    )


def _says_anything(schema: Schema) -> bool:
    return any(part.get("properties") for part in schema.get("properties", {}).values())


def _by_kind(crds: Iterable[Schema]) -> dict[tuple[str, str], Schema]:
    return {(crd["spec"]["group"], crd["spec"]["names"]["kind"]): crd["spec"] for crd in crds}


def _schema(item: Manifest, by_kind: Mapping[tuple[str, str], Schema]) -> Schema | str | None:
    """The schema of an object; None for a core kind; a text that says why there is none."""
    group, slash, version = str(item.get("apiVersion", "")).partition("/")
    if not slash:
        return None
    kind = str(item.get("kind", ""))
    spec = by_kind.get((group, kind))
    if spec is None:
        return f"kind {kind} of {group} is not served"
    served = [v for v in spec["versions"] if v.get("served")]
    for candidate in served:
        if candidate["name"] == version:
            schema: Schema = candidate.get("schema", {}).get("openAPIV3Schema", {})
            return schema
    names = ", ".join(sorted(v["name"] for v in served)) or "no version"
    return f"{group}/{version} of kind {kind} is not served ({names} is)"


def _problems(key: str, item: Manifest, by_kind: Mapping[tuple[str, str], Schema]) -> Iterator[SchemaProblem]:
    schema = _schema(item, by_kind)
    if schema is None:
        return
    if isinstance(schema, str):
        yield SchemaProblem(code=NOT_SERVED, object=key, path="", says=schema)
        return
    spec = by_kind[item["apiVersion"].partition("/")[0], item["kind"]]
    if spec.get("scope") == "Namespaced" and not item.get("metadata", {}).get("namespace"):
        yield SchemaProblem(code=NO_MATCH, object=key, path="metadata.namespace", says="is missing")
    validator = _Validator(_top(schema), format_checker=_FORMATS)
    for error in validator.iter_errors(item):
        yield SchemaProblem(code=NO_MATCH, object=key, path=_path(error), says=_says(error))


def _path(error: ValidationError) -> str:
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _says(error: ValidationError) -> str:
    """Names what is wrong without repeating the value, which may be long."""
    schema: Any = error.schema
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties":
        unknown = sorted(set(instance) - set(schema.get("properties", {})))
        return f"unknown field {', '.join(unknown)}"
    if error.validator == "required":
        missing = [name for name in wanted if name not in instance]
        return f"required field {', '.join(missing)} is missing"
    if error.validator in ("type", "format"):
        return f"{type(instance).__name__} is not {error.validator} {wanted}"
    if error.validator == _MAP_KEYS:
        return error.message
    return f"does not keep {error.validator} {wanted}"


def _top(schema: Schema) -> dict[str, Any]:
    """An API server knows apiVersion, kind and metadata by itself."""
    properties = {
        **schema.get("properties", {}),
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    return _plain({**schema, "properties": properties})


def _plain(schema: Schema) -> dict[str, Any]:
    """A structural schema as JSON schema: unknown fields refused, defaults counted as given."""
    plain: dict[str, Any] = {k: v for k, v in schema.items() if k in _VALUE_KEYWORDS}
    if schema.get("x-kubernetes-int-or-string"):
        plain["type"] = ["integer", "string"]
        plain.pop("anyOf", None)
    elif "type" in schema:
        plain["type"] = [schema["type"], "null"] if schema.get("nullable") else schema["type"]
    properties = schema.get("properties", {})
    if properties:
        plain["properties"] = {name: _plain(part) for name, part in properties.items()}
    # Defaults are filled in before anything is validated.
    required = [name for name in schema.get("required", ()) if "default" not in properties.get(name, {})]
    if required:
        plain["required"] = required
    if "items" in schema:
        plain["items"] = _plain(schema["items"])
    if schema.get("x-kubernetes-list-type") == "set":
        plain["uniqueItems"] = True
    if _MAP_KEYS in schema:
        plain[_MAP_KEYS] = list(schema[_MAP_KEYS])
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        plain["additionalProperties"] = _plain(others)
    elif others is None and schema.get("type") == "object" and not _preserves(schema):
        plain["additionalProperties"] = False
    return plain


def _preserves(schema: Schema) -> bool:
    return bool(
        schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-embedded-resource")
    )


def _rules(schema: Schema, value: object) -> int:
    """CEL rules on the fields that `value` has."""
    count = len(schema.get("x-kubernetes-validations", ()))
    if isinstance(value, Mapping):
        others = schema.get("additionalProperties")
        for name, part in value.items():
            known = schema.get("properties", {}).get(name, others if isinstance(others, Mapping) else {})
            count += _rules(known, part)
    elif isinstance(value, list):
        count += sum(_rules(schema.get("items", {}), part) for part in value)
    return count


def _unique_keys(_: object, keys: Sequence[str], items: object, __: object) -> Iterator[ValidationError]:
    """Lists of type map: no two items with the same keys."""
    if not isinstance(items, list):
        return
    seen: set[tuple[str, ...]] = set()
    for item in items:
        if not isinstance(item, Mapping):
            continue
        mark = tuple(repr(item.get(key)) for key in keys)
        if mark in seen:
            yield ValidationError(f"two items have the same {' and '.join(keys)}")
        seen.add(mark)


_MAP_KEYS: Final = "x-kubernetes-list-map-keys"
_VALUE_KEYWORDS: Final = frozenset(
    {
        "allOf",
        "anyOf",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
    }
)
_FORMATS: Final = FormatChecker(formats=("uuid", "ipv4", "ipv6", "date"))
_Validator: Any = extend(Draft4Validator, {_MAP_KEYS: _unique_keys})  # type: ignore[no-untyped-call]
