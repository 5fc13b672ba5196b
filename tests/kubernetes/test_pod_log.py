"""A pod's log is read by its beginning or its end, with the runtime's times."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from replank.domain.errors import Refused
from replank.inventory.fleet.model import KubeconfigRef
from replank.ports.access import ObjectRef
from replank.testbed.fleet.demo import demo_world
from replank.testbed.serve.kubernetes import Denied, ServedApi
from replank.testbed.twin import Twin
from replank.transports.kubernetes.api import KubernetesApi

POD = ObjectRef("v1", "Pod", "shop", "log")
TEXT = "".join(f"2026-11-26T10:00:0{n}.5Z line {n}\n" for n in range(5))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(demo_world(1), tmp_path_factory.mktemp("twin")) as running:
        yield running


@pytest.fixture
def served(twin: Twin) -> Iterator[ServedApi]:
    api = twin.api("plain")
    api.logs["/api/v1/namespaces/shop/pods/log"] = TEXT
    yield api
    api.denied.clear()
    api.logs.clear()


def read(twin: Twin, pod: ObjectRef = POD, *, last_lines: int = 0, most_bytes: int = 0) -> str:
    async def run() -> str:
        ref = KubeconfigRef(path=str(Path(twin.fleet_file.parent, "kube", "plain.yaml")))
        async with KubernetesApi(ref, fence=lambda: None) as api:
            return await api.log(pod, last_lines=last_lines, most_bytes=most_bytes)

    return asyncio.run(run())


def test_all_of_it_its_end_or_its_first_bytes(twin: Twin, served: ServedApi) -> None:
    assert read(twin) == TEXT
    assert read(twin, last_lines=1) == "2026-11-26T10:00:04.5Z line 4\n"
    assert read(twin, most_bytes=40) == TEXT[:40]
    assert served.requests[-1].endswith("/pods/log/log?timestamps=true&limitBytes=40")


def test_a_pod_that_does_not_run_yet_has_none(twin: Twin, served: ServedApi) -> None:
    with pytest.raises(Refused, match="waiting to start") as refused:
        read(twin, ObjectRef("v1", "Pod", "shop", "other"))
    assert "the log of pods other" in refused.value.what


def test_who_may_not_read_it_is_told_so(twin: Twin, served: ServedApi) -> None:
    served.denied.append(Denied(resource="pods/log"))
    with pytest.raises(Refused) as refused:
        read(twin)
    assert refused.value.code in ("RP053", "RP900")
