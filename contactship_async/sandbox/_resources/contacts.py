"""All the sandbox knows about contacts: made-up ones, and their endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from attrs import evolve

from contactship_async.sandbox._api.fields import optional
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.call_fields import FULL_NAME, PHONE_NUMBER
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.contact_comments import ContactComments
from contactship_async.sandbox._resources.contact_fields import (
    ADDITIONAL_DATA,
    BODY,
    CONTACT,
    COUNTRY,
    DESCRIPTION,
    EMAIL,
    FILTERS,
    IDENTIFIER_TYPE,
)
from contactship_async.sandbox._resources.contact_tags import ContactTags
from contactship_async.sandbox._resources.organization import Organization, make_uuid
from contactship_async.sandbox._resources.people import MOST_PEOPLE, Person, id_by_number, make_person
from contactship_async.sandbox._resources.store import Row
from contactship_async.sandbox._resources.tags import Tags

_CONTACT: Final = "/v1/contacts/{contactId}"
_LARGEST_LIMIT: Final = 1000


class Contacts(Collection):
    """The contacts of the organization, the newest first.

    Contact *i*, counted from 0, was created *i* hours after the beginning of 2024 (UTC), and is the person of those
    calls *i* that are made up; the same seed makes the same rows. A phone call to a number that no contact has makes a
    new one. Calls show a contact as it was when they were placed, also when it has been changed or deleted since.

    Args:
        organization: Whose they are.
        count: How many are made up.
        tags: Those that they may have.
    """

    def __init__(self, organization: Organization, count: int, *, tags: Tags) -> None:
        super().__init__(
            organization,
            name="contacts",
            noun="contact",
            prefix="",
            default_limit=None,
            indexed=("phone_number", "email", "last_digits"),
        )
        self._paging = evolve(self._paging, refused_above=_LARGEST_LIMIT)
        self._removed: set[str] = set()
        self._tags = ContactTags(self.find, tags)
        self._comments = ContactComments(organization, self.find)
        self.routes = (
            Route(
                "GET",
                "/v1/contacts",
                self._list,
                "get-contacts",
                CONTACT,
                paging=self._paging,
                query=FILTERS,
                heavy=True,
                shape="wrapped",
            ),
            Route(
                "POST", "/v1/contacts", self._create, "create-contact", CONTACT, body=BODY, status=201, errors=(409,)
            ),
            Route(
                "GET",
                "/v1/contacts/{identifier}",
                self._get,
                "get-contact-by-identifier",
                CONTACT,
                query=(IDENTIFIER_TYPE,),
            ),
            Route("PATCH", _CONTACT, self._update, "update-contact", CONTACT, body=optional(*BODY), errors=(409,)),
            Route("DELETE", _CONTACT, self._delete, "delete-contact", returns=True, shape="empty"),
            *self._tags.routes,
            *self._comments.routes,
        )
        for _ in range(count):
            self.add()

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        full_name: str | None = None,
        phone_number: str | None = None,
        email: str | None = None,
        country: str | None = None,
        description: str | None = None,
        additional_data: Sequence[dict[str, Any]] | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one contact and return a copy of it; what is None is made up, but the description and additional data.

        Args:
            full_name: Any string but the empty one.
            phone_number: In E.164 format; no contact has it yet.
            email: Any string.
            country: Any string.
            description: Any string; None sets none.
            additional_data: Such as `[{"type": "text", "field": "segment", "value": "retail"}]`; None is empty.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in (
            *((FULL_NAME, full_name), (PHONE_NUMBER, phone_number), (EMAIL, email), (COUNTRY, country)),
            *((DESCRIPTION, description), (ADDITIONAL_DATA, additional_data)),
        ):
            field.check(value)
        with self._organization.lock:
            if phone_number is not None and self.of_number(phone_number) is not None:
                message = f"phone_number must be new, but there is a contact with {phone_number!r}"
                raise ValueError(message)
            made_up = self._make_up()
            return self.insert(
                {
                    "phone_number": phone_number or made_up.phone_number,
                    "full_name": full_name or made_up.full_name,
                    "country": made_up.country if country is None else country,
                    "email": made_up.email if email is None else email,
                    "description": description,
                    "additional_data": [dict(each) for each in additional_data or ()],
                },
                created_at=created_at,
                id_=id,
            )

    def remove(self, id: str) -> None:  # noqa: A002 - as it is inherited
        with self._organization.lock:
            super().remove(id)
            self._removed.add(id)
            self._tags.forget(id)
            self._comments.forget(id)

    def insert(
        self, fields: Mapping[str, Any], *, created_at: datetime | str | None = None, id_: str | None = None
    ) -> dict[str, Any]:
        """Add a contact with nothing but these fields, which are allowed, and return a copy of it."""
        row = {
            "phone_number": None,
            "full_name": None,
            "country": None,
            "email": None,
            "description": None,
            "additional_data": [],
            "tags": [],
            **fields,
        }
        id_ = self._make_id(row["phone_number"]) if id_ is None else id_
        return self._add(id_, created_at, row, _values_of(row))

    def of_number(self, number: str) -> dict[str, Any] | None:
        """Return a copy of the contact with a number; None if there is none."""
        return self._newest("phone_number", _digits(number))

    def of_email(self, email: str) -> dict[str, Any] | None:
        """Return a copy of the contact with an e-mail address, in upper or lower case; None if there is none."""
        return self._newest("email", email.casefold())

    def all_of_email(self, email: str) -> list[str]:
        """Return the ids of the contacts with an e-mail address, in upper or lower case; the newest first."""
        return self._ids_of("email", email.casefold())

    def of_last_digits(self, number: str) -> list[str]:
        """Return the ids of the contacts whose numbers end in the same 10 digits; the newest first."""
        return self._ids_of("last_digits", _last_digits(number))

    def newest_for_messages(self) -> dict[str, Any]:
        """Return a copy of the newest contact that has a phone number, which is added if there is none."""
        rows = map(self._read, reversed(self._store.select({}, {})))
        return next((contact for contact in rows if contact["phone_number"]), None) or self.add()

    def knows(self, id_: str) -> bool:
        """Return whether there is a contact with this id."""
        return id_ in self._store

    def fill_in(self, id_: str, **fields: str | None) -> None:
        """Let a contact have those of the fields that it lacks, and that are not None."""
        before = self._store[id_].to_dict()
        new = {name: value for name, value in fields.items() if value is not None and before[name] is None}
        if new:
            row = {**before, **new}
            self._replace(row, _values_of(row))

    def find(self, id_: str) -> dict[str, Any]:
        """Return a copy of the contact that a request names, or refuse with 404."""
        return self._read(self._find(id_))

    def _make_id(self, number: str) -> str:
        """Return the id of a new contact: no other has it, nor had one that was removed."""
        made = id_by_number(self._organization.id, number)
        return make_uuid(self._random) if made in self._store or made in self._removed else made

    def _newest(self, name: str, value: str) -> dict[str, Any] | None:
        rows = self._store.select({name: value}, {})
        return self._read(rows[-1]) if rows else None

    def _ids_of(self, indexed: str, value: str) -> list[str]:
        return [row.to_dict()["id"] for row in reversed(self._store.select({indexed: value}, {}))]

    def _make_up(self) -> Person:
        """Make up the next person whose number no contact has; once all have one, they come again."""
        indices = range(self._made, self._made + MOST_PEOPLE)
        made_up = (make_person(self._organization, index) for index in indices)
        return next(
            (person for person in made_up if self.of_number(person.phone_number) is None),
            make_person(self._organization, self._made),
        )

    def _read(self, row: Row) -> dict[str, Any]:
        contact = row.to_dict()
        return {**contact, "tags": self._tags.of(contact["id"])}

    def _show(self, row: Row) -> bytes:
        return self._write(self._read(row)) if self._tags else row.json

    def _list(self, call: Call) -> Page:
        return self._cut_page(call, containing=("full_name", "email", "phone_number"), show=self._show)

    def _create(self, call: Call) -> Mapping[str, object]:
        self._refuse_taken(call.body["phone_number"])
        return self.insert(call.body)

    def _get(self, call: Call) -> Mapping[str, object]:
        identifier, kind = call.path["identifier"], call.query["identifierType"]
        if kind == "id":
            return self.find(identifier)
        if kind == "phone_number" and not PHONE_NUMBER.accepts(identifier):
            raise Refusal(400, f"identifier must be {PHONE_NUMBER.allowed}")
        found = self.of_number(identifier) if kind == "phone_number" else self.of_email(identifier)
        if found is None:
            raise Refusal(404, "There is no such contact")
        return found

    def _update(self, call: Call) -> Mapping[str, object]:
        before = self._find(call.path["contactId"]).to_dict()
        row = {**before, **call.body}
        if _digits(row["phone_number"] or "") != _digits(before["phone_number"] or ""):
            self._refuse_taken(row["phone_number"])
        self._replace(row, _values_of(row))
        return self.find(row["id"])

    def _delete(self, call: Call) -> Literal[True]:
        id_ = call.path["contactId"]
        self._find(id_)
        self.remove(id_)
        return True

    def _refuse_taken(self, number: str) -> None:
        if self.of_number(number) is not None:
            raise Refusal(409, "Another contact has this phone_number")


def _values_of(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the values of the indexed fields of a contact; one that it lacks is empty."""
    number = row["phone_number"] or ""
    return _digits(number), (row["email"] or "").casefold(), _last_digits(number)


def _digits(number: str) -> str:
    """Return what tells numbers apart: events bring some with blanks."""
    return "".join(filter(str.isdecimal, number))


def _last_digits(number: str) -> str:
    """Return the 10 digits that events compare numbers by."""
    return _digits(number)[-10:]
