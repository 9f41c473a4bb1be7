"""PostgreSQL: what may be wrong with a server, and what is shown of its URL."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
import traceback
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from databases import PostgreSQLSchema
from postgresql_server import find_programs, find_user, run_postgresql
from served_rows import NUMBERS, TAGS, ServedRows, numbers, tag
from synced import counts, run, run_one

from contactship_async import ContactshipClient, Request, Secret
from contactship_async.sync import DatabaseError, MissingExtraError, PostgresTarget, SyncResult, sync
from contactship_async.sync._plan import Plan
from contactship_async.sync._postgres import PostgresConnection
from contactship_async.sync._schema import prepare

PASSWORD = "hunter2-5551234"


async def sync_into(target: PostgresTarget) -> SyncResult:
    """Sync two numbers into a database."""
    served = ServedRows({"key": {NUMBERS: numbers([1, 2])}})
    async with served.client() as client:
        return await run_one(client, "phone_numbers", target)


def chain_of(error: BaseException | None) -> list[BaseException]:
    """Return an error and all that led to it."""
    return [] if error is None else [error, *chain_of(error.__cause__), *chain_of(error.__context__)]


def told_by(error: BaseException) -> str:
    """Return all that an error shows, with the locals of the frames that are not of a test."""
    texts: list[object] = []
    for one in chain_of(error):
        frames = [frame for frame, _ in traceback.walk_tb(one.__traceback__) if "tests" not in frame.f_code.co_filename]
        texts += [one, one.args, *(frame.f_locals for frame in frames)]
    return "".join(map(repr, texts))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://user:{0}@word@nowhere.invalid/db", "PostgreSQL: there is no such host"),
        ("postgresql://{0}/x@nowhere.invalid/db", "PostgreSQL: there is no such host"),
        ("postgresql://user:{0}%@localhost/db", "PostgreSQL: the URL of the database can't be read"),
        ("postgresql://user:{0}@[::1/db", "PostgreSQL: the URL of the database can't be read"),
        ("postgresql://user:{0}@localhost/db?unknown=1", "PostgreSQL: the URL of the database can't be read"),
        ("postgresql://user@localhost/db?sslmode={0}", "PostgreSQL can't be reached, or the connection was lost"),
        ("postgresql://user:{0}@127.0.0.1:1/db", "PostgreSQL: Connection refused"),
        ("postgres://user:{0}@/db?host=/nowhere", "PostgreSQL: No such file or directory"),
    ],
)
async def test_servers_that_are_not_there(url: str, message: str) -> None:
    """Why there is no connection is told in one line, and nothing of the URL with it."""
    target = PostgresTarget(url.format(PASSWORD))
    with pytest.raises(DatabaseError) as raised:
        await sync_into(target)

    assert message == str(raised.value)
    assert "hunter2" not in told_by(raised.value)
    assert "word" not in str(raised.value)


def make_role(schema: PostgreSQLSchema, name: str) -> None:
    """Make a role that may log in, unless there is one."""
    if not schema.query("SELECT 1 FROM pg_roles WHERE rolname = ?", name):
        schema.query(f"CREATE ROLE {name} LOGIN PASSWORD 'another'")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dbname": "nowhere"}, 'PostgreSQL: database "nowhere" does not exist'),
        ({"user": "nobody_else"}, 'PostgreSQL: role "nobody_else" does not exist'),
        ({"user": "reader"}, "PostgreSQL: permission denied for schema schema_"),
        ({"options": "-csearch_path=nowhere"}, "PostgreSQL: no schema has been selected to create in"),
        (
            {"options": "-cdefault_transaction_read_only=on"},
            "PostgreSQL: cannot execute CREATE TABLE in a read-only transaction",
        ),
    ],
)
async def test_servers_that_refuse(schema: PostgreSQLSchema, changes: dict[str, str], message: str) -> None:
    """What the server refuses is told in its words, in one line."""
    make_role(schema, "reader")
    schema.query(f"GRANT USAGE ON SCHEMA {schema.name} TO reader")
    with pytest.raises(DatabaseError) as raised:
        await sync_into(PostgresTarget(schema.url(password=PASSWORD, **changes)))

    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert "hunter2" not in told_by(raised.value)


async def test_tables_of_another_role(schema: PostgreSQLSchema) -> None:
    """Tables that a role must not read are there all the same: it is told so, and not that there were no runs."""
    make_role(schema, "reader")
    schema.query(f"GRANT ALL ON SCHEMA {schema.name} TO reader")
    await sync_into(schema.target)
    reader = PostgresTarget(schema.url(user="reader"))
    refusals = []
    for act in (reader.runs, lambda: reader.forget_organization("default"), lambda: sync_into(reader)):
        with pytest.raises(DatabaseError) as raised:
            await act()
        refusals.append(str(raised.value))

    assert {"PostgreSQL: permission denied for table sync_version"} == {*refusals}


def test_wrong_password(schema: PostgreSQLSchema) -> None:
    """A wrong password is told, and not shown."""
    hba = Path(schema.query("SHOW hba_file")[0][0])
    before = hba.read_text()
    make_role(schema, "guarded")
    hba.write_text(f"local all guarded scram-sha-256\n{before}")
    schema.query("SELECT pg_reload_conf()")
    said = ""
    try:
        while "password" not in said:  # Some time later, the server reads its settings.
            with pytest.raises(DatabaseError) as raised:
                asyncio.run(sync_into(PostgresTarget(schema.url(user="guarded", password=PASSWORD, options=""))))
            said = str(raised.value)
    finally:
        hba.write_text(before)
        schema.query("SELECT pg_reload_conf()")

    assert 'PostgreSQL: password authentication failed for user "guarded"' == said
    assert "hunter2" not in told_by(raised.value)


def test_the_url_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither as text, nor in a copy, a pickle or an error is the URL shown."""
    url = f"postgresql://user:{PASSWORD}@host/db"
    target = PostgresTarget(url)

    assert "hunter2" not in f"{target!r} {target} {vars(type(target))}"
    assert target._url.reveal() == PostgresTarget(Secret(url))._url.reveal()
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="is not pickled") as raised:
            copying(target)
        assert "hunter2" not in told_by(raised.value)


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        (f"mysql://user:{PASSWORD}@host/db", ValueError, "url must begin with postgresql://"),
        (f"host=x password={PASSWORD}", ValueError, "url must begin with postgresql://"),
        (b"postgresql://", TypeError, "url must be a string, not bytes"),
    ],
)
def test_wrong_urls(url: Any, error: type[Exception], message: str) -> None:
    """What is no URL of PostgreSQL is refused at once, and not shown."""
    with pytest.raises(error, match=f"^{message}") as raised:
        PostgresTarget(url)

    assert "hunter2" not in str(raised.value)


