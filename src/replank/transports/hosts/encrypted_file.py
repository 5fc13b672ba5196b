"""A stream of bytes into a file that is encrypted with age, whole or not at all, never plain on a disk.

pyrage (rage, the Rust implementation of age) reads and writes in pieces, so memory stays bounded; it blocks,
so it runs in a thread that pulls the bytes out of the event loop one piece after the other.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import io
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import pyrage  # type: ignore[import-untyped]

from replank.domain.errors import Refused

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Recipient: TypeAlias = "pyrage.x25519.Recipient | pyrage.ssh.Recipient"

PART: Final = ".part"
"""Ending of a file that is not whole yet; its name begins with a dot."""

PIECE_TIMEOUT_S: Final = 120.0
"""Longer than the network waits for a piece: whoever feeds the stream gives up first, and says why."""


def recipients_of(texts: Sequence[str]) -> list[Recipient]:
    """age recipients (`age1...`) and ssh public keys (ed25519, RSA). Raises `Refused` RP944."""
    return [_recipient(text.strip()) for text in texts]


async def write_encrypted(path: Path, content: AsyncIterator[bytes], recipients: Sequence[Recipient]) -> None:
    """Writes `path`, mode 0600, once all of `content` has come and is on the disk.

    Raises what `content` raises, and `Refused` RP945 for what the disk does not take. No part of the file is
    left then, nor where the task is cancelled.
    """
    source = _Source(asyncio.get_running_loop(), content)
    work = asyncio.ensure_future(asyncio.to_thread(_write, path, source, list(recipients)))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        source.stop()
        # The thread takes its half file away, and the iterator stands still, before anybody goes on.
        await asyncio.wait([work, *source.pulls])
        raise


def sync_folder(folder: Path) -> None:
    """Has the folder's entries written to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_refuses(path: Path, error: OSError) -> Refused:
    """The error for a file that cannot be written."""
    return Refused(
        "RP945",
        "The etcd snapshot cannot be kept",
        error.strerror or type(error).__name__,
        "Make room there, or name another folder in `etcd_snapshot.folder` in fleet.yaml.",
        where=str(path),
    )


def _recipient(text: str) -> Recipient:
    try:
        if text.startswith("age1"):
            return pyrage.x25519.Recipient.from_str(text)
        return pyrage.ssh.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise Refused(
            "RP944",
            "The etcd snapshot cannot be encrypted",
            f"`{text[:24]}...` is neither an age recipient nor an ssh public key that age takes",
            "Name `age1...` recipients, or ssh-ed25519 or ssh-rsa public keys, in "
            "`etcd_snapshot.recipients` in fleet.yaml.",
        ) from error


def _write(path: Path, source: _Source, recipients: list[Recipient]) -> None:
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=PART, dir=path.parent)
    except OSError as error:
        raise disk_refuses(path, error) from error
    sink = _Sink(handle)
    try:
        with sink:
            pyrage.encrypt_io(source, sink, recipients)
            if sink.failure is not None:
                # What is left in pyrage's buffer is written when that is dropped, where errors get lost.
                raise sink.failure
            os.fsync(handle)
        Path(name).replace(path)
        sync_folder(path.parent)
    except pyrage.EncryptError:
        if source.failure is not None:
            raise source.failure from None
        if sink.failure is not None:
            raise disk_refuses(path, sink.failure) from sink.failure
        raise
    except OSError as error:
        raise disk_refuses(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


class _Sink(io.RawIOBase):
    """The file. pyrage turns exceptions into texts: the real one is kept in `failure`."""

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return os.write(self._handle, data)
        except OSError as error:
            self.failure = error
            raise

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()


class _Source(io.RawIOBase):
    """What the event loop's iterator yields, for a thread to read. The iterator yields no empty pieces.

    `failure`: what it raised. `pulls`: the task that asks it at the moment, or asked it last.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, content: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._loop = loop
        self._content = content
        self._rest = b""
        self._stopped = False
        self._next: concurrent.futures.Future[bytes] | None = None
        self.pulls: set[asyncio.Task[object]] = set()
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if not self._rest:
            self._rest = self._piece()
        end = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:end], self._rest[end:]
        return found

    def stop(self) -> None:
        """From the event loop: nothing more is read."""
        self._stopped = True
        if self._next is not None:
            self._next.cancel()

    def _piece(self) -> bytes:
        """b"" at the end. Raises what the iterator raised, or what tells pyrage to stop."""
        self._next = asyncio.run_coroutine_threadsafe(self._pull(), self._loop)
        if self._stopped:
            self._next.cancel()
        try:
            return self._next.result(PIECE_TIMEOUT_S)
        except BaseException as error:
            self.failure = error
            raise

    async def _pull(self) -> bytes:
        task = asyncio.current_task()
        if task is not None:
            self.pulls = {task}
        return await anext(self._content, b"")
