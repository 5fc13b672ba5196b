"""A runtime is swapped under live pods by replank's own commands, on real machines, and back: what every
change must pass. The whole story, with commits and figures, is in `test_runtime_swap_whole.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from swap_desk import NO_DRAIN, prepared, windows
from swap_rounds import docker_switched, docker_undone, each_line_once, in_place_probed, in_place_undone
from told import Told

from proving_ground.progress import Progress
from proving_ground.scenario import swapping
from proving_ground.scenario.fresh import DOCKER, SWAP
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.timeout(3600)]


def test_containerd_is_swapped_in_place_and_back_and_no_pod_notices(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    desk = prepared(ground, SWAP, progress, tmp_path)
    in_place_probed(desk, swap_workload, progress, told)
    in_place_undone(desk, swap_workload, progress)
    each_line_once(desk)


def test_docker_is_switched_to_containerd_and_back_and_no_address_is_left_behind(
    ground: Folders, docker_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    desk = prepared(ground, DOCKER, progress, tmp_path, *NO_DRAIN)
    (docker,) = set(swapping.runtimes(docker_workload).values())
    docker_switched(desk, docker_workload, progress)
    told(f"proof: Docker to containerd 2.3.5: windows {windows(desk)} s")
    docker_undone(desk, docker_workload, progress, docker)
