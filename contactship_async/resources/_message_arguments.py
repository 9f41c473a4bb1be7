"""What a message over WhatsApp is sent with: each argument is checked, and brought into the form that the API takes.

No error quotes a value: they are personal.
"""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import Any, Final

from contactship_async._arguments import (
    Checks,
    build_body,
    check_choice,
    check_flag,
    check_number,
    check_sequence,
    check_text,
    check_type,
)
from contactship_async.models.whatsapp import FilledComponent, FilledPart, MediaType, TemplateParameter
from contactship_async.resources._common_arguments import citing_page

_INFERRED: Final = ("channel_id", "contact_id")
"""What the API infers from a `thread_id`, by its documentation, which also says that they are required."""


def check_media_data(name: str, value: object) -> str:
    """Return a file as the API takes it: by its address, or as base64.

    Raises:
        TypeError: It is neither a string nor bytes.
        ValueError: It is empty.
    """
    if not isinstance(value, str | bytes):
        message = f"{name} must be a URL or base64 as a string, or bytes, not {type(value).__name__}"
        raise TypeError(message)
    if not value:
        message = f"{name} must not be empty"
        raise ValueError(message)
    return value if isinstance(value, str) else b64encode(value).decode()


def check_components(name: str, value: object) -> list[dict[str, object]]:
    """Return what a template is filled in with, as the API takes it.

    Raises:
        TypeError: It is no sequence of `FilledComponent`, or a value in one has the wrong type.
        ValueError: A part is none that can be filled in, or a text is empty.
    """
    return [_write_component(f"{name}[{index}]", each) for index, each in enumerate(check_sequence(name, value))]


def _write_component(name: str, component: Any) -> dict[str, object]:
    check_type(name, component, FilledComponent)
    parameters = check_sequence(f"{name}.parameters", component.parameters)
    written: dict[str, object] = {"type": check_choice(f"{name}.type", component.type, FilledPart)}
    if parameters:
        written["parameters"] = [
            _write_parameter(f"{name}.parameters[{index}]", each) for index, each in enumerate(parameters)
        ]
    return written


def _write_parameter(name: str, parameter: Any) -> dict[str, object]:
    check_type(name, parameter, TemplateParameter)
    fields = {"type": parameter.type, "text": parameter.text, "parameter_name": parameter.parameter_name}
    return {key: check_text(f"{name}.{key}", value) for key, value in fields.items() if value is not None}


_CHECKS: Final[Checks] = {
    "channel_id": check_text,
    "contact_id": check_text,
    "thread_id": check_text,
    "content": check_text,
    "template_name": check_text,
    "language_code": check_text,
    "components": check_components,
    "media_type": partial(check_choice, choices=MediaType),
    "media_data": check_media_data,
    "file_name": check_text,
    "latitude": partial(check_number, lowest=-90, highest=90),
    "longitude": partial(check_number, lowest=-180, highest=180),
    "name": check_text,
    "address": check_text,
    "save_message": check_flag,
}


def build_message(slug: str, **fields: object) -> dict[str, object]:
    """Return the body of a request that sends a message.

    Args:
        slug: Of the page that says what is allowed.
        fields: The arguments.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is not allowed, or neither a thread nor both channel and contact are given.
    """
    with citing_page(slug):
        body = build_body(_CHECKS, **fields)
        if "thread_id" not in body and not body.keys() >= {*_INFERRED}:
            message = "channel_id and contact_id must both be given, or thread_id"
            raise ValueError(message)
        return body
