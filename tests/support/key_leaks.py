"""A key to call with, and all places where an error could reveal it."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Awaitable, Iterator

from contactship_async import ContactshipError

# Error trackers record the locals of all frames: the keys are globals, so that no frame of a test holds them.
KEY = 'sk-live-"quote\\back/slash-0123456789'
KEY_PARTS = ("sk-live-", "quote", "slash-0123", "0123456789")


def all_of(error: BaseException) -> Iterator[BaseException]:
    """Walk *error*, its causes, contexts and group members."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            waiting += [each.__cause__, each.__context__]
            if isinstance(each, BaseExceptionGroup):
                waiting += each.exceptions
    return iter(found.values())


def shown_by(error: BaseException) -> str:
    """Collect all that printing, recording or pickling *error* could show."""
    shown = []
    for each in all_of(error):
        shown += [repr(each), str(each), repr(each.args), repr(vars(each))]
        shown += traceback.TracebackException(type(each), each, each.__traceback__, capture_locals=True).format()
        if isinstance(each, ContactshipError):
            shown.append(repr(pickle.dumps(each)))
    return "\n".join(shown)


def leaks(text: str) -> list[str]:
    """Return which parts of the key *text* holds."""
    return [part for part in KEY_PARTS if part in text]


async def failure_of(call: Awaitable[object]) -> BaseException:
    """Return what *call* raises, with no frame in its traceback but this one and those it called."""
    try:
        await call
    except BaseException as error:  # noqa: BLE001 - cancellation is among the failures
        return error
    raise AssertionError
