"""A secret string: redacted in every repr, and masked in data that a server echoes it in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hmac import compare_digest
from typing import NoReturn

_MIN_CUT_SECRET = 8
"""A cut-off beginning of a secret is masked from this many characters on; shorter ones reveal too little to matter."""

_ESCAPE = re.compile(
    rb"""
    (?: \\ (?:u[0-9A-Fa-f]{0,3})? | %[0-9A-Fa-f]? ) \Z  # cut off by the end
    | \\u00 (?P<json>[0-9A-Fa-f]{2})
    | % (?P<url>[0-9A-Fa-f]{2})
    | \\ (?P<literal>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""An escaped character of a JSON string or a URL."""


class Secret:
    """A string that no repr, format, comparison, copy or pickle reveals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the string; only for the line that sets the request header, and for the sandbox that checks it."""
        return self._value

    def equals(self, other: Secret) -> bool:
        """Return whether *other* is the same text."""
        return compare_digest(self._value.encode(), other._value.encode())

    def redact(self, data: bytes) -> bytes:
        """Replace the secret in *data* by `***`: plain, with escapes of JSON or URLs, or cut off at its end."""
        if not self._value:
            return data
        data = self._mask(data, data, range(len(data) + 1))
        if _ESCAPE.search(data):
            data = self._mask(data, *_unescape(data))
        return data

    def _mask(self, data: bytes, text: bytes, places: Sequence[int]) -> bytes:
        """Mask in *data* what *text* holds of the secret, where `text[i]` stands at `places[i]`."""
        secret = self._value.encode()
        parts: list[bytes] = []
        end = 0
        while (start := text.find(secret, end)) >= 0:
            parts += data[places[end] : places[start]], b"***"
            end = start + len(secret)
        for length in range(min(len(secret) - 1, len(text) - end), _MIN_CUT_SECRET - 1, -1):
            if text.endswith(secret[:length]):
                return b"".join((*parts, data[places[end] : places[len(text) - length]], b"***"))
        return b"".join((*parts, data[places[end] :]))

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        message = "a Secret is neither copied nor pickled"
        raise TypeError(message)


def _unescape(data: bytes) -> tuple[bytes, list[int]]:
    """Return *data* without its escapes, and for each byte of that, and for its end, where it stands in *data*."""
    text = bytearray()
    places: list[int] = []
    end = 0
    for escape in _ESCAPE.finditer(data):
        text += data[end : escape.start()]
        places += range(end, escape.start())
        code = escape["json"] or escape["url"]
        character = bytes.fromhex(code.decode()) if code else escape["literal"] or b""
        text += character
        places += [escape.start()] * len(character)
        end = escape.end()
    text += data[end:]
    return bytes(text), [*places, *range(end, len(data) + 1)]
