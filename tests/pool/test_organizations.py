"""`read_organizations`: the file of names and variables; what is wrong with one is tested by the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contactship_async import ConfigurationError, ContactshipPool, read_organizations

FILE = 'acme = "ACME_KEY"\n"G l\\u001bobex" = "GLOBEX_KEY"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a file of two organizations."""
    path = tmp_path / "organizations.toml"
    path.write_text(FILE)
    return path


def test_names_of_variables(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names lead to the variables of the keys, in the order of the file, and so to a pool; the keys are not read."""
    monkeypatch.setenv("ACME_KEY", "sk-1")
    monkeypatch.setenv("GLOBEX_KEY", "sk-2")
    variables = read_organizations(str(file))

    assert {"acme": "ACME_KEY", "G l\x1bobex": "GLOBEX_KEY"} == variables
    pool = ContactshipPool({name: os.environ[variable] for name, variable in variables.items()})
    assert [*variables] == [*pool]


def test_variables_that_are_not_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They must be, unless the names alone are wanted."""
    monkeypatch.setenv("ACME_KEY", "sk-1")
    with pytest.raises(ConfigurationError, match="the environment variable GLOBEX_KEY is not set"):
        read_organizations(file)

    assert 2 == len(read_organizations(file, with_keys=False))


def test_file_that_is_missing(tmp_path: Path) -> None:
    """It is an error of the configuration as well."""
    with pytest.raises(ConfigurationError, match=r"none.toml can't be read: No such file or directory"):
        read_organizations(tmp_path / "none.toml")
