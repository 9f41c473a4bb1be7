"""All the sandbox knows about credits: a balance.

Source: https://docs.contactship.ai/api-reference/endpoint/get-credits
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contactship_async._arguments import check_number
from contactship_async.sandbox._api.fields import Field, Schema
from contactship_async.sandbox._api.routes import Call, Route

_CREDITS: Final = Schema("Credits", (Field("credits", {"type": "number"}, "What is left.", example=42.5),))


class Credits:
    """The credits of the organization.

    Args:
        balance: What is left at first.
    """

    def __init__(self, balance: float) -> None:
        self._balance = balance
        self.routes = (Route("GET", "/v1/credits", self._get, "get-credits", _CREDITS),)

    @property
    def balance(self) -> float:
        """What is left: any finite number. Set it as you like."""
        return self._balance

    @balance.setter
    def balance(self, balance: float) -> None:
        check_number("balance", balance)
        self._balance = balance

    def __repr__(self) -> str:
        return f"<Credits: {self._balance}>"

    def _get(self, _: Call) -> Mapping[str, object]:
        return {"credits": self._balance}
