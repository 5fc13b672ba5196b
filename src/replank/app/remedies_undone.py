"""A written remedy is taken back by its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from replank.app.agent_maps import live_map, workload_api, write_map
from replank.app.remedy_records import RecordedKey, RecordedMap, RemedyRecord
from replank.domain.errors import Refused
from replank.inventory.fleet.model import ClusterConfig
from replank.migrations.runtime_swap.log_agents.changes import LiveMap
from replank.migrations.runtime_swap.log_agents.hunks import stands, taken_back
from replank.migrations.runtime_swap.log_agents.shown import unified
from replank.ports.access import KubeApi
from replank.report.remedies import ToldPlace

TO_BE_UNDONE: Final = "to be undone"


async def look_back(config: ClusterConfig, record: RemedyRecord) -> tuple[ToldPlace, ...]:
    """What undoing the record would do now."""
    async with workload_api(config) as api:
        return tuple(
            [
                place
                for of in record.config_maps
                for place, _ in _back(of, await live_map(api, of.namespace, of.name))
            ]
        )


async def take_back(config: ClusterConfig, record: RemedyRecord) -> tuple[ToldPlace, ...]:
    """Puts back every place that is still as the remedy left it. A ConfigMap of which one place is another by
    now stays as it is, and so does one that the API server refuses; each is told.

    Raises `Transient` where the API does not answer. Done again, it goes on where it stood.
    """
    told: list[ToldPlace] = []
    async with workload_api(config, writes=True) as api:
        for of in record.config_maps:
            live = await live_map(api, of.namespace, of.name)
            found = _back(of, live)
            texts = {place.key: text for place, text in found if text is not None}
            refusal = await _merged(api, live, texts) if live is not None and texts else None
            told += [_ended(place, refusal) if place.key in texts else place for place, _ in found]
    return tuple(told)


async def _merged(api: KubeApi, live: LiveMap, texts: Mapping[str, str]) -> Refused | None:
    try:
        await write_map(api, live, texts)
    except Refused as error:
        return error
    return None


def _ended(place: ToldPlace, refusal: Refused | None) -> ToldPlace:
    if refusal is None:
        return replace(place, outcome="undone")
    return replace(place, outcome="refused", code=refusal.code, why=refusal.reason)


def _back(of: RecordedMap, live: LiveMap | None) -> list[tuple[ToldPlace, str | None]]:
    """Each key, with its text as it was before, None where it is not written."""
    if live is None or live.uid != of.uid:
        why = "there is no such ConfigMap" if live is None else "it was deleted and made anew"
        return [(_refused(of, key, "RP964", why), None) for key in of.keys]
    now = {key.key: _stands(key, live) for key in of.keys}
    if "otherwise" in now.values():
        return [(_refused(of, key, "RP964", _why(now[key.key])), None) for key in of.keys]
    found: list[tuple[ToldPlace, str | None]] = []
    for key in of.keys:
        if now[key.key] == "as-before":
            found.append((_place(of, key, "as before"), None))
            continue
        text = live.texts[key.key]
        before = taken_back(text, key.places)
        diff = unified(text, before, f"{live.source}, {key.key}")
        found.append((_place(of, key, TO_BE_UNDONE, diff=diff), before))
    return found


def _stands(key: RecordedKey, live: LiveMap) -> str:
    return stands(live.texts[key.key], key.places) if key.key in live.texts else "otherwise"


def _why(now: str) -> str:
    if now == "otherwise":
        return "the place has been changed since, or has moved; nothing is written over it"
    return "another place of this ConfigMap has been changed since"


def _place(of: RecordedMap, key: RecordedKey, outcome: str, *, diff: str = "") -> ToldPlace:
    return ToldPlace(namespace=of.namespace, name=of.name, key=key.key, outcome=outcome, diff=diff)


def _refused(of: RecordedMap, key: RecordedKey, code: str, why: str) -> ToldPlace:
    return replace(_place(of, key, "refused"), code=code, why=why)
