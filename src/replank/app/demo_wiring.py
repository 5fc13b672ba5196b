"""The real wiring, but for one thing: a twin does not answer at its clusters' endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from replank.app.live_access import open_access
from replank.app.live_engine import all_code
from replank.app.wiring import Wiring, live_wiring
from replank.engine.clock import SystemClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.plan.codec import AnyPlan
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access, Clock
from replank.ports.journal import Run
from replank.testbed.controlled import EndpointAtTwin
from replank.testbed.twin import Twin


def demo_wiring(twin: Twin, clock: Clock | None = None) -> Wiring:
    """Looks, writes and judges as ever; only a kubeconfig that names a cluster's endpoint reaches the twin.

    `clock`: None = real time.
    """
    time = clock or SystemClock()

    @asynccontextmanager
    async def access_of(run: Run, plan: AnyPlan, fence: Callable[[], None]) -> AsyncIterator[Access]:
        async with open_access(run, plan, fence) as access:
            workload = access.workload
            if isinstance(plan, TakeoverPlan):
                url = twin.api(plan.cluster).url
                workload = EndpointAtTwin(workload, plan.load_balancer.endpoint, url)
            yield replace(access, workload=workload, clock=time)

    def runner(url: str) -> AbstractAsyncContextManager[Engine]:
        return Engine(
            database_url=url,
            registry=all_code(),
            open_access=access_of,
            patience=Patience(poll_s=0.1),
            clock=time,
        )

    return replace(live_wiring(), runner=runner)
