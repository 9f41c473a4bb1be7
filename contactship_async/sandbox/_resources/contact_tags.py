"""The tags of contacts: which contact has which, and the three endpoints for that.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-tags
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from contactship_async.sandbox._api.pages import Rows
from contactship_async.sandbox._api.paging import Whole
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.contact_fields import CONTACT, CONTACT_TAG
from contactship_async.sandbox._resources.store import Row
from contactship_async.sandbox._resources.tags import Tags

_TAGS: Final = "/v1/contacts/{contactId}/tags"


class ContactTags:
    """Which contact has which tags; a tag that is gone is none of them.

    Args:
        find: Returns a contact that is named by a request, or refuses with 404.
        tags: Those that there are.
    """

    def __init__(self, find: Callable[[str], Mapping[str, Any]], tags: Tags) -> None:
        self._find = find
        self._tags = tags
        self._assigned: dict[str, dict[str, Row]] = {}  # by the ids of contacts, then of tags
        self.routes = (
            Route("GET", _TAGS, self._list, "get-contact-tags", CONTACT_TAG, paging=Whole()),
            Route("POST", f"{_TAGS}/{{tagId}}", self._put, "add-contact-tag", CONTACT, status=201, shape="wrapped"),
            Route("DELETE", f"{_TAGS}/{{tagId}}", self._take, "remove-contact-tag", returns=True),
        )

    def __bool__(self) -> bool:
        return bool(self._assigned)

    def of(self, contact_id: str) -> list[dict[str, Any]]:
        """Return the tags of a contact, in the order in which it got them, as contacts show them."""
        assigned = self._assigned.get(contact_id, {})
        tags = [row.to_dict() for id_, row in assigned.items() if self._tags.find(id_) is row]
        return [{field.name: tag[field.name] for field in CONTACT_TAG.fields if field.name in tag} for tag in tags]

    def forget(self, contact_id: str) -> None:
        """Take all tags off a contact."""
        self._assigned.pop(contact_id, None)

    def _list(self, call: Call) -> Rows:
        return Rows([json.dumps(tag).encode() for tag in self._find(call.path["contactId"])["tags"]])

    def _put(self, call: Call) -> Mapping[str, object]:
        contact_id, tag_id = call.path["contactId"], call.path["tagId"]
        self._find(contact_id)
        tag = self._tags.find(tag_id)
        if tag is None:
            raise Refusal(404, "There is no such tag")
        self._assigned.setdefault(contact_id, {})[tag_id] = tag  # What a second time does is not documented.
        return self._find(contact_id)

    def _take(self, call: Call) -> Literal[True]:
        contact_id, tag_id = call.path["contactId"], call.path["tagId"]
        if tag_id not in {tag["id"] for tag in self._find(contact_id)["tags"]}:
            raise Refusal(404, "The contact does not have this tag")
        del self._assigned[contact_id][tag_id]
        return True
