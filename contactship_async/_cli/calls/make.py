"""The command `calls make`: says what it is going to do, asks, and places a call, once."""

from __future__ import annotations

import asyncio
import inspect
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, get_args

from attrs import define, field
from cyclopts import CycloptsError, Parameter

from contactship_async import AmbiguousOutcomeError, ContactshipClient, ContactshipError, Request, Response
from contactship_async._cli import event_loop
from contactship_async._cli.calls.display import open_display
from contactship_async._cli.calls.following import Following, patience_of, print_conversation
from contactship_async._cli.calls.from_file import make_from_file
from contactship_async._cli.commands import KEY
from contactship_async._cli.confirmation import confirm
from contactship_async._cli.failures import describe
from contactship_async._cli.listing import ObjectFormat, Subject, print_object
from contactship_async._cli.options import (
    make_command,
    name_options,
    options_of,
    read_pairs,
    refuse_strays,
    wrong_usage,
)
from contactship_async._cli.output import find_fields
from contactship_async._cli.resources import take
from contactship_async._cli.streams import note
from contactship_async._cli.target import Target, options_for_one
from contactship_async._cli.text import printable
from contactship_async.models.calls import Call, PlacedCall
from contactship_async.resources.calls import Calls

_HELP: Final = f"""Call a person: a number, a contact of yours, or all of a file.

A number takes --from-number, --to-number, --full-name and --agent-id; a contact takes --contact-id, --from-number-id
and --agent-id. A file takes --from-file, --journal, --agent-id, and --from-number or
--from-number-id: each person in it is called once, whatever happens.

It says what it is going to do, and asks; where there is no terminal to ask at, it needs --yes. It prints the call that
was placed. If it is not known whether it was placed, that is said, and how to look: no call is ever placed twice.

{KEY}"""

_SUBJECT: Final = Subject("calls", find_fields(PlacedCall))
_OF_CONTACTS: Final = frozenset({"contact_id", "from_number_id"})
_NAME_WIDTH: Final = 8  # columns of a terminal, before what is going to be done


def place(
    *,
    delay: float | None = None,
    additional_data: Annotated[list[str] | None, Parameter()] = None,
    watch: bool = False,
    yes: bool = False,
    format: ObjectFormat = None,  # noqa: A002 - the name of the option
    **given: Any,
) -> int:
    """Place a call, and return the exit code.

    Args:
        delay: How many minutes to wait before it is placed.
        additional_data: What the agent is told, as name=value; give the option once for each.
        watch: Follow the call to its end, as `calls watch` does.
        yes: Place it without asking.
        format: table at a terminal and json elsewhere, if not given; with --watch, a text that is to be read.
        given: The other arguments of the method that places it, or of `make_from_file`, and those of `Target` for one
            organization.

    Raises:
        CycloptsError: An argument is wrong, or nobody said yes.
        ContactshipError: The call was placed, and can't be followed.
    """
    target = take(Target, given)
    if "from_file" in given:
        of_one = {"delay": delay, "additional_data": additional_data, "watch": watch or None}
        given |= {name: value for name, value in of_one.items() if value is not None}
        refuse_strays("the calls of a file take", given, {option.name for option in options_of(make_from_file)})
        return make_from_file(**given, yes=yes, format=format, target=target)
    if delay is not None:
        given["delay"] = delay
    if additional_data is not None:
        given["additional_data"] = _read_additional_data(additional_data)
    placing = _Placing(_choose_method(given), given)
    target.check_key()
    placing.check()
    if not confirm(placing.describe(), yes=yes or target.sandbox):
        note("not placed")
        return 1
    with placing.told_when_it_ends_early(is_told=watch):
        if watch:
            print_conversation(_place_and_follow(placing, target), "json" if format == "json" else "text")
        else:
            print_object(_SUBJECT, placing.place, target, format=format)
    return int(placing.placed is None)


def _place_and_follow(placing: _Placing, target: Target) -> Call:
    following = Following(open_display(), patience=patience_of(target))

    async def place_and_follow(client: ContactshipClient) -> Call:
        following.display.show("placing the call")
        placed = await placing.place(client)
        following.display.end(f"placed: call {printable(placed.call_id)}")
        return await following.follow(client, placed.call_id)

    return following.run(place_and_follow, target)


