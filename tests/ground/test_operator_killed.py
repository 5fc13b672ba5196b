"""replank's operator is killed again and again while everything is replaced, on the real controllers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from day_two import NEXT, adopt, members_are_the_machines, mortal_operator, nobody_noticed, probing
from living import wishes
from openstack.connection import Connection
from told import Told

from proving_ground.progress import Progress
from proving_ground.scenario import day2, ingress
from proving_ground.scenario.fresh import SMALL
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(2400)]


def test_an_operator_that_is_killed_again_and_again_changes_nothing_but_time(
    ground: Folders,
    small: Kube,
    way_in: ingress.Ingress,
    cloud: Connection,
    progress: Progress,
    tmp_path: Path,
    told: Told,
) -> None:
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, way_in, progress, tmp_path)
    day2.allow_new_machines(plane, SMALL)
    seed = random.randrange(10**6)
    told(f"seed {seed}")
    with mortal_operator(ground, desk, random.Random(seed)) as lives, probing(desk) as seen:
        day2.roll_control_plane(ground, plane, SMALL, NEXT, progress, limit_s=1200)
        until("pool", lambda: members_are_the_machines(plane, cloud, SMALL, desk), limit_s=120)
        day2.roll_workers(ground, plane, SMALL, NEXT, progress, limit_s=1200)
    told(f"proof: 1+1 replaced under an operator that was killed {len(lives)} times: {seen.told()}")
    assert len(lives) > 3
    nobody_noticed(seen, replaced=1)
    assert wishes(plane, SMALL) == []
