"""What a resource contributes: its endpoints, each with the function that answers and the words that describe it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote

from attrs import define, field

from contactship_async.sandbox._api.listings import Envelope, Listing
from contactship_async.sandbox._api.replies import Reply

_IDENTIFIER: Final = re.compile(r"\{\w+\}")


@define(frozen=True, slots=False)
class Route:
    """One endpoint of a resource.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, with identifiers in braces: `/v1/calls/{call_id}`.
        answer: Called with the request and the decoded identifiers; returns a page or a whole answer, or raises
            `Refusal`.
        describe: Returns the operation of the OpenAPI document, without what all operations share.
        schemas: What the description refers to, by its name in the document.
    """

    method: str
    path: str
    answer: Callable[..., Listing | Reply]
    describe: Callable[[Envelope], dict[str, Any]]
    schemas: Mapping[str, object] = field(factory=dict)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("([^/]+)".join(re.escape(part) for part in _IDENTIFIER.split(self.path)))

    def match(self, path: str) -> list[str] | None:
        """Return the decoded identifiers in a path; None if it is another endpoint's."""
        match = self._pattern.fullmatch(path)
        return None if match is None else [unquote(identifier) for identifier in match.groups()]
