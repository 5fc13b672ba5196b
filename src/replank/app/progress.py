"""Progress of a survey on stderr: a live display on a terminal, a line a cluster elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from replank.app.console import err


class SurveyProgress:
    """Implements `replank.survey.progress.Progress`. A context manager."""

    def __init__(self, clusters: int) -> None:
        self._bar = Progress(
            TextColumn("survey"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=err(),
            disable=not err().is_terminal,
            transient=True,
        )
        self._clusters = clusters
        self._running: dict[str, list[str]] = {}
        self._task: TaskID | None = None

    def __enter__(self) -> SurveyProgress:
        self._bar.start()
        self._task = self._bar.add_task("", total=self._clusters)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def started(self, cluster: str, source: str) -> None:
        """Shows the source as being read."""
        self._running.setdefault(cluster, []).append(source)
        self._describe()

    def ended(self, cluster: str, source: str, why_not: str) -> None:
        """Takes it away; a failure stays on the screen."""
        self._running.get(cluster, [source]).remove(source)
        if why_not:
            err().print(Text.assemble((f"{cluster}: {source} could not be seen. ", "yellow"), why_not))
        self._describe()

    def finished(self, cluster: str) -> None:
        """Counts the cluster."""
        self._running.pop(cluster, None)
        if self._task is not None:
            self._bar.advance(self._task)
        if not err().is_terminal:
            err().print(Text(f"surveyed {cluster}"))
        self._describe()

    def _describe(self) -> None:
        if self._task is None:
            return
        busy = [f"{cluster}: {', '.join(sources)}" for cluster, sources in self._running.items() if sources]
        more = f" and {len(busy) - 2} more" if len(busy) > 2 else ""
        self._bar.update(self._task, description="; ".join(busy[:2]) + more)
