"""Reads fleet.yaml: `load_fleet` is pure, the app gives it the text, the path and the home folder."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from pydantic import ValidationError

from replank.inventory.facts.json_value import JSON
from replank.inventory.fleet.document import Document, Path, read_document
from replank.inventory.fleet.model import ClusterConfig, Fleet, StateSource
from replank.inventory.fleet.patterns import Settings, applies, filled, layers_of, merged
from replank.inventory.fleet.problems import (
    Problem,
    duplicate_problems,
    field_name,
    refuse,
    validation_problems,
)
from replank.inventory.fleet.resolve import Paths, resolve
from replank.inventory.fleet.schema import FleetFile, is_dns_label, without_shorthands
from replank.inventory.fleet.schema import Settings as SettingsModel

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load_fleet(text: str, *, path: str, home: str) -> Fleet:
    """The fleet that `text` describes, resolved.

    `path`: of fleet.yaml, absolute; relative paths in it start from its folder. `home`: what `~` stands for.
    Raises `Refused` with all problems in one error, under the code of the first: RP010 (not YAML), RP011
    (unknown key), RP012 (a key twice), RP013 (bad value), RP014 (bad cluster name), RP015 (one state for two
    clusters), RP016 (something missing), RP017 (another schema), RP018 (unknown placeholder).
    """
    document = read_document(text, path=path)
    problems = duplicate_problems(document) + _placeholder_problems(document)
    try:
        FleetFile.model_validate(_full(document.value))
    except ValidationError as error:
        problems += validation_problems(error, document)
    problems += _name_problems(document)
    if problems:
        raise refuse(problems, path)
    return _Builder(document, Paths(posixpath.dirname(path), home)).build(path)


def _full(value: JSON) -> JSON:
    """The document without short forms, as the schema knows it. An empty file has no keys."""
    if not isinstance(value, dict):
        return {} if value is None else value
    full = dict(value)
    if "defaults" in full:
        full["defaults"] = without_shorthands(full["defaults"])
    patterns, clusters = full.get("patterns"), full.get("clusters")
    if isinstance(patterns, list):
        full["patterns"] = [without_shorthands(pattern) for pattern in patterns]
    if isinstance(clusters, dict):
        full["clusters"] = {name: without_shorthands(own) for name, own in clusters.items()}
    return full


def _name_problems(document: Document) -> list[Problem]:
    clusters = document.value.get("clusters") if isinstance(document.value, dict) else None
    return [
        Problem(
            document.position(("clusters", name)),
            "RP014",
            field_name(("clusters", name)),
            "is no valid cluster name: at most 63 lower case letters, digits and dashes, no dash at the ends",
        )
        for name in (clusters if isinstance(clusters, dict) else ())
        if not is_dns_label(name)
    ]


def _placeholder_problems(document: Document) -> list[Problem]:
    found: list[Problem] = []
    waiting: list[tuple[Path, JSON]] = [((), document.value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, key), child) for key, child in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, i), child) for i, child in enumerate(value)]
        elif isinstance(value, str):
            found += [
                Problem(
                    document.values.get(path) or document.position(path),
                    "RP018",
                    field_name(path),
                    f"has the placeholder `{{{name}}}`; the only one is `{{cluster}}`",
                )
                for name in _PLACEHOLDER.findall(value)
                if name != "cluster"
            ]
    return found


class _Builder:
    """Resolves all clusters of a document that has the right shape, and collects what is still wrong."""

    def __init__(self, document: Document, paths: Paths) -> None:
        self._document = document
        self._paths = paths
        self._problems: list[Problem] = []

    def build(self, path: str) -> Fleet:
        clusters = [self._cluster(name) for name in sorted(_mapping(self._value("clusters")))]
        self._check_states(clusters)
        if self._problems:
            raise refuse(self._problems, path)
        return Fleet(path=path, clusters=tuple(clusters))

    def _value(self, key: str) -> JSON:
        return _mapping(self._document.value).get(key)

    def _cluster(self, name: str) -> ClusterConfig:
        patterns = self._value("patterns")
        layers = layers_of(
            name,
            _mapping(self._value("defaults")),
            [_mapping(pattern) for pattern in patterns] if isinstance(patterns, list) else [],
            _mapping(_mapping(self._value("clusters"))[name]),
        )
        settings = filled(without_shorthands(merged(layers)), name)

        def report(code: str, field: Path, says: str) -> None:
            position = self._document.position(self._layer_of(name, field))
            self._problems.append(Problem(position, code, field_name(("clusters", name, *field)), says))

        try:
            model = SettingsModel.model_validate(settings)
        except ValidationError as error:
            # A text that was good with `{cluster}` in it, but is not with the name (too long).
            for problem in validation_problems(error, self._document):
                report(problem.code, (), f"{problem.field} {problem.says}")
            model = SettingsModel()
        return resolve(name, model, self._paths, report)

    def _layer_of(self, name: str, field: Path) -> Path:
        """The place in the file where `field` of the cluster comes from; the cluster itself if nowhere."""
        patterns = self._value("patterns")
        own: Path = ("clusters", name)
        matching: list[Path] = [
            ("patterns", i)
            for i, pattern in enumerate(patterns if isinstance(patterns, list) else [])
            if applies(_mapping(pattern), name)
        ]
        for top in (own, *reversed(matching), ("defaults",)):
            if field and (*top, field[0]) in self._document.keys:
                return (*top, *field)
        return own

    def _check_states(self, clusters: list[ClusterConfig]) -> None:
        """Two clusters may read one state only where each says which part is its own."""
        users: dict[tuple[str, str], list[tuple[str, StateSource]]] = {}
        for cluster in clusters:
            for source in cluster.state:
                users.setdefault((source.path, source.workspace), []).append((cluster.name, source))
        for entries in users.values():
            names = sorted({name for name, _ in entries})
            for name, source in entries:
                if len(names) > 1 and not source.only:
                    others = ", ".join(f"`{other}`" for other in names if other != name)
                    self._problems.append(
                        Problem(
                            self._document.position(self._layer_of(name, ("state",))),
                            "RP015",
                            field_name(("clusters", name, "state")),
                            f"names the same state as {others}; say with `only` which part is this cluster's",
                        )
                    )


def _mapping(value: JSON) -> Settings:
    return value if isinstance(value, dict) else {}
