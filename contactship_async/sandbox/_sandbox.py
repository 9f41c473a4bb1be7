"""One organization of the pretend Contactship."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, get_args
from urllib.parse import quote

from contactship_async._arguments import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_seconds,
    check_text,
)
from contactship_async._client import ContactshipClient
from contactship_async.sandbox._api.envelopes import Envelope
from contactship_async.sandbox._api.faults import Fault
from contactship_async.sandbox._api.handler import RequestHandler
from contactship_async.sandbox._api.rate_limit import RateLimits
from contactship_async.sandbox._api.records import RecordedRequest
from contactship_async.sandbox._calls.agenda import Clock
from contactship_async.sandbox._resources.agents import Agents
from contactship_async.sandbox._resources.calls import Calls
from contactship_async.sandbox._resources.channels import Channels
from contactship_async.sandbox._resources.contacts import Contacts
from contactship_async.sandbox._resources.credits import Credits
from contactship_async.sandbox._resources.events import Events
from contactship_async.sandbox._resources.finished_call import describe
from contactship_async.sandbox._resources.messages import Messages
from contactship_async.sandbox._resources.organization import IN_MEMORY, Organization
from contactship_async.sandbox._resources.people import MOST_PEOPLE
from contactship_async.sandbox._resources.phone_numbers import PhoneNumbers
from contactship_async.sandbox._resources.tags import Tags
from contactship_async.sandbox._resources.tasks import Tasks
from contactship_async.sandbox._resources.templates import Templates
from contactship_async.sandbox._resources.threads import Threads
from contactship_async.sandbox._resources.whatsapp import WhatsApp
from contactship_async.sandbox._serving.deliveries import Deliveries
from contactship_async.sandbox._serving.served import Served

_DEFAULT_KEY: Final = "sandbox-key"
_SLOWEST, _FASTEST = 0.01, 1000


class Sandbox(Served):
    """Pretend to be Contactship: in memory as it is, over a port within `async with` or `with`.

    Within `async with` the server runs in the event loop, within `with` in a thread of its own: then any event loop
    reaches it, all methods may be called meanwhile, and `on_request` is called in that thread.

    The organization is made up: phone number *i*, counted from 0, was created *i* hours after the beginning of 2024
    (UTC), every third is inbound, the others are outbound, and all are reserved for fiction. The response is 401
    without the right key, 400 with parameters that are not allowed, and 404 on a path the sandbox does not know.

    Calls that are placed proceed in its `clock`: they wait, ring, go on, end, and are analysed some 25 seconds later.
    Nobody is called: `calls.placed` is what would have been dialled.

    Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers

    Args:
        phone_numbers: How many there are, 0 to 1,000,000. From 26,800 on, numbers come again under other ids: there
            are no more that are reserved for fiction.
        tags: How many there are, 0 to 1,000,000.
        channels: How many there are, 0 to 1,000,000.
        agents: How many there are, 0 to 1,000,000; the first three speak in past calls.
        tasks: How many there are, 0 to 1,000,000.
        calls: How many past calls there are, 0 to 1,000,000.
        contacts: How many there are, 0 to 26,800: for more, no numbers are reserved for fiction. The first 25 are the
            persons of the past calls.
        credits: The balance at first, a finite number.
        api_key: The only key that is accepted; None is `sandbox-key`, or in a `SandboxPool` one made of the name.
        seed: The same seed makes the same organization.
        envelope: `count` sends `{"data", "count"}`, `pagination` the newer `{"statusCode", "data", "pagination"}`.
        max_limit: A larger `limit` is silently lowered to this, >= 1.
        latency: Seconds before each response, finite and >= 0.
        rate_limit: Requests per fixed window of 60 seconds, >= 1. Without one, no headers tell of it.
        heavy_rate_limit: The same of heavy listings, which are those of calls and contacts, and whose requests count in
            *rate_limit* as well, >= 1.
        count_follows_filter: Whether `count` counts the rows of the `type` asked for, or all rows.
        host: An address of this machine for the server, or a name of it. Others reach one that is no loopback address,
            such as `0.0.0.0`, which is all of them (in a container, say), and may use it: its key is no secret.
        port: For the server, 0 to 65535; 0 takes any free one.
        call_speed: How many times as fast as usual placed calls proceed, 0.01 to 1,000.
        webhooks_to_any_host: Whether a finished call is also posted to a `webhook_url` that leads to another machine
            than this one.
        clock: Seconds of a monotonic clock, which the windows of rate limits follow, and placed calls.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    phone_numbers: PhoneNumbers
    """Its phone numbers: `add`, `remove`, `rows`, and the other operations of a list."""

    tags: Tags
    """Its tags, in the same way."""

    channels: Channels
    """Its channels, in the same way."""

    credits: Credits
    """Its `balance`, to be read and set; calls that end are paid from it."""

    calls: Calls
    """Its calls, in the same way as phone numbers; `placed` and `answer_next` for those that are placed."""

    contacts: Contacts
    """Its contacts, in the same way."""

    agents: Agents
    """Its agents, in the same way."""

    tasks: Tasks
    """Its tasks, in the same way; `is_enabled` is whether it has this add-on."""

    threads: Threads
    """Its threads with contacts, in the same way."""

    messages: Messages
    """The messages in them, in the same way; those that were sent are among them."""

    templates: Templates
    """Its WhatsApp templates, in the same way."""

    whatsapp: WhatsApp
    """`sent`: what would have been sent over WhatsApp."""

    events: Events
    """The events that were sent to it, in order; `is_enabled` is whether it has this add-on."""

    clock: Clock
    """The time in which calls proceed: `now`, and `advance`."""

    webhooks: Deliveries
    """What was posted to the `webhook_url` of calls: `deliveries`, and `wait` until nothing is under way."""

    def __init__(  # noqa: PLR0913 - settings, all but the first by keyword
        self,
        phone_numbers: int = 250,
        *,
        tags: int = 12,
        channels: int = 3,
        agents: int = 3,
        tasks: int = 8,
        calls: int = 40,
        contacts: int = 30,
        credits: float = 42.5,  # noqa: A002 - the API's word
        api_key: str | None = None,
        seed: int = 0,
        envelope: Envelope = "count",
        max_limit: int = 1000,
        latency: float = 0.0,
        rate_limit: int | None = None,
        heavy_rate_limit: int | None = None,
        count_follows_filter: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        call_speed: float = 1.0,
        webhooks_to_any_host: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_integer("phone_numbers", phone_numbers, lowest=0, highest=1_000_000)
        check_integer("tags", tags, lowest=0, highest=1_000_000)
        check_integer("channels", channels, lowest=0, highest=1_000_000)
        check_integer("agents", agents, lowest=0, highest=1_000_000)
        check_integer("tasks", tasks, lowest=0, highest=1_000_000)
        check_integer("calls", calls, lowest=0, highest=1_000_000)
        check_integer("contacts", contacts, lowest=0, highest=MOST_PEOPLE)
        check_number("credits", credits)
        if api_key is not None:
            check_text("api_key", api_key)
        check_integer("seed", seed, lowest=0)
        check_choice("envelope", envelope, get_args(Envelope))
        check_integer("max_limit", max_limit, lowest=1)
        check_seconds("latency", latency, may_be_zero=True)
        if rate_limit is not None:
            check_integer("rate_limit", rate_limit, lowest=1)
        if heavy_rate_limit is not None:
            check_integer("heavy_rate_limit", heavy_rate_limit, lowest=1)
        check_flag("count_follows_filter", count_follows_filter)
        check_flag("webhooks_to_any_host", webhooks_to_any_host)
        check_number("call_speed", call_speed)
        if not _SLOWEST <= call_speed <= _FASTEST:
            message = f"call_speed must be a number from {_SLOWEST} to {_FASTEST}, not {call_speed}"
            raise ValueError(message)
        self._chooses_key = api_key is None
        self._api_key = api_key or _DEFAULT_KEY
        self._organization = organization = Organization(
            seed, max_limit=max_limit, count_follows_filter=count_follows_filter, clock=clock
        )
        self.clock = Clock(organization.agenda)
        self.webhooks = Deliveries(allow_any_host=webhooks_to_any_host)
        self.phone_numbers = PhoneNumbers(organization, phone_numbers)
        self.tags = Tags(organization, tags)
        self.channels = Channels(organization, channels)
        self.credits = Credits(organization, credits)
        self.contacts = Contacts(organization, contacts, tags=self.tags)
        self.agents = Agents(organization, agents)
        self.tasks = Tasks(organization, tasks)
        self.threads = Threads(organization, channels=self.channels, contacts=self.contacts)
        self.messages = Messages(organization, threads=self.threads)
        self.templates = Templates(organization, channels=self.channels)
        self.whatsapp = WhatsApp(
            organization,
            channels=self.channels,
            contacts=self.contacts,
            threads=self.threads,
            messages=self.messages,
            templates=self.templates,
        )
        self.events = Events(organization, self.contacts)
        self.calls = Calls(
            organization,
            calls,
            agents=self.agents.ids_in_calls(),
            contacts=self.contacts,
            speed=call_speed,
            phone_numbers=self.phone_numbers,
            credits=self.credits,
            deliver=self._deliver,
        )
        resources = (
            self.phone_numbers,
            self.tags,
            self.channels,
            self.credits,
            self.calls,
            self.contacts,
            self.agents,
            self.tasks,
            self.threads,
            self.messages,
            self.templates,
            self.whatsapp,
            self.events,
        )
        self._handler = RequestHandler(
            [route for resource in resources for route in resource.routes],
            lock=organization.lock,
            agenda=organization.agenda,
            api_key=self._api_key,
            envelope=envelope,
            latency=latency,
            limits=RateLimits(rate_limit, heavy_rate_limit, clock),
        )
        super().__init__(self._handler.respond, host, port, organization.agenda.catch_up)

    @property
    def api_key(self) -> str:
        """The only key that is accepted."""
        return self._api_key

    @property
    def organization_id(self) -> str:
        """The made-up `organization_id` of all that the sandbox lists."""
        return self._organization.id

    def client(self, **options: Any) -> ContactshipClient:
        """Build a client for the sandbox: over the port while the server runs, in memory otherwise.

        Args:
            options: Passed on to `ContactshipClient`; `api_key`, `base_url` and `transport` win over the sandbox's.
        """
        return ContactshipClient(**{"api_key": self.api_key, **self._connect(options)})

    def script(self, *faults: Fault | None, times: int | None = 1) -> None:
        """Apply these faults to the next requests, one each; replaces what is left of an earlier script.

        Args:
            faults: Such as `Status(500)`; None is a normal response.
            times: How often the whole sequence is applied, >= 1; None repeats it for ever.

        Raises:
            TypeError: Something else than a fault or None.
            ValueError: No fault at all, or *times* is below 1.
        """
        self._handler.script.set(faults, times)

    def clear_script(self) -> None:
        """Respond normally from the next request on."""
        self._handler.script.clear()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, in order of arrival. This is the list itself: clear it as you like."""
        return self._handler.requests

    @property
    def on_request(self) -> Callable[[RecordedRequest], object] | None:
        """Called with each request before its response, its status still None; what it returns is ignored.

        A test adds or removes numbers between two pages here: `len(sandbox.requests)` requests came before this one.
        """
        return self._handler.on_request

    @on_request.setter
    def on_request(self, function: Callable[[RecordedRequest], object] | None) -> None:
        self._handler.on_request = function

    def add_phone_number(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the API's word
        created_at: datetime | str | None = None,
        phone_number: str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, str]:
        """Do what `phone_numbers.add` does."""
        return self.phone_numbers.add(type=type, created_at=created_at, phone_number=phone_number, id=id)

    def remove_phone_number(self, id: str) -> None:  # noqa: A002 - the API's word
        """Do what `phone_numbers.remove` does."""
        self.phone_numbers.remove(id)

    def _deliver(self, webhook_url: str, call: Mapping[str, Any]) -> None:
        self.webhooks.post(webhook_url, describe(call, self.agents.describe(call["agent_id"]), self.organization_id))

    def _note_url(self, url: str | None) -> None:
        super()._note_url(url)
        self._note_server(url)

    def _note_server(self, url: str | None) -> None:
        """Say in the rows of calls where the server is that has their recordings; None is the end of one."""
        self._organization.base_url = url or IN_MEMORY
        if url is None:
            self.webhooks.close()

    def _join(self, organization: str) -> RequestHandler:
        """Take the key of an organization of a pool, unless there is one already, and return its request handler."""
        if self._chooses_key:
            self._chooses_key = False
            self._api_key = self._handler.api_key = f"{_DEFAULT_KEY}-{quote(organization, safe='', errors='replace')}"
        return self._handler
