"""The public surface as text, its snapshot, and what CHANGELOG.md has to say when they differ.

`tests/project/test_public_api.py` compares the snapshot, `tests/project/public_api.txt`, with the package. Who
changes the surface writes an entry into CHANGELOG.md that names what changed, and then:

    PYTHONPATH=tests/support python -m api_snapshot

This refuses to write the snapshot as long as a changed name is in no entry that is new since the last one.
"""

from __future__ import annotations

import ast
import enum
import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import FunctionType, ModuleType, NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen
from cyclopts import App, Parameter
from msgspec import Struct

import contactship_async
from contactship_async._cli.app import app

PACKAGE = Path(contactship_async.__file__).parent
PUBLIC_MODULES = (
    *("contactship_async", "contactship_async.calling", "contactship_async.contact_files"),
    "contactship_async.integrations.dask",
    *("contactship_async.sandbox", "contactship_async.sync", "contactship_async.webhooks"),
    *(f"contactship_async.models.{path.stem}" for path in sorted((PACKAGE / "models").glob("[!_]*.py"))),
)
SNAPSHOT = Path(__file__).parents[1] / "project" / "public_api.txt"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"

_CALLED_IN_OTHER_WORDS = {
    *("__init__", "__call__", "__getitem__", "__contains__", "__iter__", "__len__"),
    *("__enter__", "__exit__", "__aenter__", "__aexit__", "__aiter__", "__anext__"),
}

_WORD = re.compile(r"\w+")
_ENTRY = re.compile(r"^- .*(?:\n  .*)*", re.MULTILINE)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+(?=>)")  # of a function that is a default: another one in each process
_DIGITS = 12


@frozen
class Snapshot:
    """What was public, and which entries the change log had, when it was written.

    Args:
        surface: A line for each public name, its types and defaults included.
        entries: A digest of each entry of the change log.
    """

    surface: Sequence[str]
    entries: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Snapshot:
        """Read a snapshot; none at all is one of nothing."""
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        entries = [line.removeprefix("# entry ") for line in lines if line.startswith("#")]
        return cls([line for line in lines if not line.startswith("#")], frozenset(entries))

    def write(self, path: Path) -> None:
        """Write it, sorted."""
        lines = [*(f"# entry {digest}" for digest in sorted(self.entries)), *self.surface]
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def describe_package() -> list[str]:
    """Describe all that is public: modules, resources of the client, commands, fixtures, and the types they name."""
    modules = [importlib.import_module(name) for name in PUBLIC_MODULES]
    lines = [line for module in modules for line in describe(module)]
    lines += describe_resources(contactship_async.ContactshipClient)
    lines += describe_commands(app)
    lines += fixtures_in((PACKAGE / "pytest_plugin.py").read_text("utf-8"))
    sources = {path.relative_to(PACKAGE).with_suffix(""): path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    return sorted([*lines, *describe_aliases(lines, {".".join(path.parts): text for path, text in sources.items()})])


def describe_resources(client: type, home: str = "contactship_async.resources") -> Iterator[str]:
    """Describe what the resources of a class of clients can: its properties whose classes are at *home*."""
    for name, member in vars(client).items():
        resource = get_type_hints(member.fget)["return"] if isinstance(member, property) else None
        if resource is not None and resource.__module__.startswith(home):
            path = f"contactship_async.{client.__name__}.{name}"
            members = _describe_members(path, resource, frozenset())
            yield from (line for line in members if "__init__" not in line)


def describe_commands(parent: App, path: str = "contactship") -> Iterator[str]:
    """Describe the commands of an app and of those below it, each by its arguments and options."""
    for name in parent:
        if name.startswith("-"):
            continue
        command = parent[name]
        if command.default_command is None:
            yield from describe_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name} {_signature(command.default_command)}"


def describe_aliases(lines: Iterable[str], sources: Mapping[str, str]) -> Iterator[str]:
    """Describe the named types that *lines* use, and those that these are made of.

    Args:
        lines: Of the surface.
        sources: Of all modules, by their names. Where several define a type of the same name in other ways, each is
            described, with the name of its module.
    """
    aliases: dict[str, dict[str, list[str]]] = {}
    for module, source in sources.items():
        for name, text in aliases_in(source):
            aliases.setdefault(name, {}).setdefault(text, []).append(module)
    used: set[str] = set()
    waiting = {word for line in lines for word in _WORD.findall(line)}
    while new := waiting & aliases.keys() - used:
        used |= new
        waiting = {word for name in new for text in aliases[name] for word in _WORD.findall(text)}
    for name in used:
        for text, modules in aliases[name].items():
            place = f" ({', '.join(sorted(modules))})" if len(aliases[name]) > 1 else ""
            yield f"type {name}{place} = {text}"


def fixtures_in(source: str) -> Iterator[str]:
    """Find the fixtures of a plugin for pytest, each with what it is."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and "pytest.fixture" in map(ast.unparse, node.decorator_list):
            yield f"fixture {node.name}: {ast.unparse(node.returns) if node.returns else None}"


def aliases_in(source: str) -> Iterator[tuple[str, str]]:
    """Find the types that a module gives names to; they begin with a capital letter, as constants do not."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            if re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", name):
                yield name, ast.unparse(node.value)


def describe(module: ModuleType) -> list[str]:
    """Describe what a module lists in `__all__`, a line for each name and each public member of a class."""
    lines: list[str] = []
    values = {name: getattr(module, name) for name in module.__all__}
    public = {value for value in values.values() if isinstance(value, type)}
    for name, value in values.items():
        path = f"{module.__name__}.{name}"
        if isinstance(value, type):
            lines += _describe_class(path, value, public - {value})
        elif isinstance(value, FunctionType):
            lines.append(f"{path}{_signature(value)}")
        else:
            lines.append(f"{path}: {type(value).__name__ if isinstance(value, str) else value}")
    return sorted(_ADDRESS.sub("", line) for line in lines)


