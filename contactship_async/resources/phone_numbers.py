"""The phone numbers of an organization: `GET /v1/phone-numbers`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final, Literal

from contactship_async._arguments import check_choice, check_integer, check_type
from contactship_async._core import Core
from contactship_async._pagination.driver import walk_rows
from contactship_async.models.common import Page, SortOrder
from contactship_async.models.phone_numbers import PhoneNumber, PhoneNumberType

PATH: Final = "/v1/phone-numbers"

Order = SortOrder | Literal["asc", "desc"]


Type = PhoneNumberType | Literal["inbound", "outbound"]


class PhoneNumberMethods(Core):
    """The client methods for phone numbers."""

    async def list_phone_numbers(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        order: Order | None = None,
        type: Type | None = None,  # noqa: A002 - the API's own word
    ) -> Page[PhoneNumber]:
        """Fetch one page of phone numbers, with exactly one call.

        What is not given is not sent, and the server decides: 5 numbers, the newest first, of both types. To get all
        numbers, use `iter_phone_numbers`.

        Args:
            limit: How many to return at the most, >= 0; servers may return fewer.
            offset: How many to skip, >= 0.
            order: By creation date, `asc` or `desc`.
            type: Only `inbound` or only `outbound` numbers.

        Returns:
            The numbers, with the server's count of all of them.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
            ContactshipError: The call failed; see `contactship_async.errors`.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
        """
        answer = await self._get_page(
            PATH,
            PhoneNumber,
            {
                "limit": None if limit is None else check_integer("limit", limit, lowest=0),
                "offset": None if offset is None else check_integer("offset", offset, lowest=0),
                "order": None if order is None else check_choice("order", order, SortOrder),
                "type": None if type is None else check_choice("type", type, PhoneNumberType),
            },
        )
        if answer.problem is not None:
            raise answer.problem
        return Page(tuple(answer.rows), answer.count, offset or 0, limit)

    def iter_phone_numbers(  # noqa: PLR0913 - a walk's settings, all by keyword
        self,
        *,
        type: Type | None = None,  # noqa: A002 - the API's own word
        order: Order = SortOrder.DESC,
        page_size: int = 100,
        offset: int = 0,
        max_items: int | None = None,
        concurrency: int = 1,
        exact: bool = False,
    ) -> AsyncGenerator[PhoneNumber, None]:
        """Iterate over all phone numbers, page by page, each once, while others come and go.

        Called without `await`: `async for number in client.iter_phone_numbers(): ...`. At most *concurrency* pages are
        held, and the next ones are fetched when the first of their numbers is wanted; nothing goes on in the
        background in between. Leave early with `contextlib.aclosing()`:

            async with aclosing(client.iter_phone_numbers()) as numbers:
                async for number in numbers:
                    ...

        For a time limit, put `asyncio.timeout()` around the whole loop. `asyncio.wait_for(anext(numbers), ...)` ends
        the generator when it times out, and the listing would look shorter than it is.

        With *exact*, every number that is there during the whole walk comes exactly once, or the walk raises. Without
        it, signs that a number is missing raise, but three things leave no sign: with `order="asc"`, or where the
        server's count ignores *type*, a number added and one removed between the same two pages; and numbers created
        at the very same time that the server lists in another order each time. With a *concurrency* of 2 or more, only
        the last of the three is left.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers

        Args:
            type: Only `inbound` or only `outbound` numbers.
            order: By creation date, `asc` or `desc`.
            page_size: How many numbers to ask for at once, >= 1, with *exact* >= 3 and two more than the most numbers
                created at the same time; a server that caps this is no problem.
            offset: How many numbers to skip, >= 0; to resume, `error.position.offset`. What *exact* guarantees, it does
                for the numbers from there on when the first page came; while the listing changes, others that were
                created at the same time as the first of them may come too.
            max_items: How many numbers to yield at the most, >= 0; None for all.
            concurrency: How many pages to fetch side by side, >= 1, once the first one has told how many there are.
                Neighbours overlap, by one number or with *exact* a few, so that each proves that nothing is missing
                before it. (With a *page_size* of 1 they can't overlap, and are fetched one after the other.)
            exact: Whether to accept only what proves to be complete.

        Yields:
            Numbers in the order of the listing.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
            PaginationError: The listing can't be walked completely, for the reason given.
            ContactshipError: A call failed. All errors of a walk have a `position` to go on from.
        """
        return walk_rows(
            self.iter_phone_number_pages(
                type=type,
                order=order,
                page_size=page_size,
                offset=offset,
                max_items=max_items,
                concurrency=concurrency,
                exact=exact,
            )
        )

    def iter_phone_number_pages(  # noqa: PLR0913 - a walk's settings, all by keyword
        self,
        *,
        type: Type | None = None,  # noqa: A002 - the API's own word
        order: Order = SortOrder.DESC,
        page_size: int = 100,
        offset: int = 0,
        max_items: int | None = None,
        concurrency: int = 1,
        exact: bool = False,
    ) -> AsyncGenerator[Page[PhoneNumber], None]:
        """Iterate over all phone numbers like `iter_phone_numbers`, a page at a time, for progress bars and batches.

        The arguments and errors are the same.

        Yields:
            Pages with at least one number; none holds a number that an earlier page held.
        """
        check_type("exact", exact, bool)
        return self._walk_pages(
            PATH,
            PhoneNumber,
            identify=lambda numbers: [number.id for number in numbers],
            sort_key="created_at",
            filters={"type": None if type is None else check_choice("type", type, PhoneNumberType)},
            order=check_choice("order", order, SortOrder),
            offset=check_integer("offset", offset, lowest=0),
            page_size=check_integer(f"page_size{' with exact=True' * exact}", page_size, lowest=3 if exact else 1),
            max_items=None if max_items is None else check_integer("max_items", max_items, lowest=0),
            concurrency=check_integer("concurrency", concurrency, lowest=1),
            exact=exact,
        )

    async def count_phone_numbers(
        self,
        *,
        type: Type | None = None,  # noqa: A002 - the API's own word
    ) -> int:
        """Ask how many phone numbers there are, with one call for one number.

        The documentation leaves open whether the server's count follows *type*; this is what it says.

        Args:
            type: Only `inbound` or only `outbound` numbers.

        Returns:
            The server's count, >= 0.

        Raises:
            TypeError: *type* has the wrong type.
            ValueError: *type* is not allowed.
            ContactshipError: The call failed.
        """
        filters = {"type": None if type is None else check_choice("type", type, PhoneNumberType)}
        return (await self._get_page(PATH, PhoneNumber, {"limit": 1, **filters})).count
