"""The public surface is what its snapshot says, and every change of it is named in CHANGELOG.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import api_snapshot
import pytest
from api_snapshot import (
    Snapshot,
    aliases_in,
    changed_names,
    describe,
    describe_aliases,
    describe_commands,
    describe_package,
    describe_resources,
    fixtures_in,
    not_in_changelog,
    update,
)
from attrs import frozen
from cyclopts import App, Parameter
from msgspec import Struct

from contactship_async._cli.listing import Walk
from contactship_async._cli.options import make_command, options_of

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- `Client` with `iter_rows()`.
- Something else,
  on two lines.
"""
SURFACE = ["package.Client(object)", "package.Client.__init__: (self, key: str) -> None", "package.Client.rows: int"]


def test_surface_is_that_of_the_snapshot() -> None:
    """The snapshot is written anew only when the change log names what changed."""
    before = Snapshot.read(api_snapshot.SNAPSHOT).surface
    assert changed_names(before, describe_package()) == [], (
        "The public surface has changed. Name each of these in a new entry of CHANGELOG.md, and then run "
        "`PYTHONPATH=tests/support python -m api_snapshot`."
    )


class _Base:
    """Defines a member elsewhere."""

    position: int | None = None


class _Client(_Base):
    """Has a member of each kind."""

    limit: int

    def __init__(self, key: str = "", *, size: int = 100) -> None:
        self._key = key
        self._size = size

    def __len__(self) -> int:
        return self._size

    async def fetch(self, path: str) -> bytes | None:
        """Be a method."""

    @property
    def size(self) -> int:
        """Be a property."""
        return self._size

    @classmethod
    def of(cls, key: str) -> _Client:
        """Be a class method."""
        return cls(key)


@frozen
class _Value:
    """Has fields."""

    data: tuple[int, ...]


class _Message(Struct, frozen=True, kw_only=True):
    """Has fields, and a constructor that is no member."""

    body: bytes = b""


def _function(first: int, *rest: str) -> Callable[[], None]:
    raise NotImplementedError


def _module(**members: object) -> ModuleType:
    module = ModuleType("package")
    vars(module).update(members, __all__=sorted(members))
    return module


def test_a_line_for_each_public_name_with_its_types() -> None:
    """Whatever a user can call or read is described."""
    assert [
        "package.Base(object)",
        "package.Base.position: int | None",
        "package.Client(_Base)",
        "package.Client.__init__: (self, key: str = '', *, size: int = 100) -> None",
        "package.Client.__len__: (self) -> int",
        "package.Client.fetch: async (self, path: str) -> bytes | None",
        "package.Client.limit: int",
        "package.Client.of: (key: str) -> _Client",
        "package.Client.size: int",
        "package.Message(Struct)",
        "package.Message.__init__: (*, body: bytes = b'')",
        "package.Message.body: bytes",
        "package.Value(object)",
        "package.Value.__init__: (self, data: tuple[int, ...]) -> None",
        "package.Value.data: tuple[int, ...]",
        "package.__version__: str",
        "package.function(first: int, *rest: str) -> Callable[[], None]",
    ] == describe(
        _module(Base=_Base, Client=_Client, Message=_Message, Value=_Value, function=_function, __version__="1.0")
    )


def test_what_is_inherited_from_a_private_class_belongs_to_the_public_one() -> None:
    """No other class describes it."""
    assert "package.Client.position: int | None" in describe(_module(Client=_Client))


def test_names_of_types() -> None:
    """What an alias stands for is part of the surface; constants are not."""
    source = "A1b: TypeAlias = int | str\nBody = Annotated[int, Meta(gt=0)]\nLIMIT = 3\nSIZE: Final = 3\nx = 1\n"
    assert {"A1b": "int | str", "Body": "Annotated[int, Meta(gt=0)]"} == dict(aliases_in(source))
    assert "type NonEmptyText" in "\n".join(describe_package())


def test_types_of_the_same_name() -> None:
    """Each is described, with its module where they differ; so are the types that a described one is made of."""
    sources = {
        "tags": "Type = Kind | None\nKind = Literal['a']\nOrder = Literal['asc']\n",
        "calls": "Type = Literal['b']\nUnused = int\n",
        "threads": "Order = Literal['asc']\n",
    }
    assert [
        "type Kind = Literal['a']",
        "type Order = Literal['asc']",
        "type Type (calls) = Literal['b']",
        "type Type (tags) = Kind | None",
    ] == sorted(describe_aliases(["package.f: (type: Type, order: Order) -> None"], sources))


