"""All the sandbox knows about templates: made-up ones, and their listing.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-get-templates
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from contactship_async.sandbox._api.fields import Field, Schema, as_object
from contactship_async.sandbox._api.pages import CursorPage
from contactship_async.sandbox._api.paging import CursorPaging
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.channels import Channels
from contactship_async.sandbox._resources.collection import ID, Collection
from contactship_async.sandbox._resources.organization import Organization
from contactship_async.sandbox._resources.threads import CHANNEL_ID

_TEXT: Final = {"type": "string", "minLength": 1}
_STATES: Final = ("APPROVED", "PENDING", "REJECTED", "IN_APPEAL", "PENDING_DELETION", "DISABLED", "PAUSED")
_CATEGORIES: Final = ("UTILITY", "MARKETING", "AUTHENTICATION")
_PARTS: Final = (
    Field("type", {"type": "string", "enum": ["HEADER", "BODY", "FOOTER", "BUTTONS"]}, "Which part.", example="BODY"),
    Field("text", {"type": "string"}, "With variables in double braces.", example="Hi, {{1}}.", required=False),
)
_NAME: Final = Field("name", _TEXT, "The `template_name` of a send.", example="reminder")
_LANGUAGE: Final = Field("language", _TEXT, "The `language_code` of a send.", example="es")
_STATUS: Final = Field("status", {"type": "string", "enum": [*_STATES]}, "`APPROVED` can be sent.", example="APPROVED")
_CATEGORY: Final = Field("category", {"type": "string", "enum": [*_CATEGORIES]}, "What it is for.", example="UTILITY")
_COMPONENTS: Final = Field(
    "components",
    {"type": "array", "items": as_object(*_PARTS)},
    "Its parts, as Meta has them.",
    example=[{"type": "BODY", "text": "Hi, {{1}}."}],
)
_SHOWN: Final = (_NAME, _LANGUAGE, _STATUS, _CATEGORY, _COMPONENTS)
_TEMPLATE: Final = Schema("Template", (ID, *_SHOWN))

_MADE_UP: Final = 6
_TEXTS: Final = (
    ("reminder", "Hola {{1}}, le recordamos su cita a las {{2}}."),
    ("welcome", "Hola {{1}}, le damos la bienvenida."),
    ("receipt", "Hola {{1}}, hemos recibido su pago."),
)


class Templates(Collection):
    """The WhatsApp templates of the organization, the newest first: all of its WhatsApp channels have the same.

    Six are made up, in Spanish; the last two of them are not approved. The same seed makes the same rows.

    Args:
        organization: Whose they are.
        channels: Of which one is to be named.
    """

    def __init__(self, organization: Organization, *, channels: Channels) -> None:
        super().__init__(
            organization,
            name="templates",
            noun="template",
            prefix="",
            default_limit=25,
            indexed=("name", "language"),
            shows_organization=False,
        )
        self._channels = channels
        self._cursors = CursorPaging(25, organization.max_limit)
        self.routes = (
            Route(
                "GET",
                "/v1/waba/templates",
                self._list,
                "waba-get-templates",
                _TEMPLATE,
                paging=self._cursors,
                query=(CHANNEL_ID,),
                errors=(502,),
                shape="whatsapp",
            ),
        )
        for _ in range(_MADE_UP):
            self.add()

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        name: str | None = None,
        language: str | None = None,
        status: str | None = None,
        category: str | None = None,
        components: Sequence[dict[str, Any]] | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one template and return a copy of it; what is None is made up.

        Args:
            name: Any string but the empty one; several languages may share it.
            language: Any string but the empty one; None is `es`.
            status: Such as `APPROVED`, which None is from the seventh on.
            category: `MARKETING`, `UTILITY` or `AUTHENTICATION`.
            components: Such as `[{"type": "BODY", "text": "Hi, {{1}}."}]`.
            created_at: As for `PhoneNumbers.add`; rows do not show it.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in zip(_SHOWN, (name, language, status, category, components), strict=True):
            field.check(value)
        with self._organization.lock:
            turn, place = divmod(self._made, len(_TEXTS))
            made_up_name, text = _TEXTS[place]
            is_approved = self._made not in range(_MADE_UP - 2, _MADE_UP)
            fields: dict[str, Any] = {
                "name": name or (f"{made_up_name}_{turn + 1}" if turn else made_up_name),
                "language": language or "es",
                "status": status or ("APPROVED" if is_approved else _STATES[self._made - _MADE_UP + 3]),
                "category": category or _CATEGORIES[self._made % 2],
                "components": [{"type": "BODY", "text": text}] if components is None else [*components],
            }
            return _without_time(self._add(id, created_at, fields, (fields["name"], fields["language"])))

    def find(self, name: str, language: str) -> dict[str, Any]:
        """Return a copy of the template that a request sends, or refuse it."""
        found = self._store.select({"name": name, "language": language}, {})
        template = found[-1].to_dict() if found else {}
        if template.get("status") != "APPROVED":
            raise Refusal(400, "template_name must be an approved template in this language_code")
        return template

    def _write(self, row: Mapping[str, Any]) -> bytes:
        return super()._write(_without_time(row))

    def _list(self, call: Call) -> CursorPage:
        if self._channels.of_id(call.query["channel_id"]) is None:
            raise Refusal(400, "channel_id must be a channel of the organization")
        return self._cut_cursor_page(call, self._cursors)


def _without_time(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "created_at"}
