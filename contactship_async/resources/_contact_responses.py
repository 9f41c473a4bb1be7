"""What comes back about contacts in forms of older revisions."""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import fields, frozen

from contactship_async._http.messages import Response
from contactship_async._http.responses import read_object
from contactship_async.models.common import NonEmptyText
from contactship_async.models.contacts import CallHistory, Contact, ContactCallHistory, PastCall


@frozen
class TagAssignment:
    """That a contact has a tag: all that adding one returned once.

    Args:
        contact_id: None where the response is a contact, as it is today.
    """

    contact_id: NonEmptyText | None = None


@frozen
class _AnyContact(Contact):
    """A contact that may lack its id, because that stands beside it."""

    id: NonEmptyText | None = None  # type: ignore[assignment] # in no other class


_Calls: TypeAlias = CallHistory | tuple[PastCall, ...]


@frozen
class _AnyHistory:
    """All forms in which an object with calls has come.

    Args:
        contact: The contact.
        contact_id: Its id, once.
        call_history: The calls, once without the object around them.
        history: The same under another name, once.
    """

    contact: _AnyContact | None = None
    contact_id: NonEmptyText | None = None
    call_history: _Calls | None = None
    history: _Calls | None = None


def read_call_history(response: Response) -> ContactCallHistory:
    """Read the calls with a contact, in whichever of the documented forms they are.

    - `{"contact": {...}, "call_history": {"call_attempts": 2, "last_call": {...}, "calls": [...]}}`, the newest
    - `{"contact": {...}, "call_history": [...]}`
    - `{"contact_id": "...", "contact": {...}, "history": {"call_attempts": 2, "calls": [...]}}`, the contact without id
    - `[...]`, the calls alone

    Raises:
        MalformedResponseError: The response is none of these.

    Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-call-history
    """
    form: Any = _AnyHistory | tuple[PastCall, ...]
    read: _AnyHistory | tuple[PastCall, ...] = read_object(response, form)
    if isinstance(read, tuple):
        return ContactCallHistory(None, CallHistory(calls=read))
    calls = read.call_history if read.history is None else read.history
    history = CallHistory(calls=calls) if isinstance(calls, tuple) else calls
    if read.contact is None:
        return ContactCallHistory(None, history)
    id_ = read.contact.id or read.contact_id
    if id_ is None:
        return read_object(response, ContactCallHistory)  # raises what names the place
    others = {each.name: getattr(read.contact, each.name) for each in fields(Contact) if each.name != "id"}
    return ContactCallHistory(Contact(id_, **others), history)
