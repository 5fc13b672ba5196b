"""For how long a managed load balancer offers a control plane that does not serve yet, or no more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from day_two import adopt, offered_unready, operator, probing
from living import wishes
from told import Told

from proving_ground.progress import Progress
from proving_ground.scenario import day2
from proving_ground.scenario.fresh import SMALL
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(2400)]

SLOW = {"delay": 10, "timeout": 5, "maxRetries": 5, "maxRetriesDown": 3}
QUICK = {"delay": 1, "timeout": 1, "maxRetries": 1, "maxRetriesDown": 1}
"""CAPO's defaults (v0.14.7, api/v1beta1/types.go), and about the quickest that Octavia takes."""
BOOT_S = 45
"""What a real server takes from ACTIVE to kubeadm; the ground's machines are there at once."""


def test_the_gap_of_a_managed_load_balancer_is_measured_and_narrowed(
    ground: Folders, small: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """CAPO adds a member when its server is ACTIVE, long before its API answers, and removes it after it has
    ended; only the monitor keeps connections from it meanwhile. Or its weight, which the operator sets.

    What is compared is for how long the balancer offered a member whose API was not ready. How many
    connections fail of that depends on how the machine says no, and on the balancer's retries.
    """
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, None, progress, tmp_path, load_balancer="managed")
    assert desk.plan.load_balancer.mode == "managed"
    day2.allow_new_machines(plane, SMALL)
    slow = {"preKubeadmCommands": [f"sleep {BOOT_S}"], "joinConfiguration": day2.SMALL_HOST}
    slow_start = {"spec": {"kubeadmConfigSpec": slow}}
    control_plane = day2.control_plane_name(plane, SMALL)
    exposed: dict[str, float] = {}
    for name, monitor, weights in (
        ("slow monitor", SLOW, False),
        ("quick monitor", QUICK, False),
        ("slow monitor, weights by the operator", SLOW, True),
    ):
        balancer = {"spec": {"apiServerLoadBalancer": {"monitor": monitor}}}
        plane.merge("OpenStackCluster", "small", balancer, "small")
        time.sleep(20)  # until CAPO has told Octavia, and haproxy has read it
        with (
            operator(ground, desk, keep_pools=weights),
            probing(desk) as seen,
            offered_unready(ground, desk) as offered,
        ):
            # Together with what renews it: alone it would be a rollout of its own.
            plane.merge("KubeadmControlPlane", control_plane, slow_start, "small")
            day2.renew_control_plane(plane, SMALL, progress)
        exposed[name] = offered.seconds
        told(f"proof: managed load balancer, {name}: unready for {offered.seconds:.1f} s; {seen.told()}")
    assert exposed["slow monitor, weights by the operator"] < exposed["slow monitor"] / 2, exposed
    assert wishes(plane, SMALL) == []
