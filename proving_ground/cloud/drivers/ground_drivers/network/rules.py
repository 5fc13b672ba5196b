"""The host's packet rules: chains of our own, so that taking them away again leaves nothing.

`python -m ground_drivers.network.rules install|remove`. Needs the host's network and CAP_NET_ADMIN.

- nat `GROUND-DNAT` (from PREROUTING and OUTPUT): floating IP -> fixed IP.
- nat `GROUND-SNAT` (from POSTROUTING): what leaves the machine networks has the host's address; a machine
  that talks to a floating IP of its own network must see answers come from there (hairpin). Between machine
  networks nothing is translated, as behind one router.
- mangle `GROUND-MARK` (from FORWARD): marks what leaves; POSTROUTING no longer knows where it came from.
- filter `GROUND-FORWARD` (from DOCKER-USER): machine networks and floating IPs are reached from other bridges
  too. Docker alone keeps its bridges apart.
"""

from __future__ import annotations

import functools
import subprocess
import sys

from ground_drivers.docker_host import BRIDGE_PREFIX

DNAT, SNAT, MARK, FORWARD = "GROUND-DNAT", "GROUND-SNAT", "GROUND-MARK", "GROUND-FORWARD"
MACHINES = f"{BRIDGE_PREFIX}+"
LEAVING = "0x1000000/0x1000000"
JUMPS = (
    ("nat", "PREROUTING", DNAT),
    ("nat", "OUTPUT", DNAT),
    ("nat", "POSTROUTING", SNAT),
    ("mangle", "FORWARD", MARK),
    ("filter", "DOCKER-USER", FORWARD),
)


def install() -> None:
    """The chains with their fixed rules only, and the jumps to them. Floating IPs must be connected again."""
    for table, _hook, chain in JUMPS:
        if run(table, "-F", chain, may_fail=True) is None:
            run(table, "-N", chain)
    run("mangle", "-A", MARK, "-i", MACHINES, "!", "-o", MACHINES, "-j", "MARK", "--set-xmark", LEAVING)
    run("nat", "-A", SNAT, "-m", "mark", "--mark", LEAVING, "-j", "MASQUERADE")
    run("filter", "-A", FORWARD, "-i", MACHINES, "-o", MACHINES, "-j", "ACCEPT")
    run("filter", "-A", FORWARD, "-o", MACHINES, "-m", "conntrack", "--ctstate", "DNAT", "-j", "ACCEPT")
    for table, hook, chain in JUMPS:
        if run(table, "-C", hook, "-j", chain, may_fail=True) is None:
            run(table, "-I", hook, "-j", chain)


def remove() -> None:
    """Takes away everything that `install` and `connect` made; nothing of it is no error."""
    for table, hook, chain in JUMPS:
        while run(table, "-D", hook, "-j", chain, may_fail=True) is not None:
            pass
    for table, _hook, chain in JUMPS:
        if run(table, "-F", chain, may_fail=True) is not None:
            run(table, "-X", chain, may_fail=True)  # a chain with two jumps is visited twice


def connect(identity: str, floating: str, fixed: str) -> None:
    """Exactly the rules of this floating IP. `identity`: its id, the comment by which they are found
    again."""
    disconnect(identity)
    comment = ("-m", "comment", "--comment", identity)
    run("nat", "-A", DNAT, "-d", floating, *comment, "-j", "DNAT", "--to-destination", fixed)
    translated = ("-m", "conntrack", "--ctstate", "DNAT", "--ctorigdst", floating)
    run("nat", "-I", SNAT, "-d", fixed, *translated, *comment, "-j", "MASQUERADE")


def disconnect(identity: str) -> None:
    """Takes away the rules of this floating IP."""
    for chain in (DNAT, SNAT):
        for line in (run("nat", "-S", chain) or "").splitlines():
            if line.startswith("-A") and identity in line:
                run("nat", "-D", *line.replace('"', "").split()[1:])


def run(table: str, *arguments: str, may_fail: bool = False) -> str | None:
    """One iptables call. `may_fail`: None instead of an error."""
    done = subprocess.run(
        [_program(), "-w", "-t", table, *arguments], capture_output=True, text=True, check=not may_fail
    )
    return None if done.returncode else done.stdout


@functools.cache
def _program() -> str:
    """The iptables of the kind (nft or legacy) that Docker uses on this host: where its chain is."""
    for program in ("iptables-nft", "iptables-legacy"):
        if not subprocess.run(
            [program, "-w", "-n", "-L", "DOCKER-USER"], capture_output=True, check=False
        ).returncode:
            return program
    raise RuntimeError("neither iptables-nft nor iptables-legacy finds Docker's chain DOCKER-USER")


if __name__ == "__main__":
    {"install": install, "remove": remove}[sys.argv[1]]()
