"""The commands of each resource of the client, derived from its methods: a new resource needs no line here.

Those that do more than list, count or get stand in `commands.OWN_COMMANDS`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from attrs import frozen
from cyclopts import App

from contactship_async import ContactshipClient, CursorListing
from contactship_async._cli.commands import KEY, OWN_COMMANDS
from contactship_async._cli.listing import ARGUMENTS, Subject, Walk, print_count, print_listing, print_object
from contactship_async._cli.options import make_command, options_of
from contactship_async._cli.output import find_fields
from contactship_async._cli.target import OF_MANY, Target

T = TypeVar("T")

_LIST: Final = """List the {rows} of your organization, or of many.

{key}

With --organizations, all other options hold for each organization. A failure does not keep the {noun} of the others
from coming: it is reported at the end, and the exit code is 1."""

_COUNT: Final = """Count the {rows} of your organization, or of many.

{key}

Prints the number alone; with --organizations, a row for each organization."""

_GET: Final = """{summary}

{key}"""


@frozen
class Method:
    """A method of a resource.

    Args:
        resource: Its attribute of the client.
        name: Of the method.
        function: The method itself.
        returns: The class of what it returns, or of the object that it waits for.
        row_type: The class of the rows, if that is a listing.
        options: Made of its parameters.
    """

    resource: str
    name: str
    function: Callable[..., Any]
    returns: type[Any]
    row_type: Any
    options: tuple[inspect.Parameter, ...]

    @classmethod
    def read(cls, resource: str, name: str, function: Callable[..., Any]) -> Method:
        """Read its signature and type hints."""
        returns = get_type_hints(function)["return"]
        row_type = next(iter(get_args(returns)), None)
        return cls(resource, name, function, get_origin(returns) or returns, row_type, options_of(function))

    @property
    def is_listing(self) -> bool:
        """Whether it returns a listing: what can be fetched ahead."""
        return hasattr(self.returns, "prefetch")

    @property
    def noun(self) -> str:
        """What a listing's rows are: the resource itself, or what is in it, such as `list_voices`."""
        return (self.name.removeprefix("list").removeprefix("_") or self.resource).replace("_", " ")

    @property
    def rows(self) -> str:
        """The same, with whose they are: `tags of a contact` for the `list_tags` of contacts."""
        if self.name == "list" or not self.identifiers:
            return self.noun
        return f"{self.noun} of a {self.identifiers[0].removesuffix('_id').replace('_', ' ')}"

    @property
    def command(self) -> str:
        """The name of its command."""
        return self.name.replace("_", "-")

    @property
    def identifiers(self) -> list[str]:
        """The arguments that may come without a name."""
        return [option.name for option in self.options if option.kind is not option.KEYWORD_ONLY]

    def bind(self, arguments: Iterable[object], options: Mapping[str, object]) -> Callable[[ContactshipClient], Any]:
        """Return what calls it with these arguments, of whatever client."""
        return lambda client: getattr(getattr(client, self.resource), self.name)(*arguments, **options)


def __getattr__(name: str) -> App:
    """Make the commands of a resource at their first use: cyclopts imports them from here by its name."""
    for app in derive_apps(ContactshipClient, name):
        for command, place in OWN_COMMANDS.get(name, {}).items():
            module, _, function = place.partition(":")
            # At once: cyclopts lists those that it imports itself without their help.
            app.command(getattr(import_module(module), function), name=command)
        return app
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def derive_apps(client: type[Any], *names: str) -> Iterator[App]:
    """Derive the commands of the resources of a class of clients, of all of them or of those with these *names*."""
    for resource, text, methods in find_methods(client):
        if not names or resource in names:
            app = App(name=resource.replace("_", "-"), help=text)
            for name, function in methods.items():
                for command in _derive_commands(Method.read(resource, name, function)):
                    app.command(command, name=command.__name__)
            yield app


