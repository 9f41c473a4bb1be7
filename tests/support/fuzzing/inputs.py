"""What hostile servers send: JSON that is almost right, what is in the corpus, arbitrary bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from key_leaks import KEY

from fuzzing.corpus import CALLS, Conversation, ScriptedResponse

ROW = {
    "id": "pn-1",
    "phone_number": "+12025550142",
    "type": "inbound",
    "organization_id": "org-1",
    "created_at": "2026-01-15T10:00:00Z",
}
"""A row as the API sends it."""

TIMES = st.from_regex(
    r"\d{4}-?(\d\d-?\d\d|W\d\d-?\d|\d{3})([Tt _]?\d\d(:?\d\d(:?\d\d([.,]\d{1,12})?)?)?)?"
    r"( ?(Z|z|[+-]\d\d(:?\d\d(:?\d\d([.]\d{1,6})?)?)?))?",
    fullmatch=True,
) | st.builds(
    "{}{}{}".format,
    st.sampled_from(
        ["0000-01-01", "0001-01-01", "9999-12-31", "2026-02-29", "2026-06-30", "2024-02-29", "+12026-01-01"]
    ),
    st.sampled_from(
        ["", "T", " ", "T00:00", "T00:00:00", "T23:59:59.999999", " 23:59:59.9999999", "T23:59:60", "T24:00:00"]
    ),
    st.sampled_from(["", "Z", "z", "+00", "-00:00", "+23:59", "-23:59", "+24:00", "+00:00:01", "-00:00:00.000001"]),
)

_WEIRD_TOKENS = st.sampled_from([
    "", " ", "null", "true", "false", "{}", "[]", '""', "0", "-0", "-1", "1.0", "1e0", "1e999", "-1e-999", "NaN",
    "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10", str(2**63), str(2**64), str(-(2**63) - 1), "9" * 30,
    "9" * 4000, "9" * 5000, '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\x00"', '"\x7f"',
    '"\\x"', '"\\u12"', '"٣"', "'x'", "\ufeff", "[" * 900, "[" * 3000, '{"x":' * 900, "//", "/**/", "[0," * 400,
    '"' + "x" * 70_000 + '"', "[0" + ",0" * 300 + "]", json.dumps(KEY), "tru", "nul", '"unfinished',
])  # fmt: skip

_TEXTS = st.text(max_size=12).map(json.dumps) | st.text(st.characters(codec="utf-8"), max_size=12).map(
    lambda text: json.dumps(text, ensure_ascii=False)
)


def _join(pairs: Sequence[tuple[str, str]]) -> str:
    return f"{{{','.join(f'{json.dumps(name)}: {value}' for name, value in pairs)}}}"


def _objects(values: SearchStrategy[str]) -> SearchStrategy[str]:
    names = st.sampled_from([*ROW, "data", "count", "pagination", "total_rows", "message"]) | st.text(max_size=3)
    return st.lists(st.tuples(names, values), max_size=5).map(_join)


_TOKENS = st.recursive(
    _WEIRD_TOKENS | _TEXTS | TIMES.map(json.dumps) | st.integers().map(str) | st.floats().map(repr),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]") | _objects(inner),
    max_leaves=6,
)


@st.composite
def _near_misses(draw: st.DrawFn, fields: Sequence[tuple[str, SearchStrategy[str]]]) -> str:
    """An object with *fields*, of which some are wrong, missing, repeated or out of order."""
    pairs = [(name, draw(values)) for name, values in fields]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        name, _ = draw(st.sampled_from(pairs)) if pairs else ("x", "0")
        change = draw(st.sampled_from(["value", "remove", "repeat", "add", "shuffle", "rename"]))
        if change == "value":
            pairs = [(each, draw(_TOKENS) if each == name else old) for each, old in pairs]
        elif change == "remove":
            pairs = [pair for pair in pairs if pair[0] != name]
        elif change == "repeat":
            pairs.insert(draw(st.integers(0, len(pairs))), (name, draw(_TOKENS)))
        elif change == "add":
            pairs.insert(draw(st.integers(0, len(pairs))), (draw(st.text(max_size=3)), draw(_TOKENS)))
        elif change == "shuffle":
            pairs = list(draw(st.permutations(pairs)))
        else:
            pairs = [(each.title() if each == name else each, old) for each, old in pairs]
    return _join(pairs)


_IDS = st.integers(0, 12).map(lambda number: f'"pn-{number}"')
ROWS = _near_misses([
    ("id", _IDS),
    ("phone_number", st.just(json.dumps(ROW["phone_number"]))),
    ("type", st.sampled_from(['"inbound"', '"outbound"', '"new"'])),
    ("organization_id", st.just(json.dumps(ROW["organization_id"]))),
    ("created_at", st.integers(0, 59).map(lambda minute: f'"2026-01-15T10:{minute:02}:00Z"') | TIMES.map(json.dumps)),
])  # fmt: skip
_DATA = st.lists(ROWS, max_size=5).map(lambda rows: f"[{','.join(rows)}]")
_COUNTS = st.integers(0, 14).map(str) | _TOKENS
PAGES = _near_misses([("data", _DATA), ("count", _COUNTS)]) | _near_misses([
    ("statusCode", st.just("200")),
    ("data", _DATA),
    ("pagination", _near_misses([("page", st.just("1")), ("total_rows", _COUNTS), ("total_pages", st.just("null"))])),
])  # fmt: skip
_MESSAGES = _near_misses([("statusCode", _TOKENS), ("message", _TOKENS | st.just(json.dumps([f"bad key {KEY}"])))])


def bodies(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Bodies of responses."""
    texts = PAGES | ROWS | _MESSAGES | _TOKENS
    made = texts.map(lambda text: text.encode(errors="surrogatepass"))
    return made | st.sampled_from(seeds) | st.binary()


