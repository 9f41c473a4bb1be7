"""All the sandbox knows about threads: those that messages are sent in, and their two endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/get-thread
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, optional
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.channels import Channels
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, ORGANIZATION_ID, Collection, show_time
from contactship_async.sandbox._resources.contacts import Contacts
from contactship_async.sandbox._resources.organization import Organization

_TEXT: Final = {"type": "string", "minLength": 1}
_MAYBE_TEXT: Final = {"type": ["string", "null"], "minLength": 1}

CHANNEL_ID: Final = Field("channel_id", _TEXT, "Of the channel.", example="chn-3c0a7a52-6a1e-4f0e-9d55-0d2f6b1c8e47")
CONTACT_ID: Final = Field("contact_id", _TEXT, "Of the contact.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07")
_CHANNEL_TYPE: Final = Field("channel_type", {"type": "string"}, "Of the channel.", example="WABA")
_STATUS: Final = Field("status", {"type": "string", "enum": ["open", "closed"]}, "Whether it goes on.", example="open")
_ASSIGNEE: Final = Field("assignee", _MAYBE_TEXT, "Who answers; null for nobody.", example="user-7")
_ASSIGNEE_TYPE: Final = Field(
    "assignee_type", {"type": ["string", "null"], "enum": ["user", "agent", None]}, "What that is.", example="user"
)
_SENT_TYPE: Final = evolve(_ASSIGNEE_TYPE, schema={"type": "string", "enum": ["user", "agent"]})
_UPDATED_AT: Final = evolve(CREATED_AT, name="updated_at", description="When it was changed.")
_SHOWN: Final = (ID, CHANNEL_ID, _CHANNEL_TYPE, CONTACT_ID, _STATUS, _ASSIGNEE, _ASSIGNEE_TYPE, ORGANIZATION_ID)
_THREAD: Final = Schema("Thread", (*_SHOWN, CREATED_AT, _UPDATED_AT))
_UPDATED_THREAD: Final = Schema("UpdatedThread", (*_SHOWN, _UPDATED_AT))
_PATH: Final = "/v1/thread/{threadId}"


class Threads(Collection):
    """The threads of the organization, the newest first: one for each contact and channel that messages went over.

    Args:
        organization: Whose they are.
        channels: What they go over.
        contacts: Whom they are with.
    """

    def __init__(self, organization: Organization, *, channels: Channels, contacts: Contacts) -> None:
        super().__init__(
            organization,
            name="threads",
            noun="thread",
            prefix="thr-",
            default_limit=100,
            indexed=("channel_id", "contact_id"),
        )
        self._channels = channels
        self._contacts = contacts
        body = optional(_STATUS, _ASSIGNEE, _SENT_TYPE)
        self.routes = (
            Route("GET", _PATH, self._get, "get-thread", _THREAD),
            Route("PUT", _PATH, self._update, "update-thread", _UPDATED_THREAD, body=body),
        )

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        channel_id: str | None = None,
        contact_id: str | None = None,
        status: str | None = None,
        assignee: str | None = None,
        assignee_type: str | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one thread and return a copy of it; what is None is made up, but who answers.

        Args:
            channel_id: Any string but the empty one; None is the newest active channel of WhatsApp, which is added if
                there is none: over others, nothing can be sent.
            contact_id: Any string but the empty one; None is the newest contact with a phone number, in the same way.
            status: `open` or `closed`; None is `open`.
            assignee: Any string; None is nobody.
            assignee_type: `user` or `agent`; None is a user, if there is an *assignee*.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in (
            *((CHANNEL_ID, channel_id), (CONTACT_ID, contact_id), (_STATUS, status)),
            *((_ASSIGNEE, assignee), (_SENT_TYPE, assignee_type)),
        ):
            field.check(value)
        with self._organization.lock:
            channel_id = channel_id or self._channels.newest_for_messages()["id"]
            channel = self._channels.of_id(channel_id) or {"type": "WABA"}
            fields = {
                "channel_id": channel_id,
                "channel_type": channel["type"],
                "contact_id": contact_id or self._contacts.newest_for_messages()["id"],
                "status": status or "open",
                "assignee": assignee,
                "assignee_type": None if assignee is None else assignee_type or "user",
            }
            row = self._add(id, created_at, fields, (channel_id, fields["contact_id"]))
            return self._change(row, row["created_at"])

    def find(self, id_: str) -> dict[str, Any]:
        """Return a copy of the thread that a request names, or refuse with 404."""
        return self._find(id_).to_dict()

    def open(self, channel: Mapping[str, Any], contact_id: str, id_: str | None) -> dict[str, Any]:
        """Return a thread as changed now: the named one, else the newest of contact and channel, else a new one."""
        now = show_time(self._organization.agenda.now)
        known = self._store.select({"channel_id": channel["id"], "contact_id": contact_id}, {})
        if id_ is not None or known:
            return self._change(self.find(id_) if id_ is not None else known[-1].to_dict(), now)
        return self.add(channel_id=channel["id"], contact_id=contact_id, created_at=now)

    def _change(self, row: Mapping[str, Any], updated_at: str) -> dict[str, Any]:
        changed = {**row, "updated_at": updated_at}
        self._store.replace(row["id"], self._write(changed), (row["channel_id"], row["contact_id"]))
        return changed

    def _get(self, call: Call) -> Mapping[str, object]:
        return self.find(call.path["threadId"])

    def _update(self, call: Call) -> Mapping[str, object]:
        row = {**self.find(call.path["threadId"]), **call.body}
        if call.body.get("assignee") is not None and "assignee_type" not in call.body:
            raise Refusal(400, "assignee_type is required with assignee")
        if row["assignee"] is None:
            row["assignee_type"] = None
        changed = self._change(row, show_time(self._organization.agenda.now))
        del changed["created_at"]
        return changed
