"""The store of sorted rows, against a list that is sorted anew each time; and the collection over it."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._api.pages import Window
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.store import Store

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
COLORS = ("red", "blue", "")
SIZES = ("small", "Large")

STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(-3, 3), st.sampled_from(COLORS), st.sampled_from(SIZES)),
    st.tuples(st.just("remove"), st.integers(0, 30)),
    st.tuples(st.just("replace"), st.integers(0, 30), st.sampled_from(COLORS), st.sampled_from(SIZES)),
)
CONDITIONS: list[dict[str, str]] = [
    {name: value for name, value in (("color", color), ("size", size)) if value is not None}
    for color in (None, *COLORS)
    for size in (None, *SIZES)
]
PARTS = st.fixed_dictionaries({}, optional={"size": st.sampled_from(["l", "LL", "ARG"]), "none": st.just("")})
WINDOWS = st.builds(Window, st.integers(0, 9), st.integers(0, 9), st.sampled_from(["asc", "desc"]))


def write(id_: str, color: str, size: str) -> bytes:
    """Write a row."""
    return f'{{"id":"{id_}","color":"{color}","size":"{size}","none":null}}'.encode()


class Model:
    """A plain list of rows as they were added, each with the time of its creation."""

    def __init__(self) -> None:
        self.rows: list[tuple[datetime, dict[str, Any]]] = []

    def select(self, equal: dict[str, str], containing: dict[str, str]) -> list[dict[str, Any]]:
        """Sort all rows, ties as they were added, and keep those that meet all conditions."""
        rows = [row for _, row in sorted(self.rows, key=lambda row: row[0])]
        rows = [row for row in rows if all(row[name] == value for name, value in equal.items())]
        parts = [(name, part.lower()) for name, part in containing.items()]
        return [row for row in rows if all(part in (row[name] or "").lower() for name, part in parts)]


@given(st.lists(STEPS, max_size=30), PARTS, WINDOWS)
def test_store_is_a_sorted_list(steps: list[Any], containing: dict[str, str], window: Window) -> None:
    """After any additions, removals and changes, each selection and page is that of a list sorted by creation."""
    store, model = Store("color", "size"), Model()
    for number, (step, *arguments) in enumerate(steps):
        if step == "add":
            minutes, color, size = arguments
            created_at, id_ = BEGINNING + timedelta(minutes=minutes), f"row-{number}"
            store.add(id_, created_at, write(id_, color, size), (color, size))
            model.rows.append((created_at, {"id": id_, "color": color, "size": size, "none": None}))
        elif model.rows:
            place = arguments[0] % len(model.rows)
            row = model.rows[place][1]
            if step == "remove":
                store.remove(row["id"])
                del model.rows[place]
            else:
                row["color"], row["size"] = arguments[1:]
                store.replace(row["id"], write(row["id"], *arguments[1:]), tuple(arguments[1:]))

    assert len(model.rows) == len(store)
    assert all(row["id"] in store and row == store[row["id"]].to_dict() for _, row in model.rows)
    for equal in CONDITIONS:
        selected, expected = store.select(equal, containing), model.select(equal, containing)
        assert expected == [row.to_dict() for row in selected]
        page = (expected if window.order == "asc" else expected[::-1])[window.offset : window.offset + window.limit]
        assert page == [row.to_dict() for row in window.cut(selected)]


def test_a_single_indexed_filter_copies_nothing() -> None:
    """All rows, and those with one indexed value, are lists that the store has: a page costs its own rows only."""
    store = Store("color")
    store.add("a", BEGINNING, b"{}", ("red",))

    assert store.select({}, {}) is store.select({}, {})
    assert store.select({"color": "red"}, {}) is store.select({"color": "red"}, {})
    assert [] == store.select({"color": "blue"}, {})


@pytest.mark.parametrize("change", [lambda store: store.remove("b"), lambda store: store.replace("b", b"{}", ("red",))])
def test_unknown_rows(change: Any) -> None:
    """Removing or changing a row that is not there is a KeyError and changes nothing."""
    store = Store("color")
    store.add("a", BEGINNING, b"{}", ("red",))

    with pytest.raises(KeyError):
        change(store)
    assert 1 == len(store) == len(store.select({"color": "red"}, {}))


def test_a_collection_reads_like_a_list() -> None:
    """It is compared, counted, sliced and iterated like the list of its rows, the newest first, and follows changes."""
    numbers = Sandbox(5).phone_numbers
    rows = numbers.rows

    assert rows == numbers == Sandbox(5).phone_numbers
    assert numbers != rows[:-1]
    assert numbers != 5
    assert 5 == len(numbers)
    assert [*rows] == [*numbers]
    assert rows[::-1] == [*reversed(numbers)] == numbers[::-1]
    assert (rows[0], rows[-1], rows[1:4:2]) == (numbers[0], numbers[-1], numbers[1:4:2])
    assert rows[2] in numbers
    assert 2 == numbers.index(rows[2])
    with pytest.raises(IndexError):
        numbers[5]
    numbers.remove(rows[0]["id"])
    assert rows[1:] == numbers
    assert "<PhoneNumbers: 4>" == repr(numbers)
    with pytest.raises(TypeError, match="unhashable"):
        hash(numbers)


COLLECTIONS = [name for name, value in vars(Sandbox()).items() if isinstance(value, Collection)]


@pytest.mark.parametrize("name", COLLECTIONS)
def test_collections_have_one_shape(name: str) -> None:
    """Each is documented, and adds a row by keywords only, all of which may be left out, and removes it by its id."""
    sandbox = Sandbox()
    collection: Any = getattr(sandbox, name)
    parameters = inspect.signature(collection.add).parameters.values()

    assert {inspect.Parameter.KEYWORD_ONLY} == {parameter.kind for parameter in parameters}
    assert {None} == {parameter.default for parameter in parameters}
    assert all(f"{parameter.name}:" in collection.add.__doc__ for parameter in parameters)
    assert collection.__doc__
    assert name in inspect.get_annotations(Sandbox)
    for row in collection.rows:
        collection.remove(row["id"])
    first, second = collection.add(), collection.add()
    assert [second, first] == collection
    collection.remove(first["id"])
    assert [second] == collection.rows
    if name not in {"agents", "calls", "tasks"}:  # which are documented without it
        assert sandbox.organization_id == second["organization_id"]
