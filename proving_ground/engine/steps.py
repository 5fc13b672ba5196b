"""Steps that need one another, run side by side; of those that can begin, the first in the list does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from proving_ground.progress import Progress


@dataclass(frozen=True, slots=True)
class Step:
    """`needs`: names of steps that must have ended before. `lane`: steps of one lane never run side by side
    (two Go builds only fight for two cores); "" = free."""

    name: str
    run: Callable[[], None]
    needs: tuple[str, ...] = ()
    lane: str = ""


def run(steps: Sequence[Step], progress: Progress, at_once: int = 4) -> None:
    """Runs all. After a failure nothing new is begun; what runs is waited for, and the failure raised."""
    names = {step.name for step in steps}
    for step in steps:
        unknown = set(step.needs) - names
        if unknown:
            raise ValueError(f"step {step.name} needs {sorted(unknown)}, which nobody makes")
    waiting = list(steps)
    done: set[str] = set()
    running: dict[Future[None], Step] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        while True:
            if failure is None:
                for step in _ready(waiting, done, running.values(), at_once - len(running)):
                    waiting.remove(step)
                    running[pool.submit(_timed, step, progress)] = step
            if not running:
                break
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                step = running.pop(future)
                error = future.exception()
                if error is None:
                    done.add(step.name)
                else:
                    failure = failure or error
    if failure is not None:
        raise failure
    if waiting:
        raise ValueError(f"steps that wait for one another: {[step.name for step in waiting]}")


def _ready(waiting: Sequence[Step], done: set[str], running: Iterable[Step], free: int) -> list[Step]:
    lanes = {step.lane for step in running if step.lane}
    chosen: list[Step] = []
    for step in waiting:
        if len(chosen) == free:
            break
        if set(step.needs) <= done and step.lane not in lanes:
            chosen.append(step)
            if step.lane:
                lanes.add(step.lane)
    return chosen


def _timed(step: Step, progress: Progress) -> None:
    with progress.step(step.name):
        step.run()
