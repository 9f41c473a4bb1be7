"""The balance of an organization.

Source: https://docs.contactship.ai/api-reference/endpoint/get-credits
"""

from __future__ import annotations

from attrs import frozen

from contactship_async.models.common import Model

__all__ = ["CreditBalance"]


@frozen
class CreditBalance(Model):
    """What an organization has left to spend.

    Args:
        credits: In US dollars, as the app shows it; the API itself names no unit. May have decimals.
    """

    credits: float | None = None
