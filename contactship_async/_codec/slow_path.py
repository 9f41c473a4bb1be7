"""The slow path, which reports errors: what is wrong with decoded JSON, as paths, and the kinds expected and received.

The hooks of this module check a value against a type and return it as they found it, but for timestamps in forms of
ISO 8601 that msgspec refuses, for the odd forms of types that have some, and for the older names of fields: these
become what msgspec takes. So msgspec makes all objects, on this path as on the fast one, and each is as strict as the
other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from attrs import frozen, has
from cattrs import BaseConverter
from cattrs.dispatch import StructureHook
from msgspec import Struct

from contactship_async._codec.json_names import is_record, record_fields
from contactship_async._codec.odd_forms import odd_form_of

_KINDS: Final[dict[Any, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
}
"""The types that JSON is decoded into, and their names in RFC 8259."""

_MSGSPEC_KINDS: Final = {
    "object": _KINDS[dict],
    "array": _KINDS[list],
    "int": _KINDS[int],
    "float": _KINDS[float],
    "bool": _KINDS[bool],
    "null": _KINDS[NoneType],
    "str": _KINDS[str],
}
"""msgspec's names of the same; all others stand for strings."""

_MESSAGE: Final = re.compile(
    r"(?:Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`|Object missing required field `(?P<missing>[^`]*)`"
    r"|(?!Object contains unknown field).*?)"
    r"(?: - at (?P<is_key>`key` in )?`\$(?P<place>[^`]*)`)?",
    re.DOTALL,
)
"""One of msgspec's messages. That of an unknown field quotes its name, which may pretend to be a place."""

_MINUTE: Final = timedelta(minutes=1)

_MAX_WRONG_ITEMS: Final = 100
"""A hostile list of 200,000 wrong items would keep the event loop busy for seconds with problems that are of no use."""

Problems = list[tuple[str, str]]
"""Places, such as `[3].id` or nothing for the whole value, and what is wrong there."""


class MismatchError(ValueError):
    """A value is not of the type that it should be. Its problems name places and kinds, and quote no value."""

    def __init__(self, problems: Problems) -> None:
        super().__init__()
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(self.issues())

    def issues(self, place: str = "") -> tuple[str, ...]:
        """Return a line for each problem, whose JSON path begins with *place*."""
        places = [(f"{place}{within}".removeprefix("."), problem) for within, problem in self.problems]
        return tuple(f"{found}: {problem}" if found else problem for found, problem in places)


def explain(error: msgspec.ValidationError) -> MismatchError:
    """Translate msgspec's message, which may quote a value or an unknown name, into words that do not."""
    match = _MESSAGE.fullmatch(str(error))
    groups = {} if match is None else match.groupdict()
    place = (groups.get("place") or "") + "[...]" * bool(groups.get("is_key"))
    if groups.get("missing") is not None:
        return MismatchError([(f"{place}.{groups['missing']}", "missing")])
    wanted = [
        _MSGSPEC_KINDS.get(one, _KINDS[str]) for one in (groups.get("wanted") or "").split(" | ") if one != "null"
    ]
    return MismatchError([(place, _mismatch(wanted, _MSGSPEC_KINDS.get(groups.get("got") or "", "")))])


def _mismatch(wanted: Sequence[str], got: str) -> str:
    if not got or not wanted or got in wanted:
        return "not as expected"  # Of the right kind, and what is wrong can't be said without quoting the value.
    return f"expected {' or '.join(dict.fromkeys(wanted))}, got {got}"


def _wrong(wanted: Sequence[str], value: Any) -> MismatchError:
    return MismatchError([("", _mismatch(wanted, _kind(value)))])


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "another type")  # As where pydantic has something else than JSON validated.


def _unannotated(cl: Any) -> Any:
    return get_args(cl)[0] if get_origin(cl) is Annotated else cl


def _is_timestamp(cl: Any) -> bool:
    return _unannotated(cl) is datetime


