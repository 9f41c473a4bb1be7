"""All the sandbox knows about threads.

Source: https://docs.contactship.ai/api-reference/endpoint/get-thread
"""

from __future__ import annotations

from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.organization import Organization


class Threads(Collection):
    """The threads of the organization, the newest first.

    Args:
        organization: Whose they are.
    """

    def __init__(self, organization: Organization) -> None:
        super().__init__(organization, name="threads", noun="thread", prefix="thr-", default_limit=100)
        self.routes: tuple[Route, ...] = ()
