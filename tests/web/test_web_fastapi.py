"""FastAPI handlers that are annotated with the SDK's own classes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import openapi_spec_validator
import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from contactship_async import ContactshipClient, Page, PhoneNumber
from contactship_async.models.tags import Tag
from contactship_async.sandbox import Sandbox


class Saved(BaseModel):  # type: ignore[misc] # pydantic is not followed, see pyproject.toml
    """A user's model that holds ours."""

    number: PhoneNumber
    tag: Tag | None = None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Have a sandbox and a client while the app runs."""
    async with Sandbox(phone_numbers=3) as sandbox, ContactshipClient(sandbox.api_key, base_url=sandbox.url) as client:
        app.state.client = client
        app.state.rows = list(sandbox.phone_numbers)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/numbers")
async def read_numbers() -> list[PhoneNumber]:
    """Return all numbers."""
    return [number async for number in app.state.client.iter_phone_numbers()]


@app.get("/page")
async def read_page() -> Page[PhoneNumber]:
    """Return a page of numbers."""
    page: Page[PhoneNumber] = await app.state.client.list_phone_numbers(limit=2)
    return page


@app.get("/rows")
async def read_rows() -> Page[dict[str, Any]]:
    """Return a page of dictionaries."""
    return Page(tuple(app.state.rows), 3, 0, None)


@app.get("/number")
async def read_number(*, found: bool) -> PhoneNumber | None:
    """Return a number, or none."""
    return (await read_numbers())[0] if found else None


@app.get("/plain")
async def read_plain():  # type: ignore[no-untyped-def] # noqa: ANN201 - the point of it
    """Return a number without an annotation."""
    return (await read_numbers())[0].to_dict()


@app.post("/saved")
async def save(saved: Saved) -> Saved:
    """Return what was sent."""
    return saved


@app.post("/tag")
async def read_tag(tag: Annotated[Tag, Body()]) -> Tag:
    """Return the body: FastAPI takes a class for a body by itself only if it is pydantic's."""
    return tag


@pytest.fixture(scope="module")
def browser() -> Any:
    """Start the app, and open a browser on it."""
    with TestClient(app) as client:
        yield client


def test_responses(browser: TestClient) -> None:
    """Handlers respond with what `to_dict` makes of their values."""
    rows = app.state.rows
    whole = {"data": rows[:2], "count": 3, "offset": 0, "limit": 2}
    expected = [row | {"created_at": row["created_at"].replace(".000Z", "Z")} for row in rows]

    assert [*expected] == browser.get("/numbers").json()
    assert whole | {"data": expected[:2]} == browser.get("/page").json()
    assert whole | {"data": rows, "limit": None} == browser.get("/rows").json()
    assert expected[0] == browser.get("/number?found=1").json()
    assert browser.get("/number?found=0").json() is None
    assert expected[0] == browser.get("/plain").json()


def test_requests(browser: TestClient) -> None:
    """Bodies with the names of Python are read, and what is wrong with others is reported."""
    number = browser.get("/plain").json()
    tag = dict.fromkeys(["id", "name", "color", "label", "organization_id", "created_at", "updated_at"]) | {"id": "t"}
    refused = browser.post("/saved", json={"number": number | {"id": None}})

    assert {"number": number, "tag": tag} == browser.post("/saved", json={"number": number, "tag": {"id": "t"}}).json()
    assert tag == browser.post("/tag", json={"id": "t"}).json()
    assert 422 == refused.status_code
    assert ["Value error, id: expected a non-empty string, got null"] == [
        found["msg"] for found in refused.json()["detail"]
    ]


def test_openapi(browser: TestClient) -> None:
    """The description is valid, and its components are named after the classes and true."""
    description = browser.get("/openapi.json").json()
    openapi_spec_validator.validate(description)
    found = description["components"]["schemas"]
    responses = {
        path: handlers["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        for path, handlers in description["paths"].items()
        if "get" in handlers
    }
    number = {"$ref": "#/components/schemas/PhoneNumber"}

    assert {"Page_PhoneNumber_", "PhoneNumber", "PhoneNumberType", "Tag-Input", "Tag-Output"} < found.keys()
    assert number == responses["/numbers"]["items"]
    assert {"$ref": "#/components/schemas/Page_PhoneNumber_"} == responses["/page"]
    assert [number, {"type": "null"}] == responses["/number"]["anyOf"]
    assert number == found["Page_PhoneNumber_"]["properties"]["data"]["items"]
    assert ["id", "phone_number", "type", "organization_id", "created_at"] == found["PhoneNumber"]["required"]
    assert "date-time" == found["PhoneNumber"]["properties"]["created_at"]["format"]
    assert "enum" not in found["PhoneNumberType"]
    assert ["id"] == found["Tag-Input"]["required"]
    assert [*found["Tag-Output"]["properties"]] == found["Tag-Output"]["required"]
