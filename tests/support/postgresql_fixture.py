"""One PostgreSQL for all tests of a process that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgresql_server import find_programs, find_user, run_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL; how to connect to it."""
    programs, user = find_programs(), find_user()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed: no initdb, pg_ctl and postgres (apt-get install postgresql)")
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
    with run_postgresql(programs, user) as conninfo:
        yield conninfo
