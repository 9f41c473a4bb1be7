"""Servers that cheat, break, stall or lie, over real sockets: a case is a line, and `hostile.case` names its columns.

Besides what its line says, each case checks that no response, header, key or person appears in an error, a pickle of
it, its frames or the log; that nothing is sent elsewhere, and no cookie or credential of the server's sent back; that
no exception of aiohttp is behind ours; and, as all tests do, that no task or socket is left.
"""

from __future__ import annotations

import gzip

import pytest
from hostile import (
    ATTEMPT,
    LIMIT,
    METHODS,
    TOLERANCE,
    TOTAL,
    WRITES,
    Acts,
    Case,
    call,
    case,
    cases,
    each_of,
    fetched,
    try_out,
)
from hostile_responses import CHUNKED, PAGE, chunked, compressed, page, redirect, refusal, reply, reply_head, row
from raw_server import Act, close, drip, flood, head, reset, stall, until_read

from contactship_async import (
    AmbiguousOutcomeError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
    UnexpectedRedirectError,
)

REDIRECTED = UnexpectedRedirectError
TIMED_OUT = RequestTimeoutError
FAILED = ConnectionFailedError
AMBIGUOUS = AmbiguousOutcomeError

BRIEF = {"timeouts": Timeouts(attempt=LIMIT)}
ONCE = {"retry": RetryPolicy(max_attempts=1)}
SOON = LIMIT + TOLERANCE
DONE = reply("done")
HALF = [reply_head(Content_Length="999"), b'{"hidden": "+12025550142']

REDIRECTS = {str(status): redirect(status) for status in (300, 301, 302, 303, 304, 305, 307, 308, 399)}
PLACES = ["http://[", "//", "\xff", "file:///etc/passwd", "/v1/\r\n x", "", "https://127.0.0.1/", "{elsewhere}/" * 99]
ELSEWHERE = [
    *cases(REDIRECTS, dict.fromkeys(METHODS, REDIRECTED), in_text=" failed: 3"),
    *cases({place[:20]: redirect(302, place) for place in PLACES}, {"LIST": REDIRECTED}),
    case("page 2", (page(row(), count=2), redirect(308)), "WALK", REDIRECTED, 2, came=1),
    case("Location of a 200", reply("done", Location="http://127.0.0.1:1/", Refresh="0;/"), "GET", "done"),
    case("Location of a 401", refusal(401, Location="/"), "GET", AuthenticationError),
    case("cookies", (DONE, refusal(500), DONE), "GET GET POST", ("done", "done", "done"), 4),
]

