"""All the sandbox knows about phone numbers: made-up rows, and their listing.

Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring_ascii as quote
from operator import attrgetter
from random import Random
from typing import Final

from attrs import frozen

from contactship_async._arguments import check_choice, check_text
from contactship_async.sandbox._api.fields import Field, Schema, optional
from contactship_async.sandbox._api.pages import Page, Paging
from contactship_async.sandbox._api.routes import Call, Route

TYPES = ("inbound", "outbound")

_TYPE: Final = Field(
    "type", {"type": "string", "enum": TYPES}, "Whether it receives calls or places them.", example="outbound"
)
_SCHEMA: Final = Schema(
    "PhoneNumber",
    (
        Field(
            "id",
            {"type": "string", "minLength": 1},
            "Opaque; the `from_number_id` of calls.",
            example="pn-3c0a7a52-6a1e-4f0e-9d55-0d2f6b1c8e47",
        ),
        Field("phone_number", {"type": "string", "minLength": 1}, "In E.164 format.", example="+12025550142"),
        _TYPE,
        Field(
            "organization_id",
            {"type": "string", "minLength": 1},
            "Of the organization that owns it.",
            example="org-81c7e2f4-2b7d-4d0a-8a6b-5f9e0c3d1b20",
        ),
        Field(
            "created_at",
            {"type": "string", "format": "date-time"},
            "When it was added.",
            example="2026-01-15T10:00:00Z",
        ),
    ),
)

_FIRST_CREATED_AT = datetime(2024, 1, 1, tzinfo=UTC)
_INTERVAL = timedelta(hours=1)

# The lines 555-0100 to 555-0199 of every area code are set aside for fiction (https://en.wikipedia.org/wiki/555_number).
_LINES = 100
_AREA_CODES = (  # noqa: SIM905 - reads better than a list of so many texts
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 "
    "419 423 425 430 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 "
    "518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 "
    "614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 "
    "712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 "
    "801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 "
    "860 862 863 864 865 870 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 "
    "940 941 949 951 952 954 956 970 971 972 973 978 979 980 985 989"
).split()


@frozen(eq=False)
class _Row:
    """A phone number: what listings look at, and the JSON they show, written once."""

    type: str
    created_at: datetime
    json: bytes

    def to_dict(self) -> dict[str, str]:
        row: dict[str, str] = json.loads(self.json)
        return row


class PhoneNumbers:
    """The phone numbers of one made-up organization.

    Number *i*, counted from 0, was created *i* hours after the beginning of 2024 (UTC); every third is inbound, the
    others are outbound. The same seed makes the same rows.
    """

    def __init__(self, count: int, *, seed: int, max_limit: int, count_follows_filter: bool) -> None:
        self._paging = Paging(default_limit=5, max_limit=max_limit)
        self.routes = (
            Route(
                "GET",
                "/v1/phone-numbers",
                self._list,
                operation="listPhoneNumbers",
                summary="List phone numbers",
                source="get-phone-numbers",
                returns=_SCHEMA,
                paging=self._paging,
                query=optional(_TYPE),
            ),
        )
        self._count_follows_filter = count_follows_filter
        self._random = Random(seed)  # noqa: S311 - made-up data, and the same for the same seed
        self._area_codes = self._random.sample(_AREA_CODES, len(_AREA_CODES))
        self.organization_id = f"org-{self._make_uuid()}"
        self._made = 0
        self._newest_so_far = _FIRST_CREATED_AT - _INTERVAL
        self._by_id: dict[str, _Row] = {}
        # Ascending by created_at, so that a page is a slice; None holds the rows of all types.
        self._listings: dict[str | None, list[_Row]] = {None: [], **{type_: [] for type_ in TYPES}}
        for _ in range(count):
            row = self._make_row()
            self._listings[None].append(row)
            self._listings[row.type].append(row)

    def add(
        self,
        *,
        type_: str | None,
        created_at: datetime | str | None,
        phone_number: str | None,
        id_: str | None,
    ) -> dict[str, str]:
        """Add one number; what is None is made up, created_at later than that of any other number so far."""
        if type_ is not None:
            check_choice("type", type_, TYPES)
        if phone_number is not None:
            check_text("phone_number", phone_number)
        if id_ is not None:
            check_text("id", id_)
            if id_ in self._by_id:
                message = f"id must be new, but there is a phone number {id_!r}"
                raise ValueError(message)
        row = self._make_row(type_, created_at, phone_number, id_)
        for rows in (self._listings[None], self._listings[row.type]):
            insort(rows, row, key=attrgetter("created_at"))
        return row.to_dict()

    def remove(self, id_: str) -> None:
        """Remove one number."""
        row = self._by_id.pop(id_)
        for rows in (self._listings[None], self._listings[row.type]):
            rows.pop(rows.index(row, bisect_left(rows, row.created_at, key=attrgetter("created_at"))))

    def to_dicts(self) -> list[dict[str, str]]:
        """Copy all rows, the newest first."""
        return [row.to_dict() for row in reversed(self._listings[None])]

    def _list(self, call: Call) -> Page:
        window = self._paging.read_window(call.query)
        rows = self._listings[call.query.get("type")]
        total = len(rows if self._count_follows_filter else self._listings[None])
        return Page([row.json for row in window.cut(rows)], total, window)

    def _make_row(
        self,
        type_: str | None = None,
        created_at: datetime | str | None = None,
        phone_number: str | None = None,
        id_: str | None = None,
    ) -> _Row:
        if created_at is None:
            created_at = self._newest_so_far + _INTERVAL
        moment, created_at = _read_created_at(created_at)
        id_ = id_ or f"pn-{self._make_uuid()}"
        phone_number = phone_number or self._make_phone_number()
        type_ = type_ or ("inbound" if self._made % 3 == 2 else "outbound")  # noqa: PLR2004 - every third
        self._made += 1
        self._newest_so_far = max(self._newest_so_far, moment)
        # By hand: half a million rows through an encoder would take several seconds.
        text = (
            f'{{"id":{quote(id_)},"phone_number":{quote(phone_number)},"type":"{type_}",'
            f'"organization_id":"{self.organization_id}","created_at":{quote(created_at)}}}'
        )
        row = self._by_id[id_] = _Row(type_, moment, text.encode())
        return row

    def _make_uuid(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _make_phone_number(self) -> str:
        """Take one line of each area code in turn, then the next line: distinct until all lines were taken."""
        round_, turn = divmod(self._made, len(self._area_codes))
        return f"+1{self._area_codes[turn]}55501{round_ % _LINES:02d}"


def _read_created_at(created_at: object) -> tuple[datetime, str]:
    """Return the moment to sort by and the text to show; a given text is shown as it is, without a zone it is UTC."""
    if isinstance(created_at, datetime):
        if created_at.tzinfo is None:
            message = "created_at must be an aware datetime, or an ISO 8601 text"
            raise ValueError(message)
        return created_at, created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if not isinstance(created_at, str):
        message = f"created_at must be an aware datetime or an ISO 8601 text, not {type(created_at).__name__}"
        raise TypeError(message)
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        message = "created_at must be an aware datetime or an ISO 8601 text such as '2026-01-15T10:00:00Z'"
        raise ValueError(message) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), created_at
