"""One run's journal as its steps use it: notes go in, the run's state comes out."""

from __future__ import annotations

from replank.engine.json_only import as_json
from replank.engine.pause import Paused
from replank.journal.event import Direction, Event, EventKind
from replank.journal.state import RunState, take
from replank.ports.access import Clock
from replank.ports.journal import Journal


class RunLog:
    """Appends events, and folds them as they come: each is read once, also those of other processes."""

    def __init__(self, journal: Journal, run_id: str, clock: Clock) -> None:
        self.journal = journal
        self.run_id = run_id
        self.clock = clock
        self._state = RunState()
        self._seen = 0

    async def note(
        self, kind: EventKind, direction: Direction = "apply", step: str = "", /, **data: object
    ) -> None:
        """On disk when it returns."""
        values = {name: as_json(value) for name, value in data.items()}
        event = Event(at=self.clock.now(), kind=kind, direction=direction, step=step, data=values)
        await self.journal.append(self.run_id, event)

    async def state(self) -> RunState:
        """As of now."""
        events = await self.journal.events(self.run_id, self._seen)
        for event in events:
            take(self._state, event)
        self._seen += len(events)
        return self._state

    async def wait(self, seconds: float) -> None:
        """Sleeps; raises `Paused` where somebody asked for that: whoever only waits may be paused at once."""
        await self.stop_if_asked()
        await self.clock.sleep(seconds)
        await self.stop_if_asked()

    async def stop_if_asked(self) -> None:
        """Raises `Paused` where the journal says that the run is paused or aborted."""
        state = await self.state()
        if state.status in ("paused", "aborted"):
            raise Paused(state.why)
