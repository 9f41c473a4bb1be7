"""A real PostgreSQL for the tests: a throw-away cluster in a temporary directory, reached by a socket inside it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

_PROGRAMS: Final = ("initdb", "pg_ctl", "postgres")
_DEBIANS_VERSIONS: Final = Path("/usr/lib/postgresql")  # none of which is on the path
_UNPRIVILEGED_USERS: Final = ("postgres", "nobody")
_READY: Final = "ready"

# The shell waits until its input ends. That also happens when the tests are killed, so that no server outlives them.
_LIFE: Final = f"""
trap 'pg_ctl stop --silent --pgdata=data --mode=immediate; rm -rf "$PWD"' EXIT
initdb --pgdata=data --username=tests --auth=trust --encoding=UTF8 --no-locale --no-sync || exit
settings="-c port=5432 -c listen_addresses= -c fsync=off -c autovacuum=off -c timezone=UTC"
pg_ctl start --wait --pgdata=data --log=log --options="-k '$PWD' $settings" || {{ cat log; exit; }}
echo {_READY}
read -r _
"""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL for all tests; how to connect to it."""
    programs, user = find_programs(), find_user()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed: no initdb, pg_ctl and postgres (apt-get install postgresql)")
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
    with run_postgresql(programs, user) as conninfo:
        yield conninfo


def find_programs() -> Path | None:
    """Find the folder of the server programs: on the path, as Debian's package, or as `pg_config` says."""
    folders = os.get_exec_path()
    versions = sorted(_DEBIANS_VERSIONS.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    folders += map(str, versions)
    if pg_config := shutil.which("pg_config"):
        folders.append(subprocess.check_output([pg_config, "--bindir"], text=True).strip())  # noqa: S603 - as found
    return next(
        (Path(folder) for folder in folders if all(shutil.which(name, path=folder) for name in _PROGRAMS)), None
    )


def find_user() -> str | None:
    """Name the user to run the server as, which refuses to run as root; None without one."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((user for user in _UNPRIVILEGED_USERS if user in known), None)


@contextmanager
def run_postgresql(programs: Path, user: str) -> Iterator[str]:
    """Run a new, empty server as *user*, yield how to connect to it, and remove it whatever happens."""
    with TemporaryDirectory(prefix="postgresql-") as directory:
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(directory, user)
            identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        shell = subprocess.Popen(  # noqa: S603 - ours
            ["/bin/sh", "-c", _LIFE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=directory,
            env={"PATH": f"{programs}{os.pathsep}{os.defpath}", "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C ends the tests, and so the input
            **identity,
        )
        try:
            _wait_until_ready(shell)
            yield f"host='{directory}' port=5432 user=tests dbname=postgres"
        finally:
            shell.communicate()


def _wait_until_ready(shell: subprocess.Popen[str]) -> None:
    assert shell.stdout is not None
    said = ""
    for line in shell.stdout:
        if line == f"{_READY}\n":
            return
        said += line
    message = f"PostgreSQL does not start:\n{said}"
    raise RuntimeError(message)


def _run_until_input_ends() -> None:
    """Serve the benchmarks: print how to connect, and go on until the standard input ends."""
    programs, user = find_programs(), find_user()
    if programs is not None and user is not None:
        with run_postgresql(programs, user) as conninfo:
            print(conninfo, flush=True)  # noqa: T201 - to the process that reads it
            sys.stdin.read()


if __name__ == "__main__":
    _run_until_input_ends()
