"""Writes samples down while they are taken: failures at once, the rest about every second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from replank.probe.record import Head, Marks, end_line, head_line, marks_line, reason_line, run_line
from replank.probe.sample import PASS, Sample


class Recorder:
    """Takes samples in any order, writes each target's in the order of their ticks.

    What it keeps in memory is what is not written yet: samples of about a second and those behind one that is
    still under way. Every method that writes hands the lines to the kernel, so a killed process loses no more
    than that. Raises OSError where the file cannot be written.
    """

    def __init__(self, out: TextIO, head: Head) -> None:
        self._out = out
        self._names: Sequence[str] = tuple(name for name, *_ in head.targets)
        self._waiting: dict[str, dict[int, Sample]] = {name: {} for name in self._names}
        self._marks: dict[str, Marks] = {name: Marks(first=0) for name in self._names}
        self._write(head_line(head))

    def take(self, target: str, sample: Sample) -> None:
        """A sample is over."""
        if sample.mark != PASS:
            self._write(reason_line(target, sample))
        waiting, marks = self._waiting[target], self._marks[target]
        waiting[sample.index] = sample
        while (following := marks.first + len(marks.marks)) in waiting:
            marks.add(waiting.pop(following))

    def flush(self) -> None:
        """Writes all marks that are in order."""
        for name in self._names:
            marks = self._marks[name]
            if marks.marks:
                self._out.write(marks_line(name, marks))
                self._marks[name] = Marks(first=marks.first + len(marks.marks))
        self._out.flush()

    def run_from(self, index: int) -> None:
        """The baseline ended before this tick. Its marks may be written later, but the line stands first."""
        self._write(run_line(index))

    def end(self) -> None:
        """All samples are over."""
        self.flush()
        self._write(end_line())

    def _write(self, line: str) -> None:
        self._out.write(line)
        self._out.flush()