class _Resource:
    """Has what a client can call."""

    def __init__(self, caller: object) -> None:
        self._caller = caller

    async def create(self, *, name: str) -> int:
        """Be a call."""
        raise NotImplementedError


class _ResourceClient:
    """Has a resource."""

    @property
    def tags(self) -> _Resource:
        """Be a resource."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Be none."""
        raise NotImplementedError


def test_resources_of_a_client() -> None:
    """A resource is described where it is found, with its public methods."""
    assert ["contactship_async._ResourceClient.tags.create: async (self, *, name: str) -> int"] == [
        *describe_resources(_ResourceClient, home=__name__)
    ]


def test_commands() -> None:
    """Each command is described by its options, those that are derived as well, with the bounds of numbers."""
    app = App(default_parameter=Parameter(negative=()))
    below = App(name="tags")
    below.command(make_command(lambda: 0, "list", options_of(Walk), ""))
    app.command(below)
    app.command(_function, name="serve")
    options = (
        "(*, limit: int(gte=0) | None = None, offset: int(gte=0) = 0, page_size: int(gte=1) | None = None,"
        " concurrency: int(gte=1) = 1, exact: bool = False) -> int"
    )
    assert [
        f"contactship tags list {options}",
        "contactship serve (first: int, *rest: str) -> Callable[[], None]",
    ] == [*describe_commands(app)]
    commands = {line.partition(" (")[0] for line in describe_package()}
    assert {"contactship phone-numbers list", "contactship phone-numbers count", "contactship sandbox"} <= commands


def test_fixtures() -> None:
    """The fixtures of the plugin are part of the surface; its other functions are not."""
    source = "@pytest.fixture\ndef sandbox(request: R) -> Iterator[S]: ...\n\ndef _make() -> S: ...\n"
    assert ["fixture sandbox: Iterator[S]"] == [*fixtures_in(source)]
    assert "fixture contactship_client: Iterator[ContactshipClient]" in describe_package()


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (SURFACE, []),
        ([*SURFACE, "package.Client.columns: int"], ["columns"]),
        (SURFACE[:2], ["rows"]),
        ([*SURFACE[:2], "package.Client.rows: str"], ["rows"]),
        ([SURFACE[0], "package.Client.__init__: (self) -> None", SURFACE[2]], ["Client"]),
        (["package.Client(Base)", *SURFACE[1:]], ["Client"]),
        ([], ["Client"]),
        ([*SURFACE, "package.Pool(object)", "package.Pool.map: () -> None"], ["Pool"]),
        ([*SURFACE, "type Order = str"], ["Order"]),
        ([*SURFACE, "contactship phone-numbers list (*, limit: int)"], ["list"]),
    ],
)
def test_changed_names(after: list[str], names: list[str]) -> None:
    """In both directions."""
    assert names == changed_names(SURFACE, after)
    assert names == changed_names(after, SURFACE)


def test_a_change_must_be_named_in_a_new_entry(tmp_path: Path) -> None:
    """An older entry with the same word, or another word with the same letters, does not count."""
    path = tmp_path / "snapshot.txt"
    assert [] == update(path, CHANGELOG, SURFACE)  # the first one
    written = path.read_text()
    changed = [*SURFACE[:2], "package.Client.rows: str"]
    assert ["rows"] == update(path, CHANGELOG, changed)
    assert ["rows"] == update(path, f"{CHANGELOG}- More about `iter_rows()` and narrows.\n", changed)
    assert written == path.read_text()
    changelog = f"{CHANGELOG}- `Client.rows` is a string,\n  no longer a number.\n"
    assert [] == update(path, changelog, changed)
    assert changed == Snapshot.read(path).surface
    assert ["rows"] == update(path, changelog, SURFACE)  # back again: what was named is named already


def test_entries_of_several_lines_count_as_a_whole() -> None:
    """An edited entry is a new one."""
    known = frozenset(api_snapshot.entries_of(CHANGELOG))
    edited = CHANGELOG.replace("on two lines", "on two lines of `rows`")
    assert [] == not_in_changelog(["rows"], edited, known)
    assert ["rows"] == not_in_changelog(["rows"], CHANGELOG, known)
