"""Which judge is asked, and what a helper that does not work becomes. The helpers here are small scripts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from replank.audit.catalogue import catalogue
from replank.domain.errors import Refused, ReplankError, Transient
from replank.transports.judge.own import OwnJudge
from replank.transports.judge.target import TargetJudge
from replank.transports.judge.upstream import UpstreamJudge, find_program

ROLLING = '{"by":"cluster-api v1.14.0","rolling":[{"object":"Machine/m","why":"it is old"}]}'


class Noon:
    """Always the same moment."""

    def now(self) -> float:
        return 1_700_000_000.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a judge does not wait")


def helper(folder: Path, body: str, name: str = "replank-would-roll") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def answering(folder: Path, version: str = "v1.14.0") -> Path:
    """Tells a version, keeps what it is asked beside it, and finds one Machine."""
    told = f'if [ "$1" = --version ]; then echo cluster-api {version}; exit; fi'
    return helper(folder, f"{told}\ncat > {folder}/asked\necho '{ROLLING}'")


def judge(environment: dict[str, str], target: str = "v1.14.0", objects: Any = None) -> Any:
    return asyncio.run(TargetJudge(target, clock=Noon(), environment=environment).judge(objects or {}))


def test_the_helper_gets_objects_and_time_on_stdin_and_its_words_are_kept(tmp_path: Path) -> None:
    path = answering(tmp_path)
    found = judge({"REPLANK_WOULD_ROLL": str(path)}, objects={"Machine/m": {"spec": {}}})
    assert (found.by, [(r.object, r.why) for r in found.rolling]) == (
        "cluster-api v1.14.0",
        [("Machine/m", "it is old")],
    )
    assert (tmp_path / "asked").read_text() == (
        '{"at": "2023-11-14T22:13:20Z", "objects": {"Machine/m": {"spec": {}}}}'
    )


def test_it_is_found_on_path_and_the_variable_comes_first(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    on_path, named = answering(tmp_path / "one"), answering(tmp_path / "two")
    path = {"PATH": str(tmp_path / "one")}
    assert find_program({"PATH": str(tmp_path)}) is None
    assert find_program(path) == on_path
    assert find_program(path | {"REPLANK_WOULD_ROLL": str(named)}) == named


@pytest.mark.parametrize(("version", "by"), [("v1.14.0", "cluster-api v1.14.0"), ("v1.13.5", "replank")])
def test_another_version_than_the_plans_is_not_asked(tmp_path: Path, version: str, by: str) -> None:
    environment = {"REPLANK_WOULD_ROLL": str(answering(tmp_path, version))}
    assert judge(environment).by == by


def test_without_a_helper_replank_judges_itself(tmp_path: Path) -> None:
    assert judge({"PATH": str(tmp_path)}) == asyncio.run(OwnJudge(Noon()).judge({}))
    assert judge({"PATH": str(tmp_path)}).by == "replank"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("echo 'Machine/m: it is of v1beta1' >&2; exit 1", "it is of v1beta1"),
        ("echo nonsense", "cannot be read"),
        ("echo '{\"rolling\": [1]}'", "cannot be read"),
        ("exit 3", "status 3"),
    ],
)
def test_a_helper_that_cannot_judge_stops_the_cluster(tmp_path: Path, body: str, says: str) -> None:
    upstream = UpstreamJudge(helper(tmp_path, body), clock=Noon())
    with pytest.raises(Refused) as refused:
        asyncio.run(upstream.judge({}))
    assert refused.value.code == "RP916"
    assert says in refused.value.why
    assert refused.value.code in catalogue()


def test_a_helper_that_hangs_is_ended_and_tried_again_later(tmp_path: Path) -> None:
    upstream = UpstreamJudge(helper(tmp_path, "exec sleep 60"), clock=Noon(), timeout_s=0.1)
    with pytest.raises(Transient) as error:
        asyncio.run(upstream.judge({}))
    assert error.value.code == "RP915"


def test_a_variable_that_names_nothing_is_an_error_not_a_fallback(tmp_path: Path) -> None:
    with pytest.raises(ReplankError) as error:
        judge({"REPLANK_WOULD_ROLL": str(tmp_path / "absent"), "PATH": ""})
    assert error.value.code == "RP916"
