"""Credits: a balance that a test sets."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contactship_async._http.messages import Response
from contactship_async.sandbox import Sandbox


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_balance(ask: Callable[..., Awaitable[Response]], envelope: Any) -> None:
    """The balance is the one of the constructor until it is set."""
    sandbox = Sandbox(credits=7, envelope=envelope)

    async def get() -> object:
        response = await ask(sandbox, "GET", "/v1/credits")
        assert 200 == response.status
        return json.loads(response.body)

    def wrap(value: object) -> object:
        return value if envelope == "count" else {"statusCode": 200, "data": value}

    assert wrap({"credits": 7}) == await get()
    sandbox.credits.balance = -0.25
    assert wrap({"credits": -0.25}) == await get()
    assert "<Credits: -0.25>" == repr(sandbox.credits)
    assert 42.5 == Sandbox().credits.balance


@pytest.mark.parametrize(("balance", "error"), [("1", TypeError), (True, TypeError), (math.nan, ValueError)])
def test_balance_is_a_finite_number(balance: Any, error: type[Exception]) -> None:
    """Anything else is refused, in the constructor and later, and the balance stays."""
    sandbox = Sandbox()
    with pytest.raises(error, match=r"^credits must be a finite number, not"):
        Sandbox(credits=balance)
    with pytest.raises(error, match=r"^balance must be a finite number, not"):
        sandbox.credits.balance = balance

    assert 42.5 == sandbox.credits.balance
