"""What a test sees of the requests that arrived."""

from __future__ import annotations

from attrs import frozen
from multidict import MultiDictProxy


@frozen
class RecordedRequest:
    """One request as it arrived, without its key and headers.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, such as `/v1/phone-numbers`.
        params: The query parameters, decoded: `params["limit"]` is the first of that name, `params.getall("limit")`
            are all.
        status: Of the answer; None when the connection was cut, and while the request waits for its answer.
    """

    method: str
    path: str
    params: MultiDictProxy[str]
    status: int | None
