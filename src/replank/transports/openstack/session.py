"""The HTTP session: counts requests, bounds every wait, and tries again where the service asks for it.

Imported only inside functions: keystoneauth1 and requests cost start-up time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session
from tenacity import RetryCallState, Retrying, retry_if_exception, retry_if_result

# Nova, Neutron and load balancers in front of them answer 429 when a client is too fast and 503 while a
# service restarts; both may carry Retry-After. A 500 or 502 is not tried again: it is a fact to show.
TRY_AGAIN = frozenset({429, 503})

# The same request twice is as good as once (RFC 9110, 9.2.2; a second DELETE would answer 404).
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT"})


@dataclass(slots=True)
class RequestCounter:
    """Requests made, retries included. Safe to share between threads and projects."""

    total: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self) -> None:
        """Counts one."""
        with self._lock:
            self.total += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait. Seconds. `attempts`: tries of one request in all. `longest_wait_s`: the most that a
    Retry-After is honoured; a service that asks for more has failed this survey."""

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


def session_class(patience: Patience, counter: RequestCounter) -> type[Session]:
    """A keystoneauth session class for openstacksdk's `session_constructor`, which passes no arguments on."""

    class PatientSession(Session):
        def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
            # A pair goes through to requests; the session's own `timeout` can only be one number for both.
            kwargs["timeout"] = (patience.connect_timeout_s, patience.read_timeout_s)
            # keystoneauth would honour any Retry-After, an hour too: its own retries stay off.
            kwargs["connect_retries"] = 0
            kwargs["status_code_retries"] = 0
            parent = super().request

            def attempt() -> requests.Response:
                counter.add()
                # keystoneauth changes the headers that it is given (token, user agent) in place.
                return parent(url, method, *args, **{**kwargs, "headers": dict(kwargs.get("headers") or {})})

            # A POST or DELETE whose answer was lost may have taken effect: whoever sent it has to look first.
            # Logging in (the one request without a token) changes nothing.
            repeatable = method.upper() in REPEATABLE or kwargs.get("authenticated") is False
            return _retrying(patience if repeatable else replace(patience, attempts=1))(attempt)

    return PatientSession


def retry_after_of(response: requests.Response) -> float | None:
    """Seconds of a Retry-After header; None without one, or where it gives a date."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


def _retrying(patience: Patience) -> Callable[[Callable[[], requests.Response]], requests.Response]:
    def too_long(state: RetryCallState) -> bool:
        asked = _asked(state)
        return asked is not None and asked > patience.longest_wait_s

    def wait(state: RetryCallState) -> float:
        asked = _asked(state)
        backoff = patience.first_wait_s * 2.0 ** (state.attempt_number - 1)
        return min(patience.longest_wait_s, asked if asked is not None else backoff)

    def stopped(state: RetryCallState) -> bool:
        # A connection that the server closed while idle fails once; a second time it is the service.
        error = state.outcome.exception() if state.outcome is not None else None
        cut = error is not None and not isinstance(error, ksa.HttpError)
        tries = min(2, patience.attempts) if cut else patience.attempts
        return state.attempt_number >= tries or too_long(state)

    return Retrying(
        retry=retry_if_exception(_worth_another_try) | retry_if_result(lambda r: r.status_code in TRY_AGAIN),
        stop=stopped,
        wait=wait,
        retry_error_callback=_as_it_was,
    )


def _as_it_was(state: RetryCallState) -> requests.Response:
    """The last answer or exception itself, not tenacity's wrapping."""
    if state.outcome is None:
        raise RuntimeError("tenacity stopped without an outcome")
    result: requests.Response = state.outcome.result()
    return result


def _asked(state: RetryCallState) -> float | None:
    if state.outcome is None:
        return None
    error = state.outcome.exception()
    response = getattr(error, "response", None) if error is not None else state.outcome.result()
    return retry_after_of(response) if response is not None else None


def _worth_another_try(error: BaseException) -> bool:
    """A cut line is (an idle connection that the server closed looks so); a timeout is not: it was long."""
    if isinstance(error, ksa.HttpError):
        return error.http_status in TRY_AGAIN
    if isinstance(error, ksa.ConnectFailure | ksa.UnknownConnectionError):
        return not timed_out(error)
    return False


def timed_out(error: BaseException) -> bool:
    """True if no answer came in time. A body that stops half-way hides its timeout in a chained error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, requests.Timeout | TimeoutError) or "ReadTimeout" in type(seen).__name__:
            return True
        if seen.args and any("Timeout" in type(arg).__name__ for arg in seen.args):
            return True
        seen = seen.__cause__ or seen.__context__
    return isinstance(error, ksa.ConnectTimeout)
