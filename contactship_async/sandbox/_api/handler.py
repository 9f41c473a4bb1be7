"""The request handler: checks the key and the rate limit, finds the route, applies the script of faults, records."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from threading import Lock

from attrs import evolve
from multidict import MultiDict, MultiDictProxy

from contactship_async._http.messages import Request
from contactship_async.sandbox._api.faults import Fault
from contactship_async.sandbox._api.listings import Envelope, Listing, Refusal
from contactship_async.sandbox._api.openapi import DOCUMENT_PATH, build_document
from contactship_async.sandbox._api.rate_limit import FixedWindow
from contactship_async.sandbox._api.records import RecordedRequest
from contactship_async.sandbox._api.replies import Reply, build_error
from contactship_async.sandbox._api.routes import Route
from contactship_async.sandbox._api.script import Script


class RequestHandler:
    """The pretend API: a request in, the plan of its answer out.

    Args:
        routes: The endpoints of all resources.
        api_key: The only key that is accepted; None refuses every key.
        envelope: The shape of pages.
        latency: Seconds before each answer.
        window: Of the rate limit; None sets none.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        api_key: str | None,
        envelope: Envelope = "count",
        latency: float = 0.0,
        window: FixedWindow | None = None,
    ) -> None:
        self.api_key = api_key
        self.requests: list[RecordedRequest] = []
        self.on_request: Callable[[RecordedRequest], object] | None = None
        self.script = Script()
        self.lock = Lock()  # held while a request is answered: the server may run in another thread than a test
        self._routes = tuple(routes)
        self._envelope = envelope
        self._latency = latency
        self._window = window
        self._serial_numbers = itertools.count(1)
        self._shown: dict[str, Listing] = {}

    def answer(self, request: Request) -> Reply:
        """Answer one request, and record it; one for the description of the API is no business of a test's."""
        if request.path == DOCUMENT_PATH:
            return _without_body_for_head(request, self._describe(request))
        arrived = RecordedRequest(request.method, request.path, MultiDictProxy(MultiDict(request.query)), None)
        if (on_request := self.on_request) is not None:
            on_request(arrived)  # without the lock: it may add and remove numbers
        with self.lock:
            return self._answer(request, arrived)

    def _answer(self, request: Request, arrived: RecordedRequest) -> Reply:
        fault = self.script.take()
        reply = fault.alter_reply(self._answer_normally(request, fault))
        if reply.listing is not None:
            self._shown[request.path] = reply.listing
        reply = evolve(
            _without_body_for_head(request, reply),
            headers={**self._common_headers(), **reply.headers},
            delay=reply.delay + self._latency,
            fault="" if type(fault) is Fault else type(fault).__name__,
        )
        self.requests.append(evolve(arrived, status=reply.status if reply.arrives else None))
        return reply

    def _describe(self, request: Request) -> Reply:
        if request.method not in {"GET", "HEAD"}:
            return _refuse_method(["GET"])
        document = build_document(self._routes, self._envelope, limits_rate=self._window is not None)
        return Reply(body=json.dumps(document).encode())

    def _answer_normally(self, request: Request, fault: Fault) -> Reply:
        # The documentation warns that a 401 does not prove that a path exists: the key is looked at first.
        if request.api_key.reveal() != self.api_key:
            return build_error(401, "Invalid or missing API key")
        if self._window is not None and not self._window.spend():
            wait = self._window.seconds_left()
            message = f"Rate limit exceeded. Try again in {wait} seconds."
            return build_error(429, message, {"retry-after": str(wait)})
        try:
            answer = self._find_answer(request)
        except Refusal as refusal:
            return build_error(refusal.status, refusal.message)
        if isinstance(answer, Reply):
            return answer
        listing = fault.alter_listing(answer, self._shown.get(request.path))
        return Reply(body=listing.to_json(self._envelope), listing=listing)

    def _find_answer(self, request: Request) -> Listing | Reply:
        method = "GET" if request.method == "HEAD" else request.method
        allowed = []
        for route in self._routes:
            identifiers = route.match(request.path)
            if identifiers is None:
                continue
            if route.method == method:
                return route.answer(request, *identifiers)
            allowed.append(route.method)
        if allowed:
            return _refuse_method(allowed)
        raise Refusal(404, f"Cannot {request.method} {request.path}")

    def _common_headers(self) -> dict[str, str]:
        headers = {"x-request-id": f"sandbox-{next(self._serial_numbers):06d}"}
        if self._window is not None:
            headers |= self._window.headers()
        return headers


def _refuse_method(allowed: list[str]) -> Reply:
    names = [name for method in allowed for name in ((method, "HEAD") if method == "GET" else (method,))]
    return build_error(405, "Method not allowed", {"allow": ", ".join(names)})


def _without_body_for_head(request: Request, reply: Reply) -> Reply:
    return evolve(reply, body=b"") if request.method == "HEAD" else reply
