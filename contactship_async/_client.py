"""The client: its settings, and the resources it is composed of."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload

import aiohttp

from contactship_async import resources
from contactship_async._arguments import check_type
from contactship_async._configuration import DEFAULT_BASE_URL, DEFAULT_MAX_RESPONSE_BYTES, Settings, read_settings
from contactship_async._headers import Headers
from contactship_async._http import responses
from contactship_async._http.aiohttp_transport import ConnectorSource
from contactship_async._http.api_key import ApiKey, ApiKeySource, read_api_key
from contactship_async._http.budget import Budget
from contactship_async._http.caller import Caller
from contactship_async._http.gate import Gate
from contactship_async._http.messages import Response, Transport
from contactship_async._http.proxy import hide_proxy
from contactship_async._http.rate_limits import Limits
from contactship_async._http.requests import ANY_CONTENT, ANY_TYPE, Parameters, build_request
from contactship_async._http.retry import AttemptLoop
from contactship_async._http.wait_notices import WaitNotices
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async.errors import ConfigurationError
from contactship_async.models.common import Page, SortOrder
from contactship_async.models.phone_numbers import PhoneNumber
from contactship_async.resources.phone_numbers import Type
from contactship_async.settings import RateLimit, RetryPolicy, Timeouts, Wait

T = TypeVar("T")


class ContactshipClient:
    """A client of the Contactship API for one organization, the one its key belongs to.

    Use it with `async with`, or bare with a later `await client.close()`. Nothing is opened before the first call. The
    same client serves several event loops one after the other (two `asyncio.run()`), and calls after `close()` open it
    anew.

    Its resources are properties, such as `tags` with `tags.list()` and `tags.create()`. Calls wait when the server says
    that too many were sent (429), and are retried as *retry* says: a GET, and what the API calls safe to repeat, after
    failed connections, cut responses, attempt timeouts, and the statuses of *retry*; any other call only if it provably
    never left.

    Args:
        api_key: The key, or an async function that returns it, called at the first use; its result is kept until a 401,
            after which it is called again, and the refused call sent again once if the key differs.
            None takes the environment variable `CONTACTSHIP_API_KEY`.
        base_url: Where the API is, with scheme and host, with or without `/v1` at its end. None takes the environment
            variable `CONTACTSHIP_BASE_URL`, and without it `https://api.contactship.ai`.
        integrations_url: Where locations are sent to over WhatsApp, the only endpoint that is elsewhere: the key goes
            there, too. None is `https://integrations.contactship.ai` for the default *base_url*, and for any other
            *base_url* the same as that, so that nothing leaves a test.
        timeouts: How long to wait, in seconds.
        retry: How often and when a call is tried again.
        rate_limit: A budget that calls wait for before they are sent; None sets none. The documented one of an
            organization is `RateLimit(120, 60)`.
        heavy_rate_limit: A further budget, which the pages of heavy listings (calls and contacts) wait for; None sets
            none. The documented one of an organization is `RateLimit(20, 60)`.
        connector: An aiohttp connector to use (TLS, DNS, connection pool), such as `session.connector` of your app,
            which is never closed by the client; or a function that makes one, called in each event loop that the client
            is used in, such as `lambda: aiohttp.TCPConnector(limit=10)`, whose connectors are closed by the client.
            None opens one for 100 connections.
        ssl_context: Which certificates of servers and of `https://` proxies are accepted. None trusts the system's
            authorities, or those in the file that the environment variable `SSL_CERT_FILE` names when Python starts.
        proxy: The `http://` or `https://` URL of a proxy, user and password included, which are never shown. Requests
            to an `https://` base URL pass through it unread (CONNECT); it learns neither the key nor the path.
        trust_env: Take the proxy from the environment variables `HTTPS_PROXY` and `HTTP_PROXY`, for hosts that
            `NO_PROXY` does not name, unless *proxy* is given; read once, here. Not used for a server on this machine.
        transport: An async function from request to response in place of HTTP, such as `Sandbox().transport`.
        trace_configs: aiohttp trace configurations for the session. Their hooks see the request headers, and so the
            key.
        max_response_bytes: The longest body accepted, decompressed; >= 1.
        allow_insecure_http: Allow an `http://` URL of a server, or a proxy for one, that is not on this machine; the
            key then travels in clear. None allows it if the environment variable `CONTACTSHIP_ALLOW_INSECURE_HTTP` is
            `1`, and only then.
        headers: To be sent with every request, such as those of a gateway. A `User-Agent` comes before the client's
            own. Those that say where a message ends and to whom it goes, and `x-api-key`, are refused.
        on_wait: A plain function that is called with a `Wait` when a wait begins; what it raises is logged and dropped.

    Raises:
        ConfigurationError: The key is missing or malformed, *base_url*, *integrations_url* or *proxy* is unusable or
            would show the key in clear, *transport* comes with what is for HTTP (*connector*, *ssl_context*, *proxy*,
            *trust_env*, *trace_configs*), or *connector* comes with *ssl_context*.
        TypeError: An argument has the wrong type.
        ValueError: *max_response_bytes* is out of range, or a header can't be sent.

    Attributes:
        organization: Its name in a pool, otherwise None.

    Its methods raise `RuntimeError` when they are called from a second running event loop or after a fork, and
    `ClientClosedError` when the client, or the connector it was given, is closed while they run.
    """

    organization: str | None = None
    _base_url = DEFAULT_BASE_URL  # for the repr of a client whose settings were refused

    def __init__(  # noqa: PLR0913 - the settings of a client, all but the key by keyword
        self,
        api_key: ApiKeySource | None = None,
        *,
        base_url: str | None = None,
        integrations_url: str | None = None,
        timeouts: Timeouts = Timeouts(),
        retry: RetryPolicy = RetryPolicy(),
        rate_limit: RateLimit | None = None,
        heavy_rate_limit: RateLimit | None = None,
        connector: ConnectorSource | None = None,
        ssl_context: SSLContext | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        transport: Transport | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        allow_insecure_http: bool | None = None,
        headers: Mapping[str, str] | None = None,
        on_wait: Callable[[Wait], object] | None = None,
    ) -> None:
        hidden_proxy = hide_proxy(proxy)
        del proxy
        if api_key is None:
            api_key = os.environ.get("CONTACTSHIP_API_KEY")
        key = read_api_key(api_key)
        del api_key
        if isinstance(key, ConfigurationError):
            raise key
        settings = read_settings(
            base_url=base_url,
            integrations_url=integrations_url,
            timeouts=timeouts,
            retry=retry,
            connector=connector,
            ssl_context=ssl_context,
            proxy=hidden_proxy,
            trust_env=trust_env,
            transport=transport,
            trace_configs=trace_configs,
            max_response_bytes=max_response_bytes,
            allow_insecure_http=allow_insecure_http,
            headers=headers,
            on_wait=on_wait,
        )
        for name, limit in (("rate_limit", rate_limit), ("heavy_rate_limit", heavy_rate_limit)):
            if limit is not None:
                check_type(name, limit, RateLimit)
        address = Gate(max_in_flight=settings.connection.max_requests)
        self._set_up(settings, key, Limits(Gate(rate_limit), address, Gate(heavy_rate_limit)))

    def _set_up(self, settings: Settings, api_key: ApiKey, limits: Limits) -> None:
        attempts = AttemptLoop(
            settings.retry,
            settings.timeouts,
            limits,
            responses.read_error,
            self.organization,
            WaitNotices(self.organization, settings.on_wait),
        )
        self._call_by(Caller(settings.connection, attempts, api_key, settings.headers))

    def _call_by(self, caller: Caller) -> None:
        self._caller = caller
        self._connection = caller.connection
        self._base_url = caller.connection.base_url

    def __repr__(self) -> str:
        of = "" if self.organization is None else f"of {self.organization}, "
        return f"<ContactshipClient {of}{self._base_url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, and end what was begun before; a later call opens them anew. Closing twice is allowed.

        Calls that are under way or wait, and walks at their next step, raise `ClientClosedError`; a call that is not
        safe to repeat, and was sent, raises `AmbiguousOutcomeError`.

        Raises:
            RuntimeError: The client is in use by another running event loop.
        """
        await self._connection.close()

    def with_options(
        self,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> ContactshipClient:
        """Return a client with other settings, which shares key, connections and budgets with this one.

            hurried = client.with_options(timeouts=Timeouts(total=3))
            balance = await hurried.credits.get()

        It costs next to nothing, owns nothing, and lives as long as this one: its `close()` and `async with` do
        nothing. What is not given stays as it is here.

        Args:
            timeouts: How long to wait, in seconds.
            retry: How often and when a call is tried again.
            headers: To be added to those of this client, or to replace some of them; None takes one away.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *headers* holds what `ContactshipClient` refuses.
        """
        if timeouts is not None:
            check_type("timeouts", timeouts, Timeouts)
        if retry is not None:
            check_type("retry", retry, RetryPolicy)
        client = SharingClient.__new__(SharingClient)
        client.organization = self.organization
        client._call_by(self._caller.with_options(timeouts, retry, headers))  # noqa: SLF001 - of this class
        return client

    @property
    def budget(self) -> Budget | None:
        """What the server last said of the organization's budget; None as long as it has said nothing."""
        return self._caller.attempts.limits.told_budget.read()

    @property
    def phone_numbers(self) -> resources.phone_numbers.PhoneNumbers:
        """The phone numbers of the organization."""
        return resources.phone_numbers.PhoneNumbers(self._caller)

    @property
    def tags(self) -> resources.tags.Tags:
        """The tags that the organization puts on its contacts."""
        return resources.tags.Tags(self._caller)

    @property
    def calls(self) -> resources.calls.Calls:
        """The calls of the organization, by its agents."""
        return resources.calls.Calls(self._caller)

    @property
    def channels(self) -> resources.channels.Channels:
        """The channels over which the organization exchanges messages."""
        return resources.channels.Channels(self._caller)

    @property
    def credits(self) -> resources.credits.Credits:
        """What the organization has left to spend."""
        return resources.credits.Credits(self._caller)

    @property
    def contacts(self) -> resources.contacts.Contacts:
        """The people that the organization calls and writes to."""
        return resources.contacts.Contacts(self._caller)

    @property
    def agents(self) -> resources.agents.Agents:
        """The AI agents of the organization, and the voices that they can have."""
        return resources.agents.Agents(self._caller)

    @property
    def tasks(self) -> resources.tasks.Tasks:
        """What people and agents of the organization have to do; an add-on."""
        return resources.tasks.Tasks(self._caller)

    @property
    def threads(self) -> resources.threads.Threads:
        """The conversations with contacts over channels."""
        return resources.threads.Threads(self._caller)

    @property
    def messages(self) -> resources.messages.Messages:
        """The messages in threads."""
        return resources.messages.Messages(self._caller)

    @property
    def whatsapp(self) -> resources.whatsapp.WhatsApp:
        """Messages over WhatsApp, and the templates for them."""
        return resources.whatsapp.WhatsApp(self._caller)

    @property
    def events(self) -> resources.events.Events:
        """What contacts did in a product of the organization; an add-on."""
        return resources.events.Events(self._caller)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        json: object = None,
        idempotent: bool | None = None,
    ) -> Any:
        """Call any endpoint, with the same authentication, limits, retries and errors as the other methods.

        For headers, bodies that are not JSON, and all that comes back, there is `send`.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            path: Such as `/v1/contacts/+12025550142`. Each segment is percent-encoded; sequences such as `%2B` stay.
            params: The query. None values are not sent, booleans become `true` and `false`, several values are
                repeated.
            json: The body, anything msgspec can encode, of finite numbers; None for no body.
            idempotent: Whether the call is safe to repeat. None: GET and HEAD are, all else is not. True gives a call
                that is documented as safe, such as stopping a call, the retries of a GET.

        Returns:
            The decoded JSON as it was sent, envelope included; None for an empty body.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *method* or *path* is not allowed.
            AmbiguousOutcomeError: A call that is not idempotent may have been processed.
            ContactshipError: The call failed.
        """
        response = await self._caller.send(method, path, params=params, json=json, idempotent=idempotent)
        return response.json()

    async def send(  # noqa: PLR0913 - one call, all but what it calls by keyword
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        idempotent: bool | None = None,
    ) -> Response:
        """Call any endpoint like `request`, with headers and a body of any type, and return all that came back.

            response = await client.send("GET", f"/v1/calls/{call_id}/recording")
            print(response.status, response.headers["Content-Type"])
            print(len(response.body), response.request_id)

        Args:
            method: As for `request`, and so are *path*, *params*, *json* and *idempotent*.
            path: Such as `/v1/credits`.
            params: The query.
            json: A body of JSON.
            content: A body of any other type, which a `Content-Type` in *headers* names; without,
                `application/octet-stream`.
            headers: To be added to those of the client, or to replace some of them; None takes one away. Without an
                `Accept`, any type is accepted, JSON before others.
            idempotent: Whether the call is safe to repeat.

        Returns:
            The 2xx response, of at most `max_response_bytes`; its headers are found by their names in any case.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *method*, *path* or a header is not allowed, or *json* and *content* are both given.
            AmbiguousOutcomeError: A call that is not idempotent may have been processed.
            ContactshipError: The call failed; a `StatusError` has the `headers` of the response, too.
        """
        defaults = {"Accept": ANY_TYPE} if content is None else {"Accept": ANY_TYPE, "Content-Type": ANY_CONTENT}
        response = await self._caller.send(
            method,
            path,
            params=params,
            json=json,
            content=content,
            headers=headers,
            defaults=defaults,
            idempotent=idempotent,
        )
        return Response(status=response.status, headers=Headers(response.headers), body=response.body)

    @overload
    def list(
        self, path: str, *, params: Parameters | None = ..., id_field: str = ..., sort_key: str | None = ...
    ) -> Listing[dict[str, Any]]: ...

    @overload
    def list(
        self,
        path: str,
        row_type: type[T],
        *,
        params: Parameters | None = ...,
        id_field: str = ...,
        sort_key: str | None = ...,
    ) -> Listing[T]: ...

    def list(
        self,
        path: str,
        row_type: type[Any] = dict,
        *,
        params: Parameters | None = None,
        id_field: str = "id",
        sort_key: str | None = "created_at",
    ) -> Listing[Any]:
        """Return a listing of any endpoint that takes `limit` and `offset`, with rows of any class.

            threads = client.list("/v1/threads", params={"status": "open"})
            async for thread in threads.rows(exact=True):  # dictionaries
                print(thread["id"])

        Walks ask for an order by *sort_key*, newest first unless *params* has an `order`. The values of the sort key
        are read as times, numbers or strings, whatever the class of the rows.

        Args:
            path: Such as `/v1/tags`. Each segment is percent-encoded; sequences such as `%2B` stay.
            row_type: `dict`, or a class whose fields are those of the rows that you want: of attrs, dataclasses,
                `msgspec.Struct` or `TypedDict`.
            params: The filters, and the order, by the API's own names; None values are not sent.
            id_field: The field that identifies rows.
            sort_key: The field that the listing is sorted by; None if it is not known: then no order is asked for,
                and walks are neither exact nor concurrent.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *path* is not allowed, *params* hold a window (`limit`, `offset`) or an unknown order, or
                *row_type* has no field of these names.
        """
        check_type("params", {} if params is None else params, Mapping)
        filters = {name: value for name, value in (params or {}).items() if name != "order"}
        if not filters.keys().isdisjoint(("limit", "offset")):
            message = "params must hold no limit and no offset: they are arguments of page() and rows()"
            raise ValueError(message)
        path = build_request(method="GET", path=path, params=filters).path  # checks both before anything is sent
        declaration = ListingDeclaration(path, row_type, id_field=id_field, sort_key=sort_key)
        return Listing(declaration, self._caller, filters, order=cast("Order | None", (params or {}).get("order")))

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
        return await self.phone_numbers.list(type=type, order=order).page(limit=limit, offset=offset)

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

        With *exact*, every number present for the whole walk comes exactly once, or the walk raises. Without
        it, signs that a number is missing raise, but three things leave no sign: with `order="asc"`, or where the
        server's count ignores *type*, a number added and one removed between the same two pages; and numbers created
        at the very same time that the server lists in another order each time. With a *concurrency* of 2 or more, only
        the last of the three is left.

        Args:
            type: Only `inbound` or only `outbound` numbers.
            order: By creation date, `asc` or `desc`.
            page_size: How many numbers to ask for at once, >= 1, with *exact* >= 3 and two more than the most numbers
                created at the same time; a server that caps this is no problem.
            offset: How many numbers to skip, >= 0; to resume, `error.position.offset`. What *exact* guarantees, it does
                for the numbers from there on when the first page came; while the listing changes, others that were
                created at the same time as the first of them may come too.
            max_items: How many numbers to yield at the most, >= 0; None for all.
            concurrency: How many pages to fetch concurrently, >= 1, once the first one has said how many there are.
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

        Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
        """
        return self.phone_numbers.list(type=type, order=order).rows(
            page_size=page_size, offset=offset, max_items=max_items, concurrency=concurrency, exact=exact
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
        return self.phone_numbers.list(type=type, order=order).pages(
            page_size=page_size, offset=offset, max_items=max_items, concurrency=concurrency, exact=exact
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
        return await self.phone_numbers.list(type=type).count()


class SharingClient(ContactshipClient):
    """A client over connections that another client or a pool owns: closing it does nothing."""

    async def close(self) -> None:
        """Do nothing: whoever owns the connections closes them."""
