"""Nothing is written without leave: a check right before each writing request goes out, repetitions too.

It stands at the HTTP adapter, the last place before the wire: whoever repeats a request above it (the
session, keystoneauth after a 401) passes it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from keystoneauth1.session import Session
from requests.adapters import BaseAdapter

from replank.domain.errors import Hold

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOGIN = "/auth/tokens"


class Gate:
    """`fence`: raises `Hold` where this run may not write (any more). Called in worker threads."""

    def __init__(self, fence: Callable[[], None]) -> None:
        self._fence = fence
        self._here = threading.local()

    @contextmanager
    def until(self, called_off: threading.Event) -> Iterator[None]:
        """Within it this thread writes only while `called_off` is not set: a thread cannot be stopped."""
        self._here.called_off = called_off
        try:
            yield
        finally:
            self._here.called_off = None

    def pass_through(self) -> None:
        """Raises `Hold` where nothing may be written."""
        self._fence()
        called_off = getattr(self._here, "called_off", None)
        if called_off is not None and called_off.is_set():
            raise Hold(
                "RP931",
                "A write to OpenStack was not sent",
                "whoever asked for it has stopped waiting",
                "Nothing: the step runs again when the run goes on.",
            )

    def guard(self, session: Session) -> None:
        """From now on every write of `session` passes this gate."""
        http = session.session
        for prefix, adapter in list(http.adapters.items()):
            http.mount(prefix, _Fenced(adapter, self))


class _Fenced(BaseAdapter):
    def __init__(self, adapter: BaseAdapter, gate: Gate) -> None:
        super().__init__()
        self._adapter = adapter
        self._gate = gate

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        login = (request.url or "").partition("?")[0].endswith(_LOGIN)
        if request.method not in _READS and not login:
            self._gate.pass_through()
        return self._adapter.send(
            request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )

    def close(self) -> None:
        self._adapter.close()
