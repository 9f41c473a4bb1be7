"""The balance of an organization: `/v1/credits`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-credits
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from contactship_async._http.caller import Caller
from contactship_async.models.credits import CreditBalance

_PATH: Final = "/v1/credits"


@frozen(repr=False)
class Credits:
    """The balance of the organization: `client.credits`."""

    _caller: Caller

    async def get(self) -> CreditBalance:
        """Fetch the balance: the call that the documentation suggests for trying out a key.

        Raises:
            AuthenticationError: The key is wrong.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-credits
        """
        return await self._caller.call("GET", _PATH, CreditBalance)
