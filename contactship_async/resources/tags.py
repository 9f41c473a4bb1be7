"""The tags of an organization: `/v1/tags`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tags
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen
from msgspec import UnsetType

from contactship_async._arguments import (
    UNSET,
    Checks,
    build_body,
    check_text,
    text_or_none,
    without_none,
    without_unset,
)
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async.models.tags import Tag
from contactship_async.resources._common_arguments import citing_page

LISTING: Final = ListingDeclaration("/v1/tags", Tag)
_PATH: Final = "/v1/tags/{tag_id}"
_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


def _check_color(name: str, value: object) -> str:
    color = check_text(name, value)
    if not _COLOR.fullmatch(color):
        message = f"{name} must be of the form '#RRGGBB', not {color!r}"
        raise ValueError(message)
    return color


_CHECKS: Final[Checks] = {"name": check_text, "color": _check_color, "label": text_or_none}


@frozen(repr=False)
class Tags:
    """The tags that the organization puts on its contacts: `client.tags`."""

    _caller: Caller

    def list(self, *, name: str | None = None, label: str | None = None, order: Order | None = None) -> Listing[Tag]:
        """Return the listing of tags; nothing is sent before it is iterated over.

        Args:
            name: Only tags whose name contains this.
            label: Only tags whose label contains this.
            order: By creation date, `asc` or `desc`; the newest first if not given.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-tags
        """
        with citing_page("list-tags"):
            filters = {"name": text_or_none("name", name), "label": text_or_none("label", label)}
            return Listing(LISTING, self._caller, filters, order=order)

    async def create(self, *, name: str, color: str, label: str | None = None) -> Tag:
        """Create a tag. Not repeated when it may have been processed.

        Args:
            name: The name, which no other tag has.
            color: `#RRGGBB`.
            label: A short description; None for none.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is empty, or *color* has another form.
            BadRequestError: The API refuses an argument, such as a name that is taken.
            AmbiguousOutcomeError: The tag may have been created.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/create-tag
        """
        with citing_page("create-tag"):
            body = build_body(_CHECKS, name=name, color=color, **without_none(label=label))
        return await self._caller.call("POST", LISTING.path, Tag, json=body)

    async def update(
        self,
        tag_id: str,
        *,
        name: str | UnsetType = UNSET,
        color: str | UnsetType = UNSET,
        label: str | UnsetType | None = UNSET,
    ) -> Tag:
        """Change a tag. What is not given stays as it is.

        Args:
            tag_id: The tag's id.
            name: The name, which no other tag has.
            color: `#RRGGBB`.
            label: A short description; None removes it.

        Returns:
            The tag, with `updated_at` in place of `created_at`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is empty, *color* has another form, or *tag_id* can't be part of a path.
            NotFoundError: There is no such tag.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/update-tag
        """
        with citing_page("update-tag"):
            body = build_body(_CHECKS, **without_unset(name=name, color=color, label=label))
        return await self._caller.call("PATCH", build_path(_PATH, tag_id=tag_id), Tag, json=body, idempotent=True)

    async def delete(self, tag_id: str) -> None:
        """Delete a tag, and take it off all contacts.

        Args:
            tag_id: The tag's id.

        Raises:
            TypeError: *tag_id* is not a string.
            ValueError: *tag_id* can't be part of a path.
            NotFoundError: There is no such tag; it may be that an earlier attempt of this call has deleted it.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/delete-tag
        """
        await self._caller.delete(build_path(_PATH, tag_id=tag_id))
