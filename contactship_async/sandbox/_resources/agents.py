"""All the sandbox knows about agents.

Source: https://docs.contactship.ai/api-reference/endpoint/list-agents
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.organization import Organization


class Agents(Collection):
    """The agents of the organization, the newest first.

    Args:
        organization: Whose they are.
    """

    def __init__(self, organization: Organization) -> None:
        super().__init__(organization, name="agents", noun="agent", prefix="", default_limit=100)
        self.routes: tuple[Route, ...] = ()
