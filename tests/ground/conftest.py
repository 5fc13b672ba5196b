"""What tests of the ground need: the ground, up; and a small legacy cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from living import living
from openstack.connection import Connection
from told import Told

from proving_ground.cloud import connect
from proving_ground.legacy import create
from proving_ground.progress import Progress
from proving_ground.scenario import ingress
from proving_ground.scenario.fresh import DOCKER, SMALL, SWAP, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders, folders
from proving_ground.toolchain.groups import group


@pytest.fixture(scope="session")
def ground() -> Folders:
    """The folders of the ground. Fails, not skips, where it is not up: a skip would look like a proof."""
    found = folders()
    if not (found.state / "up").exists():
        pytest.fail("the proving ground is not up: run `make ground-up`, or all of it with `make prove`")
    return found


@pytest.fixture(scope="session", autouse=True)
def upstream_judge() -> Iterator[None]:
    """Cluster API's own comparison, where replank looks for it; without it KCP waits for an approval."""
    program = group("would-roll").place(folders()) / "replank-would-roll"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLANK_WOULD_ROLL", str(program))
        yield


@pytest.fixture(scope="session")
def progress(ground: Folders) -> Progress:
    """Times of steps, on stderr and as estimates for the next run."""
    return Progress(ground.cache / "timings.json")


@pytest.fixture
def cloud(ground: Folders) -> Connection:
    return connect(ground)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


@pytest.fixture
def small(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane and one worker."""
    yield from living(ground, SMALL, progress)


@pytest.fixture
def swap_workload(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """A fresh one control plane and one worker on containerd 1.7."""
    yield fresh_cluster(ground, SWAP, progress)
    create.destroy(ground, SWAP, progress)


@pytest.fixture
def docker_workload(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """A fresh one control plane and one worker of Kubernetes 1.23 on Docker."""
    yield fresh_cluster(ground, DOCKER, progress)
    create.destroy(ground, DOCKER, progress)


@pytest.fixture
def way_in(cloud: Connection, small: Kube) -> Iterator[ingress.Ingress]:
    """The listener through which users come."""
    made = ingress.add(cloud, SMALL)
    yield made
    ingress.remove(cloud, made)
