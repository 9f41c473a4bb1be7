"""All the sandbox knows about tags: made-up ones, and their four endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tags
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count as count_from
from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, optional
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, ORGANIZATION_ID, Collection
from contactship_async.sandbox._resources.organization import Organization
from contactship_async.sandbox._resources.store import Row

_NAME: Final = Field("name", {"type": "string", "minLength": 1}, "No other tag has it.", example="vip")
_COLOR: Final = Field("color", {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}, "Hexadecimal.", example="#1F6FEB")
_LABEL: Final = Field("label", {"type": ["string", "null"]}, "Not set if null.", example="Customers", required=False)
_PARTS: Final = tuple(
    Field(name, {"type": "string"}, f"A part of the {name}, in upper or lower case.", example="c", required=False)
    for name in ("name", "label")
)
TAG: Final = Schema("Tag", (ID, _NAME, _COLOR, _LABEL, ORGANIZATION_ID, CREATED_AT))
_UPDATED_AT: Final = evolve(CREATED_AT, name="updated_at", description="When it was changed.")
_UPDATED_TAG: Final = Schema("UpdatedTag", (*TAG.fields[:-1], _UPDATED_AT))

_NAMES: Final = ("vip", "lead", "customer", "callback", "renewal", "trial")
_COLORS: Final = ("#1F6FEB", "#2DA44E", "#BF8700", "#CF222E", "#8250DF")


class Tags(Collection):
    """The tags of the organization, the newest first.

    Tag *i*, counted from 0, was created *i* hours after the beginning of 2024 (UTC); every third has a label. The same
    seed makes the same rows.

    Args:
        organization: Whose they are.
        count: How many are made up.
    """

    def __init__(self, organization: Organization, count: int) -> None:
        super().__init__(organization, name="tags", noun="tag", prefix="tag-", default_limit=5, indexed=("name",))
        fields = (_NAME, _COLOR, _LABEL)
        self.routes = (
            Route("GET", "/v1/tags", self._list, "list-tags", TAG, paging=self._paging, query=_PARTS),
            Route("POST", "/v1/tags", self._create, "create-tag", TAG, body=fields, status=201),
            Route("PATCH", "/v1/tags/{tagId}", self._update, "update-tag", _UPDATED_TAG, body=optional(*fields)),
            Route("DELETE", "/v1/tags/{tagId}", self._delete, "delete-tag", returns=True),
        )
        for index in range(count):
            self.add(label="Customers" if index % 3 == 2 else None)  # noqa: PLR2004 - every third

    def add(
        self,
        *,
        name: str | None = None,
        color: str | None = None,
        label: str | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one tag and return a copy of it; what is None is made up, but the label.

        Args:
            name: Any string that is no tag's name yet, but the empty one.
            color: Such as `#1F6FEB`.
            label: Any string; None sets none.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in ((_NAME, name), (_COLOR, color), (_LABEL, label)):
            field.check(value)
        with self._organization.lock:
            if name is not None and self._is_taken(name):
                message = f"name must be new, but there is a tag {name!r}"
                raise ValueError(message)
            name = name or next(made for made in map(_make_name, count_from(self._made)) if not self._is_taken(made))
            fields = {"name": name, "color": color or _COLORS[self._made % len(_COLORS)]}
            return self._add(id, created_at, fields if label is None else {**fields, "label": label}, (name,))

    def find(self, id_: str) -> Row | None:
        """Return the row of a tag, the same one as long as it is there; None if there is no such tag."""
        return self._store.get(id_)

    def _list(self, call: Call) -> Page:
        return self._cut_page(call, containing=("name", "label"))

    def _create(self, call: Call) -> Mapping[str, object]:
        self._refuse_taken(call.body["name"])
        return self.add(**call.body)

    def _update(self, call: Call) -> Mapping[str, object]:
        before = self._find(call.path["tagId"]).to_dict()
        tag = {**before, **call.body}
        if tag["name"] != before["name"]:
            self._refuse_taken(tag["name"])
        row = {field.name: tag[field.name] for field in TAG.fields if tag.get(field.name) is not None}
        updated_at = self._replace(row, (row["name"],))
        del row["created_at"]
        return {**row, "updated_at": updated_at}

    def _refuse_taken(self, name: str) -> None:
        if self._is_taken(name):
            raise Refusal(400, "name must be unique")  # No 409 is documented.

    def _is_taken(self, name: str) -> bool:
        return bool(self._store.select({"name": name}, {}))


def _make_name(index: int) -> str:
    turn, place = divmod(index, len(_NAMES))
    return f"{_NAMES[place]}-{turn + 1}" if turn else _NAMES[place]
