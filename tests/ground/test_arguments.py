"""One wording for what is wrong with an argument, wherever it is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import pytest

from contactship_async._arguments import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_seconds,
    check_text,
    check_type,
)


class Color(StrEnum):
    """An enum of strings."""

    RED = "red"
    BLUE = "blue"


WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: check_type("x", 1, str), TypeError, "x must be of type str, not int"),
    (lambda: check_integer("x", value=True, lowest=0), TypeError, "x must be an integer >= 0, not bool"),
    (lambda: check_integer("x", -1, lowest=0), ValueError, "x must be an integer >= 0, not -1"),
    (lambda: check_integer("x", "1", lowest=1, highest=9), TypeError, "x must be an integer from 1 to 9, not str"),
    (lambda: check_integer("x", 10, lowest=1, highest=9), ValueError, "x must be an integer from 1 to 9, not 10"),
    (
        lambda: check_seconds("x", 0, may_be_zero=False),
        ValueError,
        "x must be a finite number of seconds > 0, not 0",
    ),
    (
        lambda: check_seconds("x", math.inf, may_be_zero=True),
        ValueError,
        "x must be a finite number of seconds >= 0, not inf",
    ),
    (
        lambda: check_seconds("x", math.nan, may_be_zero=True, may_be_infinite=True),
        ValueError,
        "x must be a number of seconds >= 0, not nan",
    ),
    (
        lambda: check_seconds("x", value=False, may_be_zero=True),
        TypeError,
        "x must be a finite number of seconds >= 0, not bool",
    ),
    (lambda: check_choice("x", 1, Color), TypeError, "x must be 'red' or 'blue', not int"),
    (lambda: check_choice("x", "green", Color), ValueError, "x must be 'red' or 'blue', not 'green'"),
    (lambda: check_choice("x", "c", ("a", "b")), ValueError, "x must be 'a' or 'b', not 'c'"),
    (lambda: check_number("x", value=True), TypeError, "x must be a finite number, not bool"),
    (lambda: check_number("x", math.nan), ValueError, "x must be a finite number, not nan"),
    (lambda: check_number("x", -math.inf), ValueError, "x must be a finite number, not -inf"),
    (lambda: check_text("x", b"y"), TypeError, "x must be a non-empty string, not bytes"),
    (lambda: check_text("x", ""), ValueError, "x must be a non-empty string, not ''"),
    (lambda: check_flag("x", 1), TypeError, "x must be True or False, not int"),
]


@pytest.mark.parametrize(("check", "error", "message"), WRONG, ids=[case[2] for case in WRONG])
def test_wrong_arguments_are_named(check: Callable[[], object], error: type[Exception], message: str) -> None:
    """The error names the argument, what is allowed, and what was given: its type where that is wrong."""
    with pytest.raises(error) as caught:
        check()

    assert message == str(caught.value)


def test_allowed_arguments_come_back() -> None:
    """What is allowed is returned, of an enum the member."""
    check_type("x", "y", str)
    check_seconds("x", 0, may_be_zero=True)
    check_seconds("x", 0.1, may_be_zero=False)
    check_seconds("x", math.inf, may_be_zero=True, may_be_infinite=True)
    check_number("x", -0.5)
    check_flag("x", value=False)

    assert (5, 9) == (check_integer("x", 5, lowest=5), check_integer("x", 9, lowest=5, highest=9))
    assert Color.BLUE is check_choice("x", "blue", Color)
    assert "b" == check_choice("x", "b", ("a", "b"))
    assert "y" == check_text("x", "y")
