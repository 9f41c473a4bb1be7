"""The structure of the package: who may import whom, how large a module is, and what is public."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import contactship_async
import contactship_async.sandbox

PACKAGE = Path(contactship_async.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

CORE = {
    "errors",
    "models",
    "_arguments",
    "_secret",
    "_messages",
    "_codec",
    "_protocol",
    "_requests",
    "_limits",
    "_time_limit",
    "_retry",
    "_transport",
    "_connection",
    "_pagination",
    "_default_walk",
    "_anchors",
    "_overlapping_walk",
}
PUBLIC = {"", "sandbox"}

ALLOWED: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "_arguments": set(),
    "_secret": set(),
    "models": {"_arguments"},
    "_messages": {"_secret"},
    "_codec": {"models", "errors"},
    "_requests": {"_arguments", "_messages", "_codec", "_secret"},
    "_protocol": {"_messages", "_codec", "models", "errors"},
    "_limits": {"models"},
    "_time_limit": set(),
    "_retry": {"_limits", "_messages", "_time_limit", "models", "errors"},
    "_transport": {"_messages", "models", "errors"},
    "_pagination": {"models", "errors"},
    "_default_walk": {"_pagination", "models", "errors"},
    "_anchors": {"_pagination", "errors"},
    "_overlapping_walk": {"_anchors", "_pagination", "models", "errors"},
    "_connection": {"_messages", "_transport", "_version"},
    "_core": CORE,
    "resources": CORE | {"_core", "resources"},
    "_configuration": {"_arguments", "_connection", "_messages", "_secret", "models", "errors"},
    "_client": CORE | {"_configuration", "_core", "resources"},
    "_merge": set(),
    "_pool": CORE | {"_configuration", "_client", "_merge"},
    "": CORE | {"_core", "resources", "_client", "_pool", "_version"},
    "sandbox": {"_messages", "_secret", "_version", "sandbox"},
    "sandbox/_sandbox": {"sandbox", "_client"},
    "sandbox/_pool": {"_messages", "sandbox", "_pool"},
    "pytest_plugin": PUBLIC,
    "_cli_output": PUBLIC,
    "_cli_progress": PUBLIC | {"_cli_output"},
    "_cli_organizations": PUBLIC,
    "_cli_failures": PUBLIC,
    "_cli_sandbox": PUBLIC | {"_cli_output"},
    "_cli": PUBLIC | {"_cli_output", "_cli_progress", "_cli_organizations", "_cli_failures", "_cli_sandbox"},
    "__main__": {"_cli"},
}
"""What each module may import from within the package; the empty name is the package itself."""

IMPORTED_BY_PYTEST = {"", "pytest_plugin"}
"""Those that pytest imports whenever it starts, and which therefore put off their imports."""


def name_of(module: Path) -> str:
    """Name a module by its path within the package, the package itself by nothing."""
    return str(module.relative_to(PACKAGE).with_suffix("")).removesuffix("__init__").rstrip("/")


def imports_of(module: Path) -> set[str]:
    """Return what a module imports from within the package, by the first part of the name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that this test sees them"
            names = [node.module or ""]
            if node.module == "contactship_async":
                names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        inside = [name.split(".")[1:] for name in names if name.split(".")[0] == "contactship_async"]
        found |= {parts[0] if parts else "" for parts in inside}
    public = set(contactship_async.__all__)
    return {"" if name in public else name for name in found}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_imports_go_one_way(module: Path) -> None:
    """A module imports only from those before it."""
    name = name_of(module)
    key = name if name in ALLOWED else name.split("/")[0]

    assert imports_of(module) <= ALLOWED[key]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_modules_are_small(module: Path) -> None:
    """No module is longer than 300 lines."""
    assert len(module.read_text().splitlines()) <= 300


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_import_is_hidden(module: Path) -> None:
    """No circle is broken by an import that only a type checker sees."""
    assert ("TYPE_CHECKING" in module.read_text()) == (name_of(module) in IMPORTED_BY_PYTEST)


@pytest.mark.parametrize("package", [contactship_async, contactship_async.sandbox])
def test_public_names(package: object) -> None:
    """The list of public names is sorted, complete and true."""
    names = list(package.__all__)  # type: ignore[attr-defined] # both packages have it

    assert sorted(names) == names
    assert all(hasattr(package, name) for name in names)


@pytest.mark.parametrize("package", [contactship_async, contactship_async.sandbox])
def test_public_names_are_documented(package: object) -> None:
    """Each public class and function has a docstring, and so has each of its public methods."""
    undocumented = [
        f"{name}.{attribute}" if attribute else name
        for name in package.__all__  # type: ignore[attr-defined] # both packages have it
        if isinstance(getattr(package, name), type)
        for attribute in ("", *vars(getattr(package, name)))
        if not attribute.startswith("_")
        and (callable(found := getattr(getattr(package, name), attribute, None)) or not attribute)
        and not (found or getattr(package, name)).__doc__
    ]

    assert [] == undocumented


def test_only_the_transport_reveals_the_key() -> None:
    """The key is revealed where the header is set, and where the sandbox checks it."""
    revealing = {name_of(module) for module in MODULES if ".reveal()" in module.read_text()}

    assert {"_transport"} == {name for name in revealing if not name.startswith("sandbox")}
