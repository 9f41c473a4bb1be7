"""All the sandbox knows about channels: made-up ones, and their listing.

Source: https://docs.contactship.ai/api-reference/endpoint/get-channels
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from contactship_async.sandbox._api.fields import Field, Schema, optional
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, ORGANIZATION_ID, Collection
from contactship_async.sandbox._resources.organization import Organization

_NAME: Final = Field("name", {"type": "string"}, "As people see it.", example="Front desk")
_TYPE: Final = Field("type", {"type": "string"}, "What it is connected to.", example="WABA")
_STATUS: Final = Field("status", {"type": "string"}, "Whether it is in use.", example="active")
_ANSWER_METHOD: Final = Field(
    "answer_method", {"type": "string", "enum": ["manual", "auto"]}, "Who answers.", example="manual"
)
_SHOWN: Final = (_NAME, _TYPE, _STATUS, _ANSWER_METHOD)
_SCHEMA: Final = Schema("Channel", (ID, *_SHOWN, ORGANIZATION_ID, CREATED_AT))

_INDEXED: Final = ("type", "status", "answer_method")
_STATES: Final = ("active", "active", "inactive")
_METHODS: Final = ("manual", "auto")


class Channels(Collection):
    """The channels of the organization, the newest first.

    Channel *i*, counted from 0, was connected *i* hours after the beginning of 2024 (UTC); every third is inactive,
    every second one answers automatically. The same seed makes the same rows.

    Args:
        organization: Whose they are.
        count: How many are made up.
    """

    def __init__(self, organization: Organization, count: int) -> None:
        super().__init__(
            organization, name="channels", noun="channel", prefix="chn-", default_limit=10, indexed=_INDEXED
        )
        query = optional(_STATUS, _TYPE, _NAME, _ANSWER_METHOD)
        self.routes = (
            Route("GET", "/v1/channels", self._list, "get-channels", _SCHEMA, paging=self._paging, query=query),
        )
        for _ in range(count):
            self.add()

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        name: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's word
        status: str | None = None,
        answer_method: str | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one channel and return a copy of it; what is None is made up.

        Args:
            name: Any string.
            type: Any string, such as `WABA`.
            status: Any string, such as `active`.
            answer_method: `manual` or `auto`.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in zip(_SHOWN, (name, type, status, answer_method), strict=True):
            field.check(value)
        with self._organization.lock:
            fields = {
                "name": f"Channel {self._made + 1}" if name is None else name,
                "type": "WABA" if type is None else type,
                "status": _STATES[self._made % len(_STATES)] if status is None else status,
                "answer_method": answer_method or _METHODS[self._made % len(_METHODS)],
            }
            return self._add(id, created_at, fields, tuple(fields[indexed] for indexed in _INDEXED))

    def of_id(self, id_: str) -> dict[str, Any] | None:
        """Return a copy of the channel with an id; None if there is none."""
        return self._store[id_].to_dict() if id_ in self._store else None

    def newest_for_messages(self) -> dict[str, Any]:
        """Return a copy of the newest channel that messages can be sent over, which is added if there is none."""
        rows = map(self._read, reversed(self._store.select({}, {})))
        return next(filter(takes_messages, rows), None) or self.add(type="WABA", status="active")

    def _list(self, call: Call) -> Page:
        return self._cut_page(call, equal=_INDEXED, containing=("name",))


def takes_messages(channel: Mapping[str, Any]) -> bool:
    """Tell whether messages can be sent over a channel: over one of WhatsApp that is active."""
    return (channel["type"], channel["status"]) == ("WABA", "active")
