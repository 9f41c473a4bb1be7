"""The command `api`: calls any endpoint, and prints what comes back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from cyclopts import CycloptsError, Parameter

from contactship_async import ContactshipClient, Response
from contactship_async._cli.commands import HELPS
from contactship_async._cli.confirmation import confirm
from contactship_async._cli.listing import run_alone
from contactship_async._cli.options import make_command, read_pairs
from contactship_async._cli.output import encode_json
from contactship_async._cli.streams import note, write, write_lines
from contactship_async._cli.target import Target, options_for_one
from contactship_async._cli.text import printable

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

_READING: Final = frozenset({"GET", "HEAD"})
"""Methods that are safe: they only read (RFC 9110, 9.2.1)."""


def call(
    method: Method,
    path: str,
    *,
    param: Annotated[list[str] | None, Parameter()] = None,
    json: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    yes: bool = False,
    **target: Any,
) -> int:
    """Call an endpoint, and return the exit code.

    Args:
        method: Such as GET or POST.
        path: Such as /v1/credits.
        param: A parameter of the query, as name=value; give the option once for each.
        json: A body of JSON, @FILE for that of a file, or - for that of standard input.
        yes: Send it without asking.
        target: Those of `Target` that one organization has.

    Raises:
        CycloptsError: An argument is malformed, or nobody said yes.
        ContactshipError: The call failed.
    """
    params = _read_params(param or [])
    body = None if json is None else _read_body(json)
    is_harmless = method in _READING or bool(target.get("sandbox"))
    question = f"send {method} {printable(path)}?"
    refusal = f"{method} may dial, send or spend: add --yes to send it without being asked"
    if not confirm(question, yes=yes or is_harmless, refusal=refusal):
        note("not sent")
        return 1
    headers = {} if body is None else {"Content-Type": "application/json"}

    async def send(client: ContactshipClient) -> Response:
        return await client.send(method, path, params=params, content=body, headers=headers)

    _print(run_alone(send, Target(**target)))
    return 0


api: Final = make_command(call, "api", options_for_one(call), HELPS["api"])
"""The command."""


def _read_params(texts: Sequence[str]) -> dict[str, list[str]]:
    params: dict[str, list[str]] = {}
    for name, value in read_pairs("--param", "name=value, such as limit=10", texts):
        params.setdefault(name, []).append(value)
    return params


def _read_body(text: str) -> bytes:
    if text == "-":
        data = sys.stdin.buffer.read()
    elif text.startswith("@"):
        try:
            data = Path(text[1:]).read_bytes()
        except OSError as error:
            message = f"{text[1:]} can't be read: {error.strerror}"
            raise CycloptsError(message) from None
    else:
        data = text.encode()
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = "--json is not JSON"  # which is not quoted: it may hold personal data
        raise CycloptsError(message) from None
    return data


def _print(response: Response) -> None:
    if not sys.stdout.isatty():
        write(response.body)
        return
    if not response.body:
        note(f"{response.status}, with no content")
        return
    try:
        value = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        kind = response.headers.get("Content-Type", "bytes")
        note(f"{len(response.body)} bytes of {kind}, which are no text for a terminal: redirect them to a file")
        return
    write_lines(encode_json(value))
