"""What people and agents of the organization have to do; an add-on: `/v1/tasks`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tasks
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal

from attrs import evolve, frozen

from contactship_async._arguments import (
    Checks,
    build_body,
    check_choice,
    check_length,
    check_sequence,
    check_text,
    check_texts,
    choice_or_none,
    text_or_none,
    without_none,
)
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path, encode_json
from contactship_async._pagination.declaration import ListingDeclaration, OrderParameters
from contactship_async._pagination.listing import Listing
from contactship_async.models.common import SortOrder
from contactship_async.models.tasks import Task, TaskFilter, TaskOrder, TaskPriority, TaskStatus, TaskType
from contactship_async.resources._common_arguments import check_json_object, citing_page

Direction = TaskOrder | Literal["ASCENDENT", "DESCENDENT"]
Type = TaskType | Literal["custom", "AI", "system", "automatization"]
Status = TaskStatus | Literal["backlog", "todo", "in_progress", "done", "blocked", "canceled"]
Priority = TaskPriority | Literal["low", "medium", "high"]

LISTING: Final = ListingDeclaration(
    "/v1/tasks",
    Task,
    smallest_page=1,
    order_parameters=OrderParameters("orderDirection", "ASCENDENT", "DESCENDENT", "orderBy"),
    add_on="Tasks",
    source="https://docs.contactship.ai/api-reference/endpoint/list-tasks",
)
_PATH: Final = "/v1/tasks/{task_id}"
_SORT_ORDERS: Final = {TaskOrder.ASCENDENT: SortOrder.ASC, TaskOrder.DESCENDENT: SortOrder.DESC}
_PARTS: Final = ("field", "operator", "value")

_CHECKS: Final[Checks] = {
    "details": partial(check_length, shortest=4),
    "brief": check_text,
    "type": partial(check_choice, choices=TaskType),
    "created_by": check_text,
    "assigned_to": check_texts,
    "status": partial(check_choice, choices=TaskStatus),
    "priority": partial(check_choice, choices=TaskPriority),
    "additional_data": check_json_object,
}


def _write_filters(filters: object) -> str | None:
    """Return conditions as the API takes them, as text in the query; None where there are none."""
    conditions = []
    for index, condition in enumerate(check_sequence("filters", filters)):
        parts = condition
        if isinstance(condition, TaskFilter):
            parts = {"field": condition.field, "operator": condition.operator, "value": condition.value}
        if not isinstance(parts, Mapping) or {*parts} != {*_PARTS}:
            message = f"filters[{index}] must be a TaskFilter, or a mapping of {', '.join(_PARTS)}"
            raise TypeError(message)
        for name in ("field", "operator"):
            check_text(f"filters[{index}].{name}", parts[name])
        conditions.append({name: parts[name] for name in _PARTS})
    return encode_json("filters", conditions).decode() if conditions else None


@frozen(repr=False)
class Tasks:
    """What people and agents of the organization have to do; an add-on: `client.tasks`.

    Where the add-on is not enabled, a call is refused, presumably with a `PermissionDeniedError`, which names it: what
    the API does is not documented.
    """

    _caller: Caller

    def list(
        self,
        *,
        order_by: str | None = None,
        order_direction: Direction | None = None,
        filters: Sequence[TaskFilter | Mapping[str, Any]] | None = None,
    ) -> Listing[Task]:
        """Return the listing of tasks; nothing is sent before it is iterated over.

            client.tasks.list(filters=[TaskFilter("status", "EQUAL", "todo")])

        Args:
            order_by: The field to sort by; `created_at` if not given. By any other, tasks change places while they are
                changed, so that no walk could prove to be complete, and none may be exact or concurrent.
            order_direction: `ASCENDENT` or `DESCENDENT`; the latter if not given.
            filters: Conditions that all hold, such as `[{"field": "status", "operator": "EQUAL", "value": "todo"}]`.
                No other operator is documented.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-tasks
        """
        with citing_page("list-tasks"):
            direction = choice_or_none("order_direction", order_direction, TaskOrder)
            sorted_by = text_or_none("order_by", order_by)
            written = None if filters is None else _write_filters(filters)
        declaration = LISTING
        if sorted_by is not None:
            direction = direction or TaskOrder.DESCENDENT
            if sorted_by != LISTING.sort_key:
                order = evolve(LISTING.order_parameters, sorted_by=sorted_by)
                declaration = evolve(LISTING, sort_key=None, order_parameters=order)
        return Listing(
            declaration,
            self._caller,
            filters={"filters": written},
            order=None if direction is None else _SORT_ORDERS[direction],
        )

    async def get(self, task_id: str) -> Task:
        """Fetch a task.

        Args:
            task_id: The task's id.

        Raises:
            TypeError: *task_id* is not a string.
            ValueError: *task_id* can't be part of a path.
            NotFoundError: There is no such task.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-task
        """
        return await self._caller.call("GET", build_path(_PATH, task_id=task_id), Task, add_on=LISTING.add_on)

    async def create(  # noqa: PLR0913 - all that a task can be made of, by keyword
        self,
        *,
        details: str,
        brief: str,
        type: Type,  # noqa: A002 - the API's own word
        created_by: str,
        assigned_to: Sequence[str] | None = None,
        status: Status | None = None,
        priority: Priority | None = None,
        additional_data: Mapping[str, Any] | None = None,
    ) -> Task:
        """Create a task. Not repeated when it may have been processed.

        A task can't be linked to a contact: the API takes that, but does not keep it.

        Args:
            details: What there is to do, in at least 4 characters.
            brief: The same in a few words.
            type: `custom`, `AI`, `system` or `automatization`.
            created_by: The e-mail address of who creates it; of a `custom` one, a member of the organization.
            assigned_to: The e-mail addresses of the members who are to do it. (Tasks that come back have their ids.)
            status: Such as `in_progress`; `todo` if not given.
            priority: `low`, `medium` or `high`; the last if not given.
            additional_data: What is to be kept with it: any mapping that JSON has a form for.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            BadRequestError: The API refuses an argument.
            AmbiguousOutcomeError: The task may have been created.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/create-task
        """
        optional = without_none(
            assigned_to=assigned_to, status=status, priority=priority, additional_data=additional_data
        )
        with citing_page("create-task"):
            body = build_body(_CHECKS, details=details, brief=brief, type=type, created_by=created_by, **optional)
        return await self._caller.call("POST", LISTING.path, Task, json=body, add_on=LISTING.add_on)
