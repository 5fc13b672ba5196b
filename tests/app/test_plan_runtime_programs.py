"""`plan runtime`: the new programs come from one place, and it is the version that is planned."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from replank.app.commands.plan_runtime import command

TO = ["--to", "containerd-2.3.5", "--fleet", "no-fleet.yaml"]


def told(*arguments: str) -> str:
    result = CliRunner().invoke(command, [*TO, *arguments])
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def test_neither_or_both_places_are_refused(tmp_path: Path) -> None:
    assert "give one of them" in told()
    assert "give one of them" in told("--bundle", str(tmp_path), "--package", "containerd.io=2.3.5-1")


@pytest.mark.parametrize(
    "package", ["containerd.io", "containerd.io=", "docker-ce=2.3.5", "containerd=2.3.5 -o x", "-o=2.3.5"]
)
def test_what_is_no_package_of_containerd_is_refused(package: str) -> None:
    assert "as apt writes it" in told("--package", package)


@pytest.mark.parametrize("version", ["2.3.4-1", "1:2.3.50-1", "2.3-1", "2.3.5.1-1", "12.3.5"])
def test_a_package_of_another_containerd_is_refused(version: str) -> None:
    assert "is not containerd 2.3.5" in told("--package", f"containerd.io={version}")


@pytest.mark.parametrize("version", ["2.3.5", "2.3.5-1~debian.12~bookworm", "1:2.3.5~ds1-1+b2", "2.3.5+x"])
def test_versions_as_debian_writes_them_are_understood(version: str) -> None:
    """It gets on, to the fleet's file that is not there."""
    result = CliRunner().invoke(command, [*TO, "--package", f"containerd={version}"])
    assert "is not containerd" not in result.output
    assert result.exception is not None
    assert "no-fleet.yaml" in str(result.exception)
