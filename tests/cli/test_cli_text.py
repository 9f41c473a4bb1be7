"""Text for a terminal, tables of blocks, and what the command line makes of the library's messages."""

from __future__ import annotations

import json

import pytest

from contactship_async import ConfigurationError, ContactshipClient, MalformedResponseError, WalkPosition
from contactship_async._cli.failures import (
    Listed,
    describe,
    describe_interrupt,
    describe_interrupts,
    describe_setting,
    translate,
)
from contactship_async._cli.output import _fold_json
from contactship_async._cli.table import Layout, draw, draw_blocks
from contactship_async._cli.text import measure, printable_json, wrap
from contactship_async.errors import MalformedRow

LISTED = Listed("phone numbers", has_offset=True)


def test_lines_are_broken_between_words() -> None:
    """Each piece has room, also in scripts with wide characters; a longer word stays whole."""
    assert ["a line", "of words"] == [*wrap("a line of words", 8)]
    assert ["an", "id-that-is-long", "x"] == [*wrap("an id-that-is-long x", 6)]
    assert ["組織", "組織"] == [*wrap("組織 組織", 8)]
    assert ["組織 組織"] == [*wrap("組織 組織", 9)]
    assert (4, 3) == (measure("組織"), measure("abc"))


def test_json_for_a_terminal_is_harmless_and_still_json() -> None:
    """What could control the terminal is escaped, and reads as it was."""
    text = json.dumps({"a": "\x9b2J\u202e\U000e0001ü", "b": 1}, ensure_ascii=False, indent=2)

    shown = printable_json(text)

    assert all(line.isprintable() for line in shown.split("\n"))
    assert json.loads(text) == json.loads(shown)
    assert "ü" in shown


def test_json_is_broken_after_a_name_where_the_value_has_no_room() -> None:
    """An id is in one piece; brackets stay where they are."""
    line = '    "organization_id": "org-0123456789",'

    assert ['    "organization_id":', '      "org-0123456789",'] == [*_fold_json(line, 30)]
    assert [line] == [*_fold_json(line, 40)]
    assert ['    "a long name": {'] == [*_fold_json('    "a long name": {', 10)]
    assert ['"an element of an array"'] == [*_fold_json('"an element of an array"', 10)]


def test_times_are_broken_after_the_date() -> None:
    """Also in a column that is wider than a date, for its name."""
    rows = [{"succeeded_at": text} for text in ("2026-01-15T02:00:00Z", "a few words and more")]

    narrow, wide = (
        [line.rstrip() for line in draw(rows, Layout({"succeeded_at": width}, 1)).splitlines()[2:]]
        for width in (12, 20)
    )
    assert ["2026-01-15T", "02:00:00Z", "a few words", "and more"] == narrow
    assert ["2026-01-15T02:00:00Z", "a few words and more"] == wide


def test_blocks_have_a_line_for_each_field() -> None:
    """What has no room beside its name stands below it, and text is folded between words."""
    rows = [{"id": "pn-1", "label": "two words", "json": "[1,2,3,4,5,6]"}, {"id": "pn-2", "label": "", "json": ""}]

    assert (
        "id      pn-1\nlabel   two\n        words\njson\n[1,2,3,4,5,6]\n\nid      pn-2\nlabel\njson\n"
    ) == draw_blocks(rows, ["id", "label", "json"], 14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "base_url would send the API key in clear: use https, or pass allow_insecure_http=True",
            "CONTACTSHIP_BASE_URL would send the API key in clear: use https, or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1",
        ),
        ("pass page_size >= 7", "pass --page-size >= 7"),
        ("page_size with exact=True must be an integer", "--page-size with --exact must be an integer"),
        ("max_items must be an integer", "--limit must be an integer"),
        (
            "exact=True and a concurrency above 1 need a sort_key",
            "--exact and --concurrency above 1 need a sort_key",
        ),
        (
            "exact=True and a concurrency above 1 do not go with order_by",
            "--exact and --concurrency above 1 do not go with --order-by",
        ),
        ("--path must not hold '?': pass the query as params", "--path must not hold '?': give the query by --param"),
        ("no turn within 1 s, the total limit", "no turn within 1 s, the limit of --timeout"),
    ],
)
def test_advice_names_options(text: str, expected: str) -> None:
    """A message that names an argument of Python names the option or the variable in its place."""
    assert expected == translate(text)


@pytest.mark.parametrize(
    "base_url",
    ["http://192.0.2.1", "api.contactship.ai", "https://user@api.contactship.ai", "https://api.contactship.ai /"],
)
def test_no_setting_is_named_as_in_python(base_url: str) -> None:
    """What the client says about a base URL names no argument of its own."""
    with pytest.raises(ConfigurationError) as caught:
        ContactshipClient("a-key", base_url=base_url)

    text = describe_setting(caught.value)

    assert text.startswith("CONTACTSHIP_BASE_URL ")
    assert [] == [word for word in ("base_url", "allow_insecure_http", "True") if word in text]


def test_names_the_variable_of_a_malformed_key() -> None:
    """The key is that of the one variable."""
    with pytest.raises(ConfigurationError) as caught:
        ContactshipClient("a key")

    assert describe_setting(caught.value).startswith("CONTACTSHIP_API_KEY is unusable: the API key must be ")


def test_goes_on_behind_a_malformed_row() -> None:
    """Its own offset would meet it again; what is left of the limit does not count it."""
    error = MalformedResponseError(("data[2].id: missing",))
    error.row = MalformedRow(2, {})
    error.position = WalkPosition(offset=7, yielded=2)

    assert describe(error, Listed("tags", has_offset=True, limit=5)).endswith(
        "; to go on behind that row, add --offset 8 --limit 3"
    )
    assert "to go on" not in describe(error, Listed("tags"))


def test_says_how_far_it_came() -> None:
    """At Ctrl-C, a listing without offsets gives no advice, and nothing printed is said as such."""
    assert "interrupted, with nothing printed" == describe_interrupt(LISTED, None)
    assert ("interrupted after the 4 phone numbers printed; to go on, add --offset 6") == describe_interrupt(
        LISTED, WalkPosition(6, 4)
    )
    assert "interrupted after the 4 voices printed" == describe_interrupt(Listed("voices"), WalkPosition(4, 4))


def test_says_how_far_each_organization_came() -> None:
    """Those that were printed in part are named with their offsets, and the others up to five."""
    positions = {"acme": WalkPosition(6, 4), "globex": WalkPosition(1, 1)}
    others = [f"org{number}" for number in range(6)]

    told = [*describe_interrupts(LISTED, 2, positions, others)]
    few = [*describe_interrupts(Listed("voices"), 2, {"acme": WalkPosition(4, 4)}, [])]

    assert [
        "interrupted, with 2 of 10 organizations complete",
        "acme: interrupted after its 4 phone numbers printed; to go on, list it alone with --offset 6",
        "globex: interrupted after its first; to go on, list it alone with --offset 1",
        "nothing printed of org0, org1, org2, org3, org4 and 1 more",
    ] == told
    assert [
        "interrupted, with 2 of 3 organizations complete",
        "acme: interrupted after its 4 voices printed",
    ] == few
