"""Checks of the arguments a user gives; each error names the argument and what is allowed."""

from __future__ import annotations

import math
from ipaddress import ip_address


def check_integer(name: str, value: object, lowest: int, highest: float = math.inf) -> None:
    """Refuse what is not an integer from *lowest* to *highest*. Booleans are not integers."""
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} must be an integer, not {type(value).__name__}"
        raise TypeError(message)
    if not lowest <= value <= highest:
        allowed = f">= {lowest}" if math.isinf(highest) else f"from {lowest} to {highest}"
        message = f"{name} must be {allowed}, not {value}"
        raise ValueError(message)


def check_seconds(name: str, value: object, *, infinite: bool = False) -> None:
    """Refuse what is not a number of seconds >= 0; *infinite* allows `math.inf`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} must be a number of seconds, not {type(value).__name__}"
        raise TypeError(message)
    if not (value >= 0 and (infinite or value < math.inf)):
        message = f"{name} must be {'' if infinite else 'finite and '}>= 0, not {value}"
        raise ValueError(message)


def check_text(name: str, value: object) -> None:
    """Refuse what is not a text, and the empty text."""
    if not isinstance(value, str):
        message = f"{name} must be a text, not {type(value).__name__}"
        raise TypeError(message)
    if not value:
        message = f"{name} must not be empty"
        raise ValueError(message)


def check_loopback(name: str, value: object) -> None:
    """Refuse what is not an address of this machine: the sandbox is no server for others, and its key is no secret."""
    check_text(name, value)
    try:
        is_loopback = ip_address(str(value)).is_loopback
    except ValueError:
        is_loopback = value == "localhost"
    if not is_loopback:
        message = f"{name} must be 'localhost' or a loopback address such as '127.0.0.1'"
        raise ValueError(message)


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        message = f"{name} must be True or False, not {type(value).__name__}"
        raise TypeError(message)


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse what is not one of *allowed*."""
    if value not in allowed:
        message = f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}"
        raise ValueError(message)