def _has_odd_form(cl: Any) -> bool:
    return odd_form_of(cl) is not None


def _is_collection(cl: Any) -> bool:
    """Return whether *cl* is an array or an object of any number of items of one type."""
    return get_origin(cl) in (list, dict) or (get_origin(cl) is tuple and get_args(cl)[1:] == (Ellipsis,))


def _is_union(cl: Any) -> bool:
    return get_origin(cl) in (Union, UnionType)


def _is_object(cl: Any) -> bool:
    """Return whether *cl* is a class that is decoded from objects, as not all Structs are."""
    return is_record(cl) and _json_type(cl) is dict


def _constraint(cl: Any) -> msgspec.Meta | None:
    if get_origin(cl) is not Annotated:
        return None
    return next((meta for meta in get_args(cl)[1:] if isinstance(meta, msgspec.Meta)), None)


def _json_type(cl: Any) -> Any:
    """Return what JSON a type is decoded from, as a type of `_KINDS`; None if that depends on the value."""
    bare = _unannotated(cl)
    origin = get_origin(bare) or bare
    if origin in _KINDS:
        return origin
    if not isinstance(origin, type) or origin is object or issubclass(origin, int):
        return None
    config = getattr(origin, "__struct_config__", None)
    if issubclass(origin, (tuple, AbstractSet)) or origin is Sequence or (config is not None and config.array_like):
        return list
    return dict if is_record(origin) or issubclass(origin, Mapping) else str


def _expected(cl: Any) -> list[str]:
    """Name what is expected of a value of type *cl*, but for null."""
    constraint = _constraint(cl)
    if constraint is not None and constraint.description is not None:
        return [constraint.description]
    if _is_union(cl):
        return [one for member in get_args(cl) if member is not NoneType for one in _expected(member)]
    if _is_timestamp(cl):
        return ["a date and time"]
    json_type = _json_type(cl)
    return [] if json_type is None else [_KINDS[json_type]]


def _check_timestamp(value: Any, cl: Any) -> Any:
    try:
        return msgspec.convert(value, cl)
    except msgspec.ValidationError:
        pass
    try:
        timestamp = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _wrong(_expected(cl), value) from None
    constraint = _constraint(cl)
    offset = timestamp.utcoffset()
    if offset is None:
        return timestamp.replace(tzinfo=UTC) if constraint is not None and constraint.tz else timestamp
    if offset % _MINUTE:  # Python's own form, not ISO 8601; msgspec would round it when the value is dumped.
        raise _wrong(_expected(cl), value)
    return timestamp


