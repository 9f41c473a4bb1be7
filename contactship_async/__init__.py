"""The asyncio SDK for the Contactship API (AI phone calls).

    async with ContactshipClient("your-api-key") as client:
        async for number in client.iter_phone_numbers(type="inbound"):
            print(number.phone_number, number.type, number.id)

Public as well:

- `contactship_async.resources`: the methods of `client.tags` and its like
- `contactship_async.models`: the rows that they return
- `contactship_async.calling`: calling many from a file, each once
- `contactship_async.contact_files`: the rows of such a file, and of one of contacts to import
- `contactship_async.sync`: a copy of listings in a database, with their history
- `contactship_async.integrations.dask`: many organizations through several addresses, on a cluster
- `contactship_async.webhooks`: readers of what Contactship posts to an app
- `contactship_async.sandbox`, `contactship_async.pytest_plugin`: for tests
- `contactship_async.errors`, `contactship_async.settings`: where the names of these are at home
"""

from importlib import import_module
from typing import TYPE_CHECKING

from contactship_async._version import __version__

if TYPE_CHECKING:
    from contactship_async._arguments import UNSET
    from contactship_async._client import ContactshipClient
    from contactship_async._http.budget import Budget
    from contactship_async._http.messages import Delivery, Request, Response, Transport
    from contactship_async._http.secret import Secret
    from contactship_async._pagination.base import AnyListing
    from contactship_async._pagination.cursor import CursorListing
    from contactship_async._pagination.declaration import ListingDeclaration, ListingWindow
    from contactship_async._pagination.listing import Listing
    from contactship_async._pagination.prefetch import Prefetch
    from contactship_async._pagination.whole import WholeListing
    from contactship_async._pool.organizations import read_organizations
    from contactship_async._pool.pool import ContactshipPool, OrganizationResult
    from contactship_async.errors import (
        AmbiguousOutcomeError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConfigurationError,
        ConflictError,
        ConnectionFailedError,
        ContactshipError,
        EventsRejectedError,
        MalformedResponseError,
        MalformedRow,
        NotFoundError,
        OrganizationError,
        PaginationError,
        PermissionDeniedError,
        PoolError,
        RateLimitError,
        RequestTimeoutError,
        ServerError,
        StatusError,
        TransportError,
        UnexpectedRedirectError,
        WalkPosition,
    )
    from contactship_async.models.common import Page, SortOrder
    from contactship_async.models.phone_numbers import PhoneNumber, PhoneNumberType
    from contactship_async.settings import RateLimit, RetryPolicy, Timeouts, Wait
else:  # of which type checkers would think that it knows any name

    def __getattr__(name: str) -> object:
        """Import what a public name needs at its first use (PEP 562).

        aiohttp and the others take a third of a second, which `contactship_async.pytest_plugin` must not cost those who
        don't use it.
        """
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        homes = (vars(import_module(f"{__name__}.{home}")) for home in _HOMES)
        globals()[name] = next(home[name] for home in homes if name in home)
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


_HOMES = (
    "_arguments",
    "_client",
    "_http.budget",
    "_http.messages",
    "_http.secret",
    "_pagination.base",
    "_pagination.cursor",
    "_pagination.declaration",
    "_pagination.listing",
    "_pagination.prefetch",
    "_pagination.whole",
    "_pool.organizations",
    "_pool.pool",
    "errors",
    "models.common",
    "models.phone_numbers",
    "settings",
)

__all__ = [
    "UNSET",
    "AmbiguousOutcomeError",
    "AnyListing",
    "AuthenticationError",
    "BadRequestError",
    "Budget",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "ContactshipClient",
    "ContactshipError",
    "ContactshipPool",
    "CursorListing",
    "Delivery",
    "EventsRejectedError",
    "Listing",
    "ListingDeclaration",
    "ListingWindow",
    "MalformedResponseError",
    "MalformedRow",
    "NotFoundError",
    "OrganizationError",
    "OrganizationResult",
    "Page",
    "PaginationError",
    "PermissionDeniedError",
    "PhoneNumber",
    "PhoneNumberType",
    "PoolError",
    "Prefetch",
    "RateLimit",
    "RateLimitError",
    "Request",
    "RequestTimeoutError",
    "Response",
    "RetryPolicy",
    "Secret",
    "ServerError",
    "SortOrder",
    "StatusError",
    "Timeouts",
    "Transport",
    "TransportError",
    "UnexpectedRedirectError",
    "Wait",
    "WalkPosition",
    "WholeListing",
    "__version__",
    "read_organizations",
]
