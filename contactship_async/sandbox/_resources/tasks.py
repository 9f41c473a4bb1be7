"""All the sandbox knows about tasks.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tasks
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.organization import Organization


class Tasks(Collection):
    """The tasks of the organization, the newest first.

    Args:
        organization: Whose they are.
    """

    def __init__(self, organization: Organization) -> None:
        super().__init__(organization, name="tasks", noun="task", prefix="", default_limit=20)
        self.routes: tuple[Route, ...] = ()
