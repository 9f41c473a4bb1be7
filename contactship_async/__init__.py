"""The asyncio SDK for the Contactship API (AI phone calls).

async with ContactshipClient("your-api-key") as client:
    async for number in client.iter_phone_numbers(type="inbound"):
        print(number.phone_number, number.type, number.id)
"""

from contactship_async._client import ContactshipClient
from contactship_async._messages import Delivery, Request, Response, Transport
from contactship_async._pool import ContactshipPool, OrganizationResult
from contactship_async._secret import Secret
from contactship_async._version import __version__
from contactship_async.errors import (
    AmbiguousOutcomeError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    ContactshipError,
    MalformedResponseError,
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
from contactship_async.models import Page, RateLimit, RetryPolicy, SortOrder, Timeouts
from contactship_async.resources.phone_numbers import PhoneNumber, PhoneNumberType

__all__ = [
    "AmbiguousOutcomeError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "ContactshipClient",
    "ContactshipError",
    "ContactshipPool",
    "Delivery",
    "MalformedResponseError",
    "NotFoundError",
    "OrganizationError",
    "OrganizationResult",
    "Page",
    "PaginationError",
    "PermissionDeniedError",
    "PhoneNumber",
    "PhoneNumberType",
    "PoolError",
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
    "WalkPosition",
    "__version__",
]