_ODD_NUMBERS = st.sampled_from(["0", "98", '"98"', "98.5", '"x"', "1793000000000", '"1793000000000"', "1e300"])
_OBJECTS_OR_ARRAYS = st.sampled_from(["{}", "[]", "null", '{"x": 1}', '[{"field": "x", "value": 1}]'])
_FINISHED_CALLS = _near_misses([
    ("data", _near_misses([
        ("agent", st.just('{"agent_id": "a-1"}') | _OBJECTS_OR_ARRAYS),
        ("call", _near_misses([
            ("call_id", _IDS),
            ("duration", _ODD_NUMBERS),
            ("start_timestamp", _ODD_NUMBERS | TIMES.map(json.dumps)),
            ("transcript_object", _near_misses([("role", _TEXTS), ("content", _TEXTS)]).map("[{}]".format)),
            ("call_analysis", _near_misses([("custom_analysis_data", _OBJECTS_OR_ARRAYS | _TOKENS)])),
            ("call_additional_data", _OBJECTS_OR_ARRAYS),
        ])),
        ("campaign", _OBJECTS_OR_ARRAYS),
        ("contact", _near_misses([("additional_data", _OBJECTS_OR_ARRAYS | _TOKENS), ("call_attempts", _ODD_NUMBERS)])),
    ])),
])  # fmt: skip
_INBOUND_CONTEXTS = _near_misses([
    ("call", _near_misses([("from_number", st.just('"+12025550142"'))])), ("agent_id", _IDS),
    ("contact", _OBJECTS_OR_ARRAYS),
])  # fmt: skip
_FOLLOW_UPS = _near_misses([
    ("threadId", _IDS), ("totalStages", _ODD_NUMBERS), ("closedAt", _ODD_NUMBERS | TIMES.map(json.dumps)),
    ("contact", _OBJECTS_OR_ARRAYS),
])  # fmt: skip


def webhooks(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Bodies of webhooks."""
    made = (_FINISHED_CALLS | _INBOUND_CONTEXTS | _FOLLOW_UPS).map(lambda text: text.encode(errors="surrogatepass"))
    return made | bodies(seeds)


_NUMBERS = st.integers().map(str) | st.floats().map(repr) | st.from_regex(r"\s?[-+]?\d{1,12}([.e]\d+)?\s?")
_HTTP_DATES = st.from_regex(
    r"([A-Z][a-z]{2,8}, ?)?\d{1,3}[ -][A-Z][a-z]{2}[ -]\d{1,9} \d\d?[:.]\d\d([:.]\d\d)?"
    r"( ?[-+A-Z0-9]{1,6})?( [A-Z(]{1,4})?"
) | st.builds(
    "{}, {:02} {} {:04} {:02}:{:02}:{:02} {}".format,
    st.sampled_from(["Mon", "Sun", "x"]),
    st.integers(0, 32),
    st.sampled_from(["Jan", "Feb", "Dec", "JUN", "?"]),
    st.sampled_from([0, 1, 68, 69, 99, 1899, 1999, 2026, 9999, 10000]),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
    st.sampled_from(["GMT", "UTC", "-0000", "+0000", "-2359", "+2359", "+9999", "EST", "", "+99999999999"]),
)
_WEIRD_VALUES = st.sampled_from([
    "", "0", "1", "300", "301", "9" * 30, "9" * 5000, "inf", "nan", "1e3", "-1", "soon", "\udcff", "\ud800", "\x00",
    KEY, "," * 4000,
])  # fmt: skip
_VALUES = _NUMBERS | _HTTP_DATES | TIMES | st.text(max_size=20) | _WEIRD_VALUES
_NAMES = st.sampled_from([
    "retry-after", "date", "x-ratelimit-remaining", "x-ratelimit-remaining-ip", "x-ratelimit-reset",
    "x-ratelimit-reset-ip", "x-request-id", "location", "content-type", "content-encoding",
])  # fmt: skip


def headers(seeds: Sequence[dict[str, str]]) -> SearchStrategy[dict[str, str]]:
    """Headers of responses."""
    made = st.dictionaries(_NAMES, _VALUES, max_size=6)
    return made | st.builds(lambda seed, change: seed | change, st.sampled_from(seeds), made)


def responses(seeds: Sequence[ScriptedResponse]) -> SearchStrategy[ScriptedResponse]:
    """Responses with any status."""
    statuses = st.sampled_from([200, 200, 200, 201, 204, 301, 307, 400, 401, 404, 429, 500, 503]) | st.integers(
        -1, 1000
    )
    return st.builds(
        ScriptedResponse,
        statuses,
        st.just({}) | headers([dict(seed.headers) for seed in seeds]),
        bodies([seed.body for seed in seeds]),
    )


def conversations(seeds: Sequence[Conversation]) -> SearchStrategy[Conversation]:
    """Calls with one or more responses each."""
    known = [scripted for seed in seeds for scripted in seed.responses]
    any_responses = st.sampled_from(known) | responses([scripted for scripted in known if not scripted.is_dropped])
    good_bodies = st.sampled_from(known) | PAGES.map(
        lambda text: ScriptedResponse(body=text.encode(errors="surrogatepass"))
    )
    return st.builds(
        Conversation,
        st.sampled_from(CALLS),
        (st.lists(any_responses, min_size=1, max_size=4) | st.lists(good_bodies, min_size=1, max_size=8)).map(tuple),
    )
