"""A translation in the making."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Literal, TypeVar

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.tree import Path, Table, put
from replank.migrations.runtime_swap.translation.model import (
    NewFile,
    Notice,
    Outcome,
    Row,
    Target,
    Translation,
)

T = TypeVar("T")

_TODO_UNSEEN = "Make it visible (see the code beside it) and survey again; nothing is translated by guess."


@dataclass(slots=True, kw_only=True)
class Draft:
    """Rows, files and the new configuration (`tree`, canonical) while rules add to them.

    `kubelet_keys`: keys of the KubeletConfiguration to be set. `unit_lines`: the drop-in's [Service].
    """

    node: NodeRuntime
    target: Target
    rows: list[Row] = field(default_factory=list)
    files: list[NewFile] = field(default_factory=list)
    stops: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    tree: Table = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)
    changed: set[Path] = field(default_factory=set)
    kubelet_keys: dict[str, JSON] = field(default_factory=dict)
    unit_lines: list[str] = field(default_factory=list)

    def row(
        self,
        setting: str,
        where: str,
        value: str,
        outcome: Outcome,
        *,
        became: str = "",
        why: str,
        source: str,
        code: str = "",
    ) -> None:
        """Adds a row."""
        self.rows.append(
            Row(
                setting=setting,
                where=where,
                value=value,
                outcome=outcome,
                became=became,
                why=why,
                source=source,
                code=code,
            )
        )

    def stop(
        self, code: str, setting: str, where: str, value: str, *, why: str, todo: str, source: str
    ) -> None:
        """Adds a row that stops the translation."""
        self.row(setting, where, value, Outcome.STOP, why=why, source=source, code=code)
        self.stops.append(Notice(code=code, setting=setting, where=where, why=why, todo=todo))

    def warn(self, code: str, setting: str, where: str, *, why: str, todo: str) -> None:
        """Adds a warning; the row is the caller's."""
        self.warnings.append(Notice(code=code, setting=setting, where=where, why=why, todo=todo))

    def seen(self, fact: Fact[T], what: str) -> T | None:
        """The fact, or None and a stop: what could not be seen is not translated."""
        if not isinstance(fact, Unknown):
            return fact
        self.stop(
            "RP440",
            what,
            "the node",
            "(could not be seen)",
            why=f"{fact.unknown} ({fact.code}).",
            todo=_TODO_UNSEEN,
            source="replank",
        )
        return None

    def set(self, path: Path, value: JSON) -> None:
        """A setting of the new configuration."""
        put(self.tree, path, value)

    def write(
        self,
        path: str,
        content: str,
        *,
        before: str = "",
        mode: str = "0644",
        phase: Literal["stage", "switch"] = "stage",
    ) -> None:
        """A file of the plan, unless it stands there already as it should be."""
        if content == before:
            return
        lines = unified_diff(
            before.splitlines(keepends=True),
            content.splitlines(keepends=True),
            fromfile=path if before else "/dev/null",
            tofile=path,
        )
        diff = "".join(lines)
        self.files.append(NewFile(path=path, mode=mode, content=content, diff=diff, phase=phase))

    def finished(self) -> Translation:
        """The translation, in a stable order."""
        return Translation(
            node=self.node.node,
            rows=tuple(
                sorted(set(self.rows), key=lambda row: (row.where, row.setting, row.value, row.outcome))
            ),
            files=tuple(sorted(self.files, key=lambda file: file.path)),
            stops=tuple(sorted(set(self.stops), key=lambda stop: (stop.code, stop.setting, stop.where))),
            warnings=tuple(sorted(set(self.warnings), key=lambda warning: (warning.code, warning.setting))),
            endpoint=self.target.endpoint,
            changed=tuple(sorted(self.changed)),
        )


def shown(value: JSON) -> str:
    """A value as a row shows it. What was withheld says so by itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={shown(inner)}" for key, inner in value.items())
    return "" if value is None else str(value)
