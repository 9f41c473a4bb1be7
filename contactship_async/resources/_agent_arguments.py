"""What an agent is made of: each argument is checked, and brought into the form that the API takes it in.

Source: https://docs.contactship.ai/api-reference/endpoint/create-agent
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from contactship_async._arguments import (
    Check,
    Checks,
    build_body,
    check_choice,
    check_length,
    check_number,
    check_sequence,
    check_text,
    check_texts,
)
from contactship_async.models.agents import AmbientSound, StartSpeaker
from contactship_async.resources._common_arguments import check_json_object, check_webhook_url, citing_page

_ANALYSIS_TYPES: Final = ("string", "enum", "boolean", "number")
_ANALYSIS_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_ANALYSIS_DESCRIPTION: Final = 300
_LEAST_CHOICES: Final = 2

_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_TOOL_DESCRIPTION: Final = 2000


def check_analysis(name: str, value: object) -> list[dict[str, object]]:
    """Return what is to be found out after a call.

    Raises:
        TypeError: It is no sequence of mappings, or a part of one has the wrong type.
        ValueError: A part of one is not allowed.
    """
    return [_check_analysis_field(f"{name}[{index}]", item) for index, item in enumerate(check_sequence(name, value))]


def _check_analysis_field(name: str, value: object) -> dict[str, object]:
    found = check_json_object(name, value)
    kind = check_choice(f"{name}['type']", found.get("type"), _ANALYSIS_TYPES)
    if not _ANALYSIS_NAME.fullmatch(check_text(f"{name}['name']", found.get("name"))):
        message = f"{name}['name'] must be of lower-case letters, digits and underscores, a letter first"
        raise ValueError(message)
    if found.get("description") is not None:
        check_length(f"{name}['description']", found["description"], longest=_LONGEST_ANALYSIS_DESCRIPTION)
    if kind == "enum" and len(check_texts(f"{name}['choices']", found.get("choices"))) < _LEAST_CHOICES:
        message = f"{name}['choices'] must be at least {_LEAST_CHOICES} strings, for the type 'enum'"
        raise ValueError(message)
    return found


def check_tools(name: str, value: object) -> list[dict[str, object]]:
    """Return what an agent can use; of what a tool is made of besides its name, little is documented.

    Raises:
        TypeError: It is no sequence of mappings, or a part of one has the wrong type.
        ValueError: A part of one is not allowed, or two have one name.
    """
    tools = [check_json_object(f"{name}[{index}]", item) for index, item in enumerate(check_sequence(name, value))]
    names = set()
    for index, tool in enumerate(tools):
        if tool.get("description") is not None:  # As null, one may have been read: any response may have nulls.
            check_length(f"{name}[{index}]['description']", tool["description"], longest=_LONGEST_TOOL_DESCRIPTION)
        if tool.get("name") is not None:
            own = check_text(f"{name}[{index}]['name']", tool["name"])
            if not _TOOL_NAME.fullmatch(own) or own in names:
                message = f"{name}[{index}]['name'] must be no other tool's, of 1 to 64 letters, digits, '-' and '_'"
                raise ValueError(message)
            names.add(own)
    return tools


def _or_none(check: Check) -> Check:
    """Return a check that also accepts None, which removes a value."""
    return lambda name, value: None if value is None else check(name, value)


_CHECKS: Final[Checks] = {
    "name": check_text,
    "voice_id": check_text,
    "timezone": check_text,
    "person_name": check_text,
    "language": check_text,
    "conversation_purpose": _or_none(check_text),
    "prompt": _or_none(partial(check_length, longest=28_000)),
    "webhook_url": _or_none(check_webhook_url),
    "ambient_sound": _or_none(partial(check_choice, choices=AmbientSound)),
    "voice_speed": partial(check_number, lowest=0.5, highest=2),
    "voice_temperature": partial(check_number, lowest=0, highest=2),
    "volume": partial(check_number, lowest=0, highest=2),
    "ambient_sound_volume": partial(check_number, lowest=0, highest=2),
    "responsiveness": partial(check_number, lowest=0, highest=1),
    "interruption_sensitivity": partial(check_number, lowest=0.1, highest=1),
    "begin_message": partial(check_length, longest=240),
    "begin_message_delay_ms": partial(check_number, lowest=0, highest=5000),
    "max_call_duration_ms": partial(check_number, lowest=1),
    "boosted_keywords": check_texts,
    "post_call_analysis_data": _or_none(check_analysis),
    "tools": _or_none(check_tools),
    "start_speaker": partial(check_choice, choices=StartSpeaker),
}
"""The check of each field of a body. None removes what a response may have as null."""


def build_agent(slug: str, **fields: object) -> dict[str, object]:
    """Return the body of a request that creates or changes an agent.

    Args:
        slug: Of the page that says what is allowed.
        fields: The arguments.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is not allowed, or there is none: to change nothing would still publish the draft.
    """
    with citing_page(slug):
        if body := build_body(_CHECKS, **fields):
            return body
        message = "no change was given, and the call would publish the draft of the agent all the same"
        raise ValueError(message)