@frozen
class SlowPath:
    """The hooks by which a converter checks values of all types.

    Args:
        converter: It gets them by `register`.
        decoded_by: Returns by which type msgspec decodes a type.
        use_json_names: Whether the fields of attrs classes go by their names in JSON, or in Python.
    """

    converter: BaseConverter
    decoded_by: Callable[[Any], Any]
    use_json_names: bool

    def register(self) -> None:
        """Have the converter structure all types by these hooks."""
        record_hook = cache(self._record_hook)
        self.converter.register_structure_hook_func(lambda _: True, self._check_leaf)
        self.converter.register_structure_hook_func(_is_timestamp, _check_timestamp)
        self.converter.register_structure_hook_factory(_has_odd_form, self._odd_form_hook)
        self.converter.register_structure_hook_factory(_is_collection, self._collection_hook)
        self.converter.register_structure_hook_factory(_is_union, self._union_hook)
        self.converter.register_structure_hook_factory(_is_object, record_hook)
        # Of these, cattrs has hooks of its own that come before those above.
        for cl in (str, bytes, int, float, Path, date):
            self.converter.register_structure_hook(cl, self._check_leaf)
        self.converter.register_structure_hook(datetime, _check_timestamp)
        self.converter.register_structure_hook(
            Struct,
            lambda value, cl: record_hook(cl)(value, cl) if _is_object(cl) else self._check_leaf(value, cl),
        )

    def _check(self, value: Any, cl: Any) -> Any:
        return self.converter.get_structure_hook(cl)(value, cl)

    def _check_leaf(self, value: Any, cl: Any) -> Any:
        """Check a value that msgspec knows best, and name the first thing that is wrong with it."""
        try:
            msgspec.convert(value, self.decoded_by(cl))
        except msgspec.ValidationError as error:
            found = explain(error)
        else:
            return value
        [(place, _)] = found.problems
        raise found if place else _wrong(_expected(cl), value)

    def _odd_form_hook(self, cl: Any) -> StructureHook:
        """Check a value that may be a number or a string in another form; those that are no value become None."""
        usual = _check_timestamp if _is_timestamp(cl) else self._check_leaf
        form = odd_form_of(cl)

        def check_odd_form(value: Any, _: Any) -> Any:
            if form is None or type(value) not in {int, float, str}:
                return usual(value, cl)
            read = form.read(value)
            try:
                return None if read is None else usual(read, cl)
            except MismatchError:
                return None

        return check_odd_form

    def _collection_hook(self, cl: Any) -> StructureHook:
        """Check the items of a list, or the values of an object with any keys, up to `_MAX_WRONG_ITEMS` wrong ones."""
        kind: Any = dict if get_origin(cl) is dict else list
        item_type = get_args(cl)[1 if kind is dict else 0]

        def check_collection(value: Any, _: Any) -> Any:
            if type(value) is not kind:
                raise _wrong([_KINDS[kind]], value)
            checked = value.copy()
            problems: Problems = []
            wrong_items = 0
            for key, item in value.items() if kind is dict else enumerate(value):
                try:
                    checked[key] = self._check(item, item_type)
                except MismatchError as error:
                    within = "[...]" if kind is dict else f"[{key}]"  # Keys come from the response.
                    problems += [(f"{within}{place}", problem) for place, problem in error.problems]
                    wrong_items += 1
                    if wrong_items == _MAX_WRONG_ITEMS:
                        break
            if problems:
                raise MismatchError(problems)
            return checked

        return check_collection

    def _union_hook(self, cl: Any) -> StructureHook:
        """Check a value against the one member of a union that is decoded from its kind of JSON, as msgspec does."""
        members = [one for one in get_args(cl) if one is not NoneType]
        json_types = [_json_type(one) for one in members]
        is_nullable = len(members) < len(get_args(cl))

        def check_union(value: Any, _: Any) -> Any:
            if value is None and is_nullable:
                return None
            fitting = [one for one, json_type in zip(members, json_types, strict=True) if json_type is type(value)]
            if len(members) == 1 or len(fitting) == 1:
                [member] = members if len(members) == 1 else fitting
                return self._check(value, member)
            return self._check_leaf(value, cl)

        return check_union

    def _record_hook(self, cl: Any) -> StructureHook:
        """Check the fields of an object; those that *cl* does not have are left to msgspec, which ignores most."""
        origin = get_origin(cl) or cl
        by_python_names = has(origin) and not self.use_json_names
        fields = [
            (*((one.name, None) if by_python_names else (one.json_name, one.older_name)), one.type, one.is_required)
            for one in record_fields(cl)
        ]

        def check_record(value: Any, _: Any) -> Any:
            if by_python_names and isinstance(value, origin):
                return value
            if type(value) is not dict:
                raise _wrong([_KINDS[dict]], value)
            checked = value.copy()
            problems: Problems = []
            for name, older_name, field_type, is_required in fields:
                found = older_name if name not in value and older_name in value else name
                if found in value:
                    try:
                        checked[name] = self._check(value[found], field_type)
                    except MismatchError as error:
                        problems += [(f".{found}{place}", problem) for place, problem in error.problems]
                elif is_required:
                    problems.append((f".{name}", "missing"))
            if problems:
                raise MismatchError(problems)
            return checked

        return check_record
