"""JSON bytes to attrs classes and back: one converter, one entry point, the same rules on two paths.

The fast path is a cached msgspec decoder that writes straight into the classes. What it refuses takes the slow path,
which accepts more forms of ISO 8601, and names every problem with its JSON path. Neither path coerces (plain cattrs
turns a null id into the string `None`, and `{}` into an empty list), but what a type itself says: see `odd_forms`. No
problem quotes a value: responses hold personal data.

Two faults of servers are passed over: a byte order mark, and lone surrogates in what nobody reads.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import attrs
import msgspec
from cattrs import Converter
from cattrs.dispatch import UnstructureHook
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.msgspec import MsgspecJsonConverter, configure_converter

from contactship_async._codec.json_names import renamed_fields, with_twins
from contactship_async._codec.lone_surrogates import find_replaced, holds_replaced, replace_lone_surrogates
from contactship_async._codec.slow_path import MismatchError, SlowPath, explain
from contactship_async.errors import MalformedResponseError

T = TypeVar("T")


FEWER_ROWS: Final = "of a listing, a smaller page_size asks for fewer rows at once"
"""What helps against a response that is too large."""

_MAX_BYTES_EXPLAINED: Final = 4 * 2**20
"""Some 20,000 rows. Eight times as many bytes of empty arrays, few when compressed, would take 700 MiB and seconds."""


class Codec(MsgspecJsonConverter):
    """The converter, configured once as `codec`.

    Args:
        use_json_names: Whether the fields of attrs classes go by their names in JSON (`json_field`), or in Python.
    """

    def __init__(self, *, use_json_names: bool = True) -> None:
        super().__init__()
        self._decoded_by: Callable[[Any], Any] = with_twins if use_json_names else lambda cl: cl
        self._readers: dict[Any, Callable[[bytes], Any]] = {}
        configure_converter(self)
        SlowPath(self, self._decoded_by, use_json_names=use_json_names).register()
        if use_json_names:
            self.register_unstructure_hook_factory(_has_renamed_fields, _unstructure_hook)

    def loads(self, data: bytes, cl: type[T]) -> T:  # type: ignore[override] # it takes no options
        """Decode *data* into *cl*.

        Args:
            data: JSON.
            cl: Any type that msgspec decodes.

        Raises:
            MalformedResponseError: *data* is not JSON, or its shape is not that of *cl*.
        """
        return self.reader(cl)(data)

    def reader(self, cl: type[T]) -> Callable[[bytes], T]:
        """Return `loads` for one class, to be kept: Python takes long to hash a generic one (1 % of a walk).

        Raises:
            TypeError: msgspec can't decode *cl*, or not by the names of its fields in JSON.
        """
        reader = self._readers.get(cl)
        if reader is None:
            reader = self._readers[cl] = partial(self._read, msgspec.json.Decoder(self._decoded_by(cl)).decode, cl)
        return reader

    def decode(self, data: bytes) -> tuple[Any, bool]:
        """Decode *data* into dictionaries, lists, strings and so on, and tell whether lone surrogates were replaced.

        Raises:
            MalformedResponseError: *data* is not JSON.
        """
        text = data.removeprefix(BOM_UTF8)
        for attempt in (text, replace_lone_surrogates(text)):
            with suppress(ValueError, RecursionError):  # RecursionError is how msgspec refuses too deep a nesting.
                return msgspec.json.decode(attempt), attempt is not text
        raise MalformedResponseError(("not JSON",))

    def convert(self, value: Any, cl: type[T], place: str = "", *, has_replaced: bool = False) -> T:
        """Turn *value*, which is part of a decoded response, into *cl*.

        Args:
            value: What JSON is decoded into: dictionaries, lists, strings and so on.
            cl: As for `loads`.
            place: The JSON path of *value*, such as `data`, with which the paths of all problems begin.
            has_replaced: Whether lone surrogates in *value* may have been replaced.

        Raises:
            MalformedResponseError: The shape of *value* is not that of *cl*, or a string in it had a lone surrogate.
        """
        try:
            read = self.structure(value, cl)
            if not has_replaced or not holds_replaced(read):
                return read
            problems = [(found, "holds a lone surrogate") for found in find_replaced(read)]
            issues = MismatchError(problems).issues(place)
        except MismatchError as error:
            issues = error.issues(place)
        except RecursionError:
            issues = MismatchError([("", "nested too deeply")]).issues(place)
        # Only here, so that the error has no context that quotes values.
        raise MalformedResponseError(issues)

    def structure(self, obj: Any, cl: type[T]) -> T:
        """Turn decoded JSON into *cl*.

        Raises:
            MismatchError: The shape of *obj* is not that of *cl*.
        """
        decoded_by = self._decoded_by(cl)
        try:
            value: T = msgspec.convert(obj, decoded_by)
        except msgspec.ValidationError:
            checked = super().structure(obj, cl)
        else:
            return value
        try:
            value = msgspec.convert(checked, decoded_by)
        except msgspec.ValidationError as error:
            raise explain(error) from None
        return value

    def _read(self, decode: Callable[[bytes], T], cl: type[T], data: bytes) -> T:
        try:
            return decode(data)
        except (ValueError, RecursionError):
            pass  # Left before the slow path starts, so that its error has no context that quotes values.
        text = data.removeprefix(BOM_UTF8)
        mended = replace_lone_surrogates(text)
        if mended is not data:
            with suppress(ValueError, RecursionError):
                value = decode(mended)
                if mended is text or not holds_replaced(value):
                    return value
        if len(data) > _MAX_BYTES_EXPLAINED:
            issue = f"not as expected, and too large to say where ({len(data)} bytes); {FEWER_ROWS}"
            raise MalformedResponseError((issue,))
        return self._loads_slowly(data, cl)

    def _loads_slowly(self, data: bytes, cl: type[T]) -> T:
        value, has_replaced = self.decode(data)
        return self.convert(value, cl, has_replaced=has_replaced)


def _has_renamed_fields(cl: Any) -> bool:
    return attrs.has(cl) and bool(renamed_fields(cl))


def _unstructure_hook(cl: Any, converter: Converter) -> UnstructureHook:
    names = {name: override(rename=renamed) for name, renamed in renamed_fields(cl).items()}
    return make_dict_unstructure_fn(cl, converter, **names)  # type: ignore[arg-type] # mypy takes the names for options


codec: Final = Codec()
"""The one converter of this package, for the JSON of the API."""

python_codec: Final = Codec(use_json_names=False)
"""The same for dictionaries with the names that fields have in Python, as those of `to_dict()`."""
