"""The aiohttp adapter under aioresponses: what is asked of aiohttp, and what becomes of its responses and failures."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aioresponses import aioresponses
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from contactship_async import ContactshipClient
from contactship_async._http.aiohttp_transport import _encode_query

LISTING = "https://api.contactship.ai/v1/phone-numbers"


async def test_request_line_and_headers() -> None:
    """One GET, with the key, without redirects."""
    with aioresponses() as mocked:
        mocked.get(f"{LISTING}?limit=1&offset=0", payload={"data": [], "count": 3})
        async with ContactshipClient("sk-test") as client:
            count = await client.count_phone_numbers()

    assert 3 == count
    [call] = mocked.requests["GET", URL(f"{LISTING}?limit=1&offset=0")]
    assert call.kwargs["allow_redirects"] is False
    assert "sk-test" == call.kwargs["headers"]["x-api-key"]


async def test_large_body() -> None:
    """A body over 128 KiB arrives whole."""
    rows = [
        {
            "id": f"pn-{number}",
            "phone_number": "+12025550142",
            "type": "inbound",
            "organization_id": "org-1",
            "created_at": "2026-01-15T10:00:00Z",
        }
        for number in range(2000)
    ]
    with aioresponses() as mocked:
        mocked.get(f"{LISTING}?limit=2000&offset=0", payload={"data": rows, "count": 2000})
        async with ContactshipClient("sk-test") as client:
            page = await client.list_phone_numbers(limit=2000)

    assert 2000 == len(page)


TEXT = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(["a&b=c", "+1 202", "%2B", "", "é", "a;b"])


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=5))
def test_query_survives(query: list[tuple[str, str]]) -> None:
    """Whatever a query holds, the server reads what was sent."""
    encoded = _encode_query(query)

    assert query == parse_qsl(encoded, keep_blank_values=True)
    assert encoded.isascii()
    assert encoded == URL(f"https://api.example.com/?{encoded}", encoded=True).raw_query_string
