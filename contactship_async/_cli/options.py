"""Options of the command line, made from the signatures and docstrings of the functions that they are for."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
from cyclopts import CycloptsError, Parameter, Token
from cyclopts.validators import Number

from contactship_async._cli.failures import translate
from contactship_async.errors import ContactshipError


def _read_integer(_: object, tokens: Sequence[Token]) -> int:
    """Read what is written as an integer; cyclopts would round 1.5 and take 0x10 for 16."""
    text = tokens[0].value
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        message = f'"{text}" is not a whole number'
        raise ValueError(message)
    return int(text)


def _read_json(_: object, tokens: Sequence[Token]) -> Any:
    try:
        return msgspec.json.decode(tokens[0].value)
    except msgspec.DecodeError as error:
        message = f"it is not JSON: {error}"
        raise ValueError(message) from None


@attrs.frozen
class _Above:
    """Accepts a finite number above *gt*; the validator of cyclopts accepts NaN."""

    gt: float

    def __call__(self, _: object, number: float | None) -> None:
        if number is not None and not self.gt < number < math.inf:
            message = f"it must be above {self.gt:g}, and finite"
            raise ValueError(message)


Integer = Annotated[int, Parameter(converter=_read_integer)]
NonNegativeInt = Annotated[int, Parameter(converter=_read_integer, validator=Number(gte=0))]
PositiveInt = Annotated[int, Parameter(converter=_read_integer, validator=Number(gte=1))]
PositiveSeconds = Annotated[float, Parameter(validator=_Above(0))]
Json = Annotated[Any, Parameter(converter=_read_json, n_tokens=1)]

_ARGUMENTS: Final = re.compile(r"^Args:\n((?: {4}.*\n?|\n)+)", re.MULTILINE)
_ARGUMENT: Final = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


@cache
def options_of(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """Make an option of each parameter of a function or a class; a positional one may lack its name.

    What may be a string, one of several choices, a number or a flag is written as such; arrays and objects as JSON. The
    help is that of the docstring.
    """
    helps = _read_helps(inspect.getdoc(function) or "")
    of_class = isinstance(function, type) and not attrs.has(function)
    hints = get_type_hints(function.__init__ if of_class else function, include_extras=True)
    options: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name != "self":
            settings = Parameter(help=helps.get(name), **_describe_default(name, parameter.default))
            options.append(parameter.replace(annotation=Annotated[_simplify(hints[name]), settings]))
    return tuple(options)


@contextmanager
def wrong_usage() -> Iterator[None]:
    """Turn what a function says about its arguments, which are options here, into an error of the command line."""
    try:
        yield
    except ContactshipError:
        raise
    except (TypeError, ValueError) as error:
        text = translate(str(error))
        name, _, rest = text.partition(" ")
        is_name = name.isidentifier() and rest.startswith("must ")
        raise CycloptsError(f"--{name.replace('_', '-')} {rest}" if is_name else text) from None


def read_pairs(option: str, form: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Read what is given as name=value.

    Args:
        option: What it is given by.
        form: The form, with an example.
        texts: One for each time that the option is given.

    Raises:
        CycloptsError: One has no name, or no equals sign.
    """
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            message = f"{option} must be {form}, not {text!r}"
            raise CycloptsError(message)
        yield name, value


def refuse_strays(words: str, given: Iterable[str], taken: Container[str]) -> None:
    """Raise an error of wrong usage for options that mean nothing beside the others.

    Args:
        words: What the error begins with, such as "a call takes".
        given: The names of those that were given.
        taken: The names of those that mean something.

    Raises:
        CycloptsError: There are any.
    """
    if strays := [name for name in given if name not in taken]:
        message = f"{words} no {name_options(strays)}"
        raise CycloptsError(message)


def name_options(names: Iterable[str]) -> str:
    """Write the names of arguments as those of options."""
    return ", ".join(f"--{name.rstrip('_').replace('_', '-')}" for name in names)


def make_command(
    run: Callable[..., int], name: str, options: Iterable[inspect.Parameter], text: str
) -> Callable[..., int]:
    """Return a function with these options, for cyclopts; it calls *run* with what was given.

    Args:
        run: Takes positional arguments and those by keyword.
        name: Of the function.
        options: In the order of the help.
        text: What the help says about it.
    """

    def command(*arguments: Any, **values: Any) -> int:
        return run(*arguments, **values)

    options = [*options]
    command.__name__ = command.__qualname__ = name
    command.__doc__ = text
    command.__signature__ = inspect.Signature(options, return_annotation=int)  # type: ignore[attr-defined] # of PEP 362
    command.__annotations__ = {option.name: option.annotation for option in options}
    return command


def _read_helps(docstring: str) -> dict[str, str]:
    arguments = _ARGUMENTS.search(docstring)
    return {name: " ".join(text.split()) for name, text in _ARGUMENT.findall(arguments[1] if arguments else "")}


def _describe_default(name: str, default: object) -> dict[str, Any]:
    """Return the settings of cyclopts for a default: a flag that is not off without a word can be turned off."""
    if default is False:
        return {"show_default": False}
    return {"negative": f"--no-{name.replace('_', '-')}"} if default is True else {}


def _simplify(hint: Any) -> Any:
    """Return one way of writing a value, where several types are allowed."""
    kinds = [*(get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,))]
    optional = NoneType in kinds
    choices = next((kind for kind in kinds if get_origin(kind) is Literal), None)
    members = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum)), None)
    containers = [kind for kind in kinds if _is_container(kind)]
    if choices is None and members is not None:
        choices = Literal[tuple(str(member.value) for member in members)]
    if choices is not None:
        kind = choices
    elif str in kinds:
        kind = str
    elif containers:
        return Json
    elif int in kinds:
        kind = Integer
    else:
        return hint
    return kind | None if optional else kind


def _is_container(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, (Mapping, Sequence)) and not issubclass(origin, (str, bytes))
