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
    check_length,
    check_number,
    check_phone_number,
    check_seconds,
    check_text,
    check_texts,
    check_type,
    flag_or_none,
    phone_number_or_none,
)

A_NUMBER = "a phone number with a plus, the country code and no blanks, such as '+12025550142'"


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
    (lambda: check_number("x", 3, lowest=0.5, highest=2), ValueError, "x must be a number from 0.5 to 2, not 3"),
    (lambda: check_number("x", math.nan, lowest=0, highest=2), ValueError, "x must be a number from 0 to 2, not nan"),
    (lambda: check_number("x", "1", lowest=0, highest=5000), TypeError, "x must be a number from 0 to 5000, not str"),
    (lambda: check_number("x", 0.5, lowest=1), ValueError, "x must be a finite number >= 1, not 0.5"),
    (lambda: check_length("x", 1, shortest=4), TypeError, "x must be a string of at least 4 characters, not int"),
    (lambda: check_length("x", "abc", shortest=4), ValueError, "x must be a string of at least 4 characters, not of 3"),
    (lambda: check_length("x", "abc", longest=2), ValueError, "x must be a string of 0 to 2 characters, not of 3"),
    (lambda: check_texts("x", "abc"), TypeError, "x must be a sequence such as a list, not str"),
    (lambda: check_texts("x", {"a"}), TypeError, "x must be a sequence such as a list, not set"),
    (lambda: check_texts("x", ["a", 1]), TypeError, "x[1] must be a non-empty string, not int"),
    (lambda: check_texts("x", ["a", ""]), ValueError, "x[1] must be a non-empty string, not ''"),
    (lambda: check_text("x", b"y"), TypeError, "x must be a non-empty string, not bytes"),
    (lambda: check_text("x", ""), ValueError, "x must be a non-empty string, not ''"),
    (lambda: check_flag("x", 1), TypeError, "x must be True or False, not int"),
    (lambda: flag_or_none("x", 0), TypeError, "x must be True or False, not int"),
    (lambda: check_phone_number("x", 12025550142), TypeError, f"x must be {A_NUMBER}, not int"),
    (lambda: phone_number_or_none("x", b""), TypeError, f"x must be {A_NUMBER}, not bytes"),
]


@pytest.mark.parametrize(("check", "error", "message"), WRONG, ids=[case[2] for case in WRONG])
def test_wrong_arguments_are_named(check: Callable[[], object], error: type[Exception], message: str) -> None:
    """The error names the argument, what is allowed, and what was given: its type where that is wrong."""
    with pytest.raises(error) as caught:
        check()

    assert message == str(caught.value)


@pytest.mark.parametrize(
    "number",
    [
        *("", "12025550142", "0012025550142", "+02025550142", "+120255", "+1202555014212345", "+1 202 555 0142"),
        *("+12025550142\n", " +12025550142", "+1202555014٢", "+1-202-555-0142", "1.2E+10", "++12025550142"),
    ],
)
def test_wrong_phone_numbers_are_not_quoted(number: str) -> None:
    """A number in any other form than that of E.164 is refused, since nothing is guessed, and is not shown."""
    with pytest.raises(ValueError, match=r"^x must be a phone number") as caught:
        check_phone_number("x", number)

    assert f"x must be {A_NUMBER}" == str(caught.value)


def test_allowed_arguments_come_back() -> None:
    """What is allowed is returned, of an enum the member."""
    check_type("x", "y", str)
    check_seconds("x", 0, may_be_zero=True)
    check_seconds("x", 0.1, may_be_zero=False)
    check_seconds("x", math.inf, may_be_zero=True, may_be_infinite=True)

    numbers = (check_number("x", -0.5), check_number("x", 0.5, lowest=0.5, highest=2), check_number("x", 1, lowest=1))
    assert (-0.5, 0.5, 1) == numbers
    assert ["", "ab"] == [check_length("x", text, longest=2) for text in ("", "ab")]
    assert [[], ["a", "b"]] == [check_texts("x", texts) for texts in ((), ("a", "b"))]
    assert [False, True, None] == [flag_or_none("x", flag) for flag in (check_flag("x", value=False), True, None)]
    assert ["+1202555", "+120255501421234", None] == [
        phone_number_or_none("x", number) for number in ("+1202555", "+120255501421234", None)
    ]
    assert (5, 9) == (check_integer("x", 5, lowest=5), check_integer("x", 9, lowest=5, highest=9))
    assert Color.BLUE is check_choice("x", "blue", Color)
    assert "b" == check_choice("x", "b", ("a", "b"))
    assert "y" == check_text("x", "y")
