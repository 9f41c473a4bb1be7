"""The people that the organization calls and writes to: `/v1/contacts`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from typing import Final, Literal

from attrs import evolve, frozen
from msgspec import UnsetType

from contactship_async._arguments import (
    UNSET,
    check_integer,
    check_phone_number,
    choice_or_none,
    text_or_none,
    without_none,
    without_unset,
)
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async._http.responses import read_object
from contactship_async._http.session import WalkSession
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async._pagination.whole import WholeListing
from contactship_async.models.contact_import import ContactInput, ImportedContact
from contactship_async.models.contacts import (
    CommentSource,
    Contact,
    ContactCallHistory,
    ContactComment,
    ContactField,
    IdentifierType,
)
from contactship_async.models.tags import Tag
from contactship_async.resources._common_arguments import citing_page
from contactship_async.resources._contact_arguments import build_comment, build_contact
from contactship_async.resources._contact_import import import_contacts
from contactship_async.resources._contact_responses import TagAssignment, read_call_history

LISTING: Final = ListingDeclaration(
    "/v1/contacts",
    Contact,
    page_size=1000,
    largest_page=1000,
    heavy=True,
    source="https://docs.contactship.ai/api-reference/endpoint/get-contacts",
)
LISTING_OF_COMMENTS: Final = ListingDeclaration(
    "/v1/contacts/{contact_id}/comments",
    ContactComment,
    sort_key=None,
    largest_page=50,  # Older revisions cut it off there, without a word.
    rows_field="comments",
)
LISTING_OF_TAGS: Final = ListingDeclaration("/v1/contacts/{contact_id}/tags", Tag, sort_key=None)

_IDENTIFIER_PATH: Final = "/v1/contacts/{identifier}"
_PATH: Final = "/v1/contacts/{contact_id}"
_CALL_HISTORY_PATH: Final = "/v1/contacts/{contact_id}/call-history"
_COMMENTS_PATH: Final = "/v1/comments"
_TAG_PATH: Final = "/v1/contacts/{contact_id}/tags/{tag_id}"


@frozen(repr=False)
class Contacts:
    """The people that the organization calls and writes to: `client.contacts`."""

    _caller: Caller

    def list(
        self,
        *,
        full_name: str | None = None,
        email: str | None = None,
        phone_number: str | None = None,
        order: Order | None = None,
    ) -> Listing[Contact]:
        """Return the listing of contacts; nothing is sent before it is iterated over.

        Walks ask for 1,000 rows at once. The API has a smaller budget for this endpoint: `heavy_rate_limit` of the
        client. A page without a `limit` has up to 10,000 rows.

        Args:
            full_name: Only contacts whose name contains this.
            email: Only contacts whose e-mail address contains this.
            phone_number: Only contacts whose number contains this, such as `415555`. The page also says that it is
                what numbers begin with.
            order: By creation date, `asc` or `desc`; which of them if not given is not documented for a page, and
                walks ask for the newest first.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
        """
        with citing_page("get-contacts"):
            filters = {
                "full_name": text_or_none("full_name", full_name),
                "email": text_or_none("email", email),
                "phone_number": text_or_none("phone_number", phone_number),
            }
            return Listing(LISTING, self._caller, filters, order=order)

    async def get(
        self, identifier: str, *, identifier_type: IdentifierType | Literal["id", "phone_number", "email"] | None = None
    ) -> Contact:
        """Fetch a contact by its id, its phone number or its e-mail address.

        Args:
            identifier: What the contact is known by; a phone number such as `+14155550137`.
            identifier_type: What that is: `id`, `phone_number` or `email`. If not given, whatever comes is taken for an
                id, also a phone number.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *identifier* can't be part of a path or is no phone number where it should be one, or
                *identifier_type* is none of these.
            NotFoundError: There is no such contact.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-by-identifier
        """
        with citing_page("get-contact-by-identifier"):
            type_ = choice_or_none("identifier_type", identifier_type, IdentifierType)
            if type_ is IdentifierType.PHONE_NUMBER:
                check_phone_number("identifier", identifier)
        path = build_path(_IDENTIFIER_PATH, identifier=identifier)
        return await self._caller.call("GET", path, Contact, params={"identifierType": type_})

    async def create(
        self,
        *,
        phone_number: str,
        full_name: str,
        country: str | None,
        email: str | None = None,
        additional_data: Sequence[ContactField] | None = None,
    ) -> Contact:
        """Create a contact. Not repeated when it may have been processed.

        Args:
            phone_number: In E.164 format, such as `+14155550137`; not yet that of another contact.
            full_name: As the organization knows the person.
            country: Such as `US`. The page requires it, but an example on it and older revisions do without: None
                leaves it out.
            email: The e-mail address of the person; None for none.
            additional_data: What is to be noted besides; None for nothing.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            ConflictError: Another contact has the phone number.
            AmbiguousOutcomeError: The contact may have been created.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/create-contact
        """
        body = build_contact(
            "create-contact",
            phone_number=phone_number,
            full_name=full_name,
            **without_none(country=country, email=email, additional_data=additional_data),
        )
        return await self._caller.call("POST", LISTING.path, Contact, json=body)

    async def update(  # noqa: PLR0913 - all that the endpoint takes, by keyword
        self,
        contact_id: str,
        *,
        phone_number: str | UnsetType = UNSET,
        full_name: str | UnsetType = UNSET,
        country: str | UnsetType | None = UNSET,
        email: str | UnsetType | None = UNSET,
        additional_data: Sequence[ContactField] | UnsetType = UNSET,
    ) -> Contact:
        """Change a contact. What is not given stays as it is.

        Args:
            contact_id: The contact's id.
            phone_number: In E.164 format; not yet that of another contact.
            full_name: As the organization knows the person.
            country: Such as `US`. None is sent as null, of which the page does not say whether it removes the value.
            email: The e-mail address of the person; None as for *country*.
            additional_data: All that is to be noted besides: it replaces the whole array that was there. To change one
                field, hand on the others, too; an empty sequence leaves none.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed, or *contact_id* can't be part of a path.
            NotFoundError: There is no such contact.
            ConflictError: Another contact has the phone number.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/update-contact
        """
        changes = without_unset(
            phone_number=phone_number,
            full_name=full_name,
            country=country,
            email=email,
            additional_data=additional_data,
        )
        body = build_contact("update-contact", **changes)
        path = build_path(_PATH, contact_id=contact_id)
        return await self._caller.call("PATCH", path, Contact, json=body, idempotent=True)

    async def delete(self, contact_id: str) -> None:
        """Delete a contact. An older revision of the page calls that irreversible, the newest says "accepted".

        Args:
            contact_id: The contact's id.

        Raises:
            TypeError: *contact_id* is not a string.
            ValueError: *contact_id* can't be part of a path.
            NotFoundError: There is no such contact.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/delete-contact
        """
        await self._caller.delete(build_path(_PATH, contact_id=contact_id))

    def import_from(
        self, contacts: AsyncIterable[ContactInput] | Iterable[ContactInput], *, concurrency: int = 8
    ) -> AsyncGenerator[ImportedContact, None]:
        """Create contacts, or update those that are there by their phone numbers, and yield what became of each.

            async for result in client.contacts.import_from(people()):
                print(result.place, result.outcome, result.contact_id or result.error)

        The results are in the order of the contacts. An error of one contact is its result, and the others go on. If it
        is not known whether a contact was created, it is looked for by its number. A contact that is there gets only
        what differs, and keeps its other fields of `additional_data`. Of contacts with the same number, the later one's
        values stay. So it is safe to import the same contacts again, after whatever ended it.

        Nothing runs while a result is out: as many contacts as *concurrency* says are taken, and imported to their
        ends, before the first of their results comes. Fewer are taken where the next one takes longer to come than
        those before it to be imported, though their results still wait for it. A *concurrency* of 1 yields each
        result at once, as suits an iterator that waits for contacts to come. A step that is cancelled loses the results
        of its contacts.

        Each takes one request, or up to three where it is there already. They wait for the rate limit however long it
        takes, and the total limit of each begins when it has its turn.

        Args:
            contacts: An iterator, asynchronous or not, of any length. It stays yours: it is not closed.
            concurrency: How many are imported concurrently; >= 1.

        Yields:
            What became of each, by its place.

        Raises:
            TypeError: An argument, or one of *contacts*, has the wrong type.
            ValueError: *concurrency* is out of range.
            AuthenticationError: The key is wrong. This, like the errors below, is raised after the results there are.
            PermissionDeniedError: The organization may not do this.
            ClientClosedError: The client was closed.
            ConfigurationError: What the function for the key returned is no key.

        Source: https://docs.contactship.ai/api-reference/endpoint/create-contact
        """
        check_integer("concurrency", concurrency, lowest=1)
        if not isinstance(contacts, AsyncIterable | Iterable):
            message = f"contacts must be an iterator, asynchronous or not, not {type(contacts).__name__}"
            raise TypeError(message)
        return import_contacts(Contacts(evolve(self._caller, of_walk=WalkSession())), contacts, concurrency)

    async def get_call_history(self, contact_id: str) -> ContactCallHistory:
        """Fetch the calls with a contact. Responses of all documented revisions are read into the same class.

        Args:
            contact_id: The contact's id; its phone number does not do any more: `get` finds the id, with
                `identifier_type`.

        Raises:
            TypeError: *contact_id* is not a string.
            ValueError: *contact_id* can't be part of a path.
            NotFoundError: There is no such contact.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-call-history
        """
        return read_call_history(await self._caller.send("GET", build_path(_CALL_HISTORY_PATH, contact_id=contact_id)))

    def list_comments(self, contact_id: str) -> WholeListing[ContactComment]:
        """Return the listing of the comments on a contact; nothing is sent before it is iterated over.

        Args:
            contact_id: The contact's id.

        Raises:
            TypeError: *contact_id* is not a string.
            ValueError: *contact_id* can't be part of a path.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-comments
        """
        return WholeListing(LISTING_OF_COMMENTS, self._caller, identifiers={"contact_id": contact_id})

    async def add_comment(
        self,
        *,
        contact_id: str,
        content: str,
        created_by_type: CommentSource | Literal["USER", "SYSTEM", "AI", "AUTOMATIZATION"],
        created_by: str | None = None,
    ) -> ContactComment:
        """Comment on a contact. Not repeated when it may have been processed.

        Args:
            contact_id: The contact's id.
            content: The text.
            created_by_type: Whose comment it is: `USER`, `SYSTEM`, `AI` or `AUTOMATIZATION`.
            created_by: The e-mail address of the member of the organization whose comment it is; given with `USER`, and
                with nothing else.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed, *created_by* is missing with `USER`, or given with another type.
            NotFoundError: There is no such contact.
            AmbiguousOutcomeError: The comment may have been made.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/create-comment
        """
        body = build_comment(
            contact_id=contact_id, content=content, created_by_type=created_by_type, created_by=created_by
        )
        return await self._caller.call("POST", _COMMENTS_PATH, ContactComment, json=body)

    def list_tags(self, contact_id: str) -> WholeListing[Tag]:
        """Return the listing of the tags that a contact has; nothing is sent before it is iterated over.

        Args:
            contact_id: The contact's id.

        Returns:
            Tags of which nothing is known but `id`, `name`, `color` and `label`.

        Raises:
            TypeError: *contact_id* is not a string.
            ValueError: *contact_id* can't be part of a path.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-tags
        """
        return WholeListing(LISTING_OF_TAGS, self._caller, identifiers={"contact_id": contact_id})

    async def add_tag(self, contact_id: str, tag_id: str) -> Contact:
        """Put a tag on a contact. Not repeated when it may have been processed.

        What a tag does that the contact has already is not documented.

        Args:
            contact_id: The contact's id.
            tag_id: The tag's id.

        Returns:
            The contact with its `tags`. Servers of an older revision send nothing of it but its id: then all else is
            None.

        Raises:
            TypeError: An argument is not a string.
            ValueError: An argument can't be part of a path.
            NotFoundError: There is no such contact, or no such tag.
            AmbiguousOutcomeError: The contact may have the tag.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/add-contact-tag
        """
        response = await self._caller.send("POST", build_path(_TAG_PATH, contact_id=contact_id, tag_id=tag_id))
        older = read_object(response, TagAssignment)
        return read_object(response, Contact) if older.contact_id is None else Contact(older.contact_id)

    async def remove_tag(self, contact_id: str, tag_id: str) -> None:
        """Take a tag off a contact.

        Args:
            contact_id: The contact's id.
            tag_id: The tag's id.

        Raises:
            TypeError: An argument is not a string.
            ValueError: An argument can't be part of a path.
            NotFoundError: There is no such contact, or it does not have the tag; it may be that an earlier attempt of
                this call has taken it off.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/remove-contact-tag
        """
        await self._caller.delete(build_path(_TAG_PATH, contact_id=contact_id, tag_id=tag_id))
