"""A rule: one code, its severity, consequence and remedy, and the function that looks for it.

The function yields sightings. What it needs and cannot see becomes a sighting too, with the rule's full
severity: `unseen` inside a loop over machines, or an `Unseen` raised by `known` where the whole rule depends
on one fact. So no rule passes because nobody looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from replank.audit.finding import AuditSettings, CheckRegistry, Finding
from replank.domain.severity import Severity
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.snapshot import Snapshot

T = TypeVar("T")
MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rule saw about one subject. `severity` None: the rule's own."""

    subject: str
    evidence: tuple[str, ...]
    severity: Severity | None = None
    unknown: bool = False


class Unseen(Exception):
    """Raised while looking: the fact that the rule depends on is unknown. Never leaves `RuleBook.rule`."""

    def __init__(self, fact: Unknown, subject: str = "") -> None:
        super().__init__(fact.unknown)
        self.fact = fact
        self.subject = subject


@dataclass(frozen=True, slots=True)
class Rule:
    """One code as the audit knows it; the long text is in `audit/texts/<code>.md`."""

    code: str
    severity: Severity
    consequence: str
    remedy: str

    def finding(self, sighting: Sighting) -> Finding:
        """The finding that `sighting` is under this rule."""
        return Finding(
            code=self.code,
            severity=sighting.severity or self.severity,
            subject=sighting.subject,
            evidence=sighting.evidence,
            consequence=self.consequence,
            remedy=self.remedy,
            unknown=sighting.unknown,
        )


Look = Callable[[Snapshot, AuditSettings], Iterable[Sighting]]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of one migration. `checks`: what runs them."""

    checks: CheckRegistry = field(default_factory=CheckRegistry)
    rules: dict[str, Rule] = field(default_factory=dict)

    def rule(self, code: str, severity: Severity, *, consequence: str, remedy: str) -> Callable[[Look], Look]:
        """Decorator: registers a function as the look-out for `code`. Raises ValueError if it has one
        already."""
        if code in self.rules:
            raise ValueError(f"{code} is taken")
        made = Rule(code, severity, consequence, remedy)
        self.rules[code] = made

        def register(look: Look) -> Look:
            @self.checks.check(code)
            def check(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Finding]:
                try:
                    for sighting in look(snapshot, settings):
                        yield made.finding(sighting)
                except Unseen as error:
                    subject = error.subject or f"cluster {snapshot.cluster}"
                    yield made.finding(unseen(subject, error.fact))

            return look

        return register


def known(fact: Fact[T], subject: str = "") -> T:
    """The fact. Raises `Unseen` for `subject` if it is unknown."""
    if isinstance(fact, Unknown):
        raise Unseen(fact, subject)
    return fact


def seen(subject: str, *evidence: str, severity: Severity | None = None) -> Sighting:
    """The rule applies to `subject`. `severity` only where it is less, or more, than the rule's own."""
    return Sighting(subject, tuple(evidence), severity)


def unseen(subject: str, *facts: Unknown) -> Sighting:
    """The rule could not be checked for `subject`. Evidence: the words of the unknown facts."""
    return Sighting(subject, tuple(dict.fromkeys(fact.unknown for fact in facts)), unknown=True)


def some(lines: Iterable[str], limit: int = MAX_LINES) -> tuple[str, ...]:
    """Sorted evidence; beyond `limit` lines only how many more there are."""
    found = sorted(lines)
    if len(found) <= limit:
        return tuple(found)
    return (*found[:limit], f"and {len(found) - limit} more")
