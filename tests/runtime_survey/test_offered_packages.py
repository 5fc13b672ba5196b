"""What apt can fetch, from `apt-cache show`: versions, hashes, and nothing that is only installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from survey_site import CONTROL_PLANE, SwapSite, swap_site

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown
from replank.inventory.facts import codec
from replank.inventory.hosts import runtime_commands
from replank.inventory.hosts.offered_packages import parse_offered
from replank.inventory.runtime.facts import OfferedPackage
from replank.testbed.serve.ssh_faults import SshFault

INSTALLED = """\
Package: containerd.io
Status: hold ok installed
Priority: optional
Section: devel
Installed-Size: 121032
Maintainer: Containerd team <help@containerd.io>
Architecture: amd64
Version: 1.7.27-1
Provides: containerd, runc
Depends: libc6 (>= 2.34), libseccomp2 (>= 2.5.0)
Description: An open and reliable container runtime
Description-md5: 6a2d4ad0a5d4d0fbe0c1e8e4a6b2c1d0
Homepage: https://containerd.io
"""
OFFERED = """\
Package: containerd.io
Architecture: amd64
Version: 2.3.5-1~debian.12~bookworm
Priority: optional
Section: devel
Maintainer: Containerd team <help@containerd.io>
Installed-Size: 121032
Provides: containerd, runc
Depends: libc6 (>= 2.34), libseccomp2 (>= 2.5.0)
Conflicts: containerd, runc
Filename: dists/bookworm/pool/stable/amd64/containerd.io_2.3.5-1~debian.12~bookworm_amd64.deb
Size: 31842844
MD5sum: 0123456789abcdef0123456789abcdef
SHA1: 0123456789abcdef0123456789abcdef01234567
SHA256: {sha256}
Homepage: https://containerd.io
Description: An open and reliable container runtime
 containerd is an industry-standard container runtime with an emphasis on
 simplicity: robustness and portability.
 .
 Version: 9.9.9 is only said here
"""
DEBIAN = """\
Package: containerd
Source: containerd (1.6.20~ds1-1)
Version: 1.6.20~ds1-1+deb12u3
Architecture: amd64
Description-en: open and reliable container runtime
Description-md5: 5d4a1b0f
Built-Using: golang-1.19 (= 1.19.8-2)
Filename: pool/main/c/containerd/containerd_1.6.20~ds1-1+deb12u3_amd64.deb
Size: 25931664
SHA256: {sha256}
"""


def offer(name: str, version: str, digit: str, size: int) -> OfferedPackage:
    return OfferedPackage(name=name, version=version, architecture="amd64", sha256=digit * 64, bytes=size)


def test_versions_of_archives_are_read_with_their_hashes_and_what_is_only_installed_is_not() -> None:
    text = "\n".join([OFFERED.format(sha256="a" * 64), INSTALLED, DEBIAN.format(sha256="b" * 64)])
    assert parse_offered(text) == (
        offer("containerd", "1.6.20~ds1-1+deb12u3", "b", 25931664),
        offer("containerd.io", "2.3.5-1~debian.12~bookworm", "a", 31842844),
    )


def test_a_version_of_two_archives_is_one_unless_they_differ() -> None:
    one, other = (OFFERED.format(sha256=digit * 64) for digit in "ab")
    assert len(parse_offered(f"{one}\n{one}")) == 1
    assert len(parse_offered(f"{one}\n{other}")) == 2


def test_an_index_without_a_hash_gives_none() -> None:
    (found,) = parse_offered("".join(line for line in OFFERED.splitlines(True) if "SHA256" not in line))
    assert (found.sha256, found.bytes) == ("", 31842844)


@pytest.mark.parametrize(
    "text",
    ["W: something\n", "Package: a\n", "Version: 1\n", "no field\nPackage: a\nVersion: 1\n"],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="RP089"):
        parse_offered(text)


@pytest.mark.parametrize("field", ["SHA256: xyz", f"SHA256: {'a' * 63}", "Size: -1", "Size: many"])
def test_a_strange_hash_or_size_is_refused(field: str) -> None:
    text = f"Package: containerd\nVersion: 1\nFilename: x.deb\n{field}\n"
    with pytest.raises(Refused, match="RP089"):
        parse_offered(text)


def test_nothing_is_offered_where_apt_says_nothing() -> None:
    assert parse_offered("") == ()


def read(site: SwapSite) -> object:
    return site.read(CONTROL_PLANE).offered


def test_a_node_tells_what_its_apt_can_fetch(tmp_path: Path) -> None:
    with swap_site(tmp_path) as site:
        assert read(site) == ()
        site.machine(CONTROL_PLANE).debs = {"containerd.io=2.3.5-1": b"a deb", "containerd.io=2.3.4-1": b"b"}
        offered = read(site)
        assert isinstance(offered, tuple)
        assert [(one.version, one.bytes) for one in offered] == [("2.3.4-1", 1), ("2.3.5-1", 5)]


def test_a_node_without_apt_and_one_whose_apt_fails_are_told_apart(tmp_path: Path) -> None:
    line = runtime_commands.OFFERED.call().line
    with swap_site(tmp_path) as site:
        site.machine(CONTROL_PLANE).commands[line] = "E: the index is damaged\n"
        fact = read(site)
        assert isinstance(fact, Unknown)
        assert fact.code == "RP089"
        del site.machine(CONTROL_PLANE).commands[line]
        site.machine(CONTROL_PLANE).packages = {}
        site.twin.ssh.faults[site.machine(CONTROL_PLANE).address] = SshFault()
        assert read(site) is None


def test_a_snapshot_of_before_apt_was_asked_is_still_read(tmp_path: Path) -> None:
    from facts_loader import healthy_on_docker, snapshot_of

    document = healthy_on_docker()
    assert all("offered" not in node for node in document["runtimes"]["nodes"])
    runtimes = snapshot_of(document).runtimes
    assert not isinstance(runtimes, Unknown)
    assert isinstance(runtimes.nodes[0].offered, Unknown)
    assert codec.load(codec.dump(snapshot_of(document)), where="again") == snapshot_of(document)
