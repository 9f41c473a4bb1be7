"""Made-up persons: always the same for the same place in their row."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Final

from attrs import frozen

from contactship_async.sandbox._resources.organization import Organization, make_uuid

_FIRST: Final = ("Noor", "Mateo", "Ana", "Kofi", "Yuki", "Clara", "Omar", "Lucia")
_LAST: Final = ("Haddad", "Rojas", "Silva", "Mensah", "Tanaka", "Weber")
_NAMES: Final = 24
"""There are so many pairs of these before the first one comes again."""

MOST_PEOPLE: Final = 26_800
"""There are so many numbers reserved for fiction: those of persons are taken from the end, the organization's from the
beginning."""


@frozen
class Person:
    """A made-up person."""

    full_name: str
    phone_number: str
    email: str
    country: str = "US"


def make_person(organization: Organization, index: int) -> Person:
    """Return the person *index*, counted from 0: from 26,800 on, their numbers come again."""
    name = f"{_FIRST[index % len(_FIRST)]} {_LAST[index % len(_LAST)]}"
    turn = max(index - 1, 0) // _NAMES  # Person 24 had the address of person 0 before there were others.
    email = f"{name.lower().replace(' ', '.')}{turn + 1 if turn else ''}@people.example"
    return Person(name, organization.make_phone_number(MOST_PEOPLE - 1 - index % MOST_PEOPLE), email)


@lru_cache(maxsize=1024)
def id_by_number(organization_id: str, number: str) -> str:
    """Return the id that whoever has a number gets first: always the same in an organization."""
    return make_uuid(Random(f"{organization_id} {number}"))  # noqa: S311 - made-up data
