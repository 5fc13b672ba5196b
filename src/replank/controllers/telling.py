"""What a round came to, as log lines and metrics. What lasts is said once, when it begins."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Final, NamedTuple

from replank.controllers.log import note, note_bug, note_error
from replank.controllers.metrics import Metrics
from replank.domain.errors import ReplankError
from replank.domain.unknown import Unknown
from replank.guards.decision import Action, Reason, Release, Word
from replank.guards.names import PRE_DRAIN
from replank.guards.work.round import Rounded

_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class ClusterKey(NamedTuple):
    """A Cluster object."""

    namespace: str
    name: str


@dataclass(slots=True)
class _Told:
    """What was said of a cluster: its words by Machine and hook, its notes, and its series."""

    words: dict[tuple[str, str], tuple[str, tuple[Reason, ...]]] = field(default_factory=dict)
    notes: frozenset[Reason] = frozenset()
    waiting: set[tuple[str, str, str]] = field(default_factory=set)
    pools: set[str] = field(default_factory=set)


class Teller:
    """Of all clusters."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told: dict[ClusterKey, _Told] = {}

    def rounded(self, key: ClusterKey, rounded: Rounded, seconds: float) -> None:
        """A round that came to its end."""
        broken = rounded.faults or rounded.untold
        self._ended("faults" if broken else "ok", seconds)
        told = self._told.setdefault(key, _Told())
        self._actions(key, rounded)
        self._words(key, rounded.decision.words, told)
        notes = frozenset(rounded.decision.notes)
        for reason in sorted(notes - told.notes, key=lambda reason: reason.text):
            note("note", logging.WARNING, **_of(key), code=reason.code, reason=reason.word, text=reason.text)
        told.notes = notes
        for machine, error in rounded.untold:
            note_error("a Machine could not be told", error, **_of(key), machine=machine)
        self._waiting(key, rounded, told)
        self._pools(rounded, told)

    def failed(self, key: ClusterKey, error: ReplankError, seconds: float, again_s: float) -> None:
        """A round that could not look."""
        self._ended("error", seconds)
        note_error("a round did not work", error, **_of(key), again_s=round(again_s, 1))

    def broke(self, key: ClusterKey, error: BaseException, seconds: float, again_s: float) -> None:
        """A round that met a bug."""
        self._ended("bug", seconds)
        note_bug("a round met a bug of replank", error, **_of(key), code="RP733", again_s=round(again_s, 1))

    def gone(self, key: ClusterKey, seconds: float) -> None:
        """There is no such Cluster any more."""
        self._ended("gone", seconds)
        note("the Cluster is gone", **_of(key))
        self.forget(key)

    def forget(self, key: ClusterKey) -> None:
        """Takes away what stands in the metrics about it: it is gone, or another replica's."""
        told = self._told.pop(key, _Told())
        for machine, hook, reason in told.waiting:
            self._metrics.waiting.remove(*key, machine, hook, reason)
        for machine, hook in {(machine, hook) for machine, hook, _ in told.waiting}:
            self._metrics.waiting_seconds.remove(*key, machine, hook)
        for pool in told.pools:
            self._metrics.pool_members.remove(pool)

    def _ended(self, result: str, seconds: float) -> None:
        self._metrics.rounds.labels(result).inc()
        self._metrics.seconds.observe(seconds)

    def _actions(self, key: ClusterKey, rounded: Rounded) -> None:
        forced = {(word.machine, word.hook) for word in rounded.decision.words if word.state == "forced"}
        for action in rounded.done:
            self._metrics.actions.labels(name_of(action), "ok").inc()
            note("done", **_of(key), action=name_of(action), about=asdict(action))
            if isinstance(action, Release):
                is_forced = (action.machine, action.hook) in forced
                self._metrics.released.labels(_hook(action.hook), str(is_forced).lower()).inc()
        for fault in rounded.faults:
            self._metrics.actions.labels(name_of(fault.action), "failed").inc()
            about = {"action": name_of(fault.action), "about": asdict(fault.action)}
            note_error("an action did not work", fault.error, **_of(key), **about)

    def _words(self, key: ClusterKey, words: Iterable[Word], told: _Told) -> None:
        said = {(word.machine, word.hook): word for word in words}
        for place, word in said.items():
            if told.words.get(place) == (word.state, word.reasons):
                continue
            note(
                f"hook {word.state}",
                logging.WARNING if word.warn else logging.INFO,
                **_of(key),
                machine=word.machine,
                hook=_hook(word.hook),
                reasons=[f"{reason.code} {reason.text}" for reason in word.reasons],
            )
        told.words = {place: (word.state, word.reasons) for place, word in said.items()}

    def _waiting(self, key: ClusterKey, rounded: Rounded, told: _Told) -> None:
        since = {machine.name: machine.waiting_since for machine in rounded.sight.machines}
        now: set[tuple[str, str, str]] = set()
        for word in rounded.decision.words:
            if word.state not in ("waiting", "overdue"):
                continue
            began = since.get(word.machine)
            place = (word.machine, _hook(word.hook))
            self._metrics.waiting_seconds.labels(*key, *place).set(
                max(0.0, rounded.sight.at - began) if began is not None else 0.0
            )
            for reason in word.reasons:
                now.add((*place, reason.word))
                self._metrics.waiting.labels(*key, *place, reason.word).set(1)
        for machine, hook, reason_word in told.waiting - now:
            self._metrics.waiting.remove(*key, machine, hook, reason_word)
        for machine, hook in {gone[:2] for gone in told.waiting} - {there[:2] for there in now}:
            self._metrics.waiting_seconds.remove(*key, machine, hook)
        told.waiting = now

    def _pools(self, rounded: Rounded, told: _Told) -> None:
        cloud = rounded.sight.cloud
        seen = {} if isinstance(cloud, Unknown) else cloud.pools
        now = {pool: members for pool, members in seen.items() if not isinstance(members, Unknown)}
        for pool, members in now.items():
            self._metrics.pool_members.labels(pool).set(len(members))
        for pool in told.pools - now.keys():
            self._metrics.pool_members.remove(pool)
        told.pools = set(now)


def name_of(action: Action) -> str:
    """`add-member` for `AddMember`."""
    return _WORDS.sub("-", type(action).__name__).lower()


def _hook(hook: str) -> str:
    return "pre-drain" if hook == PRE_DRAIN else "pre-terminate"


def _of(key: ClusterKey) -> dict[str, object]:
    return {"namespace": key.namespace, "cluster": key.name}
