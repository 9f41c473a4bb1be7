"""The server in a thread of its own: reached from every event loop, and from programs without one."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from threading import Thread

from contactship_async._http.messages import Request
from contactship_async.sandbox._api.replies import Reply
from contactship_async.sandbox._serving.server import serve


@contextmanager
def serve_in_thread(
    respond: Callable[[Request], Reply], host: str, port: int, catch_up: Callable[[], float | None]
) -> Iterator[str]:
    """Serve as `serve` does, in a thread and an event loop that end with this context; yield the base URL.

    Args:
        respond: Called in that thread.
        host: As for `serve`.
        port: As for `serve`.
        catch_up: Called in that thread.
    """
    started: Future[tuple[str, Callable[[], object]]] = Future()

    async def serve_until_stopped() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        async with serve(respond, host, port, catch_up) as url:
            started.set_result((url, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()

    def run() -> None:
        try:
            asyncio.run(serve_until_stopped())
        except BaseException as error:  # noqa: BLE001 - raised where the server was asked for
            if not started.done():  # Later, only its end can fail: at exit, no loop may start a thread to end its own.
                started.set_exception(error)

    # A server that is still running is stopped at exit, for which Python waits for its other threads first.
    thread = Thread(target=run, name="contactship-sandbox", daemon=True)
    thread.start()
    url, stop = started.result()
    running = ExitStack()
    running.callback(thread.join)
    running.callback(stop)
    atexit.register(running.close)
    try:
        yield url
    finally:
        running.close()
        atexit.unregister(running.close)
