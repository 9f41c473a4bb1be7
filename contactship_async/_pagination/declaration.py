"""The declaration of a listing: how it behaves, as data that tests compare with the API's description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from contactship_async._arguments import check_integer
from contactship_async._http.requests import Parameter
from contactship_async._pagination.rows import RowIds, SortKey, read_rows_of
from contactship_async.models.common import SortOrder

T = TypeVar("T")


@frozen
class OrderParameters:
    """How an endpoint is asked for an order.

    Args:
        direction: The name of the parameter for the direction.
        ascending: Its value for the lowest first.
        descending: Its value for the highest first.
        field: The name of the parameter for the field to sort by; None where that is not to be chosen.
        sorted_by: The field to sort by, where it is not the sort key.
    """

    direction: str = "order"
    ascending: str = "asc"
    descending: str = "desc"
    field: str | None = None
    sorted_by: str | None = None

    def build(self, sort_key: str | None, order: SortOrder) -> dict[str, Parameter]:
        """Return the parameters that ask for *order* by *sort_key*; none where nothing is known to sort by."""
        sorted_by = self.sorted_by or sort_key
        if sorted_by is None:
            return {}
        direction: dict[str, Parameter] = {
            self.direction: self.ascending if order is SortOrder.ASC else self.descending
        }
        return direction if self.field is None else {self.field: sorted_by, **direction}


@frozen
class ListingWindow:
    """How a listing is asked for its newest rows alone, and which of the others may still change.

    Args:
        parameter: The name of the filter that takes a day: rows created then or later, in a time zone that is not
            documented.
        end_field: The field of a row that says when what it is about ended.
        status_field: The field that says where it is.
        final_statuses: The values of that field which no row leaves.
    """

    parameter: str
    end_field: str
    status_field: str
    final_statuses: frozenset[str]


@frozen
class ListingDeclaration(Generic[T]):
    """How a listing behaves, whatever is asked of it.

    Args:
        path: Such as `/v1/tags`; percent-encoded.
        row_type: The class of its rows.
        id_field: The field that identifies rows.
        sort_key: The field that rows are sorted by; None where that is not known, and then no order is asked for.
        order_parameters: How it is asked for an order.
        page_size: How many rows walks ask for at once.
        largest_page: The largest `limit` that the API accepts; None where it names none.
        heavy: Whether its requests also count against the organization's smaller budget.
        has_count: Whether a page says how many rows the listing has.
        content_parameters: Those of its filters that choose what rows hold, and not which rows there are; each with
            the fields that are only there where it is sent.
        window: How it is asked for its newest rows alone; None where it can't be.
        add_on: What an organization has to have enabled for it, such as `Tasks`; None where all have it.
        rows_field: Of a listing that comes whole, the field of an object that has its rows; None where they come by
            themselves.
        source: The address of the page that names the smallest or the largest page, for errors; None for none.
        smallest_page: The smallest `limit` that the API accepts.
    """

    path: str
    row_type: type[T]
    id_field: str = "id"
    sort_key: str | None = "created_at"
    order_parameters: OrderParameters = OrderParameters()
    page_size: int = 100
    largest_page: int | None = None
    heavy: bool = False
    has_count: bool = True
    content_parameters: Mapping[str, Sequence[str]] = field(factory=dict)
    window: ListingWindow | None = None
    add_on: str | None = None
    rows_field: str | None = None
    source: str | None = None
    smallest_page: int = 0
    _readers: tuple[RowIds[T], SortKey[T] | None] = field(init=False, repr=False, eq=False)

    @_readers.default
    def _make_readers(self) -> tuple[RowIds[T], SortKey[T] | None]:
        is_trusted = self.row_type.__module__.startswith("contactship_async.models.")  # the codec checks its ids
        return read_rows_of(self.row_type, self.id_field, self.sort_key, is_trusted=is_trusted)

    @property
    def row_ids(self) -> RowIds[T]:
        """What reads the ids of rows."""
        return self._readers[0]

    @property
    def row_keys(self) -> SortKey[T] | None:
        """What reads the sort keys of rows; None where they are not known."""
        return self._readers[1]


def check_limit(declaration: ListingDeclaration[Any], name: str, value: object, *, lowest: int) -> int:
    """Return *value* if so many rows of a listing can be asked for at once.

    Raises:
        TypeError: It is not an integer.
        ValueError: It is out of range.
    """
    try:
        return check_integer(name, value, lowest=lowest, highest=declaration.largest_page)
    except ValueError as error:
        message = f"{error}; see {declaration.source}"
        raise (error if declaration.source is None else ValueError(message)) from None
