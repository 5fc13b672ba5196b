"""What the process of the probes is told on its standard input. It names files, and holds no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from replank.domain.errors import Refused
from replank.inventory.fleet.model import ProbeTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """`out`: absolute path of the file for the record. `baseline_s`: seconds measured before the run, 0 =
    none. `exec_timeout_s`: for a kubeconfig's exec plugin."""

    targets: tuple[ProbeTarget, ...]
    out: str
    interval_s: float = 0.1
    baseline_s: float = 0.0
    exec_timeout_s: float = 30.0


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    probe: ProbeConfig


def dump(config: ProbeConfig) -> str:
    """One line of JSON."""
    data: dict[str, Any] = _Envelope(probe=config).model_dump(mode="json")
    return json.dumps(data, ensure_ascii=False) + "\n"


def load(text: str) -> ProbeConfig:
    """The configuration in `text`. Raises `Refused` RP981."""
    try:
        return _Envelope.model_validate_json(text).probe
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Refused(
            CONFIG,
            "The probes cannot be started",
            f"{'.'.join(map(str, first['loc'])) or 'their configuration'}: {first['msg']}",
            "Start them by `replank probe` or `apply --probe`, which write it.",
        ) from error


CONFIG: Final = "RP981"
