"""Each fact file: the node's settings, and what must become of them."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import TypeAdapter

from replank.inventory.runtime.containerd_facts import ContainerdConfiguration
from replank.inventory.runtime.containerd_homes import canonical
from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.tree import dotted, leaves
from replank.migrations.runtime_swap.translation.model import Outcome, Translation
from tests.runtime.runtime_cases import TranslationCase, cases

CASES = cases()
_NODE: TypeAdapter[NodeRuntime] = TypeAdapter(NodeRuntime)
_TRANSLATION: TypeAdapter[Translation] = TypeAdapter(Translation)


@pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])
def test_translation_of_a_real_world_configuration(case: TranslationCase):
    translation = case.translate()
    expect = case.document["expect"]
    said = [f"{stop.code} {stop.setting}: {stop.why}" for stop in translation.stops]
    assert sorted({stop.code for stop in translation.stops}) == sorted(expect.get("stops", [])), said
    warned = [f"{warning.code} {warning.setting}: {warning.why}" for warning in translation.warnings]
    assert sorted({w.code for w in translation.warnings}) == sorted(expect.get("warnings", [])), warned
    for row in expect.get("rows", ()):
        _expect_row(translation, row)
    _expect_files(case, translation)


def _expect_row(translation: Translation, wanted: dict[str, Any]) -> None:
    same = [row for row in translation.rows if row.setting == wanted["setting"]]
    assert same, (wanted, [row.setting for row in translation.rows])
    fields = {key: value for key, value in wanted.items() if key != "setting"}
    found = [{key: str(getattr(row, key)) for key in fields} for row in same]
    assert fields in found, found


def _expect_files(case: TranslationCase, translation: Translation) -> None:
    expect = case.document["expect"]
    written = {file.path: file for file in translation.files}
    for path, texts in expect.get("files", {}).items():
        assert path in written, sorted(written)
        for text in texts:
            assert text in written[path].content, written[path].content
    assert set(expect.get("no_files", ())) & set(written) == set()
    if "config" in expect or "absent" in expect:
        document = tomllib.loads(written[case.target.config_path].content)
        values = {dotted(path): value for path, value in leaves(document)}
        for path, value in expect.get("config", {}).items():
            assert values.get(path) == value, (path, values)
        assert set(expect.get("absent", ())) & set(values) == set(), values


def test_there_are_cases_enough():
    kinds = [case.document["from"] for case in CASES]
    assert kinds.count("docker") >= 12
    assert kinds.count("containerd") >= 12


@pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])
def test_every_setting_has_a_row(case: TranslationCase):
    translation = case.translate()
    rows = {row.setting for row in translation.rows}
    docker, containerd = case.node.docker, case.node.containerd
    if isinstance(docker, DockerConfiguration):
        assert [name for setting in docker.settings for name in names_of(setting) if name not in rows] == []
    if isinstance(containerd, ContainerdConfiguration) and "version" not in rows:
        homes = {path for file in containerd.files for path, _ in leaves(canonical(file.tree, file.version))}
        assert {dotted(path) for path in homes} <= rows


def names_of(setting: DockerSetting) -> list[str]:
    """What the rows of one setting of Docker are called: tables have a row for each entry."""
    if setting.key in ("log-opts", "default-ulimits", "features", "runtimes"):
        return [f"{setting.key}.{name}" for name in setting.value]
    if setting.key in ("exec-opts", "storage-opts"):
        return [f"{setting.key}.{option.partition('=')[0]}" for option in setting.value]
    if setting.key in ("http-proxy", "https-proxy", "no-proxy"):
        return [setting.key.upper().replace("-", "_")]
    if setting.key == "proxies":
        return [name.upper().replace("-", "_") for name in setting.value]
    return [setting.key]


@pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])
def test_every_row_says_why_and_who_says_so(case: TranslationCase):
    translation = case.translate()
    assert [row for row in translation.rows if not row.why or not row.source] == []
    stopped = {(row.setting, row.code) for row in translation.rows if row.outcome is Outcome.STOP}
    assert {(stop.setting, stop.code) for stop in translation.stops} == stopped
    assert all(stop.todo for stop in (*translation.stops, *translation.warnings))


@pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])
def test_facts_and_translation_are_the_same_after_json(case: TranslationCase):
    """As a snapshot and a plan keep them; an unknown fact stays unknown."""
    translation = case.translate()
    assert _NODE.validate_json(_NODE.dump_json(case.node)) == case.node
    assert _TRANSLATION.validate_json(_TRANSLATION.dump_json(translation)) == translation


@pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])
def test_translating_twice_gives_the_same(case: TranslationCase):
    assert case.translate() == case.translate()
