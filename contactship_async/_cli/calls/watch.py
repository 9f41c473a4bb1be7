"""The command `calls watch`: follows a call, and prints what was said and how it went."""

from __future__ import annotations

from typing import Any, Final

from contactship_async._cli.calls.display import open_display
from contactship_async._cli.calls.following import (
    POLL_SECONDS,
    ConversationFormat,
    Following,
    patience_of,
    print_conversation,
)
from contactship_async._cli.commands import KEY
from contactship_async._cli.options import PositiveSeconds, make_command
from contactship_async._cli.target import Target, options_for_one

_HELP: Final = f"""Follow a call to its end, and print what was said.

A terminal shows where the call is in one line; elsewhere each change is a line on standard error. Transcript and
analysis come some time after the end: they are waited for as long as --timeout says. Ctrl-C ends only the watching.
The exit code is 0 when the call has ended, whatever came of it.

{KEY}"""


def follow(
    call_id: str,
    *,
    poll_interval: PositiveSeconds = POLL_SECONDS,
    format: ConversationFormat = "text",  # noqa: A002 - the name of the option
    **target: Any,
) -> int:
    """Follow a call, and return the exit code.

    Args:
        call_id: The call's id.
        poll_interval: How many seconds to wait before it is asked again where the call is.
        format: text is to be read; json is the call as `calls get` prints it.
        target: Those of `Target` that one organization has.

    Raises:
        ContactshipError: The call can't be followed.
    """
    whom = Target(**target)
    following = Following(open_display(), patience_of(whom), poll_interval)
    call = following.run(lambda client: following.follow(client, call_id), whom)
    print_conversation(call, format)
    return 0


watch: Final = make_command(follow, "watch", options_for_one(follow), _HELP)
"""The command."""
