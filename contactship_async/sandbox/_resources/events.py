"""All the sandbox knows about events.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.organization import Organization


class Events:
    """The events that were sent, and who they are of.

    Args:
        organization: Whose it is.
    """

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self.routes: tuple[Route, ...] = ()
