"""Runs in a machine: writes programs, with the libraries they need, to the tar that is named.

kube-proxy and the node agent call iptables and its relatives; a layer of just these is a tenth of Debian.
Names, times and owners are fixed, so that the same packages give the same layer.
"""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

PROGRAMS = """
sh cat cp date echo env false head id ln ls mkdir mv rm sleep tail test touch true wc grep sed tar ps getent
mount umount ip conntrack kmod modprobe ipset ipvsadm
iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore
iptables-legacy iptables-legacy-save iptables-legacy-restore
ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore
iptables-nft iptables-nft-save iptables-nft-restore ip6tables-nft ip6tables-nft-save ip6tables-nft-restore
"""
FOLDERS = ("/usr/bin", "/usr/sbin")
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def real(path: Path) -> Path:
    """The same path below /usr: Debian's /bin, /sbin and /lib are links."""
    first = path.parts[1]
    return Path("/", MERGED[first], *path.parts[2:]) if first in MERGED else path


def chain(path: Path) -> set[Path]:
    """A path and every link on the way to its file."""
    found = {real(path)}
    while path.is_symlink():
        path = real(path.parent / path.readlink())
        path = Path("/", *_normal(path.parts[1:]))
        found.add(path)
    return found


def _normal(parts: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part == "..":
            kept.pop()
        else:
            kept.append(part)
    return kept


def libraries(program: Path) -> set[Path]:
    """What the loader would load, with the loader itself."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    words = {word for line in listed.splitlines() for word in line.split() if word.startswith("/")}
    return {link for word in words for link in chain(Path(word))}


def main() -> None:
    starts = [next(Path(f) / name for f in FOLDERS if (Path(f) / name).exists()) for name in PROGRAMS.split()]
    extensions = sorted(Path("/usr/lib").glob("*/xtables/*.so"))
    wanted = {link for start in starts for link in chain(start)} | set(extensions)
    for path in [*starts, *extensions]:
        wanted |= libraries(path)
    with tarfile.open(sys.argv[1], "w") as tar:
        for path in sorted({parent for file in wanted for parent in file.parents if parent != Path("/")}):
            tar.addfile(_entry(str(path)[1:], tarfile.DIRTYPE, 0o755))
        for name, mode in {"root": 0o700, "run": 0o755, "tmp": 0o1777, "var": 0o755, "proc": 0o555}.items():
            tar.addfile(_entry(name, tarfile.DIRTYPE, mode))
        for name, target in MERGED.items():
            tar.addfile(_entry(name, tarfile.SYMTYPE, 0o777, target))
        for path in sorted(wanted):
            if path.is_symlink():
                tar.addfile(_entry(str(path)[1:], tarfile.SYMTYPE, 0o777, str(path.readlink())))
            else:
                content = path.read_bytes()
                entry = _entry(str(path)[1:], tarfile.REGTYPE, path.stat().st_mode & 0o755)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        for name, text in TEXTS.items():
            entry = _entry(name, tarfile.REGTYPE, 0o644)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


def _entry(name: str, kind: bytes, mode: int, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname = kind, mode, target
    return entry


main()
