"""The structure of the package: who may import whom, how large a module is, and what is public."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TypeAlias

import pytest

import contactship_async
import contactship_async.calling
import contactship_async.contact_files
import contactship_async.integrations.dask
import contactship_async.sandbox
import contactship_async.sync
import contactship_async.webhooks

PACKAGE = Path(contactship_async.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_NAMES = {
    ".".join(("contactship_async", *module.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for module in MODULES
}

GROUND = ("_version", "_arguments", "_headers", "_masking", "errors", "settings")
PUBLIC = ("", "sandbox", "calling", "sync")
PUBLIC_PACKAGES = (
    *(contactship_async, contactship_async.calling, contactship_async.contact_files),
    contactship_async.integrations.dask,
    *(contactship_async.sandbox, contactship_async.sync, contactship_async.webhooks),
)

ALLOWED: dict[str, tuple[str, ...]] = {
    "_version": (),
    "_arguments": (),
    "_headers": (),
    "_masking": (),
    "errors": ("_headers", "_masking"),
    "settings": ("_arguments",),
    "_codec": ("errors",),
    "models": ("_arguments", "_codec", "errors"),
    "_http": (*GROUND, "models", "_codec"),
    "_pagination": (*GROUND, "models", "_http"),
    "webhooks": ("_arguments", "errors", "models", "_codec"),
    "resources": (*GROUND, "models", "_http", "_pagination"),
    "_configuration": (*GROUND, "models", "_http"),
    "_client": (*GROUND, "models", "_http", "_pagination", "_configuration", "resources"),
    "_pool": (*GROUND, "models", "_http", "_pagination", "_configuration", "_client"),
    "": (*GROUND, "models", "_http", "_pagination", "_client", "_pool"),
    "sandbox": ("_version", "_arguments", "_http/messages", "_http/secret"),
    "sandbox/_sandbox": ("_arguments", "sandbox", "_client"),
    "sandbox/_pool": ("_http/messages", "sandbox", "_pool"),
    "contact_files": ("errors",),
    "calling": ("", "contact_files", "errors", "models"),
    "sync": ("", "errors", "models"),
    "integrations": ("", "errors", "models", "settings"),
    "pytest_plugin": PUBLIC,
    "_cli": (*PUBLIC, "contact_files", "errors", "models", "resources"),
    "__main__": ("", "_cli"),
}
"""What each wing may import from the others: the empty name is the package itself, and a module may differ from its
wing. Within a wing, a module may import what does not lead back to it."""

Imports: TypeAlias = dict[str, set[str]]

USERS = ("_cli", "calling", "integrations", "pytest_plugin", "sync")

IMPORTING_AT_FIRST_USE = {"", "pytest_plugin", "resources"}
"""Those that pytest or a client imports whenever it starts, and which therefore put off their imports."""


def name_of(module: Path) -> str:
    """Name a module by its path within the package, the package itself by nothing."""
    return str(module.relative_to(PACKAGE).with_suffix("")).removesuffix("__init__").rstrip("/")


def imports_of(module: Path) -> set[str]:
    """Name the modules of the package that a module imports, by their paths; the front of the package by nothing."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that this test sees them"
            origin = node.module or ""
            for alias in node.names:
                is_module = f"{origin}.{alias.name}" in MODULE_NAMES
                found.add(f"{origin}.{alias.name}" if is_module else origin)
    inside = [name.split(".") for name in found if name.split(".")[0] == "contactship_async"]
    return {"/".join(parts[1:]) for parts in inside}


def lines_of_code(source: str) -> set[int]:
    """Number the lines that are neither blank nor a comment, and belong to no docstring."""
    blank = {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
        tokenize.ENCODING,
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for token in tokens if token.type not in blank for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= {*range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return lines


def is_within(name: str, places: Iterable[str]) -> bool:
    """Return whether a module is one of *places*, or in one that is a folder."""
    return any(name == place or (place and name.startswith(f"{place}/")) for place in places)


def wing_of(name: str) -> str:
    """Return the longest entry of `ALLOWED` that a module belongs to."""
    return max((key for key in ALLOWED if is_within(name, [key])), key=len)


@pytest.fixture(scope="module")
def imports() -> Imports:
    """Return what each module imports of the package."""
    return {name_of(module): imports_of(module) for module in MODULES}


def test_imports_go_one_way(imports: Imports) -> None:
    """A module imports only from its own wing and from those before it."""
    upward = {
        name: sorted(other for other in found if not is_within(other, (*ALLOWED[wing_of(name)], wing_of(name))))
        for name, found in imports.items()
    }

    assert {name: [] for name in imports} == upward


def test_users_need_public_names_only(imports: Imports) -> None:
    """What is built on the client uses what any program could, so that it is enough for any program."""
    others = {
        name: [other for other in found if not is_within(other, [wing_of(name)])]
        for name, found in imports.items()
        if is_within(name, USERS)
    }
    private = {
        name: [other for other in found if "_" in {part[:1] for part in other.split("/")}]
        for name, found in others.items()
    }

    assert {name: [] for name in others} == private


def test_no_circle(imports: Imports) -> None:
    """All modules can be put in a row in which each imports only from those before it, within a wing as well."""
    TopologicalSorter(imports).prepare()


def test_modules_are_small() -> None:
    """No module has more than 300 lines of code, or 600 with its docstrings, comments and blank lines."""
    sources = {name_of(module): module.read_text(encoding="utf-8") for module in MODULES}
    sizes = {name: (len(lines_of_code(source)), len(source.splitlines())) for name, source in sources.items()}

    assert {} == {name: size for name, size in sizes.items() if size[0] > 300 or size[1] > 600}


def test_no_import_is_hidden() -> None:
    """No circle is broken by an import that only a type checker sees."""
    hiding = {name_of(module) for module in MODULES if "TYPE_CHECKING" in module.read_text(encoding="utf-8")}

    assert IMPORTING_AT_FIRST_USE == hiding


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_public_names(package: object) -> None:
    """The list of public names is true, and has none twice; ruff holds it sorted."""
    names = list(package.__all__)  # type: ignore[attr-defined] # all have it

    assert len(set(names)) == len(names)
    assert all(hasattr(package, name) for name in names)


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_public_names_are_documented(package: object) -> None:
    """Each public class and function has a docstring, and so has each of its public methods."""
    undocumented = [
        f"{name}.{attribute}" if attribute else name
        for name in package.__all__  # type: ignore[attr-defined] # all have it
        if isinstance(getattr(package, name), type)
        for attribute in ("", *vars(getattr(package, name)))
        if not attribute.startswith("_")
        and (callable(found := getattr(getattr(package, name), attribute, None)) or not attribute)
        and not (found or getattr(package, name)).__doc__
    ]

    assert [] == undocumented


def test_only_the_transport_reveals_the_key() -> None:
    """The key is revealed where the header is set and where the sandbox checks it; URLs are where they are used."""
    revealing = {name_of(module) for module in MODULES if ".reveal()" in module.read_text()}

    revealing = {name for name in revealing if not name.startswith("sandbox")}
    assert {"_http/aiohttp_transport", "_http/proxy", "sync/_postgres"} == revealing
