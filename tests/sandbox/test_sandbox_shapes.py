"""Each way in which rows and objects come, in both envelopes, and that the description is true of it."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from attrs import evolve
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from contactship_async._http.messages import Request
from contactship_async._http.secret import Secret
from contactship_async.sandbox import EmptyPage, RepeatPage
from contactship_async.sandbox._api.envelopes import Envelope
from contactship_async.sandbox._api.fields import Field, Schema
from contactship_async.sandbox._api.handler import RequestHandler
from contactship_async.sandbox._api.pages import CursorPage, Page, Rows
from contactship_async.sandbox._api.paging import CursorPaging, Paging, Whole
from contactship_async.sandbox._api.replies import Reply
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, Collection
from contactship_async.sandbox._resources.organization import Organization

ROW: Final = Schema("Row", (ID, CREATED_AT))
CHANNEL: Final = Field("channel_id", {"type": "string", "minLength": 1}, "Of the channel.", example="chn-1")
STATED: Final = Field(
    "direction", {"type": "string", "enum": ["UP", "DOWN"], "default": "UP"}, "Where to.", example="UP"
)
TOGETHER: Final = Paging(default_limit=None, max_limit=3, refused_above=4)
OTHER_WORDS: Final = Paging(default_limit=2, max_limit=3, smallest=1, order=STATED)
BY_CURSOR: Final = CursorPaging(default_limit=2, max_limit=3)


class Things(Collection):
    """Five rows, `a` to `e` in the order in which they were added."""

    def __init__(self) -> None:
        super().__init__(
            Organization(0, max_limit=10, count_follows_filter=True),
            name="things",
            noun="thing",
            prefix="",
            default_limit=2,
            shows_organization=False,
        )
        for id_ in "abcde":
            self._add(id_, None, {})

    def show_all(self, _: Call) -> Rows:
        """Respond with all of them."""
        return self._show_all()

    def page_together(self, call: Call) -> Page:
        """Respond with a page, if one is asked for."""
        window = TOGETHER.read_window(call.query)
        return evolve(self._cut(window), window=window)

    def page_in_other_words(self, call: Call) -> Page:
        """Respond with a page in an order of its own words."""
        return self._cut(OTHER_WORDS.read_window(call.query))

    def page_by_cursor(self, call: Call) -> CursorPage:
        """Respond with a page that has cursors."""
        return self._cut_cursor_page(call, BY_CURSOR)

    def _cut(self, window: Any) -> Page:
        rows = [row.json for row in window.cut(self._store.select({}, {}))]
        return Page(rows, len(self), window)


def routes_of(things: Things) -> tuple[Route, ...]:
    """Return one endpoint of each kind."""
    return (
        Route("GET", "/v1/whole", things.show_all, "list-whole", ROW, paging=Whole()),
        Route("GET", "/v1/agents", things.show_all, "list-agents", ROW, paging=Whole(), shape="wrapped"),
        Route("GET", "/v1/within", things.show_all, "list-within", ROW, paging=Whole("things")),
        Route("GET", "/v1/contacts", things.page_together, "list-together", ROW, paging=TOGETHER),
        Route("GET", "/v1/tasks", things.page_in_other_words, "list-words", ROW, paging=OTHER_WORDS, shape="wrapped"),
        Route(
            "GET",
            "/v1/waba/templates",
            things.page_by_cursor,
            "list-cursor",
            ROW,
            paging=BY_CURSOR,
            shape="whatsapp",
            query=(CHANNEL,),
            errors=(502,),
        ),
        Route(
            "POST",
            "/api/integrations/waba/send",
            lambda call: {"id": call.body["channel_id"], "created_at": "2026-01-15T10:00:00Z"},
            "send",
            ROW,
            body=(CHANNEL,),
            status=201,
            shape="whatsapp",
            errors=(403,),
        ),
        Route("GET", "/v1/agents/{agentId}", things_of, "get-agent", ROW, shape="wrapped"),
        Route("DELETE", "/v1/contacts/{contactId}", lambda _: True, "delete", returns=True, shape="empty"),
    )


def things_of(call: Call) -> dict[str, object]:
    """Respond with a thing of any name."""
    return {"id": call.path["agentId"], "created_at": "2026-01-15T10:00:00Z"}


def handler_of(envelope: Envelope) -> RequestHandler:
    """Return what serves one endpoint of each kind."""
    return RequestHandler(routes_of(Things()), api_key="k", envelope=envelope)


def ask(handler: RequestHandler, call: str, **query: object) -> Reply:
    """Send a request, such as `GET /v1/whole`."""
    method, path = call.split()
    parameters = tuple((name, str(value)) for name, value in query.items())
    body = b'{"channel_id": "chn-1"}' if method == "POST" else None
    return handler.respond(
        Request(method=method, path=path, query=parameters, body=body, api_key=Secret("k"), idempotent=True)
    )


def told(reply: Reply) -> Any:
    """Return what a response holds, with its rows by their ids."""
    return ids_of(json.loads(reply.body))


def ids_of(value: Any) -> Any:
    """Replace each row by its id."""
    if isinstance(value, dict):
        return value["id"] if "id" in value else {name: ids_of(part) for name, part in value.items()}
    return [ids_of(part) for part in value] if isinstance(value, list) else value


SENT: Final = {"success": True, "message": "Enviado correctamente", "data": "chn-1"}
ALL: Final = [*"edcba"]


def wrapped(data: Any, *pagination: int | None) -> dict[str, Any]:
    """Return the newer envelope around *data*; of a page with its number, and those of all rows and pages."""
    names = ("page", "total_rows", "total_pages")
    page = {"pagination": dict(zip(names, pagination, strict=True))} if pagination else {}
    return {"statusCode": 200, "data": data, **page}


EXPECTED: Final[list[tuple[str, dict[str, Any], tuple[Any, Any]]]] = [
    ("GET /v1/whole", {}, (ALL, wrapped(ALL))),
    ("GET /v1/agents", {}, (wrapped(ALL), wrapped(ALL))),
    ("GET /v1/within", {}, (ALL, wrapped({"total_things": 5, "things": ALL}))),
    ("GET /v1/contacts", {}, ({"data": ALL, "count": 5}, wrapped(ALL, None, 5, None))),
    ("GET /v1/contacts", {"order": "asc"}, ({"data": ALL[::-1], "count": 5}, wrapped(ALL[::-1], None, 5, None))),
    ("GET /v1/contacts", {"limit": 4, "offset": 3}, ({"data": [*"ba"], "count": 5}, wrapped([*"ba"], 2, 5, 2))),
    ("GET /v1/tasks", {}, (wrapped([*"ab"], 1, 5, 3),) * 2),
    ("GET /v1/tasks", {"direction": "DOWN", "limit": 3}, (wrapped([*"edc"], 1, 5, 2),) * 2),
    ("GET /v1/tasks", {"offset": 4}, (wrapped(["e"], 3, 5, 3),) * 2),
    ("POST /api/integrations/waba/send", {}, (SENT, SENT)),
    ("GET /v1/agents/x", {}, (wrapped("x"), wrapped("x"))),
]
"""Requests, and what is sent in each of the envelopes."""


@pytest.mark.parametrize("envelope", ["count", "pagination"])
def test_shapes(envelope: Envelope) -> None:
    """Each endpoint sends its shape of the envelope, and the description is true of it."""
    handler = handler_of(envelope)
    document = json.loads(ask(handler, "GET /openapi.json").body)
    replies = [(call, query, ask(handler, call, **query)) for call, query, *_ in EXPECTED]

    assert [] == [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert [answers[envelope == "pagination"] for *_, answers in EXPECTED] == [told(reply) for *_, reply in replies]
    for call, _, reply in replies:
        assert (call, []) == (call, faults_of(document, call, reply))


def faults_of(document: dict[str, Any], call: str, reply: Reply) -> list[str]:
    """Return what is wrong with a response, and with the example of it, according to the description."""
    method, path = call.replace("/agents/x", "/agents/{agentId}").split()
    operation = document["paths"][path][method.lower()]
    content = operation["responses"][str(reply.status)]["content"]["application/json"]
    validator = OAS31Validator({**content["schema"], "components": document["components"]})
    return [
        error.message
        for value in (json.loads(reply.body), content["example"])
        for error in validator.iter_errors(value)
    ]


def test_cursors_lead_to_each_row_once() -> None:
    """Each page names the one behind it, until none is; a cursor holds while rows before it come and go."""
    handler = handler_of("count")
    document = json.loads(ask(handler, "GET /openapi.json").body)
    pages: list[list[str]] = []
    query: dict[str, object] = {}
    while not pages or "after" in query:
        reply = ask(handler, "GET /v1/waba/templates", channel_id="chn-1", **query)
        assert [] == faults_of(document, "GET /v1/waba/templates", reply)
        answer = told(reply)
        pages.append(answer["data"])
        query = {"limit": 1, "after": cursors["after"]} if "after" in (cursors := answer["paging"]["cursors"]) else {}
        assert ("before" in cursors) == (len(pages) > 1)

    assert [["e", "d"], ["c"], ["b"], ["a"]] == pages
    beyond = ask(handler, "GET /v1/waba/templates", channel_id="chn-1", after="0")
    assert {"success": True, "data": [], "paging": {"cursors": {}}} == told(beyond)


@pytest.mark.parametrize(
    ("call", "query", "message"),
    [
        ("GET /v1/contacts", {"limit": 1}, "limit and offset must be sent together"),
        ("GET /v1/contacts", {"offset": 1}, "limit and offset must be sent together"),
        ("GET /v1/contacts", {"limit": 5, "offset": 0}, "limit must be an integer from 0 to 4"),
        ("GET /v1/tasks", {"limit": 0}, "limit must be an integer >= 1"),
        ("GET /v1/tasks", {"direction": "asc"}, "direction must be one of: UP, DOWN"),
        ("GET /v1/waba/templates", {}, "channel_id is required"),
        ("GET /v1/waba/templates", {"channel_id": "c", "limit": 0}, "limit must be an integer >= 1"),
        ("GET /v1/waba/templates", {"channel_id": "c", "after": "?"}, "after must be a string such as 1f"),
    ],
)
def test_refused(call: str, query: dict[str, object], message: str) -> None:
    """What a listing does not allow is a 400 that says what it does."""
    reply = ask(handler_of("count"), call, **query)

    assert (400, message) == (reply.status, json.loads(reply.body)["message"])


def test_parameters_are_described() -> None:
    """The description says which parameters are required, and which have a default."""
    paths = json.loads(ask(handler_of("count"), "GET /openapi.json").body)["paths"]
    described = {
        path: {
            parameter["name"]: "required" if parameter["required"] else parameter["schema"].get("default")
            for parameter in paths[path]["get"].get("parameters", ())
        }
        for path in ("/v1/whole", "/v1/contacts", "/v1/tasks", "/v1/waba/templates")
    }

    assert {
        "/v1/whole": {},
        "/v1/contacts": {"limit": None, "offset": None, "order": "desc"},
        "/v1/tasks": {"limit": 2, "offset": 0, "direction": "UP"},
        "/v1/waba/templates": {"limit": 2, "after": None, "channel_id": "required"},
    } == described


def test_errors_of_some_endpoints_are_described() -> None:
    """A refusal of an add-on, and of what is behind the API, are described where they may be."""
    paths = json.loads(ask(handler_of("count"), "GET /openapi.json").body)["paths"]
    statuses = {path: [*operation["responses"]] for path in paths for operation in [*paths[path].values()][:1]}

    assert ["200", "400", "401", "500", "502"] == statuses["/v1/waba/templates"]
    assert ["201", "400", "401", "403", "500"] == statuses["/api/integrations/waba/send"]
    assert ["200", "401", "500"] == statuses["/v1/whole"]


def test_deletion_without_a_body() -> None:
    """Where the older revision answers a deletion with nothing, the newer one has a body; both are described so."""
    shown = []
    for envelope in ("count", "pagination"):
        handler = handler_of(envelope)
        reply = ask(handler, "DELETE /v1/contacts/a")
        document = json.loads(ask(handler, "GET /openapi.json").body)
        described = document["paths"]["/v1/contacts/{contactId}"]["delete"]["responses"][str(reply.status)]
        shown.append((reply.status, reply.body, reply.headers.get("content-type"), "content" in described))

    json_type = "application/json; charset=utf-8"
    assert [(204, b"", None, False), (200, b'{"statusCode": 200, "data": true}', json_type, True)] == shown


def test_faults_of_pages_are_those_of_all_rows() -> None:
    """What comes whole or by cursor can be shown empty, or again."""
    handler = handler_of("count")
    handler.script.set((EmptyPage(), None, RepeatPage()), 1)
    asked = {"channel_id": "chn-1", "limit": 2}

    empty, first = (told(ask(handler, "GET /v1/waba/templates", **asked)) for _ in range(2))
    again = told(ask(handler, "GET /v1/waba/templates", **asked, after=first["paging"]["cursors"]["after"]))

    assert ([], [*"ed"], [*"ed"]) == (empty["data"], first["data"], again["data"])


def test_tags_of_operations() -> None:
    """Operations are grouped by what their paths begin with, under the names of the resources."""
    paths = json.loads(ask(handler_of("count"), "GET /openapi.json").body)["paths"]

    assert ["WhatsApp"] == paths["/api/integrations/waba/send"]["post"]["tags"]
    assert ["Contacts"] == paths["/v1/contacts/{contactId}"]["delete"]["tags"]
