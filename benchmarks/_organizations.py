"""The organizations that the server knows by their keys: each has rows of its own, and not all are healthy."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

from attrs import frozen


class Health(StrEnum):
    """What the server does with the requests of an organization."""

    GOOD = "good"
    REFUSED = "refused"
    FAILING = "failing"
    SILENT = "silent"
    SLOW = "slow"


STATUSES: Final = {Health.REFUSED: 401, Health.FAILING: 500}
"""What is answered other than 200."""

SECONDS: Final = {Health.SILENT: math.inf, Health.SLOW: 1.0}
"""How long a response takes where that is not the latency."""


@frozen
class Organization:
    """One of many, counted from 0."""

    number: int = 0
    health: Health = Health.GOOD

    @property
    def api_key(self) -> str:
        """Its key, which tells the server all there is to know."""
        return f"sk-{self.health}-{self.number}"


def organization_of(api_key: str) -> Organization:
    """Tell whose key it is; any other is that of the first one."""
    health, _, number = api_key.removeprefix("sk-").partition("-")
    return Organization(int(number), Health(health)) if number.isdecimal() else Organization()
