"""Where the new programs come from: a folder, a release archive, a URL with its hash; and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from replank.app.bundles import bundle_of
from replank.domain.errors import Refused
from replank.inventory.hosts.swap_commands import BUNDLE
from replank.transports import download as downloads

Entry = tuple[str, bytes | str]
"""A path in an archive with its content, or where a link leads."""
RELEASE: list[Entry] = [*((f"bin/{name}", f"{name} 2.3.5".encode()) for name in BUNDLE), ("bin/more", b"x")]


def archive(entries: list[Entry]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.mode = 0o6755
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Site:
    """A server on this machine. `pages`: path -> content, or (status, where to). `asked`: paths."""

    address: str
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            page = made.pages.get(self.path.partition("?")[0], (404, ""))
            if isinstance(page, bytes):
                self.send_response(200)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
            else:
                self.send_response(page[0])
                self.send_header("Location", page[1])
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made = Site(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def assert_whole(bundle: Any, kept: Path) -> None:
    assert [(f.name, f.sha256) for f in bundle.files] == [(n, sha256(f"{n} 2.3.5".encode())) for n in BUNDLE]
    for file in bundle.files:
        path = Path(file.source)
        assert path.is_relative_to(kept)
        assert path.stat().st_mode & 0o7777 == 0o600, "nothing of the archive's modes"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert not [p for p in kept.rglob("*") if p.name not in (*BUNDLE, "bin", "archive") and p.is_file()]


def refusal(given: str, kept: Path) -> Refused:
    with pytest.raises(Refused) as refused:
        bundle_of(given, kept)
    return refused.value


def test_a_folder_is_taken_where_it_lies(tmp_path: Path) -> None:
    for name in BUNDLE:
        (tmp_path / name).write_text(name)
    bundle = bundle_of(str(tmp_path), tmp_path / "kept")
    assert bundle.archive is None
    assert [Path(file.source).parent for file in bundle.files] == [tmp_path] * len(BUNDLE)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("prefix", ["bin/", "./bin/", "", "./"])
def test_a_release_archive_is_unpacked_beside_the_plan(tmp_path: Path, prefix: str) -> None:
    data = archive([(prefix + name.removeprefix("bin/"), content) for name, content in RELEASE])
    path = tmp_path / "containerd-2.3.5-linux-amd64.tar.gz"
    path.write_bytes(data)
    bundle = bundle_of(str(path), tmp_path / "kept")
    assert_whole(bundle, tmp_path / "kept")
    assert bundle.archive is not None
    assert (bundle.archive.source, bundle.archive.sha256) == (str(path), sha256(data))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([*RELEASE, ("/etc/passwd", b"x")], "leads out of it"),
        ([*RELEASE, ("bin/../../x", b"x")], "leads out of it"),
        ([("bin/containerd", "/usr/bin/containerd"), *RELEASE[1:]], "no regular file"),
        ([*RELEASE, ("bin/ctr", b"another")], "twice"),
        ([*RELEASE, ("./ctr", b"another")], "twice"),
    ],
)
def test_an_archive_that_is_no_release_is_refused(tmp_path: Path, entries: list[Entry], why: str) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(archive(entries))
    error = refusal(str(path), tmp_path / "kept")
    assert (error.code, why in error.why) == ("RP092", True), error.why
    assert not list(tmp_path.glob("**/passwd")) + list(tmp_path.glob("x"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        archive(RELEASE)[:-40],
        gzip.compress(b"no tar" * 500),
        archive(RELEASE)[:-8] + b"\0" * 8,
    ],
    ids=["empty", "text", "cut", "no tar", "bad checksum"],
)
def test_a_damaged_archive_is_refused_whole(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(data)
    assert refusal(str(path), tmp_path / "kept").code in ("RP092", "RP038")


def test_an_archive_without_a_program_and_what_is_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(archive([*RELEASE[1:], ("deep/bin/containerd", b"x")]))
    assert refusal(str(path), tmp_path / "kept").code == "RP038"
    assert refusal(str(tmp_path / "nothing"), tmp_path / "kept").code == "RP038"


def test_a_url_is_fetched_once_and_its_login_and_query_are_in_no_plan(tmp_path: Path, site: Site) -> None:
    data = archive(RELEASE)
    site.pages = {"/latest": (302, "/files/c.tar.gz?token=t0p"), "/files/c.tar.gz": data}
    url = f"{site.address.replace('://', '://ana:s3cret@')}/latest?token=t0p#sha256={sha256(data).upper()}"
    for _ in range(2):
        bundle = bundle_of(url, tmp_path / "kept")
        assert_whole(bundle, tmp_path / "kept")
    assert site.asked == ["/latest?token=t0p", "/files/c.tar.gz?token=t0p"]
    assert bundle.archive is not None
    assert bundle.archive.source == f"{site.address}/latest"
    assert bundle.archive.sha256 == sha256(data)
    (tmp_path / "kept" / sha256(data) / "archive").write_bytes(b"bent")
    assert_whole(bundle_of(url, tmp_path / "kept"), tmp_path / "kept")
    assert len(site.asked) == 4, "what was bent meanwhile is fetched again"


def test_another_file_than_the_hash_names_is_not_kept(tmp_path: Path, site: Site) -> None:
    site.pages = {"/c.tar.gz": archive(RELEASE)}
    error = refusal(f"{site.address}/c.tar.gz#sha256={'0' * 64}", tmp_path / "kept")
    assert (error.code, sha256(site.pages["/c.tar.gz"]) in error.why) == ("RP068", True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("fragment", ["", "#", "#sha256=", "#sha256=abc", "#md5=" + "0" * 32])
def test_a_url_without_a_hash_is_refused_with_how_to_add_it(
    tmp_path: Path, site: Site, fragment: str
) -> None:
    error = refusal(f"{site.address}/c.tar.gz{fragment}", tmp_path / "kept")
    assert error.code == "RP068"
    assert f"{site.address}/c.tar.gz#sha256=" in error.todo
    assert site.asked == []


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ((404, ""), "answers 404"),
        ((302, "http://example.invalid/c.tar.gz"), "http://example.invalid is not https"),
        ((302, "/c.tar.gz"), "TooManyRedirects"),
    ],
)
def test_what_does_not_come_is_told_with_its_reason(tmp_path: Path, site: Site, page: Any, why: str) -> None:
    site.pages = {"/c.tar.gz": page}
    error = refusal(f"{site.address}/c.tar.gz#sha256={'0' * 64}", tmp_path / "kept")
    assert error.code == "RP039"
    assert why in error.why
    assert "give --bundle the file" in error.todo
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("url", ["http://example.org/c", "ftp://example.org/c", "https://[::1/c"])
def test_only_https_is_asked_of_other_machines(tmp_path: Path, url: str) -> None:
    assert refusal(f"{url}#sha256={'0' * 64}", tmp_path / "kept").code == "RP039"


def test_more_than_a_release_is_not_taken(site: Site) -> None:
    site.pages = {"/c": b"x" * 3000}
    with pytest.raises(Refused, match="larger"):
        downloads.download(f"{site.address}/c", io.BytesIO(), most=2999)
    told: list[tuple[int, int]] = []
    taken = io.BytesIO()
    digest = downloads.download(f"{site.address}/c", taken, lambda *seen: told.append(seen), most=3000)
    assert (digest, taken.getvalue(), told[-1]) == (sha256(b"x" * 3000), b"x" * 3000, (3000, 3000))


def test_a_server_that_says_nothing_of_the_size_is_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=(b"x" * 1000 for _ in range(100)))

    client = httpx2.Client
    monkeypatch.setattr(
        downloads.httpx2,
        "Client",
        lambda **how: client(transport=httpx2.MockTransport(endless), event_hooks=how["event_hooks"]),
    )
    taken = io.BytesIO()
    with pytest.raises(Refused, match="larger"):
        downloads.download("https://example.org/c", taken, most=70_000)
    assert len(taken.getvalue()) <= 70_000
