"""The log of the server: a record for each request, without its headers, and one for each webhook, without its path."""

from __future__ import annotations

import logging
import string
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from contactship_async.sandbox._api.replies import Reply

LOGGER: Final = logging.getLogger("contactship_async.sandbox")
_LEVEL: Final = logging.DEBUG


def log_request(method: str, target: str, outcome: Reply | None, *, is_unfinished: bool, elapsed: float) -> None:
    """Log one request and its response; a request without an *outcome* failed with a 500.

    Args:
        method: Upper case, such as `GET`.
        target: Path and query as they arrived, whatever characters that may be.
        outcome: The response.
        is_unfinished: Whether the client left before the end of the response, or the server ended.
        elapsed: Seconds from the end of the request's head to the end of the response.
    """
    if not LOGGER.isEnabledFor(_LEVEL):
        return
    reply = outcome or Reply(status=500, body=b"")
    facts = {
        "method": method,
        "path": quote(target, safe=string.punctuation, errors="surrogateescape"),  # Nothing that could forge a line.
        "status": None if reply.dropped or is_unfinished else reply.status,
        "fault": reply.fault,
        "organization": reply.organization or None,
        "elapsed": elapsed,
    }
    LOGGER.log(
        _LEVEL,
        "%s%s %s %s %.1f ms%s",
        f"{reply.organization}: " if reply.organization else "",
        method,
        facts["path"],
        facts["status"] or "-",
        elapsed * 1000,
        _describe(reply, is_unfinished=is_unfinished),
        extra=facts,
    )


def log_delivery(url: str, statuses: Sequence[int | None], refused: str | None) -> None:
    """Log what became of a webhook, by its host alone: the path is the secret of whoever takes it.

    Args:
        url: Where it was to be posted.
        statuses: Those of the responses; None where there was no response.
        refused: Why it was not sent; None otherwise.
    """
    try:
        host = URL(url).raw_host
    except ValueError:
        host = None
    outcome = (
        f"not sent, since {refused}" if refused else ", ".join(str(status or "no response") for status in statuses)
    )
    LOGGER.log(_LEVEL, "webhook to %s: %s", host or "nowhere", outcome)


def _describe(reply: Reply, *, is_unfinished: bool) -> str:
    words = [reply.fault] if reply.fault else []
    if reply.dropped:
        words.append("connection reset")
    elif reply.cut_after is not None:
        words.append(f"cut after {reply.cut_after} bytes")
    if is_unfinished:
        words.append("unfinished")
    return f" ({', '.join(words)})" if words else ""


class _MalformedRequests(logging.Filter):
    """Turns what aiohttp logs as an error, with the traceback of its parser, into the record of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass, except of a malformed request if those of requests are not logged."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
            return True
        record.levelno, record.levelname = _LEVEL, logging.getLevelName(_LEVEL)
        record.msg, record.args, record.exc_info = "malformed request", (), None
        return LOGGER.isEnabledFor(_LEVEL)


LOGGER.addFilter(_MalformedRequests())
