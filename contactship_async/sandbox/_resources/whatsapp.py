"""All the sandbox knows about WhatsApp.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.organization import Organization


class WhatsApp:
    """What was sent over WhatsApp.

    Args:
        organization: Whose it is.
    """

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self.routes: tuple[Route, ...] = ()
