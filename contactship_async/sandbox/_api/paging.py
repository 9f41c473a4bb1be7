"""How listings come: the query parameters that ask for rows, and what of them is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, frozen

from contactship_async.sandbox._api.fields import LARGEST_INTEGER, Field, optional
from contactship_async.sandbox._api.pages import CursorPage, Window
from contactship_async.sandbox._api.replies import Refusal

_INTEGER: Final = {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER}
_CURSOR: Final = {"type": "string", "pattern": "^[0-9a-f]{1,32}$"}
_ORDER: Final = Field(
    "order",
    {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
    "Of the dates of creation: `desc` is the newest first.",
    example="desc",
)

MOST_ROWS: Final = 10_000
"""How many rows come where nothing asks for a page, and no default makes one.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
"""


@frozen
class Paging:
    """How a listing is cut into pages.

    Args:
        default_limit: Rows on a page where a request has no `limit`; None sends up to 10,000 rows then, and refuses a
            `limit` without an `offset`, and the reverse.
        max_limit: A larger `limit` is silently lowered to this.
        refused_above: A larger `limit` is refused; None refuses none.
        smallest: A smaller `limit` is refused.
        order: The parameter that says in which order rows come, whose words are the ascending and the descending one.
    """

    default_limit: int | None
    max_limit: int
    refused_above: int | None = None
    smallest: int = 0
    order: Field = _ORDER

    @property
    def fields(self) -> tuple[Field, ...]:
        """The parameters of a query that ask for a page."""
        together = "" if self.default_limit is not None else " Only together with {}."
        lowered = f"How many to return at the most. More than {self.max_limit} is lowered to {self.max_limit}"
        limit = Field(
            "limit",
            {**_INTEGER, "minimum": self.smallest, "maximum": self.refused_above or LARGEST_INTEGER},
            f"{lowered}{'.' if self.smallest else '; 0 returns none.'}{together.format('`offset`')}",
            example=2,
        )
        offset = Field("offset", _INTEGER, f"How many to skip.{together.format('`limit`')}", example=0)
        if self.default_limit is not None:
            limit, offset = _with_default(limit, self.default_limit), _with_default(offset, 0)
        return optional(limit, offset, self.order)

    @property
    def most_rows(self) -> int:
        """How many rows come at the most."""
        return self.max_limit if self.default_limit is not None else MOST_ROWS

    @property
    def without_pages(self) -> str:
        """When what comes is no page, for a text that goes on."""
        return "without a `limit`" if self.default_limit is None else "for a limit of 0"

    def read_window(self, query: Mapping[str, Any]) -> Window:
        """Return the part that a query asks for which was read by `fields`; refuse half of a window."""
        ascending = self.order.schema["enum"][0]
        order = "asc" if query.get(self.order.name) == ascending else "desc"
        if ("limit" in query) != ("offset" in query):
            raise Refusal(400, "limit and offset must be sent together")
        if "limit" not in query:
            return Window(MOST_ROWS, 0, order, is_page=False)
        return Window(min(query["limit"], self.max_limit), query["offset"], order)


@frozen
class CursorPaging:
    """How a listing is cut into pages, each of which says where the next one begins.

    Args:
        default_limit: Rows on a page where a request has no `limit`.
        max_limit: A larger `limit` is silently lowered to this.
    """

    default_limit: int
    max_limit: int

    @property
    def fields(self) -> tuple[Field, ...]:
        """The parameters of a query that ask for a page."""
        limit = f"How many to return at the most. More than {self.max_limit} is lowered to {self.max_limit}."
        schema = {**_INTEGER, "minimum": 1, "default": self.default_limit}
        after = Field("after", _CURSOR, "The cursor of the page before: `paging.cursors.after`.", example="1f")
        return optional(Field("limit", schema, limit, example=2), after)

    @property
    def most_rows(self) -> int:
        """How many rows come at the most."""
        return self.max_limit

    def cut(self, rows: Sequence[bytes], keys: Sequence[int], query: Mapping[str, Any]) -> CursorPage:
        """Return the page that a query asks for.

        Args:
            rows: All of them as JSON, in the order in which they come.
            keys: One of each row >= 0, descending, which it keeps while others come and go.
            query: As it was read by `fields`.
        """
        last = int(query["after"], 16) if "after" in query else None
        begin = 0 if last is None else sum(key >= last for key in keys)
        end = begin + min(query["limit"], self.max_limit)
        shown = keys[begin:end]
        before = f"{shown[0]:x}" if shown and begin else None
        after = f"{shown[-1]:x}" if shown and end < len(keys) else None
        return CursorPage(rows[begin:end], before, after)


@frozen
class Whole:
    """That a listing comes whole.

    Args:
        field: See `write_rows`.
    """

    field: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The parameters of a query that ask for a page: none."""
        return ()


def _with_default(field: Field, default: int) -> Field:
    return evolve(field, schema={**field.schema, "default": default})
