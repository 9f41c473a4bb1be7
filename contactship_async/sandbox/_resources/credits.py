"""All the sandbox knows about credits: a balance, which calls are paid from.

Source: https://docs.contactship.ai/api-reference/endpoint/get-credits
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contactship_async._arguments import check_number
from contactship_async.sandbox._api.fields import Field, Schema
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.organization import Organization

_CREDITS: Final = Schema("Credits", (Field("credits", {"type": "number"}, "What is left.", example=42.5),))


class Credits:
    """The credits of the organization.

    Args:
        organization: Whose they are.
        balance: What is left at first.
    """

    def __init__(self, organization: Organization, balance: float) -> None:
        self._organization = organization
        self._balance = balance
        self.routes = (Route("GET", "/v1/credits", self._get, "get-credits", _CREDITS),)

    @property
    def balance(self) -> float:
        """What is left: any finite number. Set it as you like.

        A call is paid when it has ended, also with what is not there: the balance may fall below 0.
        """
        self._organization.agenda.catch_up()
        return self._balance

    @balance.setter
    def balance(self, balance: float) -> None:
        check_number("balance", balance)
        self._organization.agenda.catch_up()
        self._balance = balance

    def pay(self, price: float) -> None:
        """Take *price* from the balance."""
        self._balance -= price

    def __repr__(self) -> str:
        return f"<Credits: {self.balance}>"

    def _get(self, _: Call) -> Mapping[str, object]:
        return {"credits": self._balance}
