"""Faults of parts (`cloud-nova-api`, `management-one-capo`): they end, stand still, or get slow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from proving_ground.engine import parts
from proving_ground.engine.parts import Ready
from proving_ground.errors import GroundError
from proving_ground.faults.listening import listening
from proving_ground.scenario.waiting import until

_PREFIX = "ground-"
"""What `engine.parts` puts before a part's name to name its container."""

_STOP_S = 10
_PERIOD_US = 100_000
"""The scheduler's usual period (Documentation/scheduler/sched-bwc.rst)."""

_LEAST_CORES = 0.01
"""The kernel's least quota: 1 ms a period."""


def _at_once() -> str:
    return ""


@contextmanager
def stopped(
    client: docker.DockerClient, part: str, ready: Ready = _at_once, limit_s: float = 60
) -> Iterator[None]:
    """The part is asked to end, and killed after ten seconds. See `killed` for the rest."""
    container = _running(client, part)
    with _back_again(client, container, part, ready, limit_s):
        container.stop(timeout=_STOP_S)
        yield


@contextmanager
def killed(
    client: docker.DockerClient, part: str, ready: Ready = _at_once, limit_s: float = 60
) -> Iterator[None]:
    """The part's processes get SIGKILL. An empty block is a crash.

    At the end it is started, and waited for until it listens on all ports as before and `ready` says "" (for
    example `engine.parts.answers(url)`; a part without a port needs it most).

    Raises `GroundError` where the part does not run, or is not back after `limit_s` seconds.
    """
    container = _running(client, part)
    with _back_again(client, container, part, ready, limit_s):
        container.kill()
        container.wait()
        yield


@contextmanager
def frozen(client: docker.DockerClient, part: str) -> Iterator[None]:
    """The part's processes stand still (by the freezer of cgroups). The kernel still takes connections for
    them, so that clients hang instead of being refused."""
    container = _running(client, part)
    container.pause()
    try:
        yield
    finally:
        _unpause(container)


@contextmanager
def slowed(client: docker.DockerClient, part: str, cores: float = 0.1) -> Iterator[None]:
    """The part gets so many cores at most, 0.01 or more. At the end it has the quota that it had."""
    if cores < _LEAST_CORES:
        raise ValueError(f"{cores} cores: the kernel's least is {_LEAST_CORES}")
    container = _running(client, part)
    found = container.attrs["HostConfig"]
    try:
        container.update(cpu_period=_PERIOD_US, cpu_quota=round(cores * _PERIOD_US))
        yield
    finally:
        _set_quota(container, found["CpuPeriod"], found["CpuQuota"])


def heal(client: docker.DockerClient) -> None:
    """Puts back what faults of parts left behind when a test was killed: unfreezes, and lifts quotas, which
    parts do not have otherwise. Stopped parts come back by `make ground-up`. Machines are left alone: Nova
    pauses them too."""
    for container in parts.all_containers(client):
        if str(container.name).startswith(_PREFIX):
            _unpause(container)
            if container.attrs["HostConfig"]["CpuQuota"] > 0:
                _set_quota(container, 0, 0)


@contextmanager
def _back_again(
    client: docker.DockerClient, container: Container, part: str, ready: Ready, limit_s: float
) -> Iterator[None]:
    ports = listening(container)
    try:
        yield
    finally:
        again = _find(client, part)  # whoever ran ground-up meanwhile made a new container
        again.start()
        until(part, lambda: _not_back(again, ports) or ready(), limit_s, every_s=0.2)


def _not_back(container: Container, ports: frozenset[int]) -> str:
    missing = ports - listening(container)
    if container.status != "running":
        return f"is {container.status}"
    return f"does not listen on {sorted(missing)}" if missing else ""


def _set_quota(container: Container, period: int, quota: int) -> None:
    # To the engine's API 0 means "as it is"; the kernel takes -1 for none.
    container.update(cpu_period=period or _PERIOD_US, cpu_quota=quota or -1)


def _unpause(container: Container) -> None:
    container.reload()
    if container.status == "paused":
        try:
            container.unpause()
        except APIError as error:
            raise GroundError(
                str(container.name), f"stays frozen: {error.explanation}", f"docker unpause {container.name}"
            ) from error


def _running(client: docker.DockerClient, part: str) -> Container:
    container = _find(client, part)
    if container.status != "running":
        raise GroundError(part, f"is {container.status}, not running", "Run `make ground-up`.")
    return container


def _find(client: docker.DockerClient, part: str) -> Container:
    try:
        return client.containers.get(f"{_PREFIX}{part}")
    except NotFound as error:
        raise GroundError(part, "there is no such part", "Run `make ground-up`.") from error