@define
class _Placing:
    """One call to be placed.

    Args:
        method: Places it.
        arguments: Of the method, by their names.

    Attributes:
        placed: What came of it; None as long as it is not known to be placed.
    """

    method: Callable[..., Any]
    arguments: Mapping[str, Any]
    placed: PlacedCall | None = field(default=None, init=False)
    _begun_at: datetime = field(factory=lambda: datetime.now(UTC), init=False)
    _was_sent: bool = field(default=False, init=False)

    def check(self) -> None:
        """Let the method check its arguments, against a server that is made up: nothing is sent.

        Raises:
            CycloptsError: One is not allowed.
        """

        async def pretend(_: Request) -> Response:
            return Response(status=201, body=b'{"call_id": "pretended"}')

        async def rehearse() -> None:
            async with ContactshipClient("no-key", transport=pretend) as client:
                with wrong_usage():
                    await self._call(client)

        event_loop.run(rehearse())

    def describe(self) -> str:
        """Return the question, after lines that say what is going to be done."""
        given = self.arguments
        is_contact = "contact_id" in given
        facts = {
            "to": f"contact {given['contact_id']}" if is_contact else f"{given['full_name']}, {given['to_number']}",
            "from": f"number {given['from_number_id']}" if is_contact else given["from_number"],
            "agent": given["agent_id"],
            "when": _tell_when(given.get("schedule"), given.get("delay")),
            "data": ", ".join(f"{name}={value}" for name, value in given.get("additional_data", {}).items()),
            "webhook": given.get("webhook_url", ""),
        }
        lines = [f"{name:{_NAME_WIDTH}}{printable(text)}" for name, text in facts.items() if text]
        return "\n".join([*lines, "place this call, which rings a person's phone and spends credits?"])

    async def place(self, client: ContactshipClient) -> PlacedCall:
        """Place the call."""
        self._begun_at = datetime.now(UTC)
        try:
            self.placed = await self._call(client)
        except asyncio.CancelledError as error:
            self._was_sent = bool(getattr(error, "__notes__", ()))
            raise
        return self.placed

    @contextmanager
    def told_when_it_ends_early(self, *, is_told: bool) -> Iterator[None]:
        """Tell what is left of the call when what places it fails, or is interrupted.

        Args:
            is_told: Whether its id is told as soon as it is placed. It must not be lost: who sees no id would place the
                call again.

        Raises:
            ContactshipError: The failure came after the call was placed.
        """
        try:
            yield
        except ContactshipError as error:
            if self.placed is not None:
                raise
            self._tell_failure(error)
        except (KeyboardInterrupt, OSError):  # An OSError is that of standard output.
            if self.placed is None:
                self._tell_interrupt()
            elif not is_told:
                note(f"placed: call {self.placed.call_id}")
            raise

    def _tell_failure(self, error: ContactshipError) -> None:
        if not error.may_have_been_processed:
            note(f"{describe(error)}; no call was placed")
        else:
            note(describe(error))
            self._tell_how_to_look(error.sent_at if isinstance(error, AmbiguousOutcomeError) else self._begun_at)

    def _tell_interrupt(self) -> None:
        if self._was_sent:
            note("interrupted after the call was asked for, before the response")
            self._tell_how_to_look(self._begun_at)
        else:
            note("interrupted; no call was placed")

    async def _call(self, client: ContactshipClient) -> PlacedCall:
        placed: PlacedCall = await getattr(client.calls, self.method.__name__)(**self.arguments)
        return placed

    def _tell_how_to_look(self, sent_at: datetime) -> None:
        name = "to_number" if "to_number" in self.arguments else "agent_id"
        option = {"to_number": "--phone-number", "agent_id": "--agent-id"}[name]
        # The zone in which the API takes dates is not documented: the day before is early enough in each.
        day = (sent_at - timedelta(days=1)).date()
        note(
            f"the call may have been placed, at {sent_at:%H:%M:%S} UTC: look whether it is listed, now and once more "
            "some minutes later, since listings lag"
        )
        note(f"look with: contactship calls list {option} {shlex.quote(self.arguments[name])} --date-from {day}")


def _choose_method(given: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the method that takes these arguments.

    Raises:
        CycloptsError: None does.
    """
    if not given:
        message = "whom to call must be given: --to-number, --contact-id or --from-file"
        raise CycloptsError(message)
    is_contact = not _OF_CONTACTS.isdisjoint(given)
    method: Callable[..., Any] = Calls.make_contact_call if is_contact else Calls.make_phone_call
    taken = {option.name: option.default is option.empty for option in options_of(method)}
    whom = "contact" if is_contact else "number"
    refuse_strays(f"a call to a {whom} takes", given, taken)
    missing = [name for name, is_required in taken.items() if is_required and name not in given]
    if missing:
        message = f"a call to a {whom} needs {name_options(missing)}"
        raise CycloptsError(message)
    return method


def _read_additional_data(texts: list[str]) -> dict[str, str]:
    data: dict[str, str] = {}
    for name, value in read_pairs("--additional-data", "name=value, such as order=A-1881", texts):
        if name in data:
            message = f"--additional-data has {name!r} twice"
            raise CycloptsError(message)
        data[name] = value
    return data


def _tell_when(schedule: datetime | None, delay: float | None) -> str:
    if schedule is not None:
        return schedule.isoformat(" ")
    return f"in {delay:g} minutes" if delay else "at once"


def _options() -> Iterator[inspect.Parameter]:
    """Make an option of each argument of both methods, which this module's own take the place of, and of files."""
    own = {option.name: option for option in options_for_one(place)}
    of_one_call: dict[str, inspect.Parameter] = {}
    for option in (*options_of(Calls.make_phone_call), *options_of(Calls.make_contact_call)):
        of_one_call.setdefault(option.name, option)  # What both have is explained by the first.
    for name, option in of_one_call.items():
        yield own.pop(name, _make_optional(option))
    for option in options_of(make_from_file):
        if option.name not in {*of_one_call, *own, "target"}:
            yield _make_optional(option)
    yield from own.values()


def _make_optional(option: inspect.Parameter) -> inspect.Parameter:
    if option.default is not option.empty:
        return option
    kind, settings = get_args(option.annotation)
    return option.replace(default=None, annotation=Annotated[kind | None, settings])


make: Final = make_command(place, "make", _options(), _HELP)
"""The command."""
