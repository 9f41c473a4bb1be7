"""pytest imports the package at each start: what takes time is imported at the first use of a public name."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import contactship_async
import contactship_async.resources

DEPENDENCIES = ("aiohttp", "asyncio", "attr", "attrs", "cattrs", "msgspec")

LIST_DEPENDENCIES = f"""
import sys
print(*({{*sys.modules}} & {{*{DEPENDENCIES}}}))
"""


def run(code: str) -> list[str]:
    """Run *code* in a process of its own, and return the words it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()  # noqa: S603 - Python


def test_starting_pytest_imports_no_dependency() -> None:
    """The plugin, and the package it is in, cost next to nothing."""
    found_before = run("import pytest" + LIST_DEPENDENCIES)

    assert found_before == run("import pytest, contactship_async.pytest_plugin" + LIST_DEPENDENCIES)
    assert "aiohttp" not in found_before


def test_first_use_imports_all() -> None:
    """Every public name is there for all ways to import, and shown before."""
    names = run("import contactship_async; print(*dir(contactship_async))")

    assert {*contactship_async.__all__} <= {*names}
    assert {*contactship_async.__all__} <= {*run("from contactship_async import *; print(*dir())")}
    assert "aiohttp" in run("import contactship_async as sdk; sdk.Page" + LIST_DEPENDENCIES)


def test_type_checkers_see_the_same() -> None:
    """The imports that only type checkers see lead to what there is."""
    tree = ast.parse(Path(contactship_async.__file__).read_text(encoding="utf-8"))
    [hidden] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        alias.name: getattr(import_module(node.module or ""), alias.name)
        for node in hidden.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert {*contactship_async.__all__} == {*seen, "__version__"}
    assert seen == {name: getattr(contactship_async, name) for name in seen}


def test_unknown_name() -> None:
    """What does not exist is refused in Python's words, also for names that only modules behind the package know."""
    for name in ("ContactShipClient", "Sequence", "aiohttp"):
        with pytest.raises(AttributeError, match=rf"^module 'contactship_async' has no attribute '{name}'$"):
            getattr(contactship_async, name)


def test_resources_are_imported_at_their_first_use() -> None:
    """A client knows its resources, and each is imported when it is asked for; there are no others."""
    names = run(
        "import sys; from contactship_async import ContactshipClient, resources; client = ContactshipClient('k');"
        " client.credits; print(*(name for name in resources.__all__ if f'{resources.__name__}.{name}' in sys.modules))"
    )

    assert ["credits", "phone_numbers"] == names  # The front of the SDK lists phone numbers.
    assert {*dir(contactship_async.ContactshipClient)} >= {*contactship_async.resources.__all__}
    name = "campaigns"
    with pytest.raises(AttributeError, match=r"^module 'contactship_async\.resources' has no attribute 'campaigns'$"):
        getattr(contactship_async.resources, name)
