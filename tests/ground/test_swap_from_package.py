"""containerd is swapped in place with programs that each node's own apt fetches, on real machines.

The package is on hold there at another version, as Docker's or Debian's often is; nothing is installed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import replank
from swap_desk import NEW, OLD, on_every_machine, plan_of, prepared
from told import Told

from apt_archive import TRACE, build_deb, write_index
from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario import swapping
from proving_ground.scenario.fresh import SWAP
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.inventory.hosts.swap_commands import BUNDLE

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(3600)]

# Debian's own package of this name is on the machines, since docker.io needs it.
NAME, VERSION = "containerd", "2.3.5~ground1-1"
POOL = "/opt/ground-apt"
LIST = "/etc/apt/sources.list.d/ground.list"
# The machines' other sources are on the Internet, which the ground does not need to have.
_UPDATE = f"apt-get -o Dir::Etc::sourcelist={LIST} -o Dir::Etc::sourceparts=/dev/null update"
_OFFER = (
    f"sudo sh -c 'mkdir -p {POOL} && cd {POOL} && cat > {{deb}}'",
    f"sudo sh -c 'cat > {POOL}/Packages'",
    f"sudo sh -c 'echo \"deb [trusted=yes] file:{POOL} ./\" > {LIST} && {_UPDATE} && apt-mark hold {NAME}'",
)


def offer(ground: Folders, progress: Progress, folder: Path) -> None:
    """Every machine has an archive with the new containerd's package, and the installed one on hold."""
    programs = swapping.bundle(ground, progress)
    with progress.step("package of containerd 2.3.5"):
        deb = build_deb(folder, NAME, VERSION, {name: (programs / name).read_bytes() for name in BUNDLE})
        write_index(deb, NAME, VERSION)
    first, second, third = _OFFER
    hosts = create.known_hosts(ground, SWAP)
    for machine in tofu.read(ground, SWAP).machines:
        for command, path in ((first.format(deb=deb.name), deb), (second, deb.parent / "Packages")):
            with path.open("rb") as file:
                ssh.run(ground, hosts, machine.address, command, limit_s=300, stdin=file)
        ssh.run(ground, hosts, machine.address, third)


def dpkg(ground: Folders) -> dict[str, str]:
    """Everything that dpkg has, with holds; and a trace, should the package's script have run."""
    listed = "dpkg-query -W -f '${db:Status-Abbrev}${Package} ${Version}\\n'"
    return on_every_machine(ground, SWAP, f"{listed}; ls {TRACE} 2>/dev/null || true")


def left(ground: Folders) -> dict[str, str]:
    """What lies on the machines of the package, in words; "" = nothing."""
    command = (
        "sudo sh -c 'ls -d /opt/replank/containerd-*-deb-* /var/lib/replank/swap/package 2>/dev/null || true'"
    )
    return on_every_machine(ground, SWAP, command)


def test_programs_of_a_held_package_are_swapped_in_and_taken_away_wholly(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    (tmp_path / "deb").mkdir()
    offer(ground, progress, tmp_path / "deb")
    before, packages = swapping.containers(swap_workload), dpkg(ground)
    assert all(f"hi {NAME} " in listed for listed in packages.values()), packages
    desk = prepared(ground, SWAP, progress, tmp_path, package=f"{NAME}={VERSION}")
    plan = plan_of(desk)
    with progress.step("swap from a package, probed"):
        desk.run("apply", plan, "--yes", "--probe").done(600)
    assert set(swapping.runtimes(swap_workload).values()) == {NEW}
    assert swapping.containers(swap_workload) == before
    failed = {t["name"]: t["stats"]["failed"] for t in desk.report()["probe"]["targets"]}
    assert set(failed.values()) == {0}, failed
    assert dpkg(ground) == packages
    assert all(len(there.split()) == 1 and "-deb-" in there for there in left(ground).values())
    with progress.step("swap from a package: undone"):
        desk.run("undo", SWAP.name, "--yes").done(300)
    until("runtimes", lambda: swapping.not_all_on(swap_workload, OLD), limit_s=60)
    assert swapping.containers(swap_workload) == before
    assert set(left(ground).values()) == {""}
    assert dpkg(ground) == packages
    told("proof: containerd 2.3.5 out of a held package, applied and undone: dpkg's list and holds unchanged")
    with progress.step("swap from a package: again, and committed"):
        desk.run("apply", plan, "--yes").done(600)
        replank("approve", plan, "--yes", "--fleet", desk.fleet)
        desk.run("apply", plan, "--until", "commit", "--yes").done(300)
    assert set(swapping.runtimes(swap_workload).values()) == {NEW}
    assert swapping.containers(swap_workload) == before
    assert dpkg(ground) == packages
