"""One client in several event loops, over real sockets: what one of them has left is dropped without a word.

The scripts run in another process with `-X dev -W error`, on asyncio and on uvloop, against a server in this one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from event_loops import LOOPS

from contactship_async.sandbox import Sandbox

PROGRAM = """
import asyncio, contextlib, gc, importlib, json, os, socket, sys, threading, warnings
from contactship_async import ClientClosedError, ContactshipClient, ContactshipPool
from open_sockets import open_sockets

url, loops, scripts = sys.argv[1:]

def new_loop():
    loop = importlib.import_module(loops).new_event_loop()
    loop.slow_callback_duration = 60  # a busy machine is none of our faults
    return loop

def run(main):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)

def count_sockets(end="."):
    if loops == "asyncio" or end != ".":  # uvloop closes a socket when its loop has another turn, and not before.
        print(len(open_sockets() - before), end=end + "\\n")

for name, script in json.loads(scripts).items():
    print(f"# {name}", file=sys.stderr, flush=True)
    print(f"# {name}")
    before = open_sockets()
    client = ContactshipClient("sandbox-key", base_url=url)
    exec(script)
    gc.collect()
    count_sockets(" left")
"""

SCRIPTS = {
    "idle, and closed at last": """
first, second = new_loop(), new_loop()
for loop in (first, second, first, second):
    print(loop.run_until_complete(client.count_phone_numbers()))
    count_sockets()
second.run_until_complete(client.close())
first.run_until_complete(asyncio.sleep(0))
first.close()
second.close()
""",
    "idle, never run again": """
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
print(run(client.count_phone_numbers()))
if loops == "asyncio":  # What uvloop has open, it complains of itself unless it gets another turn.
    loop.close()
else:
    loop.run_until_complete(asyncio.sleep(0)); loop.close()
""",
    "closed elsewhere while idle": """
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
run(client.close())
count_sockets()
loop.run_until_complete(asyncio.sleep(0))
print(loop.run_until_complete(client.count_phone_numbers()))
loop.run_until_complete(client.close())
loop.close()
""",
    "its thread is gone": """
left = []
def work():
    left.append(new_loop())
    print(left[0].run_until_complete(client.count_phone_numbers()))
thread = threading.Thread(target=work); thread.start(); thread.join()
print(run(client.count_phone_numbers()))
left[0].run_until_complete(asyncio.sleep(0)); left[0].close()
""",
    "stopped in the midst of a call": """
loop = new_loop()
deaf = socket.create_server(("127.0.0.1", 0))
before = open_sockets()
client = ContactshipClient("key", base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}")
call = loop.create_task(client.request("GET", "/v1/credits"))
loop.call_later(0.05, loop.stop)
loop.run_forever()
async def use():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await client.count_phone_numbers()
run(use())
try:
    loop.run_until_complete(call)
except ClientClosedError as error:
    print(error)
loop.run_until_complete(asyncio.sleep(0))
loop.close()
deaf.close()
""",
    "a walk left in an idle loop": """
loop = new_loop()
numbers = client.iter_phone_numbers(page_size=1)
loop.run_until_complete(anext(numbers))
print(run(client.count_phone_numbers()))
try:
    loop.run_until_complete(anext(numbers))
except ClientClosedError as error:
    print(error, error.position)
print(loop.run_until_complete(client.count_phone_numbers()))
loop.run_until_complete(client.close())
loop.close()
""",
    "closed without a word to its generators": """
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
if loops == "uvloop":
    loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
print(run(client.count_phone_numbers()))
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
if loops == "uvloop":
    loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
del client
""",
    "forgotten, its loop idle": """
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
del client
count_sockets()
loop.run_until_complete(asyncio.sleep(0))
loop.close()
""",
    "forgotten, its loop running": """
async def main():
    global client
    print(await client.count_phone_numbers())
    del client
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    count_sockets()
run(main())
""",
    "forgotten, its loop running in another thread": """
loop = new_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
print(asyncio.run_coroutine_threadsafe(client.count_phone_numbers(), loop).result())
del client
asyncio.run_coroutine_threadsafe(asyncio.sleep(0.02), loop).result()
count_sockets()
loop.call_soon_threadsafe(loop.stop)
thread.join()
loop.close()
""",
    "in use in a loop that runs": """
loop = new_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
print(asyncio.run_coroutine_threadsafe(client.count_phone_numbers(), loop).result())
for use in (client.count_phone_numbers, client.close):
    try:
        run(use())
    except RuntimeError as error:
        print("run_coroutine_threadsafe" in str(error))
