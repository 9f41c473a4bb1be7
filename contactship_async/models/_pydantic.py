"""What pydantic, and FastAPI with it, learns of models, open enums and pages. It is imported when it first asks.

Instances are valid as they are, and dictionaries with the names that fields have in Python are read by the codec. All
are serialized as `to_dict()` makes them. A `_PlainForm` describes these dictionaries to JSON Schema.

Source: https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from functools import partial
from importlib import import_module
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from attrs import frozen
from msgspec import Meta

from contactship_async._codec import python_codec
from contactship_async._codec.json_names import is_record, record_fields
from contactship_async._codec.plain import to_plain
from contactship_async._codec.slow_path import MismatchError

_ARGUMENT: Final = re.compile(r"^    (\w+): (.*(?:\n     +.*)*)", re.MULTILINE)
"""An entry of a docstring's `Args:`, with the lines that go on further to the right."""

_SCALARS: Final = {str: "str_schema", int: "int_schema", float: "float_schema", bool: "bool_schema"}
_LIMITS: Final = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
_ARRAYS: Final = (list, tuple, Sequence, AbstractSet)


def _core() -> Any:
    return import_module("pydantic_core.core_schema")


def record_schema(cl: Any, handler: Any) -> Any:
    """Describe a class, generic ones with their arguments: `__get_pydantic_core_schema__` of models and pages."""
    plain_form = handler.generate_schema(_PlainForm(cl))
    return _core().no_info_plain_validator_function(
        partial(_validate, cl),
        json_schema_input_schema=plain_form,
        serialization=_core().plain_serializer_function_ser_schema(_write, info_arg=True, return_schema=plain_form),
    )


def _write(value: Any, info: Any) -> Any:
    """Turn a value into a dictionary without what is not to be in it: pydantic leaves that to such functions."""
    plain = to_plain(value)
    if info.include is None and info.exclude is None:
        return plain
    return import_module("pydantic_core").to_jsonable_python(plain, include=info.include, exclude=info.exclude)


def _validate(cl: Any, value: Any) -> Any:
    if isinstance(value, get_origin(cl) or cl):
        return value
    try:
        return python_codec.structure(value, cl)
    except MismatchError as error:
        problems = str(error)
    raise ValueError(problems)  # pydantic keeps it, and web frameworks show what it holds.


def enum_schema(cl: type[Enum]) -> Any:
    """Describe an enum that takes any string: `__get_pydantic_core_schema__` of open enums."""
    text = _core().str_schema()
    return _core().no_info_plain_validator_function(
        cl,
        ref=_reference(cl),
        json_schema_input_schema=text,
        serialization=_core().plain_serializer_function_ser_schema(_write_string, return_schema=text),
    )


def _write_string(value: object) -> object:
    """Return a plain string; what is none stays, for the next type of a union: all are tried with each value."""
    return str(value) if isinstance(value, str) else value


def enum_json_schema(cl: type[Enum], schema: Any, handler: Any) -> Any:
    """Add the known values, as examples: `__get_pydantic_json_schema__` of open enums."""
    found = handler(schema)
    handler.resolve_ref_schema(found).update(
        title=cl.__name__, description=_summary(cl), examples=[member.value for member in cl]
    )
    return found


@frozen
class _PlainForm:
    """The dictionary that `to_plain` makes of a class, as a type for pydantic.

    Args:
        cl: The class, with its arguments.
        outer: The classes around it, since a class may hold itself.
    """

    cl: Any
    outer: frozenset[Any] = frozenset()

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        if self.cl in self.outer:
            return _core().definition_reference_schema(_reference(self.cl))
        fields = {
            # What is dumped may be without some of them.
            one.name: _core().typed_dict_field(self._describe(one.type, handler), required=False)
            for one in record_fields(self.cl)
        }
        return _core().typed_dict_schema(fields, ref=_reference(self.cl))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        found = handler(schema)
        described = handler.resolve_ref_schema(found)
        origin = get_origin(self.cl) or self.cl
        described["title"] = _title(self.cl)
        described["description"] = _summary(origin)
        described["required"] = [
            one.name for one in record_fields(self.cl) if one.is_required or handler.mode == "serialization"
        ]
        for name, text in _ARGUMENT.findall(cleandoc(origin.__doc__ or "")):
            if name in described["properties"]:
                described["properties"][name]["description"] = " ".join(text.split())
        return found

    def _describe(self, cl: Any, handler: Any) -> Any:
        """Describe what `to_plain` makes of a value of type *cl*."""
        core = _core()
        constraint: Meta | None = None
        if get_origin(cl) is Annotated:
            cl, *notes = get_args(cl)
            constraint = next((note for note in notes if isinstance(note, Meta)), None)
        if get_origin(cl) in (Union, UnionType):
            return core.union_schema([self._describe(one, handler) for one in get_args(cl)])
        if cl is NoneType:
            return core.none_schema()
        if cl in _SCALARS:
            limits = {name: getattr(constraint, name, None) for name in _LIMITS}
            return getattr(core, _SCALARS[cl])(**{name: limit for name, limit in limits.items() if limit is not None})
        return self._describe_class(cl, handler) if isinstance(get_origin(cl) or cl, type) else core.any_schema()

    def _describe_class(self, cl: Any, handler: Any) -> Any:
        core = _core()
        origin, arguments = get_origin(cl) or cl, get_args(cl)
        described = core.any_schema()
        if is_record(origin):
            described = handler.generate_schema(_PlainForm(cl, self.outer | {self.cl}))
        elif issubclass(origin, datetime):
            described = handler.generate_schema(_PlainTime())
        elif issubclass(origin, Enum):
            is_open = hasattr(origin, "__get_pydantic_core_schema__")
            described = handler.generate_schema(origin) if is_open else core.literal_schema([one.value for one in cl])
        elif issubclass(origin, Mapping):
            described = core.dict_schema(
                core.str_schema(), self._describe(arguments[1], handler) if arguments else None
            )
        elif issubclass(origin, _ARRAYS) and arguments[1:] in ((), (Ellipsis,)):
            described = core.list_schema(self._describe(arguments[0], handler) if arguments else None)
        return described


class _PlainTime:
    """A time as ISO 8601, as a type for pydantic."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return _core().str_schema()

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return handler(schema) | {"format": "date-time"}


def _reference(cl: Any) -> str:
    """Name the definition of a dictionary: in pydantic's form, of which it makes the names of components.

    It is not pydantic's own name of the class: where a class came again, pydantic took the dictionary for it.
    """
    origin = get_origin(cl) or cl
    arguments = ",".join(_reference(one) for one in get_args(cl))
    module, name = getattr(origin, "__module__", ""), getattr(origin, "__qualname__", str(origin))
    return f"{module}.{name}{f'[{arguments}]' if arguments else ''}:plain-{id(origin)}"


def _title(cl: Any) -> str:
    arguments = ", ".join(_title(one) for one in get_args(cl))
    name: str = getattr(get_origin(cl) or cl, "__name__", str(cl))
    return f"{name}[{arguments}]" if arguments else name


def _summary(cl: type[Any]) -> str:
    """Return the part of a docstring that is before its first section, on one line."""
    text = re.split(r"\n\n[A-Z]\w+:", cleandoc(cl.__doc__ or ""))[0]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
