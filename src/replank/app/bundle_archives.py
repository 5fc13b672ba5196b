"""Release archives of containerd: fetched once, checked, and unpacked beside the plans."""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO, Final
from urllib.parse import SplitResult, urlsplit

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from replank.app.console import err
from replank.domain.errors import Refused
from replank.inventory.hosts.swap_commands import BUNDLE
from replank.plan.runtime_swap import PlannedArchive

_HASH: Final = re.compile(r"sha256=([0-9a-fA-F]{64})", flags=re.ASCII)
_WHERE: Final = frozenset({PurePosixPath("."), PurePosixPath("bin")})
"""Folders of an archive in which programs are looked for."""
_DAMAGED: Final = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)
_LARGEST: Final = 2 << 30
"""Bytes that an archive may have, unpacked."""


def fetched(url: str, kept: Path) -> tuple[PlannedArchive, Path]:
    """The archive at `https://...#sha256=HEX`, and where it lies now: below `kept`, from an earlier time too.

    Raises `Refused` RP001 (no room), RP039 (it did not come), RP068 (no hash is named, or another one).
    """
    place = _split(url)
    named = _HASH.fullmatch(place.fragment)
    if named is None:
        raise _no_hash(place)
    archive = PlannedArchive(source=_bare(place), sha256=named[1].lower())
    path = kept / archive.sha256 / "archive"
    if path.is_file() and _digest(path) == archive.sha256:
        return archive, path
    with _whole_file(path) as file:
        seen = _download(url.partition("#")[0], file, archive.source)
        if seen != archive.sha256:
            raise Refused(
                "RP068",
                "The archive is not the one that was named",
                f"its SHA-256 is {seen}, named was {archive.sha256}",
                "Compare both with what the release names. Nothing of it was kept.",
                where=archive.source,
            )
    return archive, path


def unpacked(archive: Path, folder: Path) -> Path:
    """`folder`, with the programs that are in the archive; those that are missing are not its business.

    Only their bytes are taken, from regular files by these very names, in the archive's top folder or in
    `bin`: no path, mode, owner or link of the archive is applied. Raises `Refused` RP001, RP092.
    """
    try:
        with gzip.open(archive) as data, tarfile.open(fileobj=data, mode="r:") as tar:
            for name, program in _programs(tar, archive):
                with _whole_file(folder / "bin" / name) as file:
                    copyfileobj(program, file)
            _read_out(data, archive)
    except _DAMAGED as error:
        raise _unusable(archive, f"it is no whole .tar.gz ({type(error).__name__})") from error
    return folder


def _programs(tar: tarfile.TarFile, archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    room, seen = _LARGEST, set()
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise _unusable(archive, f"{member.name[:80]!r} leads out of it")
        room -= member.size  # before anything of it is read
        if room < 0:
            raise _unusable(archive, f"unpacked it is larger than {_LARGEST >> 30} GiB")
        if path.name not in BUNDLE or path.parent not in _WHERE:
            continue
        file = tar.extractfile(member) if member.isreg() else None
        if file is None or path.name in seen:
            raise _unusable(archive, f"{member.name} is no regular file, or is there twice")
        seen.add(path.name)
        yield path.name, file


def _read_out(data: gzip.GzipFile, archive: Path) -> None:
    """Behind the archive's end stands the checksum of all of it, which is only looked at when it is read."""
    room = _LARGEST
    while piece := data.read(1 << 20):
        room -= len(piece)
        if room < 0:
            raise _unusable(archive, f"unpacked it is larger than {_LARGEST >> 30} GiB")


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file, which is put at `path` unless an error is raised meanwhile. Folders: mode 0700.

    Raises `Refused` RP001 where the disk does not take it.
    """
    try:
        for folder in reversed([f for f in (path.parent, *path.parent.parents) if not f.exists()]):
            folder.mkdir(exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            beside = Path(file.name)
            try:
                yield file
                file.flush()
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except gzip.BadGzipFile:
        raise  # what was read is damaged; the disk has nothing to do with it
    except OSError as error:
        raise Refused(
            "RP001",
            "A file cannot be written",
            error.strerror or type(error).__name__,
            "Make room or choose another folder with --out; nothing of it was left half written.",
            where=str(path),
        ) from error


def _download(url: str, file: IO[bytes], source: str) -> str:
    """With a bar on stderr where that is a terminal. SHA-256."""
    from replank.transports.download import download

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task(f"fetching {PurePosixPath(urlsplit(source).path).name}", total=None)
        digest = download(url, file, lambda have, of: progress.update(task, completed=have, total=of or None))
    err().print(f"fetched {source}", markup=False)
    return digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise Refused(
            "RP039", "The bundle cannot be fetched", "its URL is none", "Look at the address."
        ) from error


def _bare(place: SplitResult) -> str:
    """Without login, query and fragment: what may stand in a plan."""
    host = place.netloc.rpartition("@")[2]
    return f"{place.scheme}://{host}{place.path}"


def _no_hash(place: SplitResult) -> Refused:
    return Refused(
        "RP068",
        "The URL names no hash",
        "what is fetched over the network is run as root on every node, so it is pinned",
        f"Add it as pip writes it: {_bare(place)}#sha256=HEX, the 64 digits of the release's .sha256sum.",
        where=_bare(place),
    )


def _unusable(archive: Path, why: str) -> Refused:
    return Refused(
        "RP092",
        "The archive cannot be unpacked",
        why,
        "Take containerd's own release archive, such as containerd-2.3.5-linux-amd64.tar.gz.",
        where=str(archive),
    )
