"""What CAPO's cache holds: each kind has a watch of its own, and any of them may be behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import API_VERSIONS
from replank.testbed.simulation.objects import Key, Objects


@dataclass(slots=True)
class Cache:
    """`behind`: kind -> moment until which its watch delivers nothing. `was_behind`: one ever was."""

    objects: Objects
    behind: dict[str, float] = field(default_factory=dict)
    was_behind: bool = False
    _seen: dict[Key, Document] = field(default_factory=dict)

    def refresh(self) -> None:
        """Takes what the watches deliver now."""
        late = {kind for kind, until in self.behind.items() if self.objects.now() < until}
        self.behind = {kind: until for kind, until in self.behind.items() if kind in late}
        fresh = {key: document for key, document in self.objects.documents.items() if key[1] not in late}
        kept = {key: document for key, document in self._seen.items() if key[1] in late}
        self._seen = fresh | kept

    def fall_behind(self, kind: str, seconds: float) -> None:
        """The watch of a kind stalls."""
        self.behind[kind] = self.objects.now() + seconds
        self.was_behind = True

    def find(self, kind: str, namespace: str, name: str) -> Document | None:
        """As the cache has it."""
        return self._seen.get((API_VERSIONS[kind].rpartition("/")[0], kind, namespace, name))

    def all(self, kind: str) -> Iterator[Document]:
        """Of a kind, as the cache has them."""
        for key, document in list(self._seen.items()):
            if key[1] == kind:
                yield document
