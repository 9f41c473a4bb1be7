"""The guide's tracing: a span for each attempt, and nothing secret or personal in it."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from raw_server import Act, RawServer, head, refused_url, reset, response
from web_apps import load

from contactship_async import ContactshipError, RetryPolicy, Timeouts
from contactship_async.sandbox import Sandbox, Slow, Status

SECRETS = ("sk-live-KEY", "2025550142", "jane", "example.com", "query-value", "7244f536")


@pytest.fixture
def tracing() -> ModuleType:
    """Load the recipe."""
    return load("tracing.py")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Keep the spans that ended."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """Stand for the tracer provider of the user's app."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def texts(spans: Sequence[ReadableSpan]) -> str:
    """Write down all that *spans* say in words, and so no ids of theirs and no times."""
    return "\n".join(
        repr([span.name, dict(span.attributes or {}), span.status.description])
        + repr([(event.name, dict(event.attributes or {})) for event in span.events])
        for span in spans
    )


def attributes(spans: Sequence[ReadableSpan], name: str) -> list[Any]:
    """List one attribute of each span."""
    return [(span.attributes or {})[name] for span in spans]


async def test_one_span_per_attempt(
    tracing: ModuleType, exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """A call that is retried has a span for each attempt, all children of the span it is made in."""
    async with (
        Sandbox(api_key="sk-live-KEY") as sandbox,
        sandbox.client(trace_configs=[tracing.traced(provider)]) as client,
    ):
        sandbox.script(Status(503, retry_after=0))
        with provider.get_tracer("app").start_as_current_span("app") as parent:
            await client.list_phone_numbers(type="inbound", limit=77)
        url = f"{sandbox.url}/v1/phone-numbers"

    *spans, _ = exporter.get_finished_spans()
    assert [503, 200] == attributes(spans, "http.status_code")
    assert ["sandbox-000001", "sandbox-000002"] == attributes(spans, "contactship.request_id")
    assert [url, url] == attributes(spans, "http.url")
    assert [parent.get_span_context().span_id] * 2 == [span.parent.span_id for span in spans if span.parent]
    for secret in ("sk-live-KEY", "inbound", "limit=", "77"):
        assert secret not in texts(spans).replace(url, "")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/contacts/+12025550142",
        "/v1/contacts/%2B12025550142",
        "/v1/contacts/2025550142/tags",
        "/v1/contacts/jane@example.com",
        "/v1/contacts/pn-7244f536-285e-25b4-b396-9057425cb200",
    ],
)
async def test_no_data_in_a_span(
    path: str, tracing: ModuleType, exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """Of the URL, the words of the path stay; of the query, nothing."""
    async with (
        RawServer(response(status=404)) as server,
        server.client(trace_configs=[tracing.traced(provider)]) as client,
    ):
        with pytest.raises(ContactshipError):
            await client.request("GET", path, params={"search": "query-value", "phone": "+12025550142"})
        url = f"{server.url}/v1/contacts/*"

    spans = exporter.get_finished_spans()
    assert [url + "/tags" * path.endswith("/tags")] == attributes(spans, "http.url")
    for secret in (*SECRETS, "search", "phone"):
        assert secret not in texts(spans)


@pytest.mark.parametrize(
    "act",
    [reset, b"HTTP/9 sk-live-KEY 2025550142\r\n\r\n", [head(200, {"Content-Length": "99"}), b"query-value", reset]],
    ids=["reset", "no HTTP", "cut"],
)
async def test_no_data_in_the_span_of_a_failure(
    act: Act, tracing: ModuleType, exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """An exception of aiohttp, which may quote the URL and the response, is named and no more."""
    async with RawServer(act) as server, server.client(trace_configs=[tracing.traced(provider)]) as client:
        with pytest.raises(ContactshipError):
            await client.request("GET", "/v1/contacts/+12025550142", params={"search": "query-value"})

    spans = exporter.get_finished_spans()
    assert 3 == len(spans)
    for secret in SECRETS:
        assert secret not in texts(spans)


async def test_refused_connection(
    tracing: ModuleType, exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """The span of an attempt that failed has the name of the failure."""
    traced = tracing.traced(provider)
    server = RawServer()
    async with server, server.client(base_url=refused_url(), trace_configs=[traced]) as client:
        with pytest.raises(ContactshipError):
            await client.request("GET", "/v1/credits")

    spans = exporter.get_finished_spans()
    assert 3 == len(spans)
    for span in spans:
        [event] = span.events
        assert "ClientConnectorError" in str((event.attributes or {})["exception.type"])
        assert "ClientConnectorError" == span.status.description


async def test_count(tracing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe's own call works as it stands, without a provider too."""
    async with Sandbox(phone_numbers=3) as sandbox:
        monkeypatch.setenv("CONTACTSHIP_BASE_URL", sandbox.url)
        monkeypatch.setenv("CONTACTSHIP_API_KEY", sandbox.api_key)
        assert 3 == await tracing.count()


async def test_timed_out_attempt(tracing: ModuleType, exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    """An attempt that reached its limit has an ended span too."""
    settings: dict[str, Any] = {
        "timeouts": Timeouts(attempt=0.2),
        "retry": RetryPolicy(max_attempts=2, initial_delay=0),
        "trace_configs": [tracing.traced(provider)],
    }
    async with Sandbox() as sandbox, sandbox.client(**settings) as client:
        sandbox.script(Slow(5))
        assert 250 == await client.count_phone_numbers()

    assert ["ERROR", "UNSET"] == [span.status.status_code.name for span in exporter.get_finished_spans()]
