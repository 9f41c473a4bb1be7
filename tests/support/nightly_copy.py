"""The example of the guide to `contactship_async.sync`: a copy of two organizations after four nights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import pytest
from databases import Database

from contactship_async import ContactshipClient, Listing, RetryPolicy
from contactship_async.models.calls import Call
from contactship_async.sandbox import Sandbox, SandboxPool, Status
from contactship_async.sync import sync
from contactship_async.sync._duckdb import DuckDBConnection
from contactship_async.sync._postgres import PostgresConnection
from contactship_async.sync._target import DatabaseTarget

_NIGHTS: Final = [datetime(2026, 3, day, 2, tzinfo=UTC) for day in range(2, 6)]


class _Call(NamedTuple):
    organization: str
    created_at: datetime
    agent_id: str
    person: str
    call_status: str
    duration: float | None = None
    id: str | None = None

    def add_to(self, sandboxes: SandboxPool) -> None:
        """Let an organization have it."""
        sandbox = sandboxes[self.organization]
        sandbox.calls.add(
            direction="outbound",
            from_number=sandbox.phone_numbers[-1]["phone_number"],
            full_name=self.person,
            phone_number=f"+1415555010{_PEOPLE.index(self.person)}",
            **{name: value for name, value in self._asdict().items() if name not in {"organization", "person"}},
        )


_PEOPLE: Final = ("Noor Haddad", "Max Weber", "Lena Fischer", "Omar Silva", "Clara Rossi")
_SCHEDULED: Final = "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11"
_CALLS: Final = [
    _Call(organization, datetime(2026, 3, day, hour, tzinfo=UTC), *rest)
    for organization, day, hour, *rest in (
        ("acme", 1, 9, "agent-1", "Noor Haddad", "completed", 62.0),
        ("acme", 1, 10, "agent-1", "Max Weber", "no-answer"),
        ("acme", 1, 11, "agent-2", "Lena Fischer", "completed", 41.5),
        ("globex", 1, 15, "agent-7", "Omar Silva", "voice_mail", 18.0),
        ("acme", 2, 10, "agent-1", "Max Weber", "no-answer"),
        ("acme", 2, 11, "agent-2", "Clara Rossi", "scheduled", None, _SCHEDULED),
        ("acme", 3, 10, "agent-1", "Max Weber", "busy"),
        ("globex", 3, 16, "agent-7", "Omar Silva", "completed", 95.0),
        ("acme", 4, 10, "agent-1", "Max Weber", "completed", 130.0),
        ("acme", 4, 13, "agent-2", "Noor Haddad", "completed", 24.5),
    )
]


async def sync_four_nights(target: DatabaseTarget) -> None:
    """Sync two organizations on four nights, with changes between them and a run that fails."""
    acme, globex = Sandbox(6, tags=2, calls=0), Sandbox(3, tags=1, calls=0, seed=1)
    sandboxes = SandboxPool({"acme": acme, "globex": globex})
    number, tag = acme.phone_numbers[1], acme.tags[-1]
    before = datetime.min.replace(tzinfo=UTC)
    async with sandboxes.pool(retry=RetryPolicy(max_attempts=1)) as pool:
        for place, night in enumerate(_NIGHTS):
            if place == 1:
                acme.phone_numbers.remove(number["id"])
                acme.tags.add(name="renewal", created_at=night - timedelta(hours=9))
            if place == 2:
                del number["organization_id"]
                acme.phone_numbers.add(**number)
                acme.tags.remove(tag["id"])
                acme.tags.add(id=tag["id"], name=tag["name"], color="#CF222E", created_at=tag["created_at"])
                globex.script(None, Status(503))  # The first request asks whose rows they are.
            if place == 3:
                acme.calls.remove(_SCHEDULED)
                ended = next(call for call in _CALLS if call.id == _SCHEDULED)
                ended._replace(call_status="completed", duration=77.0).add_to(sandboxes)
            for call in _CALLS:
                if before < call.created_at < night:
                    call.add_to(sandboxes)
            with _clock_at(night):
                async for _ in sync(pool, ["phone_numbers", "tags", _list_calls], target):
                    pass
            globex.clear_script()
            before = night


def _list_calls(client: ContactshipClient) -> Listing[Call]:
    return client.calls.list(include_transcript=True)


@contextmanager
def _clock_at(moment: datetime) -> Iterator[None]:
    """Let the databases' clocks stand still."""
    with pytest.MonkeyPatch.context() as patch:
        for connection in (DuckDBConnection, PostgresConnection):
            patch.setattr(connection, "clock", f"TIMESTAMPTZ '{moment.isoformat()}'")
        yield


def show(database: Database, query: str) -> str:
    """Execute a query and return its rows as a table of text, the same for all databases."""
    found = database.query(f"SELECT CAST(to_json(q) AS varchar) FROM ({query}) AS q")  # noqa: S608 - of the guide
    rows: list[dict[str, Any]] = [json.loads(row) for (row,) in found]
    columns = [_show_column(name, [row[name] for row in rows]) for name in rows[0]]
    lines = [" | ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    rule = "-+-".join("-" * len(column[0]) for column in columns)
    return "\n".join([lines[0], rule, *lines[1:], ""])


def _show_column(name: str, values: Sequence[Any]) -> list[str]:
    """Return the cells of a column, with its name first: equally wide, and numbers to the right."""
    cells = [name, *map(_show_value, values)]
    width = max(map(len, cells))
    is_number = all(isinstance(value, int | float | None) for value in values)
    return [cell.rjust(width) if is_number else cell.ljust(width) for cell in cells]


def _show_value(value: Any) -> str:
    if isinstance(value, str) and ":" in value:
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M}"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
