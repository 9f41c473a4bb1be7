"""The persons of calls: made up, and always the same for the same number or id."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from contactship_async.sandbox._resources.organization import Organization, make_uuid

_FIRST: Final = ("Noor", "Mateo", "Ana", "Kofi", "Yuki", "Clara", "Omar", "Lucia")
_LAST: Final = ("Haddad", "Rojas", "Silva", "Mensah", "Tanaka", "Weber")
_MANY: Final = 26_800
"""There are so many numbers reserved for fiction: those of persons are taken from the end, the organization's from the
beginning."""


class People:
    """The persons that an organization calls.

    Args:
        organization: Whose calls.
    """

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._made: dict[int, dict[str, Any]] = {}
        self._known: dict[str, dict[str, Any]] = {}

    def make(self, index: int) -> dict[str, Any]:
        """Return the person *index*, counted from 0, as calls show a contact."""
        if index not in self._made:
            self._made[index] = self._make(index)
        return self._made[index]

    def _make(self, index: int) -> dict[str, Any]:
        name = f"{_FIRST[index % len(_FIRST)]} {_LAST[index % len(_LAST)]}"
        email = f"{name.lower().replace(' ', '.')}@people.example"
        return self.of_number(self._organization.make_phone_number(_MANY - 1 - index % _MANY), name, email, "US")

    def of_number(self, number: str, name: str, email: str | None, country: str | None) -> dict[str, Any]:
        """Return the person of a number, whose id is the same for each call to it."""
        random = Random(f"{self._organization.id} {number}")  # noqa: S311 - made-up data, the same for the same number
        id_ = make_uuid(random)
        contact = {"id": id_, "full_name": name, "phone_number": number, "email": email, "country": country}
        self._known[id_] = contact
        return contact

    def of_id(self, id_: str) -> dict[str, Any]:
        """Return the person of an id: one seen before, or one that is made up for it."""
        if id_ not in self._known:
            random = Random(f"{self._organization.id} {id_}")  # noqa: S311 - as above
            return {**self.make(random.randrange(_MANY)), "id": id_}
        return self._known[id_]
