"""State files, of whatever form, as facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.inventory.terraform import show_json, v4
from replank.inventory.terraform.detect import DEFAULT_LIMIT, Document, detect
from replank.inventory.terraform.shape import Place, text

_NUMBER: Final = re.compile(r"([0-9]{1,18})")


def parse_state(
    data: bytes, *, source: str, backend: str, workspace: str = "default", limit: int = DEFAULT_LIMIT
) -> StateFile:
    """The state in `data`: a v4 state or the output of `terraform show -json`, told apart by content.

    `source`: where it was read, for messages and for `StateFile.source`; free of credentials. `limit`: bytes.
    Raises `Refused` RP021 to RP027 (see `detect`) or RP029 (damaged), and nothing else.
    """
    document = detect(data, source=source, limit=limit)
    try:
        return _state(document, source, backend, workspace)
    except RecursionError as error:
        raise Refused(
            "RP029",
            "The state is damaged",
            "a value in it is nested too deeply",
            "Fetch it again (`terraform state pull`).",
            where=source,
        ) from error


def _state(document: Document, source: str, backend: str, workspace: str) -> StateFile:
    body, top = document.body, Place(source)
    read = v4.resources if document.form == "v4" else show_json.resources
    found, skipped = read(body, source)
    return StateFile(
        source=source,
        form=document.form,
        backend=backend,
        tool_version=text(body, "terraform_version", top),
        serial=_serial(body, top) if document.form == "v4" else None,
        lineage=text(body, "lineage", top) if document.form == "v4" else None,
        workspace=workspace,
        resources=tuple(sorted(found, key=_order())),
        skipped_providers=dict(sorted(skipped.items())),
    )


def _serial(body: dict[str, JSON], place: Place) -> int | None:
    value = body.get("serial")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise place.at("serial").refuse("is not a number")


def _order() -> Callable[[TerraformResource], tuple[list[tuple[int, int, str]], str]]:
    """By address with numbers as numbers, `node[2]` before `node[10]`; a live object before deposed ones."""

    def key(resource: TerraformResource) -> tuple[list[tuple[int, int, str]], str]:
        parts = _NUMBER.split(resource.address)
        return [(0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(parts)], resource.deposed

    return key
