"""Fields with another name in JSON than in Python, such as `from`, which Python forbids.

msgspec decodes straight into attrs classes, but knows no name of a field other than that of its attribute. So it gets
a twin of such a class: a subclass whose attributes have the names of the JSON and lead to the same slots. An object it
makes of the twin becomes one of the class itself at once. Nothing is copied.

Models with many optional fields have twins as well, whose objects begin with None in these: msgspec looks in vain for
each field that a response lacks, which takes a third of the time of a call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from operator import methodcaller
from threading import RLock
from types import UnionType, new_class
from typing import (
    Annotated,
    Any,
    Final,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs
from attrs import frozen
from msgspec import Struct
from msgspec.structs import fields as struct_fields

_JSON_NAME: Final = "contactship_async.json_name"
_OLDER_NAME: Final = "contactship_async.older_name"

_MODELS: Final = "contactship_async.models."
_MANY: Final = 8
"""Of so many optional fields, some are missing in each row. Two that are missing cost more than a twin, one as much."""


def json_field(name: str, *, default: Any = None, older_name: str | None = None) -> Any:
    """Define a field of an attrs class with slots that has another name in JSON, or had one.

    Args:
        name: The name in JSON.
        default: The value where the JSON has no such field; `attrs.NOTHING` if the field is required.
        older_name: The name of a required field in JSON of an earlier revision, which is read where *name* is missing.
    """
    return attrs.field(default=default, metadata={_JSON_NAME: name, _OLDER_NAME: older_name})


def json_name(attribute: attrs.Attribute[Any]) -> str:
    """Return the name that an attribute of an attrs class has in JSON."""
    name: str = attribute.metadata.get(_JSON_NAME, attribute.name)
    return name


def renamed_fields(cl: Any) -> dict[str, str]:
    """Return the JSON names of an attrs class's renamed fields, by their Python names."""
    return {one.name: json_name(one) for one in attrs.fields(cl) if json_name(one) != one.name}


@frozen
class RecordField:
    """A field of a class that is decoded from JSON objects.

    Args:
        name: The name in Python.
        json_name: The name in JSON.
        type: With its forward references resolved.
        is_required: Whether it has no default.
        older_name: What it was called in JSON before; None for most.
    """

    name: str
    json_name: str
    type: Any
    is_required: bool
    older_name: str | None = None


def is_record(cl: Any) -> bool:
    """Return whether *cl* is an attrs class, Struct, dataclass or TypedDict; generic ones may have arguments."""
    origin = get_origin(cl) or cl
    return isinstance(origin, type) and (
        attrs.has(origin) or dataclasses.is_dataclass(origin) or is_typeddict(origin) or issubclass(origin, Struct)
    )


def record_fields(cl: Any) -> list[RecordField]:
    """Return the fields of a class for which `is_record` holds."""
    origin = get_origin(cl) or cl
    arguments = dict(zip(getattr(origin, "__parameters__", ()), get_args(cl), strict=False))
    hints = {
        name: _with_arguments(hint, arguments) for name, hint in get_type_hints(origin, include_extras=True).items()
    }
    if attrs.has(origin):
        return [
            RecordField(
                one.name,
                json_name(one),
                hints[one.name],
                one.default is attrs.NOTHING,
                one.metadata.get(_OLDER_NAME),
            )
            for one in attrs.fields(origin)
        ]
    if is_typeddict(origin):
        return [
            RecordField(
                name,
                name,
                get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint,
                get_origin(hint) is not NotRequired
                and (get_origin(hint) is Required or name in origin.__required_keys__),
            )
            for name, hint in hints.items()
        ]
    if issubclass(origin, Struct):
        return [RecordField(one.name, one.encode_name, hints[one.name], one.required) for one in struct_fields(origin)]
    return [
        RecordField(
            one.name,
            one.name,
            hints[one.name],
            one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
        )
        for one in dataclasses.fields(origin)
    ]


def _with_arguments(hint: Any, arguments: Mapping[Any, Any]) -> Any:
    """Put the arguments of a generic class into the type of one of its fields."""
    if isinstance(hint, TypeVar):
        return arguments.get(hint, Any)
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(arguments.get(one, Any) for one in parameters)] if parameters else hint


@cache
def with_twins(cl: Any) -> Any:
    """Return what msgspec decodes *cl* by: *cl* itself, but twins for the classes with renamed fields within it.

    Raises:
        TypeError: A class that is no attrs class, or one without slots, holds such a class.
    """
    with _lock:
        return _with_twins(cl)


