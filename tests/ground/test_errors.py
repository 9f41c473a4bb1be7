"""The errors: one tree, all of it picklable, copyable and exported."""

from __future__ import annotations

import builtins
import copy
import pickle

import pytest

import contactship_async
import contactship_async.calling
import contactship_async.contact_files
import contactship_async.sync
from contactship_async import (
    AmbiguousOutcomeError,
    ConfigurationError,
    ConnectionFailedError,
    ContactshipError,
    MalformedResponseError,
    PaginationError,
    RateLimitError,
    RequestTimeoutError,
    WalkPosition,
)

EXAMPLES = [
    ContactshipError("x"),
    ConfigurationError("x"),
    ConnectionFailedError("x"),
    RequestTimeoutError("x", limit="attempt"),
    AmbiguousOutcomeError("x"),
    RateLimitError(status=429, method="GET", path="/v1/x", message="m", body=b"b", request_id="r", retry_after=2.5),
    MalformedResponseError(("data: missing",)),
    PaginationError("x"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("duplicate", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_duplicates(error: ContactshipError, duplicate: object) -> None:
    """Every error survives pickling and copying with its facts, its position and its notes."""
    error.position = WalkPosition(offset=7, yielded=5)
    error.add_note("4 attempts were made.")
    twin = duplicate(error)  # type: ignore[operator] # one of the three functions above

    assert type(error) is type(twin)
    assert (str(error), error.args, vars(error)) == (str(twin), twin.args, vars(twin))


def test_position_is_none_outside_walks() -> None:
    """An error that no walk raised has no position."""
    assert ContactshipError("x").position is None


@pytest.mark.parametrize(("error", "builtin"), [(ConfigurationError, ValueError), (RequestTimeoutError, TimeoutError)])
def test_builtin_relatives(error: type[ContactshipError], builtin: type[Exception]) -> None:
    """Two errors are also what a caller would expect of the standard library."""
    assert issubclass(error, builtin)


def test_all_errors_are_exported() -> None:
    """Each error class of the tree is public: in the package itself, or in the wing that it is from."""

    def tree(root: type[ContactshipError]) -> set[type[ContactshipError]]:
        return {root}.union(*(tree(leaf) for leaf in root.__subclasses__()))

    wings = (contactship_async.calling, contactship_async.contact_files, contactship_async.sync)
    for error in tree(ContactshipError):
        home = next((wing for wing in wings if error.__module__.startswith(wing.__name__)), contactship_async)
        assert error.__name__ in home.__all__
    assert not {name for name in contactship_async.__all__ if hasattr(builtins, name)}
