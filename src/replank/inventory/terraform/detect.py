"""From bytes to a state document: which form it is, or why it is none."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON

DEFAULT_LIMIT: Final = 512 * 1024 * 1024
_V4: Final = 4
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object that is a state."""

    form: Literal["v4", "show-json"]
    body: dict[str, JSON]


def detect(data: bytes, *, source: str, limit: int = DEFAULT_LIMIT) -> Document:
    """The state document in `data`. `limit`: bytes; `source`: for messages.

    Raises `Refused` RP021 (empty), RP022 (not whole JSON), RP023 (version 3 or older), RP024 (encrypted by
    OpenTofu), RP025 (something else than a state), RP026 (a form of the future), RP027 (too large).
    """
    if len(data) > limit:
        raise Refused(
            "RP027",
            "The state is too large",
            f"it has {len(data)} bytes, the limit is {limit}",
            "Give only the part that is needed, or split the state.",
            where=source,
        )
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise Refused(
            "RP021",
            "The state is empty",
            "there is nothing in it",
            "If the state was moved to a remote back end, use `pull` with the folder; otherwise look for the"
            " newest backup.",
            where=source,
        )
    body = _json(data, source)
    if not isinstance(body, dict):
        raise _no_state(f"its top level is {_kind(body)}, not an object", source)
    return Document(_form(body, source), body)


def _json(data: bytes, source: str) -> JSON:
    if data.startswith(b"PK\x03\x04"):
        raise _no_state("it is a saved plan (`terraform plan -out`), not a state", source)
    if data.startswith(b"\x1f\x8b"):
        raise Refused(
            "RP022",
            "The state is not JSON",
            "it is compressed with gzip",
            "Unpack it (`gunzip`), or use `pull`.",
            where=source,
        )
    try:
        body: JSON = _loads(data)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
        why = "it ends in the middle: it was cut off" if cut_off else error.msg
        raise Refused(
            "RP022",
            "The state is not whole JSON",
            f"line {error.lineno}, column {error.colno}: {why}",
            "Fetch it again (`terraform state pull`), or take the newest whole backup.",
            where=source,
        ) from error
    except (ValueError, RecursionError) as error:
        reason = {
            UnicodeDecodeError: "it is binary, not text",
            RecursionError: "it is nested too deeply",
        }.get(type(error), "it holds a number that JSON does not have")
        raise Refused(
            "RP022",
            "The state is not JSON",
            reason,
            "Name the state file that Terraform or OpenTofu writes, or use `pull`.",
            where=source,
        ) from error
    return body


def _loads(data: bytes) -> JSON:
    text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
    body: JSON = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    if _SURROGATE.search(data):
        # A lone surrogate cannot be written as UTF-8 later: it becomes "?".
        text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
        body = json.loads(text)
    return body


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _form(body: dict[str, JSON], source: str) -> Literal["v4", "show-json"]:
    if "encrypted_data" in body and "encryption_version" in body:
        raise Refused(
            "RP024",
            "The state is encrypted by OpenTofu",
            "it holds `encrypted_data`",
            "Use `pull` with the folder and `command: tofu`: `tofu state pull` prints it decrypted.",
            where=source,
        )
    if any(key in body for key in ("planned_values", "resource_changes", "planned_changes")):
        raise _no_state("it is a plan in JSON, not a state", source)
    if "format_version" in body:
        return _show_json(body, source)
    if "version" not in body:
        raise _no_state("it has neither `version` nor `format_version`", source)
    version = body["version"]
    if isinstance(version, bool) or not isinstance(version, int):
        raise _no_state(f"its `version` is {_kind(version)}, not a number", source)
    if "backend" in body and "resources" not in body:
        raise _no_state(
            "it only says which back end the folder uses (`.terraform/terraform.tfstate`)",
            source,
            "Use `pull` with the folder that holds `.terraform`.",
        )
    if version < _V4:
        raise Refused(
            "RP023",
            f"The state has version {version}",
            f"replank reads version {_V4}, which Terraform writes since 0.12",
            "Upgrade the configuration (`terraform 0.12upgrade` of Terraform 0.12), then let 0.12 or newer"
            " write the state: `terraform init`, `terraform apply` (from 0.15.4 on `apply -refresh-only`).",
            where=source,
        )
    if version > _V4:
        raise _future(f"its version is {version}, this replank reads {_V4}", source)
    return "v4"


def _show_json(body: dict[str, JSON], source: str) -> Literal["show-json"]:
    version = body["format_version"]
    if not isinstance(version, str):
        raise _no_state(f"its `format_version` is {_kind(version)}, not a text", source)
    major = version.partition(".")[0]
    if major not in ("0", "1"):
        # Terraform's promise: readers must reject a major version they do not know.
        raise _future(f"its format_version is {version[:20]!r}, this replank reads 0.x and 1.x", source)
    if any(key in body for key in ("provider_schemas", "valid", "root_module", "configuration")):
        raise _no_state("it is the JSON output of another command than `show`", source)
    return "show-json"


def _no_state(why: str, source: str, todo: str = "") -> Refused:
    return Refused(
        "RP025",
        "This is not a Terraform state",
        why,
        todo or "Name the state file, or the output of `terraform show -json` without a plan file.",
        where=source,
    )


def _future(why: str, source: str) -> Refused:
    return Refused(
        "RP026",
        "The state has a form of the future",
        why,
        "Use a newer replank, or `terraform show -json` of the Terraform that wrote it.",
        where=source,
    )


def _kind(value: JSON) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
