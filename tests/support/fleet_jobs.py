"""What the workers of a fleet import in the tests: jobs, connectors, and functions that return keys."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from contactship_async import ContactshipClient
from contactship_async.sync import PostgresTarget, sync

CONNECTED: Final[list[str]] = []
"""The addresses at which a connector was made."""

WAITING: Final[list[str | None]] = []
"""The organizations whose job has begun to wait, in this process."""

CANCELLED: Final[list[str | None]] = []
"""Those whose job was cancelled."""

RELEASED: Final = threading.Event()


def connect() -> aiohttp.TCPConnector:
    """Make a connector."""
    CONNECTED.append(threading.current_thread().name)
    return aiohttp.TCPConnector()


async def count(client: ContactshipClient) -> tuple[int, str]:
    """Return how many phone numbers there are, and the address at which that was asked."""
    return await client.count_phone_numbers(), threading.current_thread().name


async def wait(client: ContactshipClient) -> None:
    """Wait until cancelled; of the organization `at-once`, return at once."""
    if client.organization == "at-once":
        return
    WAITING.append(client.organization)
    try:
        await asyncio.Event().wait()
    finally:
        CANCELLED.append(client.organization)


async def wait_once(client: ContactshipClient) -> str:
    """Wait until cancelled if that organization has not waited yet, and return the address otherwise."""
    if client.organization not in WAITING:
        await wait(client)
    return threading.current_thread().name


async def wait_for_release(client: ContactshipClient) -> str:
    """Wait until `RELEASED` is set, but for the organization `at-once`; return the address."""
    if client.organization != "at-once":
        while not RELEASED.is_set():  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(0.001)  # real time, therefore
    return threading.current_thread().name


async def cancel_itself(client: ContactshipClient) -> None:
    """Raise what a job raises that is cancelled by something of its own."""
    raise asyncio.CancelledError


async def fail(client: ContactshipClient) -> None:
    """Raise an error that may say anything."""
    message = "sk-live-planted"
    raise LookupError(message, await client.count_phone_numbers())


async def end_the_program(client: ContactshipClient) -> None:
    """Raise what ends a program, and with it its event loop."""
    raise SystemExit


async def make_what_does_not_travel(client: ContactshipClient) -> object:
    """Return what can't be pickled."""
    return lambda: None


async def make_too_much(client: ContactshipClient) -> bytes:
    """Return more than a result may be."""
    return bytes(2**20)


async def copy(client: ContactshipClient) -> int:
    """Write all rows of an organization into a file of its own, which appears complete, and return the process id."""
    file = Path(os.environ["FLEET_FOLDER"], f"{client.organization}.jsonl")
    beside = file.with_suffix(f".{os.getpid()}")
    with beside.open("wb") as rows:
        async for page in client.phone_numbers.list().pages(page_size=10, exact=True):
            rows.write(msgspec.json.Encoder().encode_lines(page.data))
    beside.replace(file)
    return os.getpid()


async def sync_rows(client: ContactshipClient) -> int:
    """Sync an organization into a database, and return the process id."""
    target = PostgresTarget(os.environ["DATABASE_URL"])
    errors = [result.exception async for result in sync(client, ["phone_numbers"], target, page_size=10)]
    if errors[0] is not None:
        raise errors[0]
    return os.getpid()


def bind() -> aiohttp.TCPConnector:
    """Make a connector whose requests come from the address of this worker."""
    return aiohttp.TCPConnector(local_addr=(os.environ["FLEET_SOURCE"], 0))


def log(text: str) -> None:
    """Write *text* into the log of a process."""
    logging.getLogger("distributed.worker").error(text)
    logging.getLogger("distributed.scheduler").error(text)


async def wait_for_ever(text: str) -> None:
    """Wait, with *text* in the graph of the tasks."""
    await asyncio.Event().wait()


def find_key(organization: str) -> str:
    """Return the key of an organization, as a secret manager would."""
    return os.environ[f"KEY_OF_{organization}"]


async def fetch_key(organization: str) -> str:
    """Return it after a while."""
    await asyncio.sleep(0)
    return find_key(organization)