def changed_names(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Name what was added, removed or changed between two descriptions, each by a word that a user knows.

    The members of a class that was added or removed go without saying; `__init__` and its like stand for the class.
    """
    old, new = ({_path_of(line): line for line in lines} for lines in (before, after))
    changed = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    replaced = changed - (old.keys() & new.keys())
    return sorted({_known_word(path) for path in changed if path.rpartition(".")[0] not in replaced})


def entries_of(changelog: str) -> dict[str, str]:
    """Return the entries of a change log by their digests."""
    return {hashlib.sha256(entry.encode()).hexdigest()[:_DIGITS]: entry for entry in _ENTRY.findall(changelog)}


def not_in_changelog(names: Iterable[str], changelog: str, known: frozenset[str]) -> list[str]:
    """Return those of *names* that no entry of *changelog* has as a word, those with a digest in *known* left out."""
    new = " ".join(entry for digest, entry in entries_of(changelog).items() if digest not in known)
    return [name for name in names if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", new)]


def update(path: Path, changelog: str, surface: Sequence[str]) -> list[str]:
    """Write the snapshot, unless changed names are missing in the change log; return those. The first is free."""
    before = Snapshot.read(path)
    missing = (
        not_in_changelog(changed_names(before.surface, surface), changelog, before.entries) if path.exists() else []
    )
    if not missing:
        Snapshot(surface, frozenset(entries_of(changelog))).write(path)
    return missing


def _path_of(line: str) -> str:
    """Return what a line describes: all before its types."""
    return re.split(r"[(:=]", line)[0].rstrip()


def _known_word(path: str) -> str:
    return re.split(r"[. ]", re.sub(r"\.__\w+__$", "", path))[-1]


def _describe_class(path: str, cls: type, elsewhere: AbstractSet[type]) -> Iterator[str]:
    """Describe a class, but what it inherits from a class that is described *elsewhere*."""
    yield f"{path}({', '.join(base.__name__ for base in cls.__bases__)})"
    if issubclass(cls, Struct):  # Its fields are members, but it has no `__init__` of its own.
        yield f"{path}.__init__: {_signature(cls)}"
    yield from _describe_members(path, cls, elsewhere)


def _describe_members(path: str, cls: type, elsewhere: AbstractSet[type]) -> Iterator[str]:
    for name, owner in _members(cls).items():
        if owner in elsewhere:
            continue
        member = inspect.getattr_static(cls, name, None)
        annotation = vars(owner).get("__annotations__", {}).get(name)
        if isinstance(member, enum.Enum):
            yield f"{path}.{name} = {member.value!r}"
        elif isinstance(member, property):
            settable = " (settable)" if member.fset else ""
            yield f"{path}.{name}: {inspect.signature(member.fget).return_annotation}{settable}"  # type: ignore[arg-type] # each has a getter
        elif isinstance(member, classmethod | staticmethod | FunctionType):
            kind = "async " if inspect.iscoroutinefunction(member) else ""
            yield f"{path}.{name}: {kind}{_signature(getattr(cls, name))}"
        elif annotation is not None:
            yield f"{path}.{name}: {getattr(annotation, '__forward_arg__', annotation)}"  # of a TypedDict


def _members(cls: type) -> dict[str, type]:
    """Return the names of a class that users know, each with the class of the same package that defines it."""
    members: dict[str, type] = {}
    for owner in reversed(cls.__mro__):
        if owner.__module__.startswith(cls.__module__.partition(".")[0]):
            names = [*vars(owner), *vars(owner).get("__annotations__", ())]
            if attrs.has(owner):
                names += [field.name for field in attrs.fields(owner)]
            members |= {name: owner for name in names if not name.startswith("_") or name in _CALLED_IN_OTHER_WORDS}
    return members


def _signature(function: Any) -> str:
    """Write a signature with the annotations as they are in the source, which no Python version writes otherwise."""
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=_Text.of(each.annotation)) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=_Text.of(signature.return_annotation)))


def _write_option(hint: Any) -> str:
    """Write the type of an option of a derived command, the same in each Python version, with its bounds."""
    if get_origin(hint) is Annotated:
        bounds = {
            name: bound
            for each in hint.__metadata__
            for validator in each.validator
            for name, bound in attrs.asdict(validator).items()
            if bound is not None
        }
        text = ", ".join(f"{name}={bound}" for name, bound in bounds.items())
        return _write_option(hint.__origin__) + (f"({text})" if text else "")
    if get_origin(hint) is Literal:
        return f"Literal[{', '.join(map(repr, get_args(hint)))}]"
    if get_args(hint):
        return " | ".join(map(_write_option, get_args(hint)))
    return "None" if hint is NoneType else hint.__name__


@frozen(repr=False)
class _Text:
    """An annotation that prints without quotes."""

    text: str

    @classmethod
    def of(cls, annotation: Any) -> Any:
        if any(isinstance(each, Parameter) for each in getattr(annotation, "__metadata__", ())):
            annotation = _write_option(annotation)
        return cls(annotation) if isinstance(annotation, str) else annotation

    def __repr__(self) -> str:
        return self.text


def main() -> int:
    """Update the snapshot of the package, or say what CHANGELOG.md lacks."""
    missing = update(SNAPSHOT, CHANGELOG.read_text("utf-8"), describe_package())
    if missing:
        sys.stderr.write(f"CHANGELOG.md needs a new entry that names: {', '.join(missing)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