ENDLESS: dict[str, Act] = {
    "no response": stall,
    "half a head": [b"HTTP/1.1 200 OK\r\nContent-", stall],
    "dripping head": drip(b"HTTP/1.1 200 OK\r\n"),
    "dripping headers": [b"HTTP/1.1 200 OK\r\n", drip(b"a: b\r\n")],
    "dripping 100 Continue": drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "flood of 100 Continue": flood(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "flood of 103 Early Hints": flood(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "no body": [reply_head(Content_Length="9"), stall],
    "half a body": [*HALF, stall],
    "dripping body": [reply_head(Content_Length="999999"), drip(b" ")],
    "dripping gzip": [reply_head(Content_Encoding="gzip"), gzip.compress(b"")[:10], drip(b"\0\0\0\xff\xff")],
    "dripping chunks": [reply_head(**CHUNKED), drip(b"1\r\n \r\n")],
    "dripping trailers": [chunked(PAGE, end=b"0\r\n"), drip(b"a: b\r\n")],
    "no last chunk": [chunked(PAGE, end=b""), stall],
    "no end of the connection": [reply_head(), PAGE, stall],
}
LONG_REFUSALS: dict[str, Act] = {
    "stalling 429": [reply_head(429, Content_Length="9"), stall],
    "dripping 429": [reply_head(429, Content_Length="999999"), drip(b" ")],
    "chunks of a 429": [reply_head(429, **CHUNKED), drip(b"1\r\n \r\n")],
}

RETRIED: dict[int, type[StatusError]] = {
    408: StatusError,
    425: StatusError,
    **dict.fromkeys([500, 502, 503, 504, 507, 511, 520, 522, 599], ServerError),
}
FINAL: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    **dict.fromkeys([402, 405, 406, 410, 413, 418, 422, 451, 499, 600, 999], StatusError),
    **dict.fromkeys([501, 505], ServerError),
    409: ConflictError,
}
SWITCH = reply_head(101, Upgrade="other", Connection="upgrade")
REFUSALS = {status: {str(status): refusal(status, Retry_After="0")} for status in (*RETRIED, *FINAL)}
STATUSES = [
    *(each for status, error in RETRIED.items() for each in cases(REFUSALS[status], {"GET": error}, 3)),
    *(each for status, error in RETRIED.items() for each in cases(REFUSALS[status], dict.fromkeys(WRITES, error))),
    *(
        each
        for status, error in FINAL.items()
        for each in cases(REFUSALS[status], dict.fromkeys(("GET", *WRITES), error))
    ),
    *cases({"429, sent once": refusal(429, Retry_After="0")}, dict.fromkeys(("GET", *WRITES), RateLimitError), 1, ONCE),
    case("503, HEAD", reply_head(503), "HEAD", ServerError, 3),
    *cases({"101": [SWITCH, stall], "101 and more": SWITCH + DONE}, {"GET": StatusError, "POST": StatusError}),
    *cases({"199": reply_head(199)}, {"GET": TIMED_OUT, "POST": AMBIGUOUS}, 1, ATTEMPT),
]

FAILING: dict[str, Act] = {
    "body cut off": [*HALF, close],
    "reset in the body": [*HALF, until_read, reset],
    "stall": stall,
    "stall in the body": [*HALF, stall],
    "bad chunk": chunked(end=b"zz\r\n"),
    "bad compression": compressed(b"no gzip"),
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "503": refusal(503),
    "429 for now": refusal(429, Retry_After="0"),
    "stalling 429": [reply_head(429, Content_Length="9"), stall],
    "dripping 429": [reply_head(429, Content_Length="999999"), drip(b" ")],
}
BROKEN: dict[str, Act] = {"close": close, "reset": reset, "half a head, close": [b"HTTP/1.1 200 OK\r\nConte", close]}
SAFE_POST = call("POST", "/v1/calls/1/stop", json={}, idempotent=True)
TOO_LONG = ["121", "86400", "9" * 400, "8" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"]
NONSENSE = [
    "",
    "-1",
    "1.5.",
    "1e3",
    "inf",
    "nan",
    "\xd9\xa3",
    "\xff\xfe",
    "soon",
    "1, 2",
    "Wed, 99 Nov 2026 99:99:99 GMT",
]
AGAIN: dict[str, Acts] = {f"{name} twice": (act, act, DONE) for name, act in FAILING.items()}
AGAIN_OF_AIOHTTP: dict[str, Acts] = {f"{name} three times": (act, act, act, DONE) for name, act in BROKEN.items()}
AFTER_NONSENSE: dict[str, Acts] = {f"{text:.9}": (refusal(503, Retry_After=text), DONE) for text in NONSENSE}
RETRIES = [
    *cases(AGAIN, {"GET": "done"}, 3, BRIEF),
    *(case(f"{name}, safe POST", script, SAFE_POST, "done", 3, BRIEF) for name, script in AGAIN.items()),
    *cases(AGAIN_OF_AIOHTTP, {"GET": "done"}, 4),
    *cases(BROKEN, {"GET": FAILED}, (3, 6)),
    *cases(BROKEN, dict.fromkeys(WRITES, AMBIGUOUS), in_text="may have been processed"),
    *cases({"close at once": close, "reset at once": reset}, {"POST": AMBIGUOUS}, listens=False),
]
WAITS = [
    *cases(
        {text[-12:]: refusal(429, Retry_After=text) for text in TOO_LONG}, {"GET": RateLimitError}, in_text="to wait"
    ),
    *cases({text[-12:]: refusal(503, Retry_After=text) for text in TOO_LONG}, {"LIST": ServerError}, in_text="to wait"),
    *cases(AFTER_NONSENSE, {"GET": "done"}, 2),
    case("beyond the total limit", refusal(503, Retry_After="30"), "GET", ServerError, 1, TOTAL, seconds=SOON),
]

OUT = {"X_RateLimit_Remaining": "0"}
LATER = {"X_RateLimit_Reset": "60"}
WAITED = ("done", RequestTimeoutError)
RESETS = ["", "-1", "301", "9" * 400, "1e2", "inf", "\xd9\xa3", "Fri, 31 Dec 9999 23:59:59 GMT"]
NO_RESETS = {text[-12:]: reply("done", **OUT, X_RateLimit_Reset=text) for text in RESETS}
LEFT = {text: reply("done", X_RateLimit_Remaining=text, **LATER) for text in ("-1", "00", "0.0", "\xd9\xa0", "1")}
BUDGETS = [
    *cases({"used up": reply("done", **OUT, **LATER)}, {"GET GET": WAITED, "GET POST": WAITED}, 1, TOTAL, seconds=SOON),
    *cases(NO_RESETS, {"GET GET": ("done", "done")}, 2),
    *cases({f"{text} left": act for text, act in LEFT.items()}, {"GET GET": ("done", "done")}, 2),
]

POISON = reply("poison")
LATE = until_read
STALE: dict[str, Act] = {
    "another response": [DONE, LATE, POISON],
    "another response, in one piece": DONE + POISON,
    "two other responses": [DONE, LATE, POISON, POISON],
    "half a response": [DONE, LATE, POISON[:-3]],
    "half a head": [DONE, LATE, POISON[:20]],
    "408": [DONE, LATE, refusal(408)],
    "408 and the end": [DONE, LATE, refusal(408), close],
    "100 Continue": [DONE, LATE, head(100)],
    "line breaks": [DONE, LATE, b"\r\n\r\n"],
    "garbage": [DONE, LATE, b"\0\xffhidden\r\n\r\n"],
    "a body longer than said": [reply_head(Content_Length="6"), b'"done"' + POISON],
    "a longer body, late": [reply_head(Content_Length="6"), b'"done"', LATE, POISON],
    "something after the last chunk": [chunked(b'"done"'), LATE, POISON],
    "something after Connection: close": [reply("done", Connection="close"), LATE, POISON],
    "the end": [DONE, LATE, close],
    "a reset": [DONE, LATE, reset],
}
NOTHING: dict[str, Act] = {
    "204 with a body": [reply_head(204), LATE, POISON],
    "204 with a body, in one piece": reply_head(204) + POISON,
    "205 with a body": reply_head(205, Content_Length="0") + POISON,
}
HEAD_WITH_BODY: Act = [reply_head(Content_Length="6"), LATE, POISON]
STALE_THEN_DONE: dict[str, Acts] = {name: (act, DONE) for name, act in STALE.items()}
NOTHING_THEN_DONE: dict[str, Acts] = {name: (act, DONE) for name, act in NOTHING.items()}
RACES: dict[str, Acts] = {"close": (DONE, close, DONE), "reset": (DONE, reset, DONE)}
THREE = ("done", None, "done", None, "done")
KEPT = [
    *cases(STALE_THEN_DONE, dict.fromkeys([f"GET IDLE {name} IDLE GET" for name in ("GET", *WRITES)], THREE), 3),
    *cases(NOTHING_THEN_DONE, {"GET IDLE POST": (None, None, "done")}, 2),
    case("HEAD with a body", (HEAD_WITH_BODY, DONE), "HEAD IDLE POST", (None, None, "done"), 2),
    case("304 with a body", (reply_head(304) + POISON, DONE), "GET IDLE POST", (REDIRECTED, None, "done"), 2),
    case("400 and another", ([refusal(400), LATE, POISON], DONE), "GET IDLE POST", (BadRequestError, None, "done"), 2),
    case(
        "late response to a call given up", ([*HALF, LATE, POISON], DONE), "GET POST", (TIMED_OUT, "done"), 2, ATTEMPT
    ),
    *cases(RACES, {"GET GET": ("done", "done")}, 3),
    *cases(RACES, dict.fromkeys([f"GET {name}" for name in WRITES], ("done", AMBIGUOUS)), 2),
]

KEYS = ["\r\nX-Injected: 1", "\nx", "\0", "\x7f", " x", "\xe9", "\ud800", "x" * 512]
CLIMBING = ["/v1/../x", "/v1/%2e%2e/x", "/v1/./x", "/v1//x", "/v1/x/", "//localhost/v1", "http://localhost/"]
PATHS = ["", "v1", "/v1?x", "/v1#x", "/\ud800", *CLIMBING]
QUOTED = ["/\r\nX-Injected: 1", "/a b", "/v1/\0", "/@localhost", "/v1/..%2f..", "/v1/\\..\\x", "/v1/;x=1", "/v1/\xe9"]
INJECTION = [
    *(case(f"key {text!r:.9}", DONE, "GET", ConfigurationError, 0, {"api_key": fetched(text)}) for text in KEYS),
    *(case(f"path {path!r:.20}", DONE, call("POST", path), ValueError, 0) for path in PATHS),
    *(case(f"path {path!r:.20}", DONE, call("POST", path), "done") for path in QUOTED),
    case("method", DONE, call("GET / HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET"), ValueError, 0),
    case("CONNECT", DONE, call("CONNECT", "/localhost:443"), ValueError, 0),
    case("query", DONE, call("GET", params={"a\r\nX-Injected: 1": "b\r\nX-Injected: 1"}), "done"),
    case("surrogate in the query", DONE, call("GET", params={"a": "\ud800"}), ValueError, 0),
    case("body", DONE, call("POST", json={"a": "\r\n\r\nGET / HTTP/1.1\r\nX-Injected: 1\r\n\r\n"}), "done"),
]

LIMITED = {"GET": TIMED_OUT, "POST": AMBIGUOUS}
SECTIONS = {
    "elsewhere": ELSEWHERE,
    "attempt limit": cases(ENDLESS, LIMITED, 1, ATTEMPT, in_text=f"{LIMIT} s, the attempt limit", seconds=SOON),
    "total limit": cases(ENDLESS, LIMITED, 1, TOTAL, one_act_in=3, in_text=f"{LIMIT} s, the total limit", seconds=SOON),
    "refusal": cases(LONG_REFUSALS, {"GET": RateLimitError, "POST": RateLimitError}, 1, ATTEMPT, seconds=SOON),
    "status": STATUSES,
    "retries": RETRIES,
    "Retry-After": WAITS,
    "budgets": BUDGETS,
    "kept connections": KEPT,
    "injection": INJECTION,
}


@each_of(SECTIONS)
async def test_case(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """All comes as the table says, and the log reveals nothing."""
    await try_out(case, caplog)
