"""What a test sees of the requests that arrived."""

from __future__ import annotations

import json
from typing import Any

from attrs import field, frozen
from multidict import MultiDictProxy


@frozen
class RecordedRequest:
    """One request as it arrived, without its key and headers.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, such as `/v1/phone-numbers`.
        params: The query parameters, decoded: `params["limit"]` is the first of that name, `params.getall("limit")`
            are all.
        status: Of the response; None when the connection was cut, and while the request waits for its response.
        body: As it arrived; None without one. It may hold personal data, and is not shown by `repr`.
    """

    method: str
    path: str
    params: MultiDictProxy[str]
    status: int | None
    body: bytes | None = field(default=None, repr=False)

    def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            ValueError: There is no body, or it is not JSON.
        """
        if self.body is None:
            message = f"the request {self.method} {self.path} has no body"
            raise ValueError(message)
        return json.loads(self.body)
