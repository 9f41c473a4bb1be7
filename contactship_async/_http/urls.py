"""What is accepted as the URL of a server or of a proxy. No error quotes one: it may hold a password."""

from __future__ import annotations

import ipaddress
import re

from yarl import URL

_UNFIT_FOR_URL = re.compile("[\x00-\x20\x7f\\\\\ud800-\udfff]")
"""Blanks, control characters, backslashes, and halves of a character, which yarl leaves out."""


def parse_http_url(text: str) -> URL | None:
    """Return an absolute `http://` or `https://` URL; None for any other text, or one with blanks or backslashes."""
    if _UNFIT_FOR_URL.search(text):
        return None
    try:
        url = URL(text)
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and url.host else None


def is_loopback(host: str | None) -> bool:
    """Return whether *host* is this machine (RFC 6761, 6.3, for the name)."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
