"""The import of contacts: each is created, or what there is by its number is updated.

Contacts are imported concurrently in rounds. A round has ended before its results are yielded: whatever becomes of the
generator, no task is left behind (PEP 789 says what happens otherwise).

A number belongs to one contact: the API refuses to create a second one with 409. So, unlike a call, a contact whose
creation may have been processed can be looked for.

Source: https://docs.contactship.ai/api-reference/endpoint/create-contact
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from attrs import define, field

from contactship_async._arguments import check_type, without_none
from contactship_async._http.requests import encode_json
from contactship_async._pagination.driver import cancel
from contactship_async.errors import (
    AuthenticationError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ContactshipError,
    NotFoundError,
    PermissionDeniedError,
)
from contactship_async.models.contact_import import ContactInput, ImportedContact, ImportOutcome
from contactship_async.models.contacts import Contact, ContactField
from contactship_async.resources._contact_arguments import build_contact

_ENDING: Final = (AuthenticationError, ClientClosedError, ConfigurationError, PermissionDeniedError)
"""What concerns all contacts: the next one would meet it, too."""

_END: Final[Any] = object()


class Contacts(Protocol):
    """What an import needs of the resource."""

    @property
    def create(self) -> Callable[..., Awaitable[Contact]]: ...

    @property
    def get(self) -> Callable[..., Awaitable[Contact]]: ...

    @property
    def update(self) -> Callable[..., Awaitable[Contact]]: ...


async def import_contacts(
    contacts: Contacts,
    given: AsyncIterable[ContactInput] | Iterable[ContactInput],
    concurrency: int,
) -> AsyncGenerator[ImportedContact, None]:
    """Import contacts, and yield what became of each, in the order in which they were given.

    Args:
        contacts: The resource, whose calls are those of one walk.
        given: The contacts.
        concurrency: How many are imported concurrently.
    """
    source = given.__aiter__() if isinstance(given, AsyncIterable) else iter(given)
    place = 0
    while True:
        importing = _Round(contacts, source, place, concurrency)
        for result in await importing.run():
            yield result
        importing.raise_failure()
        if importing.is_last:
            return
        place += importing.taken


@define
class _Round:
    """Some contacts that are imported concurrently.

    Args:
        contacts: The resource.
        source: Has the contacts.
        first: The place of the next one.
        concurrency: How many are taken at the most.

    Attributes:
        taken: How many were taken.
        failure: What ends the import.
        is_last: Whether *source* has no more.
    """

    contacts: Contacts
    source: Any
    first: int
    concurrency: int
    taken: int = field(default=0, init=False)
    failure: Exception | None = field(default=None, init=False)
    is_last: bool = field(default=False, init=False)
    _results: dict[int, ImportedContact] = field(factory=dict, init=False)
    _numbers: dict[str, asyncio.Lock] = field(factory=lambda: defaultdict(asyncio.Lock), init=False)

    async def run(self) -> list[ImportedContact]:
        """Take contacts and import them; all have ended then, also if this is cancelled.

        Returns:
            What became of each, but of those that were not imported because something ended the import.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            # A source that takes longer than an import must not keep the results back until a round is full.
            while len(tasks) < self.concurrency and not (len(tasks) > 1 and all(task.done() for task in tasks[:-1])):
                contact = await self._take()
                if contact is None:
                    break
                tasks.append(asyncio.create_task(self._import(self.first + self.taken, contact)))
                self.taken += 1
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await cancel(tasks)
        results = [self._results[place] for place in sorted(self._results)]
        self._results.clear()  # The tracebacks of errors lead back here: a reference cycle.
        return results

    def raise_failure(self) -> None:
        """Raise what ends the import, if anything does.

        Raises:
            Exception: It is raised once.
        """
        failure, self.failure = self.failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # Its traceback leads back here: a reference cycle.

    async def _take(self) -> ContactInput | None:
        try:
            # Of an asynchronous iterator, `async for` needs no more than this.
            is_asynchronous = hasattr(self.source, "__anext__")
            taken = await anext(self.source, _END) if is_asynchronous else next(self.source, _END)
            if taken is not _END:
                check_type("each contact", taken, ContactInput)
        except Exception as error:  # noqa: BLE001 - it is raised after the results there are
            self.failure = self.failure or error
            return None
        self.is_last = taken is _END
        return None if self.is_last else taken

    async def _import(self, place: int, contact: ContactInput) -> None:
        # One after the other where a number is repeated, so that the last one's values stay.
        async with self._numbers[str(contact.phone_number)]:
            try:
                self._results[place] = await self._bring_about(place, _read_given(contact))
            except _ENDING as error:
                self.failure = self.failure or error
            except ContactshipError as error:
                self._results[place] = ImportedContact(place=place, outcome="failed", error=error)
            except Exception as error:  # noqa: BLE001 - it is raised after the results there are
                self.failure = self.failure or error

    async def _bring_about(self, place: int, given: Mapping[str, Any]) -> ImportedContact:
        fault = _find_fault("create-contact", given)
        if fault is not None:
            return ImportedContact(place=place, outcome="failed", error=fault)
        try:
            created = await self.contacts.create(**{"country": None, **given})
        except ContactshipError as error:
            if not (isinstance(error, ConflictError) or error.may_have_been_processed):
                raise
            unsettled = error
        else:
            return ImportedContact(place=place, outcome="created", contact_id=created.id)
        try:
            found = await self._find(given["phone_number"], unsettled)
            changes = _find_changes(found, given)
            fault = _find_fault("update-contact", changes)
            if fault is not None:  # The server has a field without a type or a name, which no request may hold.
                return ImportedContact(place=place, outcome="failed", error=fault)
            # What may have been created, and is as it would be then, was created, or was so before.
            outcome: ImportOutcome = "created" if unsettled.may_have_been_processed else "unchanged"
            if changes:
                await self.contacts.update(found.id, **changes)
                outcome = "updated"
            return ImportedContact(place=place, outcome=outcome, contact_id=found.id)
        finally:
            del unsettled  # Its traceback leads back here: a reference cycle.

    async def _find(self, number: str, unsettled: ContactshipError) -> Contact:
        """Find the contact by its number; *unsettled* is why it could not be created, or may have been."""
        found = None
        try:
            found = await self.contacts.get(number, identifier_type="phone_number")
        except NotFoundError:
            pass
        except ContactshipError as error:
            if not unsettled.may_have_been_processed:
                raise
            if isinstance(error, _ENDING):
                self.failure = self.failure or error
        # Another number is that of another contact, which must not be changed.
        if found is None or (found.phone_number and _digits(found.phone_number) != _digits(number)):
            raise unsettled
        return found


