"""What a remedy is: edits of ConfigMaps, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from replank.inventory.log_agents.agent import SourceRef
from replank.inventory.log_agents.mounted import MountedFile, Texts
from replank.migrations.runtime_swap.log_agents.shown import unified
from replank.migrations.runtime_swap.log_agents.splice import Splice, spliced


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A key of a ConfigMap before and after. The texts stay out of what is shown of it: they may hold
    secrets.
    """

    source: SourceRef
    key: str
    before: str = field(repr=False)
    after: str = field(repr=False)

    @property
    def diff(self) -> str:
        """As people may see it: masked."""
        return unified(self.before, self.after, f"{self.source}, {self.key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """Something that no edit can do. `where`: a place; `block`: text to put there, free of secrets."""

    where: str
    why: str
    todo: str
    block: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What one kind of agent needs: splices by file, needs of the image, and work by hand."""

    splices: Mapping[str, tuple[Splice, ...]] = field(default_factory=dict)
    by_hand: tuple[ByHand, ...] = ()
    notes: tuple[str, ...] = ()


def edits(proposal: Proposal, files: Mapping[str, MountedFile]) -> tuple[Edit, ...]:
    """The edits of a proposal; a file that is included twice is changed once. `files`: by path. Raises
    `Overlap`.
    """
    found: list[Edit] = []
    for path, splices in proposal.splices.items():
        file = files[path]
        assert file.source is not None
        after = spliced(file.text, dict.fromkeys(splices))
        found.append(Edit(source=file.source, key=file.key, before=file.text, after=after))
    return tuple(found)


def changed(texts: Texts, made: tuple[Edit, ...]) -> Texts:
    """The texts with the edits made."""
    found = {source: dict(keys) for source, keys in texts.items()}
    for edit in made:
        found[edit.source][edit.key] = edit.after
    return found


def cannot_write(file: MountedFile) -> ByHand | None:
    """Why a file is not for replank to change, None where it is."""
    if file.source is None:
        return ByHand(
            where=f"image, {file.key}",
            why="the configuration is built into the image",
            todo="Mount this over it from a ConfigMap.",
        )
    if file.source.kind == "Secret":
        return ByHand(
            where=f"{file.source}, {file.key}",
            why="the configuration lies in a Secret, which replank does not write",
            todo="Change it where the Secret is made (a chart's values, an operator's resource).",
        )
    return None
