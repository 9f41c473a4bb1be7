"""A call that has ended, for a person to read: the facts, what was said, and how it went."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from contactship_async._cli.output import STDOUT, write_cell
from contactship_async._cli.table import draw_block
from contactship_async._cli.text import printable, write_length
from contactship_async.models.calls import Call, CallAnalysis, EvaluationResult, SpeakerRole

Lines: TypeAlias = Iterator[tuple[str, object]]
"""Each with the name that stands before it."""

_AGENT: Final = frozenset({SpeakerRole.AGENT, SpeakerRole.ASSISTANT})


def encode_conversation(call: Call) -> list[bytes]:
    """Return the lines that are printed of a call: broken between words at a terminal, and nowhere else."""
    room = STDOUT.width if sys.stdout.isatty() else sys.maxsize
    analysis = call.call_analysis or CallAnalysis()
    blocks = [_flatten(lines) for lines in (_tell_facts(call), _tell_transcript(call), _tell_analysis(analysis))]
    text = "\n".join(draw_block(lines, room) for lines in blocks if lines)
    return text.encode(sys.stdout.encoding, "backslashreplace").splitlines(keepends=True)


def _flatten(lines: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    """Make lines of what there is; a text of several lines is one line, and nothing controls the terminal."""
    texts = [(name, " ".join(write_cell(value).split())) for name, value in lines]
    return [(printable(name), printable(text)) for name, text in texts if text]


def _tell_facts(call: Call) -> Lines:
    contact = call.contact
    if contact is not None:
        yield "contact", ", ".join(filter(None, [contact.full_name, contact.phone_number])) or contact.id
    yield "result", call.call_result or call.call_status
    yield "length", None if call.duration is None else write_length(call.duration)
    yield "ended by", call.disconnection_reason
    yield "recording", call.call_record


def _tell_transcript(call: Call) -> Lines:
    said = call.chat_history
    if isinstance(said, str):
        yield "transcript", said
        return
    person = (call.contact and call.contact.full_name) or "Person"
    for entry in said or ():
        role = entry.role or "?"
        yield "Agent" if role in _AGENT else person if role == SpeakerRole.USER else role, entry.content


def _tell_analysis(analysis: CallAnalysis) -> Lines:
    """Name what was found out; which of the two sets of names the server uses makes no difference."""
    yield "summary", analysis.call_summary or analysis.summary
    yield "sentiment", analysis.user_sentiment or analysis.sentiment
    yield "successful", _tell_flag(flag=analysis.call_successful)
    yield "voicemail", _tell_flag(flag=analysis.in_voicemail)
    yield from (analysis.custom_analysis_data or {}).items()
    for result in analysis.evaluation_results or ():
        yield result.name or result.key or "evaluation", _tell_evaluation(result)


def _tell_flag(*, flag: bool | None) -> str | None:
    return None if flag is None else "yes" if flag else "no"


def _tell_evaluation(result: EvaluationResult) -> str:
    score = None if result.score is None else f"score {result.score:g}"
    quote = None if result.quote is None else f"“{result.quote}”"
    return "; ".join(filter(None, [result.result, score, result.rationale, quote]))
