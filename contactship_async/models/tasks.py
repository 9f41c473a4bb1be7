"""Tasks: what people and agents of an organization have to do.

Source: https://docs.contactship.ai/api-reference/endpoint/get-task
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum

__all__ = ["Task", "TaskFilter", "TaskOrder", "TaskPriority", "TaskStatus", "TaskType"]


class TaskType(OpenEnum):
    """What made a task; the server may add values, see `OpenEnum`."""

    CUSTOM = "custom"
    AI = "AI"
    SYSTEM = "system"
    AUTOMATIZATION = "automatization"


class TaskStatus(OpenEnum):
    """How far a task is; the server may add values, see `OpenEnum`."""

    BACKLOG = "backlog"
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    BLOCKED = "blocked"
    CANCELED = "canceled"


class TaskPriority(OpenEnum):
    """How urgent a task is; the server may add values, see `OpenEnum`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TaskOrder(StrEnum):
    """The direction of a listing of tasks, in words of its own."""

    ASCENDENT = "ASCENDENT"
    DESCENDENT = "DESCENDENT"


@frozen
class TaskFilter:
    """A condition for the tasks that are listed, such as `TaskFilter("status", "EQUAL", "todo")`.

    Args:
        field: A field of tasks, such as `status`.
        operator: `EQUAL` is the only one that is documented.
        value: What *field* is compared with: anything that JSON has a form for.

    Source: https://docs.contactship.ai/api-reference/endpoint/list-tasks
    """

    field: str
    operator: str
    value: Any


@frozen
class Task(Model):
    """Something to do.

    Args:
        id: Opaque.
        type: `custom`, `AI`, `system` or `automatization`.
        brief: In a few words.
        details: In full.
        status: Such as `todo`.
        priority: `low`, `medium` or `high`.
        assigned_to: The ids of the members of the organization who are to do it. (Tasks are created with their e-mail
            addresses.)
        created_by: Who created it: an object of a member, whose form is not documented, or a string.
        additional_data: What the organization keeps with it.
        created_at: When it was created; with a time zone.
        updated_at: When it was changed; with a time zone.
    """

    id: NonEmptyText
    type: TaskType | None = None
    brief: str | None = None
    details: str | None = None
    status: TaskStatus | None = None
    priority: TaskPriority | None = None
    assigned_to: tuple[str, ...] | None = None
    created_by: dict[str, Any] | str | None = None
    additional_data: dict[str, Any] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
