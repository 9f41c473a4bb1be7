"""What all resources of the pretend API share: the key, the routes, the rate limit, the script of faults, the log."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from urllib.parse import unquote

from attrs import evolve, frozen

from contactship_async._messages import Request
from contactship_async.sandbox._checks import check_integer
from contactship_async.sandbox._faults import Fault
from contactship_async.sandbox._listings import Envelope, Listing, Refusal
from contactship_async.sandbox._rate_limit import FixedWindow
from contactship_async.sandbox._replies import Reply, build_error


@frozen
class RecordedRequest:
    """One request as it arrived, without its key and headers.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, such as `/v1/phone-numbers`.
        params: The query parameters, decoded.
        status: Of the answer; None when the connection was cut, and while the request waits for its answer.
    """

    method: str
    path: str
    params: dict[str, str]
    status: int | None


@frozen
class Route:
    """One endpoint of a resource.

    Args:
        method: Upper case, such as `GET`.
        path: Matches the whole percent-encoded path; its groups are the identifiers in it.
        answer: Called with the request and the decoded identifiers; returns a page or a whole answer, or raises
            `Refusal`.
    """

    method: str
    path: re.Pattern[str]
    answer: Callable[..., Listing | Reply]


class State:
    """The pretend API: a request in, the plan of its answer out."""

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        api_key: str,
        envelope: Envelope,
        latency: float,
        window: FixedWindow | None,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        self.on_request: Callable[[RecordedRequest], object] | None = None
        self.lock = Lock()  # held while a request is answered: the server may run in another thread than a test
        self._routes = tuple(routes)
        self._api_key = api_key
        self._envelope = envelope
        self._latency = latency
        self._window = window
        self._script: Iterator[Fault | None] = iter(())
        self._serial_numbers = itertools.count(1)
        self._shown: dict[str, Listing] = {}

    def set_script(self, faults: tuple[Fault | None, ...], times: int | None) -> None:
        """Let the next requests meet *faults*, one each; replaces what is left of an earlier script."""
        if not faults:
            message = "faults must not be empty; clear_script() ends a script"
            raise ValueError(message)
        for fault in faults:
            if not isinstance(fault, Fault | None):
                message = f"faults must be faults such as Status(500), or None, not {type(fault).__name__}"
                raise TypeError(message)
        if times is None:
            self._script = itertools.cycle(faults)
        else:
            check_integer("times", times, 1)
            self._script = itertools.chain.from_iterable(itertools.repeat(faults, times))

    def clear_script(self) -> None:
        """Answer normally from the next request on."""
        self._script = iter(())

    def answer(self, request: Request) -> Reply:
        """Answer one request, and record it."""
        arrived = RecordedRequest(request.method, request.path, dict(request.query), None)
        if (on_request := self.on_request) is not None:
            on_request(arrived)  # without the lock: it may add and remove numbers
        with self.lock:
            return self._answer(request, arrived)

    def _answer(self, request: Request, arrived: RecordedRequest) -> Reply:
        fault = next(self._script, None) or Fault()
        reply = fault.alter_reply(self._answer_normally(request, fault))
        if reply.listing is not None:
            self._shown[request.path] = reply.listing
        reply = evolve(
            reply,
            headers={**self._common_headers(), **reply.headers},
            body=b"" if request.method == "HEAD" else reply.body,
            delay=reply.delay + self._latency,
        )
        self.requests.append(evolve(arrived, status=reply.status if reply.arrives else None))
        return reply

    def _answer_normally(self, request: Request, fault: Fault) -> Reply:
        # The documentation warns that a 401 does not prove that a path exists: the key is looked at first.
        if request.api_key.reveal() != self._api_key:
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
        for route in self._routes:
            if route.method == method and (match := route.path.fullmatch(request.path)):
                return route.answer(request, *map(unquote, match.groups()))
        raise Refusal(404, f"Cannot {request.method} {request.path}")

    def _common_headers(self) -> dict[str, str]:
        headers = {"x-request-id": f"sandbox-{next(self._serial_numbers):06d}"}
        if self._window is not None:
            headers |= self._window.headers()
        return headers