def find_methods(client: type[Any]) -> Iterator[tuple[str, str, dict[str, Callable[..., Any]]]]:
    """Find the resources of a class of clients that have something to list or to get.

    Yields:
        The attribute of the client, what it says about itself, and the methods that commands are made of.
    """
    members = {name: member for owner in reversed(client.__mro__) for name, member in vars(owner).items()}
    for name, member in members.items():
        getter = member.fget if isinstance(member, property) else None
        resource = None if getter is None else get_type_hints(getter)["return"]
        if getter is not None and isinstance(resource, type):
            methods: dict[str, Callable[..., Any]] = {
                key: method
                for key, method in vars(resource).items()
                if inspect.isfunction(method) and (key == "get" or key.partition("_")[0] == "list")
            }
            if methods:
                yield name, summarize(getter), methods


def find_listings(client: type[Any]) -> Iterator[tuple[str, Method]]:
    """Find the listings of a class of clients that need no identifier, such as that of a contact.

    Yields:
        The name, which is also that of its table in a database, and the method.
    """
    for resource, _, methods in find_methods(client):
        for name, function in methods.items():
            method = Method.read(resource, name, function)
            if method.is_listing and not method.identifiers:
                yield (resource if name == "list" else f"{resource}_{method.noun.replace(' ', '_')}"), method


def summarize(function: Callable[..., Any]) -> str:
    """Return the first paragraph of a docstring."""
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())


def _derive_commands(method: Method) -> Iterator[Callable[..., int]]:
    if method.is_listing:
        yield _derive_list(method)
        if not issubclass(method.returns, CursorListing):  # which have no count
            yield _derive_count(method)
    elif method.name == "get" and len(method.identifiers) <= 1:
        yield _derive_get(method)


def _derive_list(method: Method) -> Callable[..., int]:
    taken = inspect.signature(method.returns.prefetch).parameters
    walk = [option for option in options_of(Walk) if ARGUMENTS.get(option.name, option.name) in taken]
    subject = Subject(method.noun, find_fields(method.row_type), tuple(option.name for option in walk))

    def run(*arguments: object, **given: Any) -> int:
        target, walk, form = take(Target, given), take(Walk, given), given.pop("format", "table")
        return print_listing(subject, method.bind(arguments, given), walk, target, format=form)

    options = [*method.options, *walk, *_named_options_of(print_listing), *options_of(Target)]
    return make_command(run, method.command, options, _LIST.format(rows=method.rows, noun=method.noun, key=KEY))


def _derive_count(method: Method) -> Callable[..., int]:
    subject = Subject(method.noun, ["count"])

    def run(*arguments: object, **given: Any) -> int:
        target, form = take(Target, given), given.pop("format", "table")
        return print_count(subject, method.bind(arguments, given), target, format=form)

    filters = [option for option in method.options if option.name.partition("_")[0] not in {"order", "include"}]
    options = [*filters, *_named_options_of(print_count), *options_of(Target)]
    name = method.command.replace("list", "count", 1)
    return make_command(run, name, options, _COUNT.format(rows=method.rows, key=KEY))


def _derive_get(method: Method) -> Callable[..., int]:
    subject = Subject(method.resource.replace("_", " "), find_fields(method.returns))

    def run(*arguments: object, **given: Any) -> int:
        target, form = take(Target, given), given.pop("format", None)
        return print_object(subject, method.bind(arguments, given), target, format=form)

    target = [option for option in options_of(Target) if option.name not in OF_MANY or not method.identifiers]
    options = [*method.options, *_named_options_of(print_object), *target]
    return make_command(run, method.command, options, _GET.format(summary=summarize(method.function), key=KEY))


def take(kind: Callable[..., T], given: dict[str, Any]) -> T:
    """Make a *kind* of those of its options that were given; what is left is the method's."""
    return kind(**{name: given.pop(name) for name in inspect.signature(kind).parameters if name in given})


def _named_options_of(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    return (option for option in options_of(function) if option.kind is option.KEYWORD_ONLY)
