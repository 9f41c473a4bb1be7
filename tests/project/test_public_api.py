"""The public surface is what its snapshot says, and every change of it is told in CHANGELOG.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import api_snapshot
import pytest
from api_snapshot import Snapshot, aliases_in, changed_names, describe, describe_package, fixtures_in, untold, update
from attrs import frozen
from msgspec import Struct

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- `Client` with `iter_rows()`.
- Something else,
  on two lines.
"""
SURFACE = ["package.Client(object)", "package.Client.__init__: (self, key: str) -> None", "package.Client.rows: int"]


def test_surface_is_that_of_the_snapshot() -> None:
    """The snapshot is written anew only when the change log tells what changed."""
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
    """Has fields, and a constructor that is nobody's member."""

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
    """Nobody else describes it."""
    assert "package.Client.position: int | None" in describe(_module(Client=_Client))


def test_names_of_types() -> None:
    """What an alias stands for is part of the surface; constants are not."""
    source = "A1b: TypeAlias = int | str\nBody = Annotated[int, Meta(gt=0)]\nLIMIT = 3\nSIZE: Final = 3\nx = 1\n"
    assert {"A1b": "int | str", "Body": "Annotated[int, Meta(gt=0)]"} == dict(aliases_in(source))
    assert "type NonEmptyText" in "\n".join(describe_package())


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


def test_a_change_must_be_told_in_a_new_entry(tmp_path: Path) -> None:
    """An older entry with the same word, or another word with the same letters, does not count."""
    path = tmp_path / "snapshot.txt"
    assert [] == update(path, CHANGELOG, SURFACE)  # the first one
    written = path.read_text()
    changed = [*SURFACE[:2], "package.Client.rows: str"]
    assert ["rows"] == update(path, CHANGELOG, changed)
    assert ["rows"] == update(path, f"{CHANGELOG}- More about `iter_rows()` and narrows.\n", changed)
    assert written == path.read_text()
    told = f"{CHANGELOG}- `Client.rows` is a text,\n  no longer a number.\n"
    assert [] == update(path, told, changed)
    assert changed == Snapshot.read(path).surface
    assert ["rows"] == update(path, told, SURFACE)  # back again: what was told is told already


def test_entries_of_several_lines_count_as_a_whole() -> None:
    """An edited entry is a new one."""
    known = frozenset(api_snapshot.entries_of(CHANGELOG))
    edited = CHANGELOG.replace("on two lines", "on two lines of `rows`")
    assert [] == untold(["rows"], edited, known)
    assert ["rows"] == untold(["rows"], CHANGELOG, known)
