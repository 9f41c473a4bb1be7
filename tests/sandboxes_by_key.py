"""A server of many organizations: the key of a request tells which sandbox answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from contactship_async import Request, Secret
from contactship_async.sandbox import Sandbox


@asynccontextmanager
async def serve(sandboxes: Mapping[str, Sandbox]) -> AsyncIterator[str]:
    """Serve *sandboxes*, named by the key that is sent to them, and yield the base URL.

    A sandbox compares that with its own: let them differ, and it answers 401.
    """

    async def answer(request: web.BaseRequest) -> web.Response:
        key = request.headers["x-api-key"]
        response = await sandboxes[key].transport(
            Request(
                method=request.method,
                path=request.rel_url.raw_path,
                query=tuple(request.query.items()),
                api_key=Secret(key),
                idempotent=True,
            )
        )
        return web.Response(status=response.status, headers=response.headers, body=response.body)

    runner = web.ServerRunner(web.Server(answer, handler_cancellation=True, access_log=None), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
