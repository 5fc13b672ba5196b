"""Says on a Machine what a hook waits for: a condition, and an event when that changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from replank.domain.errors import Refused
from replank.guards.decision import Word
from replank.guards.names import CONDITION, PRE_DRAIN
from replank.guards.read.documents import condition
from replank.guards.work.look import CORE
from replank.ports.access import Conflict, Document, ObjectRef
from replank.ports.guarding import StatusApi

_LONGEST: Final = 1000
"""Characters of an event's message: events.k8s.io takes 1024 (api/core/v1, Event.message)."""
_WARN_EVERY_S: Final = 3600
_STATES: Final = {
    "waiting": ("False", "Waiting"),
    "overdue": ("False", "Overdue"),
    "released": ("True", "Released"),
    "forced": ("True", "Forced"),
}


def message(word: Word) -> str:
    """For people."""
    hook = "drain" if word.hook == PRE_DRAIN else "termination"
    about = "; ".join(f"{reason.code} {reason.text}" for reason in word.reasons)
    sentence = {
        "waiting": f"The {hook} waits: {about}",
        "overdue": f"The {hook} waits beyond its deadline: {about}",
        "released": f"Nothing holds the {hook} any more",
        "forced": f"The {hook} is let go at its deadline, with this left: {about}",
    }[word.state]
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1]}…"


async def tell(management: StatusApi, machine: Document, word: Word, now: float) -> bool:
    """Writes the condition where it changed, and the event. True where something new was said.

    A Machine that is gone by now is told nothing.
    """
    status, state = _STATES[word.state]
    reason = word.reasons[0].word if word.state == "waiting" else state
    wanted = {"status": status, "reason": reason, "message": message(word)}
    found = condition(machine, CONDITION)
    news = any(found.get(key) != value for key, value in wanted.items())
    if news:
        since = found.get("lastTransitionTime") if found.get("status") == status else None
        document = _status(machine, {**wanted, "lastTransitionTime": since or _time(now)})
        try:
            await management.apply_status(document)
        except Refused:
            if await _is_gone(management, machine):
                return False
            raise
    if news or word.warn:
        await _event(management, machine, word, reason, now)
    return news


async def _is_gone(management: StatusApi, machine: Document) -> bool:
    found = await management.get(ObjectRef.of(machine))
    return found is None or found["metadata"]["uid"] != machine["metadata"]["uid"]


def _status(machine: Document, said: Mapping[str, Any]) -> Document:
    meta = machine["metadata"]
    return {
        "apiVersion": CORE,
        "kind": "Machine",
        "metadata": {"namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
        "status": {"conditions": [{"type": CONDITION, **said}]},
    }


async def _event(management: StatusApi, machine: Document, word: Word, reason: str, now: float) -> None:
    """Its name follows from what it says, so that the same thing is said once, warnings once an hour."""
    meta, text = machine["metadata"], message(word)
    often = int(now // _WARN_EVERY_S) if word.warn else 0
    told = hashlib.sha256(f"{meta['uid']} {word.hook} {word.state} {text} {often}".encode()).hexdigest()[:16]
    document = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": meta["namespace"], "name": f"{meta['name']}.{told}"},
        "involvedObject": {
            "apiVersion": CORE,
            "kind": "Machine",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
        },
        "reason": reason,
        "message": text,
        "type": "Warning" if word.warn else "Normal",
        "source": {"component": "replank-operator"},
        "reportingComponent": "replank.dev/operator",
        "reportingInstance": "replank-operator",
        "action": "Guard",
        "count": 1,
        "firstTimestamp": _time(now),
        "lastTimestamp": _time(now),
    }
    try:
        await management.create(document)
    except Conflict:
        return  # said before, by this process or the one before it


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
