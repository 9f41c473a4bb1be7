"""The command `calls stop`: ends a call that is under way.

It does not ask: it neither dials nor spends, it names its call, and it hurries.
"""

from __future__ import annotations

from typing import Any, Final

from contactship_async import ConflictError, ContactshipClient
from contactship_async._cli.commands import KEY
from contactship_async._cli.listing import ObjectFormat, Subject, print_object
from contactship_async._cli.options import make_command
from contactship_async._cli.output import find_fields
from contactship_async._cli.streams import note
from contactship_async._cli.target import Target, options_for_one
from contactship_async.models.calls import StoppedCall

_HELP: Final = f"""End a call that is under way: the person is hung up on.

It does not ask. Stopping a call twice is no error. A call that is still queued or scheduled can't be stopped, and the
API has no way to cancel it.

{KEY}"""

_SUBJECT: Final = Subject("calls", find_fields(StoppedCall))


def end(call_id: str, *, format: ObjectFormat = None, **target: Any) -> int:  # noqa: A002 - the name of the option
    """Stop a call, and return the exit code.

    Args:
        call_id: The call's id.
        format: table at a terminal and json elsewhere, if not given.
        target: Those of `Target` that one organization has.

    Raises:
        ContactshipError: The call could not be stopped.
    """

    async def ask(client: ContactshipClient) -> StoppedCall:
        stopped = await client.calls.stop(call_id)
        if stopped.stopped is False:
            note("the call had ended by itself")
        return stopped

    try:
        return print_object(_SUBJECT, ask, Target(**target), format=format)
    except ConflictError:
        note("the call is still queued or scheduled: it can't be stopped, and there is no way to cancel it in the API")
        return 1


stop: Final = make_command(end, "stop", options_for_one(end), _HELP)
"""The command."""
