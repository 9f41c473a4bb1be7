"""All the sandbox knows about tasks: made-up ones, and their three endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tasks
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, optional
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.paging import Paging
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.agent_fields import UPDATED_AT
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, Collection
from contactship_async.sandbox._resources.organization import Organization, make_uuid

_TEXT: Final = {"type": "string", "minLength": 1}

_TYPE: Final = Field(
    "type", {"type": "string", "enum": ["custom", "AI", "system", "automatization"]}, "What made it.", example="custom"
)
_BRIEF: Final = Field("brief", _TEXT, "In a few words.", example="Call Noor back")
_DETAILS: Final = Field("details", {"type": "string", "minLength": 4}, "In full.", example="She asked for the price.")
_STATUS: Final = Field(
    "status",
    {"type": "string", "enum": ["backlog", "todo", "in_progress", "done", "blocked", "canceled"], "default": "todo"},
    "How far it is.",
    example="todo",
)
_PRIORITY: Final = Field(
    "priority", {"type": "string", "enum": ["low", "medium", "high"], "default": "high"}, "How urgent.", example="high"
)
_ASSIGNED_TO: Final = Field(
    "assigned_to", {"type": "array", "items": _TEXT}, "E-mail addresses of members.", example=["ana@example.com"]
)
_CREATED_BY: Final = Field("created_by", _TEXT, "The e-mail address of who creates it.", example="ana@example.com")
_DATA: Final = Field("additional_data", {"type": "object"}, "What is kept with it.", {"order": "A-7"}, required=False)

_BODY: Final = (_DETAILS, _BRIEF, _TYPE, _CREATED_BY, *optional(_ASSIGNED_TO, _STATUS, _PRIORITY), _DATA)
_SHOWN: Final = (
    *(ID, _TYPE, _BRIEF, _DETAILS, _STATUS, _PRIORITY),
    evolve(_ASSIGNED_TO, description="Ids of members.", example=["3c0a7a52-6a1e-4f0e-9d55-0d2f6b1c8e47"]),
    evolve(
        _CREATED_BY,
        schema={"type": ["object", "string", "null"]},
        description="A member, or what else created it.",
        example={"id": "3c0a7a52-6a1e-4f0e-9d55-0d2f6b1c8e47", "email": "ana@example.com"},
    ),
    *(_DATA, CREATED_AT, UPDATED_AT),
)
_TASK: Final = Schema("Task", _SHOWN)
_NAMES: Final = [field.name for field in _SHOWN]

_DIRECTION: Final = Field(
    "orderDirection",
    {"type": "string", "enum": ["ASCENDENT", "DESCENDENT"], "default": "DESCENDENT"},
    "By what `orderBy` names.",
    example="DESCENDENT",
)
_QUERY: Final = optional(
    Field("orderBy", {"type": "string", "enum": _NAMES, "default": "created_at"}, "What to sort by.", "created_at"),
    Field(
        "filters",
        {"type": "string"},
        "A JSON array of conditions that all hold: objects with `field`, `operator` (only `EQUAL`) and `value`.",
        example='[{"field":"status","operator":"EQUAL","value":"todo"}]',
    ),
)

_MADE_UP: Final = (
    ("custom", "Call Noor Haddad back", "She asked for the price of the larger one.", "todo", "high"),
    ("AI", "Check an address", "The agent could not understand the street.", "backlog", "low"),
    ("system", "Renew a certificate", "It expires at the end of the month.", "in_progress", "medium"),
    ("automatization", "Send the offer", "Two weeks have passed since the visit.", "done", "medium"),
)
_MEMBERS: Final = ("ana@members.example", "kofi@members.example")


class Tasks(Collection):
    """The tasks of the organization, the newest first.

    Task *i*, counted from 0, was created *i* hours after the beginning of 2024 (UTC). The same seed makes the same
    rows.

    Args:
        organization: Whose they are.
        count: How many are made up.

    Attributes:
        is_enabled: Whether the organization has this add-on; without it, each request for tasks is a 403.
    """

    def __init__(self, organization: Organization, count: int) -> None:
        super().__init__(
            organization, name="tasks", noun="task", prefix="", default_limit=None, shows_organization=False
        )
        self.is_enabled = True
        self._paging = Paging(None, organization.max_limit, smallest=1, order=_DIRECTION)
        self.routes: tuple[Route, ...] = (
            Route(
                "GET",
                "/v1/tasks",
                self._list,
                "list-tasks",
                _TASK,
                paging=self._paging,
                query=_QUERY,
                errors=(403,),
                shape="wrapped",
            ),
            Route("GET", "/v1/tasks/{id}", self._get, "get-task", _TASK, errors=(403,), shape="wrapped"),
            Route(
                "POST",
                "/v1/tasks",
                self._create,
                "create-task",
                _TASK,
                body=_BODY,
                status=201,
                errors=(403,),
                shape="wrapped",
            ),
        )
        for _ in range(count):
            self.add()

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        type: str | None = None,  # noqa: A002 - the API's word
        brief: str | None = None,
        details: str | None = None,
        status: str | None = None,
        priority: str | None = None,
        assigned_to: Sequence[str] | None = None,
        created_by: str | None = None,
        additional_data: dict[str, Any] | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one task and return a copy of it; what is None is made up, but the additional data.

        Args:
            type: `custom`, `AI`, `system` or `automatization`.
            brief: Any string but the empty one.
            details: A string of at least 4 characters.
            status: Such as `todo`.
            priority: `low`, `medium` or `high`.
            assigned_to: E-mail addresses; the task shows ids that are made of them.
            created_by: An e-mail address; the task shows an object with an id that is made of it.
            additional_data: Any object.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        given = (details, brief, type, created_by, assigned_to, status, priority, additional_data)
        for field, value in zip(_BODY, given, strict=True):
            field.check(value)
        with self._organization.lock:
            made_up = _MADE_UP[self._made % len(_MADE_UP)]
            shown = zip(("type", "brief", "details", "status", "priority"), made_up, strict=True)
            fields = {
                **dict(shown),
                "created_by": _MEMBERS[0],
                "assigned_to": [_MEMBERS[self._made % len(_MEMBERS)]],
                **{field.name: value for field, value in zip(_BODY, given, strict=True) if value is not None},
            }
            return self._make(id, created_at, fields)

    def _make(self, id_: str | None, created_at: datetime | str | None, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add a task with the fields that a body has."""
        _, shown = self._read_created_at(created_at)
        row = {
            **{field.name: fields[field.name] for field in (_TYPE, _BRIEF, _DETAILS, _STATUS, _PRIORITY)},
            "assigned_to": [self._id_of(email) for email in fields["assigned_to"]],
            "created_by": self._creator_of(fields["type"], fields["created_by"]),
            **({"additional_data": fields["additional_data"]} if "additional_data" in fields else {}),
            "updated_at": shown,
        }
        return self._add(id_, shown, row)

    def _creator_of(self, type_: str, email: str) -> dict[str, str] | str | None:
        """Return what a task shows of who created it: all three kinds are documented."""
        if type_ == "custom":
            return {"id": self._id_of(email), "email": email}
        return None if type_ == "system" else email

    def _id_of(self, email: str) -> str:
        return make_uuid(Random(f"{self._organization.id} {email}"))  # noqa: S311 - the same for the same address

    def _refuse_if_not_enabled(self) -> None:
        if not self.is_enabled:
            raise Refusal(403, "The add-on Tasks is not enabled")

    def _list(self, call: Call) -> Page:
        self._refuse_if_not_enabled()
        rows, order_by = [*self._store.select({}, {})], call.query["orderBy"]
        if conditions := _read_filters(call.query.get("filters", "[]")):
            rows = [row for row in rows if _meets(row.to_dict(), conditions)]
        if order_by != "created_at":
            rows.sort(key=lambda row: json.dumps(row.to_dict().get(order_by), sort_keys=True))
        window = self._paging.read_window(call.query)
        total = len(rows if self._organization.count_follows_filter else self._store)
        return Page([row.json for row in window.cut(rows)], total, window)

    def _get(self, call: Call) -> Mapping[str, object]:
        self._refuse_if_not_enabled()
        return self._find(call.path["id"]).to_dict()

    def _create(self, call: Call) -> Mapping[str, object]:
        self._refuse_if_not_enabled()
        return self._make(None, None, {"assigned_to": [], "status": "todo", "priority": "high", **call.body})


def _read_filters(text: str) -> list[tuple[str, object]]:
    """Return fields and what they must be equal to, or refuse."""
    try:
        conditions = json.loads(text)
    except (ValueError, RecursionError):
        conditions = None
    if not isinstance(conditions, list) or not all(map(_is_condition, conditions)):
        raise Refusal(400, f"filters must be a JSON array of conditions such as {_QUERY[1].example}")
    return [(condition["field"], condition["value"]) for condition in conditions]


def _is_condition(condition: object) -> bool:
    return (
        isinstance(condition, dict)
        and condition.get("field") in _NAMES
        and condition.get("operator") == "EQUAL"
        and "value" in condition
    )


def _meets(task: Mapping[str, object], conditions: Sequence[tuple[str, object]]) -> bool:
    return all(task.get(name) == value for name, value in conditions)
