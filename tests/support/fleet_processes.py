"""A Dask cluster of processes that speak TLS, a server that notes who asks, and a search for keys in all of it."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import trustme
from aiohttp import web
from attrs import define, field, frozen
from distributed import Client, Security
from fleet_jobs import log, wait_for_ever
from processes import started

SUPPORT: Final = Path(__file__).parent
PAGE_SECONDS: Final = 0.02


@define
class FleetServer:
    """Has so many phone numbers of each organization, and notes from which address of this machine it was asked.

    Args:
        api_keys: By organization.
        rows: How many each has.
    """

    api_keys: Mapping[str, str]
    rows: int
    url: str = ""
    asked: set[tuple[str, str]] = field(factory=set)
    """Each organization with each address that it was asked for from."""

    @asynccontextmanager
    async def served(self) -> AsyncIterator[FleetServer]:
        """Serve until the end of the block."""
        app = web.Application()
        app.router.add_get("/v1/phone-numbers", self._list)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        organizations = {key: name for name, key in self.api_keys.items()}
        organization = organizations[request.headers["x-api-key"]]
        self.asked.add((organization, str(request.remote)))
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", self.rows))
        await asyncio.sleep(PAGE_SECONDS)  # real time, so that workers are killed in the middle
        rows = [self._row(organization, place) for place in range(offset, min(offset + limit, self.rows))]
        return web.json_response({"data": rows, "count": self.rows})

    def _row(self, organization: str, place: int) -> dict[str, str]:
        seconds = self.rows - place
        return {
            "id": f"{organization}-{place}",
            "phone_number": f"+1202555{place:04}",
            "type": "inbound",
            "organization_id": organization,
            "created_at": f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z",
        }


@frozen
class Certificates:
    """The files of a certificate that scheduler, workers and client share, and its authority."""

    authority: Path
    key: Path
    certificate: Path

    @property
    def security(self) -> Security:
        """The settings of a client."""
        names = ("client", "scheduler", "worker")
        keys = {f"tls_{name}_key": str(self.key) for name in names}
        certificates = {f"tls_{name}_cert": str(self.certificate) for name in names}
        return Security(require_encryption=True, tls_ca_file=str(self.authority), **keys, **certificates)  # type: ignore[no-untyped-call] # as Dask has it

    @property
    def options(self) -> list[str]:
        """Those of `dask scheduler` and `dask worker`."""
        files = {"--tls-ca-file": self.authority, "--tls-key": self.key, "--tls-cert": self.certificate}
        return ["--protocol", "tls", *(str(each) for option in files.items() for each in option)]


def certify(folder: Path) -> Certificates:
    """Write a new authority, and a certificate of it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    files = Certificates(folder / "authority.pem", folder / "key.pem", folder / "certificate.pem")
    authority.cert_pem.write_to_path(str(files.authority))
    issued.private_key_pem.write_to_path(str(files.key))
    issued.cert_chain_pems[0].write_to_path(str(files.certificate))
    return files


@define
class Processes:
    """A scheduler, and a worker for each address: `address-1` reaches the server from 127.0.0.1, and so on."""

    folder: Path
    client: Any
    scheduler: Process

    async def shown(self) -> dict[str, str]:
        """Return all that scheduler and workers show, by the place where they do."""
        known = await self.client.scheduler.identity()
        await self.client.dump_cluster_state(str(self.folder / "dump"), write_from_scheduler=False)
        events = await self.client.get_events()
        return {
            "task graph and state": gzip.decompress((self.folder / "dump.msgpack.gz").read_bytes()).decode("latin-1"),
            "events": repr(events),
            "dashboard": await asyncio.to_thread(self._read_dashboard, [*known["workers"]]),
            "log of the scheduler": (self.folder / "scheduler.log").read_text(encoding="utf-8"),
            "logs of the workers": "".join(
                log.read_text(encoding="utf-8") for log in self.folder.glob("address-*.log")
            ),
            "memory of the scheduler": memory_of(self.scheduler.pid),
        }

    def _read_dashboard(self, workers: Sequence[str]) -> str:
        link = self.client.dashboard_link.removesuffix("/status")
        pages = ["info/main/workers.html", "info/main/exceptions.html", "info/main/logs.html"]
        pages += ["json/counts.json", "json/identity.json", "individual-plots.json", "sitemap.json", "metrics"]
        for worker in workers:
            pages += [f"info/{kind}/{quote(worker, safe='')}.html" for kind in ("worker", "call-stacks", "logs")]
        text = "".join(_get(f"{link}/{page}") for page in pages)
        tasks = {*re.findall(r"info/task/([^\"]+)\.html", text)}
        return text + "".join(_get(f"{link}/info/task/{task}.html") for task in tasks)


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url) as response:  # noqa: S310 - always http
            return str(response.read().decode())
    except urllib.error.HTTPError as error:  # a page that needs a further package, or fails by itself
        with error:
            return str(error.read().decode())


def memory_of(pid: int) -> str:
    """Return all that a process has written into its memory (Linux)."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for first, last in _written(pid):
            try:
                memory.seek(first)
                found.append(memory.read(last - first))
            except (OSError, ValueError, OverflowError):
                continue  # what the kernel keeps for itself
    return b"".join(found).decode("latin-1")


def _written(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        span, rights, *_ = line.split()
        if rights.startswith("rw"):
            first, last = span.split("-")
            yield int(first, 16), int(last, 16)


async def plant(processes: Processes, key: str) -> None:
    """Have *key* shown in each place where a careless program would have it."""
    client = processes.client
    await client.run_on_scheduler(log, key)
    await client.submit(log, key, key="log", pure=False)
    client.submit(wait_for_ever, key, key=f"planted-{key}", pure=False)
    await client.log_event("planted", key)


@asynccontextmanager
async def processes(
    folder: Path, addresses: Sequence[str], threads: int, environment: Mapping[str, str]
) -> AsyncIterator[Processes]:
    """Start a cluster, whose workers alone have *environment*."""
    certificates = certify(folder)
    file = folder / "scheduler.json"
    path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
    shared = {**os.environ, "PYTHONPATH": path, "DASK_TEMPORARY_DIRECTORY": str(folder), "TMPDIR": str(folder)}
    common = (*certificates.options, "--scheduler-file", str(file), "--dashboard-address", "127.0.0.1:0")
    async with AsyncExitStack() as stack:

        async def start(name: str, *command: str, **more: str) -> Process:
            log_file = stack.enter_context((folder / f"{name}.log").open("w"))
            return await stack.enter_async_context(
                started(
                    *(sys.executable, "-m", *command, *common, "--host", "127.0.0.1"),
                    stdout=log_file,
                    stderr=log_file,
                    env={**shared, **more},
                )
            )

        scheduler = await start("scheduler", "distributed.cli.dask_scheduler", "--port", "0")
        nannies = [
            await start(
                *(address, "distributed.cli.dask_worker", "--nthreads", str(threads)),
                *("--resources", f"{address}={threads}"),
                **environment,
                FLEET_SOURCE=f"127.0.0.{place}",
            )
            for place, address in enumerate(addresses, 1)
        ]
        while not file.exists():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)  # real time: another process writes it
        client: Any = Client(scheduler_file=str(file), security=certificates.security, asynchronous=True)  # type: ignore[no-untyped-call] # as Dask has it
        async with client:
            await client.wait_for_workers(len(addresses))
            yield Processes(folder, client, scheduler)
        for nanny in nannies:
            nanny.terminate()
        for nanny in nannies:
            await nanny.wait()