async def test_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the driver, what to install is told."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(MissingExtraError) as raised:
        await sync_into(PostgresTarget("postgresql://"))

    assert 'psycopg is not installed: pip install "contactship-async[postgres]"' == str(raised.value)


def test_options_of_the_url_win(schema: PostgreSQLSchema) -> None:
    """What the URL says of the connection is not overruled; what it does not say, is for servers that vanish."""
    usual = PostgresConnection(Secret(schema.url()))
    named = PostgresConnection(Secret(schema.url(application_name="nightly", keepalives_idle="7")))
    names = [one.execute("SELECT current_setting('application_name')")[0][0] for one in (usual, named)]
    idle = [one._connection.info.get_parameters().get("keepalives_idle") for one in (usual, named)]
    usual.close()
    named.close()

    assert (["contactship-async", "nightly"], ["30", "7"]) == (names, idle)


def terminate(schema: PostgreSQLSchema, name: str) -> None:
    """End the connections of a sync, as an operator or a restart does."""
    while not all(
        done
        for (done,) in schema.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = ?", name
        )
    ):
        pass


async def test_connection_lost_while_walking(schema: PostgreSQLSchema) -> None:
    """A connection that is lost while rows come is made anew for the apply, and nothing is missing."""

    async def lose(request: Request) -> None:
        if ("limit", "100") in request.query and not lost:
            lost.append(request)
            terminate(schema, "walking")

    lost: list[Request] = []
    served = ServedRows({"key": {NUMBERS: numbers(range(3))}}, on_request=lose)
    async with served.client() as client:
        result = await run_one(client, "phone_numbers", PostgresTarget(schema.url(application_name="walking")))

    assert (1, {"new": 3}) == (len(lost), counts(result))


