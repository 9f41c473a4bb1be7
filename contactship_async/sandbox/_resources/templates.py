"""All the sandbox knows about templates.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-get-templates
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.organization import Organization


class Templates(Collection):
    """The WhatsApp templates of the organization, the newest first.

    Args:
        organization: Whose they are.
    """

    def __init__(self, organization: Organization) -> None:
        super().__init__(organization, name="templates", noun="template", prefix="", default_limit=25)
        self.routes: tuple[Route, ...] = ()
