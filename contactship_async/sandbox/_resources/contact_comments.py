"""The comments on contacts, and the two endpoints for them.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-comments
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from contactship_async.sandbox._api.pages import Rows
from contactship_async.sandbox._api.paging import Whole
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.collection import show_time
from contactship_async.sandbox._resources.contact_fields import COMMENT, COMMENT_BODY
from contactship_async.sandbox._resources.organization import Organization, make_uuid


class ContactComments:
    """The comments on contacts, the newest first.

    Args:
        organization: Whose contacts.
        find: Returns a contact that is named by a request, or refuses with 404.
    """

    def __init__(self, organization: Organization, find: Callable[[str], Mapping[str, Any]]) -> None:
        self._agenda = organization.agenda
        self._random = organization.random("comments")
        self._find = find
        self._made: dict[str, list[dict[str, Any]]] = {}  # by the ids of contacts
        self.routes = (
            Route(
                "GET",
                "/v1/contacts/{contactId}/comments",
                self._list,
                "get-contact-comments",
                COMMENT,
                paging=Whole("comments"),
            ),
            Route(
                "POST",
                "/v1/comments",
                self._create,
                "create-comment",
                COMMENT,
                body=COMMENT_BODY,
                status=201,
                errors=(404,),
                shape="wrapped",
            ),
        )

    def forget(self, contact_id: str) -> None:
        """Remove the comments on a contact."""
        self._made.pop(contact_id, None)

    def _list(self, call: Call) -> Rows:
        contact = self._find(call.path["contactId"])
        return Rows([json.dumps(comment).encode() for comment in reversed(self._made.get(contact["id"], []))])

    def _create(self, call: Call) -> Mapping[str, object]:
        body = call.body
        member, source = body.get("created_by"), body["created_by_type"]
        if (member is None) == (source == "USER"):
            raise Refusal(400, "created_by must be sent with created_by_type USER, and only with that")
        contact = self._find(body["contact_id"])
        comment = {
            "id": make_uuid(self._random),
            "content": body["content"],
            "created_by": source if member is None else {"email": member},
            "created_at": show_time(self._agenda.now),
        }
        self._made.setdefault(contact["id"], []).append(comment)
        return comment