def _read_given(contact: ContactInput) -> dict[str, Any]:
    """Return what is to be sent of a contact, by the names of arguments."""
    required = {"phone_number": contact.phone_number, "full_name": contact.full_name}
    return required | without_none(
        country=contact.country, email=contact.email, additional_data=contact.additional_data
    )


def _find_fault(slug: str, fields: Mapping[str, Any]) -> Exception | None:
    """Return what can't be sent of fields; once they are sent, such an error is that of the function for the key."""
    try:
        encode_json("contact", build_contact(slug, **fields))
    except (TypeError, ValueError) as error:
        return error
    return None


def _find_changes(found: Contact, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the arguments in which the contact that was found differs."""
    changes = {name: given[name] for name in ("full_name", "country", "email") if name in given}
    changes = {name: value for name, value in changes.items() if value != getattr(found, name)}
    if "additional_data" in given:
        # An array replaces the whole one that was there.
        known = list(found.additional_data or ())
        left = list(given["additional_data"])
        merged = [_take_field(each, left) for each in known] + left
        if merged != known:
            changes["additional_data"] = merged
    return changes


def _take_field(known: ContactField, given: list[ContactField]) -> ContactField:
    """Take the first of the *given* fields that has the name of a *known* one; return that one if there is none.

    Names may be repeated, and a contact that was created with such is as it is to be.
    """
    for place, each in enumerate(given):
        if each.field == known.field:
            return given.pop(place)
    return known


def _digits(number: str) -> str:
    return "".join(filter(str.isdecimal, number))
