"""All the sandbox knows about messages.

Source: https://docs.contactship.ai/api-reference/endpoint/get-message
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.organization import Organization


class Messages(Collection):
    """The messages of the organization, the newest first.

    Args:
        organization: Whose they are.
    """

    def __init__(self, organization: Organization) -> None:
        super().__init__(organization, name="messages", noun="message", prefix="msg-", default_limit=100)
        self.routes: tuple[Route, ...] = ()
