"""Downloads: a file of any host, such as a recording, into a file here, which is complete or not there.

The attempt loop is that of all calls, but the limits of the API are not: another host knows nothing of them. Nothing of
the client goes along but its name (`User-Agent`), and no error or log record has the URL: whoever knows that may have
the file. What comes is written to a temporary file, in threads, and only a complete one takes its place.
"""

from __future__ import annotations

import asyncio
import errno
import io
import math
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, Final, TypeVar, cast

from attrs import define, evolve
from msgspec.structs import replace
from yarl import URL

from contactship_async._http.aiohttp_download import fetch
from contactship_async._http.aiohttp_transport import AiohttpTransport
from contactship_async._http.caller import Caller
from contactship_async._http.messages import Request, Response, Transport
from contactship_async._http.rate_limits import Limits
from contactship_async._http.session import Call
from contactship_async._http.urls import is_loopback, parse_http_url
from contactship_async.errors import MalformedResponseError

T = TypeVar("T")

_NOT_WHOLE: Final = frozenset({204, 205, 206})
"""No content, and a part of it, which nobody has asked for (RFC 9110, 15.3.5 to 15.3.7)."""


async def download(
    caller: Caller, address: str, file: str | os.PathLike[str] | BinaryIO, *, field: str, max_bytes: int
) -> int:
    """Download what is at *address* into *file*, and return how many bytes it has.

    Args:
        caller: The caller of the client.
        address: An absolute URL.
        file: A path, or a file that is open for writing in binary mode.
        field: Where the address comes from: what errors and the log call it.
        max_bytes: The largest file accepted, decompressed.

    Raises:
        TypeError: *file* is neither.
        ValueError: *address* is none that may be asked.
        OSError: The file can't be written.
        MalformedResponseError: It is larger than *max_bytes*.
        ContactshipError: The download failed.
    """
    url = _check_address(address, field, caller.connection.base_url)
    target = _read_target(file)
    with ExitStack() as cleanup:
        spool = await _in_thread(_open_spool, target, cleanup)
        size = await _fetch(caller, url, spool, field, max_bytes)
        await _in_thread(_deliver, spool, target)
    return size


def _check_address(address: str, field: str, base_url: str) -> URL:
    """Return the URL as it is written, since some are signed; in clear, it must be where the client speaks in clear."""
    url, base = parse_http_url(address), URL(base_url)
    if url is not None and "@" not in url.raw_authority:
        is_of_base = url.host == base.host or is_loopback(url.host)
        if url.scheme == "https" or (base.scheme == "http" and is_of_base):
            return URL(address, encoded=True) if address.isascii() else url
    message = (
        f"{field} must be an https:// URL without user and password; an http:// one only with such a base_url,"
        " and of its host or of this machine"
    )
    raise ValueError(message)


def _read_target(file: object) -> Path | BinaryIO:
    if isinstance(file, str | os.PathLike):
        return Path(file)
    if isinstance(file, io.TextIOBase) or not hasattr(file, "write"):
        message = "file must be a path, or a file that is open for writing in binary mode"
        raise TypeError(message)
    return cast("BinaryIO", file)


def _open_spool(target: Path | BinaryIO, cleanup: ExitStack) -> IO[bytes]:
    """Open a temporary file, which *cleanup* removes: beside a path, so that taking its place is one step."""
    if not isinstance(target, Path):
        spool: IO[bytes] = TemporaryFile()  # noqa: SIM115 - *cleanup* closes it
    elif target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    elif target.exists() and not target.is_file():  # A device or a pipe: nothing may take the place of /dev/null.
        raise OSError(errno.EINVAL, "no regular file", str(target))
    else:
        spool = NamedTemporaryFile(dir=target.parent, prefix=".download-", delete=False)  # noqa: SIM115 - as above
        cleanup.callback(Path(spool.name).unlink, missing_ok=True)
    cleanup.callback(_close, spool)
    return spool


def _deliver(spool: IO[bytes], target: Path | BinaryIO) -> None:
    """Put a download where it belongs. A file of the caller's gets it whole: what it got can't be taken back."""
    if isinstance(target, Path):
        spool.close()
        Path(spool.name).replace(target)
    else:
        spool.seek(0)
        shutil.copyfileobj(spool, target)


def _close(spool: IO[bytes]) -> None:
    with suppress(OSError):  # What could not be written before can't be now.
        spool.close()


async def _fetch(caller: Caller, url: URL, spool: IO[bytes], field: str, max_bytes: int) -> int:
    """Fetch what is at *url* into *spool*, in as many attempts as a call may have."""
    timeouts = caller.attempts.timeouts
    attempts = evolve(caller.attempts, limits=Limits(), timeouts=evolve(timeouts, attempt=None))
    session = caller.connection.get_session()
    silence_seconds = math.inf if timeouts.attempt is None else timeouts.attempt
    receiver = _Receiver(url, session.transport, spool, max_bytes, silence_seconds)
    with Call(session) as call:
        request = Request(method="GET", path=field, idempotent=True, connect_seconds=timeouts.connect)
        try:
            await attempts.send(request, receiver.exchange, attempts.start_deadline())
        except _WriteError as error:
            failure = error.error
        else:
            return receiver.size
        raise failure
    raise call.error()


@define
class _Receiver:
    """Takes what comes, and begins anew with each attempt.

    Args:
        url: What is fetched.
        transport: Over which.
        spool: Where it is written.
        max_bytes: How much it may be.
        silence_seconds: How long nothing may come.

    Attributes:
        size: How many bytes have come.
    """

    url: URL
    transport: Transport
    spool: IO[bytes]
    max_bytes: int
    silence_seconds: float
    size: int = 0

    async def exchange(self, request: Request) -> Response:
        """Make one attempt: a transport, for the attempt loop."""
        self.size = 0
        await _write_in_thread(_empty, self.spool)
        if isinstance(self.transport, AiohttpTransport):
            response = await fetch(self.transport, request, self.url, self, silence_seconds=self.silence_seconds)
        else:
            query = tuple(self.url.query.items())
            response = await self.transport(replace(request, path=self.url.raw_path, query=query))
            if response.is_success:
                await self.write(response.body)
        if response.status in _NOT_WHOLE:
            raise MalformedResponseError((f"not a whole file, by its status {response.status}",))
        return response

    def expect(self, size: int) -> None:
        """Raise if so many bytes are too many."""
        if size > self.max_bytes:
            raise MalformedResponseError((f"larger than {self.max_bytes} bytes, the max_bytes of the download",))

    async def write(self, data: bytes) -> None:
        """Write what has come."""
        self.size += len(data)
        self.expect(self.size)
        await _write_in_thread(_append, self.spool, data)


class _WriteError(Exception):
    """The file can't be written: kept apart from an `OSError` of the connection, after which one tries again."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


async def _write_in_thread(function: Callable[..., object], *arguments: object) -> None:
    try:
        await _in_thread(function, *arguments)
    except OSError as error:
        failure = _WriteError(error)
    else:
        return
    raise failure


def _append(spool: IO[bytes], data: bytes) -> None:
    spool.write(data)
    spool.flush()


def _empty(spool: IO[bytes]) -> None:
    spool.seek(0)
    spool.truncate()


async def _in_thread(function: Callable[..., T], *arguments: object) -> T:
    """Run *function* in a thread, and wait for its end also if this is cancelled: nothing is written after that."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    work.add_done_callback(
        lambda done: done.cancelled() or done.exception()
    )  # If this is cancelled, nobody looks at it.
    try:
        await asyncio.wait([work])  # Unlike awaiting it, this does not cancel it.
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
    return work.result()
