"""What is sent about contacts: each argument is checked, and brought into the form that the API takes it in.

No error quotes a value: they are personal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from contactship_async._arguments import (
    Checks,
    build_body,
    check_choice,
    check_phone_number,
    check_sequence,
    check_text,
    check_type,
    text_or_none,
    without_none,
)
from contactship_async._http.requests import encode_json
from contactship_async.models.contacts import CommentSource, ContactField
from contactship_async.resources._common_arguments import citing_page


def check_fields(name: str, value: object) -> list[dict[str, object]]:
    """Return what is noted about a contact as the array of objects that the API takes.

    The values of fields are strings by the page; what else JSON has a form for is sent as well, so that fields which
    were read can be handed on.

    Raises:
        TypeError: It is no sequence of `ContactField`, or JSON has no form for a value.
        ValueError: A type or a name is empty, or a value holds a lone surrogate or is nested too deeply.
    """
    given_fields: Sequence[Any] = check_sequence(name, value)
    fields: list[dict[str, object]] = []
    for index, each in enumerate(given_fields):
        place = f"{name}[{index}]"
        check_type(place, each, ContactField)
        check_text(f"{place}.type", each.type)
        check_text(f"{place}.field", each.field)
        encode_json(f"{place}.value", each.value)
        fields.append({"type": each.type, "field": each.field, "value": each.value})
    return fields


_CONTACT_CHECKS: Final[Checks] = {
    "phone_number": check_phone_number,
    "full_name": check_text,
    "country": text_or_none,
    "email": text_or_none,
    "additional_data": check_fields,
}


def build_contact(slug: str, **fields: object) -> dict[str, object]:
    """Return the body of a request that creates or changes a contact.

    Args:
        slug: Of the page that says what is allowed.
        fields: The arguments.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is not allowed.
    """
    with citing_page(slug):
        return build_body(_CONTACT_CHECKS, **fields)


_COMMENT_CHECKS: Final[Checks] = {
    "contact_id": check_text,
    "content": check_text,
    "created_by_type": partial(check_choice, choices=CommentSource),
    "created_by": check_text,
}


def build_comment(*, created_by: object, **fields: object) -> dict[str, object]:
    """Return the body of a request that comments on a contact.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is not allowed, or *created_by* is None with `USER`, or not None with another type.
    """
    with citing_page("create-comment"):
        body = build_body(_COMMENT_CHECKS, **fields, **without_none(created_by=created_by))
        if ("created_by" in body) != (body["created_by_type"] is CommentSource.USER):
            message = "created_by must be given with created_by_type='USER', and only with that"
            raise ValueError(message)
    return body
