"""Steps that need one another: their order, lanes, and what a failure stops."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from proving_ground.engine.steps import Step, run
from proving_ground.progress import Progress

PATIENCE_S = 10


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "timings.json", Console(file=io.StringIO()))


class Diary:
    """Steps that write down when they run, and how many did at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.most = 0
        self._lock = threading.Lock()

    def step(self, name: str, *needs: str, lane: str = "", fails: bool = False) -> Step:
        def work() -> None:
            with self._lock:
                self.begun.append(name)
                self.most = max(self.most, len(self.begun) - len(self.ended))
            threading.Event().wait(0.01)
            with self._lock:
                self.ended.append(name)
            if fails:
                raise RuntimeError(f"{name} failed")

        return Step(name, work, needs=needs, lane=lane)


def test_step_begins_after_all_it_needs(progress: Progress) -> None:
    seen: dict[str, set[str]] = {}
    done: set[str] = set()

    def noting(name: str, *needs: str) -> Step:
        def work() -> None:
            seen[name] = set(done)
            done.add(name)

        return Step(name, work, needs=needs)

    run(
        [
            noting("roof", "walls", "beams"),
            noting("beams", "ground"),
            noting("walls", "ground"),
            noting("ground"),
        ],
        progress,
    )
    assert seen["ground"] == set()
    assert {"ground"} <= seen["walls"]
    assert {"ground"} <= seen["beams"]
    assert seen["roof"] == {"ground", "walls", "beams"}


def test_of_steps_that_can_begin_the_first_in_the_list_does(progress: Progress) -> None:
    diary = Diary()
    run([diary.step("c"), diary.step("a"), diary.step("b")], progress, at_once=1)
    assert diary.begun == ["c", "a", "b"]


def test_independent_steps_run_side_by_side(progress: Progress) -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE_S)
    run([Step(name, lambda: discard(meeting.wait())) for name in "abc"], progress)


def test_no_more_steps_at_once_than_allowed(progress: Progress) -> None:
    diary = Diary()
    run([diary.step(str(n)) for n in range(8)], progress, at_once=2)
    assert diary.most == 2
    assert len(diary.ended) == 8


def test_steps_of_one_lane_never_run_side_by_side(progress: Progress) -> None:
    diary = Diary()
    run([diary.step(str(n), lane="go") for n in range(6)], progress)
    assert diary.most == 1
    assert diary.begun == [str(n) for n in range(6)]


def test_a_busy_lane_does_not_hold_up_another(progress: Progress) -> None:
    met = threading.Barrier(2, timeout=PATIENCE_S)
    blocked = Step("first of lane", lambda: discard(met.wait()), lane="go")
    run(
        [blocked, Step("second of lane", lambda: None, lane="go"), Step("free", lambda: discard(met.wait()))],
        progress,
    )
    assert set(progress.times) == {"first of lane", "second of lane", "free"}


def test_failure_begins_nothing_new_and_waits_for_what_runs(progress: Progress) -> None:
    failed, finished = threading.Event(), threading.Event()

    def fail() -> None:
        failed.set()
        raise RuntimeError("the first failure")

    def slow() -> None:
        assert failed.wait(PATIENCE_S)
        threading.Event().wait(0.05)
        finished.set()

    diary = Diary()
    with pytest.raises(RuntimeError, match="the first failure"):
        run(
            [
                Step("slow", slow),
                Step("fails", fail),
                diary.step("after slow", "slow"),
                diary.step("after", "fails"),
            ],
            progress,
        )
    assert finished.is_set()
    assert diary.begun == []


def test_the_first_of_two_failures_is_raised(progress: Progress) -> None:
    diary = Diary()
    with pytest.raises(RuntimeError, match="a failed"):
        run([diary.step("a", fails=True), diary.step("b", fails=True)], progress, at_once=1)
    assert diary.begun == ["a"]


def test_need_that_nobody_makes_is_refused_before_anything_runs(progress: Progress) -> None:
    diary = Diary()
    with pytest.raises(ValueError, match=r"step walls needs \['ground'\], which nobody makes"):
        run([diary.step("paint"), diary.step("walls", "ground")], progress)
    assert diary.begun == []


def test_steps_that_wait_for_one_another_are_named(progress: Progress) -> None:
    diary = Diary()
    with pytest.raises(ValueError, match=r"wait for one another: \['hen', 'egg'\]"):
        run([diary.step("hen", "egg"), diary.step("egg", "hen"), diary.step("farm")], progress)
    assert diary.ended == ["farm"]


def test_no_steps_are_done_at_once(progress: Progress) -> None:
    run([], progress)
    assert progress.times == {}


def discard(_: object) -> None:
    return None
