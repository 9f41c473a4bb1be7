"""All the sandbox knows about phone numbers: made-up rows, and their listing.

Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii as quote
from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, optional
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, ORGANIZATION_ID, Collection
from contactship_async.sandbox._resources.organization import Organization

_TYPES: Final = ("outbound", "outbound", "inbound")
_VALUES: Final = {type_: (type_,) for type_ in _TYPES}

_ID: Final = evolve(ID, description="Opaque; the `from_number_id` of calls.")
_PHONE_NUMBER: Final = Field(
    "phone_number", {"type": "string", "minLength": 1}, "In E.164 format.", example="+12025550142"
)
_TYPE: Final = Field(
    "type",
    {"type": "string", "enum": ["inbound", "outbound"]},
    "Whether it receives calls or places them.",
    example="outbound",
)
_SCHEMA: Final = Schema("PhoneNumber", (_ID, _PHONE_NUMBER, _TYPE, ORGANIZATION_ID, CREATED_AT))


class PhoneNumbers(Collection):
    """The phone numbers of the organization, the newest first.

    Number *i*, counted from 0, was created *i* hours after the beginning of 2024 (UTC); every third is inbound, the
    others are outbound. The same seed makes the same rows.

    Args:
        organization: Whose they are.
        count: How many are made up.
    """

    def __init__(self, organization: Organization, count: int) -> None:
        super().__init__(
            organization,
            name="phone_numbers",
            noun="phone number",
            prefix="pn-",
            default_limit=5,
            indexed=("type",),
        )
        self.routes = (
            Route(
                "GET",
                "/v1/phone-numbers",
                self._list,
                "get-phone-numbers",
                _SCHEMA,
                paging=self._paging,
                query=optional(_TYPE),
            ),
        )
        for _ in range(count):
            self._make()

    def add(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the API's word
        created_at: datetime | str | None = None,
        phone_number: str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, str]:
        """Add one phone number and return a copy of it; what is None is made up.

        Args:
            type: `inbound` or `outbound`.
            created_at: An aware datetime or an ISO 8601 string, which is shown as it is; without a zone it is UTC. None
                is an hour after the newest so far. Of equal ones, the one added last counts as newer.
            phone_number: Any string but the empty one.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        _TYPE.check(type)
        _PHONE_NUMBER.check(phone_number)
        with self._organization.lock:
            return self._make(type, created_at, phone_number, id)

    def has_number(self, phone_number: str) -> bool:
        """Return whether *phone_number* is one of the organization; costs a scan."""
        part = b'"phone_number":%b,' % quote(phone_number).encode()
        return any(part in row.json for row in self._store.select({}, {}))

    def number_of(self, id_: str) -> str:
        """Return the phone number of the row that a request names, or refuse with 404."""
        number: str = self._find(id_).to_dict()["phone_number"]
        return number

    def _make(
        self,
        type_: str | None = None,
        created_at: datetime | str | None = None,
        phone_number: str | None = None,
        id_: str | None = None,
    ) -> dict[str, str]:
        type_ = type_ or _TYPES[self._made % 3]
        phone_number = phone_number or self._organization.make_phone_number(self._made)
        return self._add(id_, created_at, {"phone_number": phone_number, "type": type_}, _VALUES[type_])

    def _write(self, row: Mapping[str, Any]) -> bytes:
        # By hand: half a million rows through an encoder would take two seconds more.
        return (
            f'{{"id":{quote(row["id"])},"phone_number":{quote(row["phone_number"])},"type":"{row["type"]}",'
            f'"organization_id":"{row["organization_id"]}","created_at":{quote(row["created_at"])}}}'
        ).encode()

    def _list(self, call: Call) -> Page:
        return self._cut_page(call, equal=("type",))