print(asyncio.run_coroutine_threadsafe(client.close(), loop).result())
loop.call_soon_threadsafe(loop.stop)
thread.join()
loop.close()
""",
    "a loop that goes on after closing its generators": """
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
loop.run_until_complete(loop.shutdown_asyncgens())
count_sockets()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the loop complains of generators that begin now
    print(loop.run_until_complete(client.count_phone_numbers()))
    loop.run_until_complete(client.close())
loop.close()
""",
    "a pool": """
async def count(pool):
    return sorted([result.value async for result in pool.map(lambda client: client.count_phone_numbers())])

async def main(pool, leave):
    await pool.__aenter__()
    print(await count(pool))
    if leave:
        await pool.__aexit__(None, None, None)

pool = ContactshipPool({"acme": "sandbox-key", "globex": "sandbox-key"}, base_url=url)
loop = new_loop()
loop.run_until_complete(main(pool, False))
run(pool.__aexit__(None, None, None))
run(main(pool, True))
loop.run_until_complete(asyncio.sleep(0))
loop.close()
""",
    "generators that own a client, when their loop ends": """
async def of_client(*, by_rows):
    async with ContactshipClient("sandbox-key", base_url=url) as owned:
        listing = owned.phone_numbers.list()
        async for item in listing.rows(page_size=1) if by_rows else listing.pages(page_size=1):
            yield item

async def of_pool():
    async with ContactshipPool({"acme": "sandbox-key", "globex": "sandbox-key"}, base_url=url) as pool:
        async for item in pool.iter(lambda each: each.phone_numbers.list().rows(page_size=1)):
            yield item

async def prefetched():
    async with ContactshipClient("sandbox-key", base_url=url) as owned:
        async with owned.phone_numbers.list().prefetch(page_size=1) as ahead:
            async for item in ahead:
                yield item

kept = []
async def main(error):
    for _ in range(5):
        for items in (of_client(by_rows=True), of_client(by_rows=False), of_pool(), prefetched()):
            kept.append(items)
            await anext(items)
    async for item in of_client(by_rows=True):
        break
    if error:
        raise error

run(main(None))
kept.clear()
gc.collect()
with contextlib.suppress(LookupError):
    run(main(LookupError()))
kept.clear()
""",
    "after a fork": """
loop = new_loop()
print(loop.run_until_complete(client.count_phone_numbers()))
sys.stdout.flush()
child = os.fork()
if not child:
    try:
        run(client.count_phone_numbers())
    except RuntimeError as error:
        print("make one for each" in str(error))
    sys.stdout.flush()
    del client
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
print(loop.run_until_complete(client.count_phone_numbers()))
loop.run_until_complete(client.close())
loop.close()
""",
}

TOLD = {
    "idle, and closed at last": "3 1. 3 1. 3 1. 3 1.",
    "idle, never run again": "3 3",
    "closed elsewhere while idle": "3 0. 3",
    "its thread is gone": "3 3",
    "stopped in the midst of a call": "the client has gone on to another event loop before this was done",
    "a walk left in an idle loop": (
        "3 the client has gone on to another event loop before this was done WalkPosition(offset=1, yielded=1) 3"
    ),
    "closed without a word to its generators": "3 3 3",
    "forgotten, its loop idle": "3 0.",
    "forgotten, its loop running": "3 0.",
    "forgotten, its loop running in another thread": "3 0.",
    "in use in a loop that runs": "3 True True None",
    "a loop that goes on after closing its generators": "3 0. 3",
    "a pool": "[3, 3] [3, 3]",
    "generators that own a client, when their loop ends": "",
    "after a fork": "3 True 3",
}


def by_script(told: str) -> dict[str, str]:
    """Return what each script told."""
    parts = (part.partition("\n") for part in told.split("# ") if part)
    return {name: " ".join(text.split()) for name, _, text in parts}


@pytest.mark.parametrize("loops", LOOPS)
def test_other_loop(loops: str) -> None:
    """The client goes on in the other loop; nothing is told, and no socket is left, wherever the first loop stands."""
    with Sandbox(3, api_key="sandbox-key") as sandbox:
        done = subprocess.run(  # noqa: S603 - our own interpreter and scripts
            [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, sandbox.url, loops, json.dumps(SCRIPTS)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([".", "tests/support"])},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    told = {name: text if loops == "asyncio" else re.sub(r"\d\. ?", "", text) for name, text in TOLD.items()}
    expected = {name: " ".join([*text.split(), "0", "left"]) for name, text in told.items()}
    assert dict.fromkeys(SCRIPTS, "") == by_script(done.stderr)
    assert expected == by_script(done.stdout)
