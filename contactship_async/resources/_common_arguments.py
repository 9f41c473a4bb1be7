"""Arguments that several resources take: checked, and in the form that the API takes. No error quotes a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from contactship_async._arguments import check_text, check_type
from contactship_async._http.requests import encode_json
from contactship_async._http.urls import is_loopback, parse_http_url

_PAGES: Final = "https://docs.contactship.ai/api-reference/endpoint/"


@contextmanager
def citing_page(slug: str) -> Iterator[None]:
    """Add to a `ValueError` the address of the page of the documentation that says what is allowed."""
    try:
        yield
    except ValueError as error:
        message = f"{error}; see {_PAGES}{slug}"
        raise ValueError(message) from None


def check_mapping(name: str, value: object) -> Mapping[Any, Any]:
    """Return *value* if it is a mapping.

    Raises:
        TypeError: It is not.
    """
    check_type(name, value, Mapping)
    return cast("Mapping[Any, Any]", value)


def check_json_object(name: str, value: object) -> dict[str, object]:
    """Return a mapping that JSON has a form for.

    Raises:
        TypeError: It is no mapping, a key in it is no string, or JSON has no form for a value.
        ValueError: It holds a lone surrogate, or is nested too deeply.
    """
    fields = dict(check_mapping(name, value))
    for key in fields:
        check_type(f"each key in {name}", key, str)
    encode_json(name, fields)
    return fields


def check_webhook_url(name: str, value: object) -> str:
    """Return where Contactship is to post what a call came to.

    It posts what was said in a call, which must not travel in clear, but to a program on the same machine, as tests do.

    Raises:
        TypeError: It is not a string.
        ValueError: It is no `https://` URL, and no `http://` URL of this machine.
    """
    text = check_text(name, value)
    url = parse_http_url(text)
    if url is None or (url.scheme == "http" and not is_loopback(url.host)):
        message = f"{name} must be an https:// URL, or an http:// URL of this machine"
        raise ValueError(message)
    return text