async def test_connection_lost_within_the_apply(schema: PostgreSQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is lost within an apply leaves nothing of it; the next listing gets another connection."""
    execute = PostgresConnection.execute
    lost: list[str] = []

    def lose(self: PostgresConnection, sql: str, parameters: Any = ()) -> Any:
        if sql.startswith('INSERT INTO "phone_numbers"') and not lost:
            lost.append(sql)
            terminate(schema, "applying")
        return execute(self, sql, parameters)

    monkeypatch.setattr(PostgresConnection, "execute", lose)
    served = ServedRows({"acme": {NUMBERS: numbers([1, 2]), TAGS: [tag(1)]}, "globex": {NUMBERS: numbers([3])}})
    target = PostgresTarget(schema.url(application_name="applying"))
    async with served.pool(max_concurrent=1) as pool:
        results = await run(pool, ["phone_numbers"], target)
        again = await run(pool, ["phone_numbers"], target)

    assert ["DatabaseError", None] == [result.error for result in results]
    assert "PostgreSQL: terminating connection due to administrator command" == str(results[0].exception)
    assert [{"new": 2}, {"unchanged": 1}] == [counts(result) for result in again]
    assert [("DatabaseError",)] == schema.query("SELECT error FROM syncs WHERE error IS NOT NULL")


async def test_statement_that_is_cancelled(schema: PostgreSQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that the server cancels, after a time-out say, is the failure of its listing."""
    target = PostgresTarget(schema.url(options=f"-csearch_path={schema.name} -cstatement_timeout=200"))
    stage = PostgresConnection.stage

    def take_long(self: PostgresConnection, *arguments: Any) -> None:
        self.execute("SELECT pg_sleep(10)")
        stage(self, *arguments)

    await sync_into(schema.target)
    with monkeypatch.context() as patch:
        patch.setattr(PostgresConnection, "stage", take_long)
        with pytest.raises(DatabaseError) as raised:
            await sync_into(target)

    assert "PostgreSQL: canceling statement due to statement timeout" == str(raised.value)
    assert [(2,)] == schema.query("SELECT count(*) FROM phone_numbers")


def test_connection_that_is_of_no_use(schema: PostgreSQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that can't be set up is closed."""

    def fail(connection: PostgresConnection, *_: object) -> None:
        made.append(connection)
        raise DatabaseError

    made: list[PostgresConnection] = []
    monkeypatch.setattr(PostgresConnection, "execute", fail)
    with pytest.raises(DatabaseError):
        PostgresConnection(Secret(schema.url()))

    assert [True] == [one._connection.closed for one in made]


async def test_lock_that_is_not_had_in_time(schema: PostgreSQLSchema) -> None:
    """A sync that waits for a lock of another program as long as the server allows is told so."""
    target = PostgresTarget(schema.url(options=f"-csearch_path={schema.name} -clock_timeout=50"))
    await sync_into(schema.target)
    schema.query("BEGIN")
    schema.query("LOCK TABLE phone_numbers")
    with pytest.raises(DatabaseError) as raised:
        await sync_into(target)
    schema.query("ROLLBACK")

    assert "PostgreSQL: canceling statement due to lock timeout" == str(raised.value)


async def test_other_isolation(schema: PostgreSQLSchema) -> None:
    """Where transactions usually see what was there at their beginning, syncs that wait for each other do not."""
    level = "repeatable\\ read"
    target = PostgresTarget(schema.url(options=f"-csearch_path={schema.name} -cdefault_transaction_isolation={level}"))
    connection = PostgresConnection(target._url)
    assert [("read committed",)] == connection.execute("SHOW transaction_isolation")
    connection.close()


async def test_other_encodings(schema: PostgreSQLSchema) -> None:
    """Rows are written in UTF-8, though the connection is asked for another encoding."""
    served = ServedRows({"key": {TAGS: [tag(1, name="ü")]}})
    async with served.pool({"é": "key"}) as pool:
        await run(pool, ["tags"], PostgresTarget(schema.url(client_encoding="latin1")))

    assert [("é", "ü")] == schema.query("SELECT organization, name FROM tags")


def test_a_row_is_not_current_twice(schema: PostgreSQLSchema) -> None:
    """The database itself keeps a row from being current twice, and a version from ending before it began."""
    asyncio.run(sync_into(schema.target))
    for sql in (
        "INSERT INTO phone_numbers SELECT * FROM phone_numbers",
        "UPDATE phone_numbers SET valid_to = valid_from",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            schema.query(sql)


def test_two_programs_make_the_tables_at_once(schema: PostgreSQLSchema) -> None:
    """Of two programs that find no tables, one makes them, and the other goes on with these."""
    client = ContactshipClient("key")
    first, second = (PostgresConnection(Secret(schema.url())) for _ in range(2))
    plans = [Plan.of(client.tags.list(), "o") for _ in range(2)]
    first.execute("BEGIN")
    second.execute("BEGIN")
    prepare(first, plans[0])
    ready: list[bool] = []

    def prepare_too() -> None:
        prepare(second, plans[1])
        ready.append(True)

    waiting = Thread(target=prepare_too)
    waiting.start()
    while not schema.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        pass
    first.execute("COMMIT")
    waiting.join()
    second.execute("COMMIT")
    first.close()
    second.close()

    assert [True] == ready
    assert {"tags", "current_tags", "syncs", "sync_organizations", "sync_version"} == schema.tables()


async def test_server_that_has_gone() -> None:
    """A server that goes for good ends the sync with its error."""
    programs, user = find_programs(), find_user()
    if programs is None or user is None:
        pytest.skip("PostgreSQL's server is not installed")

    async def stop(request: Request) -> None:
        if ("limit", "100") in request.query:
            server.__exit__(None, None, None)

    server = run_postgresql(programs, user)
    with PostgreSQLSchema(server.__enter__(), "gone") as schema:
        target = schema.target
    served = ServedRows({"a": {NUMBERS: numbers([1])}, "b": {NUMBERS: numbers([1])}}, on_request=stop)
    async with served.pool(max_concurrent=1) as pool:
        results = sync(pool, ["phone_numbers"], target)
        with pytest.raises(DatabaseError) as raised:
            await anext(results)

    assert str(raised.value).startswith("PostgreSQL: ")
    assert "\n" not in str(raised.value)