def _with_twins(cl: Any) -> Any:
    if not _needs_twins(cl):
        return cl
    origin, arguments = get_origin(cl), get_args(cl)
    if origin is Annotated:
        return Annotated[(_with_twins(arguments[0]), *cl.__metadata__)]
    if origin in (Union, UnionType):
        return Union[tuple(_with_twins(one) for one in arguments)]  # noqa: UP007 - of as many as there are
    if not arguments:
        return _twin_of(cl)
    generic = _twin_of(origin) if attrs.has(origin) and _needs_twins(origin) else origin
    return generic[tuple(_with_twins(one) for one in arguments)]


def _needs_twins(cl: Any) -> bool:
    return _holds_renamed(cl, frozenset()) or _holds_sparse(cl, frozenset())


def _holds_renamed(cl: Any, outer: frozenset[Any]) -> bool:
    """Return whether a class with renamed fields stands anywhere in *cl*; *outer* are the classes it was found in."""
    origin = get_origin(cl) or cl
    found = [_holds_renamed(one, outer) for one in get_args(cl)]
    if is_record(origin) and origin not in outer:
        within = [_holds_renamed(one.type, outer | {origin}) for one in record_fields(origin)]
        if any(within) and not attrs.has(origin):
            message = f"{origin.__name__} must be an attrs class: a class in it has fields with other names in JSON"
            raise TypeError(message)
        found += [*within, attrs.has(origin) and bool(_renamed_slots(origin))]
    return any(found)


def _holds_sparse(cl: Any, outer: frozenset[Any]) -> bool:
    """Return whether a sparse class stands in *cl* where a twin can take its place; *outer* are those around it."""
    origin = get_origin(cl) or cl
    if not is_record(origin):
        return any(_holds_sparse(one, outer) for one in get_args(cl))
    if not attrs.has(origin) or origin in outer:
        return False
    inner = [*get_args(cl), *(one.type for one in record_fields(origin))]
    return _is_sparse(origin) or any(_holds_sparse(one, outer | {origin}) for one in inner)


def _is_sparse(cl: type[Any]) -> bool:
    """Return whether many fields of a model may be missing; a class of a user's might notice that it has a twin."""
    return cl.__module__.startswith(_MODELS) and len(_optional_fields(cl)) >= _MANY


def _optional_fields(cl: type[Any]) -> list[str]:
    return [one.name for one in attrs.fields(cl) if one.default is None]


def _presetting(cl: type[Any]) -> Callable[[Any], Any]:
    """Return what msgspec calls with each object of the twin before it fills it.

    It is written out, as attrs does with its methods: a loop would take ten times as long, and so longer than it saves.
    """
    lines = [f"    value.{name} = None\n" for name in _optional_fields(cl)]
    namespace: dict[str, Any] = {}
    exec("def preset(value):\n" + "".join(lines), namespace)  # noqa: S102 - names of fields, which are identifiers
    preset: Callable[[Any], Any] = namespace["preset"]
    return preset


def _renamed_slots(cl: type[Any]) -> dict[str, Any]:
    """Return the descriptors that hold the renamed fields of a class, by the names in JSON."""
    slots = {renamed: getattr(cl, name, None) for name, renamed in renamed_fields(cl).items()}
    if not all(hasattr(slot, "__set__") for slot in slots.values()):
        message = f"{cl.__name__} must have slots: it has fields with other names in JSON"
        raise TypeError(message)
    return slots


_twins: Final[dict[type[Any], Any]] = {}
_lock: Final = RLock()
"""Clients may be used in several threads, and none must see a twin that is half made."""


def _twin_of(cl: type[Any]) -> Any:
    """Return a subclass without slots of its own, which msgspec takes for *cl* with the names of the JSON."""
    if cl in _twins:
        return _twins[cl]
    attributes = attrs.fields(cl)
    hints = get_type_hints(cl, include_extras=True)
    namespace = {
        "__slots__": (),
        "__module__": cl.__module__,
        "__attrs_attrs__": tuple(one.evolve(name=json_name(one)) for one in attributes),
        "__attrs_post_init__": _becoming(cl),
        # Those of a frozen class refuse. Only where both are of `object`, does Python set a slot without a call.
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
        **({"__attrs_pre_init__": _presetting(cl)} if _is_sparse(cl) else {}),
        **_renamed_slots(cl),
    }
    parameters = getattr(cl, "__parameters__", ())
    base = cl[parameters] if parameters else cl
    twin = _twins[cl] = new_class(cl.__name__, (base,), exec_body=lambda body: body.update(namespace))
    # Only now, since the class may hold itself.
    twin.__annotations__ = {json_name(one): _with_twins(hints[one.name]) for one in attributes}
    return twin


def _becoming(cl: type[Any]) -> Callable[[Any], Any]:
    """Return what msgspec calls with each object of the twin that it has filled."""
    become = methodcaller("__setattr__", "__class__", cl)
    post_init = getattr(cl, "__attrs_post_init__", None)
    if post_init is None:
        return become

    def become_and_finish(value: Any) -> None:
        become(value)
        post_init(value)

    return become_and_finish
