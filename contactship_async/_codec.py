"""JSON bytes to attrs classes and back: one converter, one entrance, the same rules on two paths.

The fast path is a cached msgspec decoder that writes straight into the classes. What it refuses takes the careful path:
cattrs, whose hooks leave each value to msgspec as well, accept more forms of ISO 8601, and name every problem with its
JSON path. Neither path coerces (plain cattrs turns a null id into the text `None`, and `{}` into an empty list). No
problem quotes a value: answers hold personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import msgspec
from attrs import has
from cattrs import BaseConverter, transform_error
from cattrs.errors import IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn
from cattrs.preconf.msgspec import MsgspecJsonConverter, configure_converter

from contactship_async.errors import MalformedResponseError

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

_JSON_NAMES: Final = {
    dict: "an object",
    list: "an array",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


_MINUTE: Final = timedelta(minutes=1)

_MOST_WRONG_ITEMS: Final = 100
"""A hostile list of 200,000 wrong items would keep the event loop busy for seconds with problems nobody reads."""


_MOST_BYTES_TAKEN_CAREFULLY: Final = 4 * 2**20
"""Some 20,000 rows. Eight times as many bytes of empty arrays, few when compressed, would take 700 MiB and seconds."""


class _MismatchError(ValueError):
    """A value of the wrong kind; its text names kinds only."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {_JSON_NAMES[type(value)]}")


class Codec(MsgspecJsonConverter):
    """The converter, configured once as `codec`."""

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[Any, Callable[[bytes], Any]] = {}
        configure_converter(self)
        for leaf in (str, int, float, bool, Enum):
            self.register_structure_hook(leaf, _structure_leaf)
        self.register_structure_hook_func(_is_constrained, _structure_leaf)
        self.register_structure_hook_func(_is_moment, _structure_moment)
        self.register_structure_hook_factory(_is_list, _list_hook)
        self.register_structure_hook_factory(_is_class, _class_hook)

    def loads(self, data: bytes, cl: type[T]) -> T:  # type: ignore[override] # msgspec's decoder takes no options
        """Decode *data* into *cl*.

        Raises:
            MalformedResponseError: *data* is not JSON, or its shape is not that of *cl*.
        """
        return self.reader(cl)(data)

    def reader(self, cl: type[T]) -> Callable[[bytes], T]:
        """Return `loads` for one class, to be kept: Python takes long to hash a generic one (1 % of a walk)."""
        reader = self._readers.get(cl)
        if reader is None:
            reader = self._readers[cl] = partial(self._read, msgspec.json.Decoder(cl).decode, cl)
        return reader

    def _read(self, decode: Callable[[bytes], T], cl: type[T], data: bytes) -> T:
        try:
            return decode(data)
        except (ValueError, RecursionError):
            pass  # Left before the careful path starts, so that its error has no context that quotes values.
        if len(data) > _MOST_BYTES_TAKEN_CAREFULLY:
            raise MalformedResponseError((f"not as expected, and too large to tell where ({len(data)} bytes)",))
        return self._loads_carefully(data, cl)

    def _loads_carefully(self, data: bytes, cl: type[T]) -> T:
        try:
            return self.structure(msgspec.json.decode(data), cl)
        except (ValueError, RecursionError) as error:
            # A problem of the whole text; RecursionError is how msgspec refuses what is nested too deeply.
            issues = [str(error) if isinstance(error, _MismatchError) else "not JSON"]
        except ExceptionGroup as group:
            issues = [_place_first(line) for line in transform_error(group, format_exception=_describe)]
        raise MalformedResponseError(tuple(issues))


def _is_constrained(cl: Any) -> bool:
    return _constraint(cl) is not None


def _is_moment(cl: Any) -> bool:
    return get_origin(cl) is Annotated and get_args(cl)[0] is datetime


def _is_list(cl: Any) -> bool:
    return get_origin(cl) is list


def _is_class(cl: Any) -> bool:
    return has(get_origin(cl) or cl)


def _constraint(cl: Any) -> msgspec.Meta | None:
    if get_origin(cl) is not Annotated:
        return None
    return next((meta for meta in get_args(cl)[1:] if isinstance(meta, msgspec.Meta)), None)


def _expected(cl: Any) -> str:
    constraint = _constraint(cl)
    if constraint is not None and constraint.description is not None:
        return constraint.description
    return _JSON_NAMES.get(cl, "a text")


def _structure_leaf(value: Any, cl: Any) -> Any:
    try:
        return msgspec.convert(value, cl)
    except msgspec.ValidationError:
        raise _MismatchError(_expected(cl), value) from None


def _structure_moment(value: Any, cl: Any) -> Any:
    try:
        return msgspec.convert(value, cl)
    except msgspec.ValidationError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _MismatchError(_expected(cl), value) from None
    offset = moment.utcoffset()
    if offset is None:
        return moment.replace(tzinfo=UTC)
    if offset % _MINUTE:  # Python's own form, not ISO 8601; msgspec would round it when the value is dumped.
        raise _MismatchError(_expected(cl), value)
    return moment


def _list_hook(cl: Any, converter: BaseConverter) -> Hook:
    """Structure lists only (cattrs takes whatever can be iterated), and no further than `_MOST_WRONG_ITEMS`."""
    (item_type,) = get_args(cl)
    structure_item = converter.get_structure_hook(item_type)

    def structure_list(value: Any, _: Any) -> list[Any]:
        if type(value) is not list:
            raise _MismatchError(_JSON_NAMES[list], value)
        items: list[Any] = []
        errors: list[Exception] = []
        for index, raw in enumerate(value):
            try:
                items.append(structure_item(raw, item_type))
            except (ValueError, ExceptionGroup) as error:
                error.__notes__ = [IterableValidationNote("", index, item_type)]
                errors.append(error)
                if len(errors) == _MOST_WRONG_ITEMS:
                    break
        if errors:
            raise IterableValidationError(str(cl), errors, cl)
        return items

    return structure_list


def _class_hook(cl: Any, converter: BaseConverter) -> Hook:
    """Structure classes from objects only: cattrs takes whatever can be indexed."""
    structure = make_dict_structure_fn(cl, converter)

    def structure_class(value: Any, target: Any) -> Any:
        if type(value) is not dict:
            raise _MismatchError(_JSON_NAMES[dict], value)
        return structure(value, target)

    return structure_class


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, _MismatchError):
        return str(error)
    return "missing" if isinstance(error, KeyError) else "not understood"


def _place_first(line: str) -> str:
    """Turn cattrs' `problem @ $.data[3].id` into `data[3].id: problem`."""
    problem, _, place = line.rpartition(" @ $")
    return f"{place.removeprefix('.')}: {problem}"


codec: Final = Codec()
"""The one converter of this package."""
