"""Nobody brings the ground up while somebody takes it down."""

from __future__ import annotations

from pathlib import Path

import pytest

from proving_ground.alone import alone
from proving_ground.errors import GroundError
from proving_ground.settings import Folders


def test_a_second_one_is_refused_while_the_first_works_and_not_afterwards(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "ground")
    with alone(folders), pytest.raises(GroundError, match="another"), alone(folders):
        pass
    with alone(folders):
        pass
