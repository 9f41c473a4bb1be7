"""What is said in calls, and how they are analysed: made up, and always the same for the same call.

The forms of `words` and of tools are not documented: they are such as agents' transcripts commonly have.

Source: https://docs.contactship.ai/api-reference/endpoint/get-call
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from contactship_async.sandbox._calls.lives import Outcome

SECONDS_PER_WORD: Final = 0.35


@frozen
class Tool:
    """What the agent asks another program, and what that returns."""

    name: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]


@frozen
class Turn:
    """What one of the two says, `{name}` standing for the person's first name; then the agent may use a tool."""

    role: str
    content: str
    tool: Tool | None = None


@frozen
class Conversation:
    """One that a call may have.

    Args:
        turns: In order.
        summary: Of the analysis.
        sentiment: Of the person.
        is_successful: Whether the call reached its purpose.
        data: What the organization asks to be found out.
        quote: What the evaluation relies on.
    """

    turns: Sequence[Turn]
    summary: str
    sentiment: str
    is_successful: bool
    data: Mapping[str, Any]
    quote: str = ""
    words: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "words", sum(len(turn.content.split()) for turn in self.turns))

    @property
    def seconds(self) -> float:
        """How long it takes to be said."""
        return self.words * SECONDS_PER_WORD

    def write(
        self, full_name: str, seconds: float, *, speed: float, with_words: bool = False, with_tools: bool = False
    ) -> list[dict[str, Any]]:
        """Return the entries of its transcript.

        Args:
            full_name: Of the person.
            seconds: How long the call lasted: what would come later was not said.
            speed: How many times as fast as usual it was said.
            with_words: Whether an entry shows when each word was said, in seconds from the beginning.
            with_tools: Whether there are entries of the tools that the agent used.
        """
        pace = SECONDS_PER_WORD / speed
        name = next(iter(full_name.split()), "there")
        entries: list[dict[str, Any]] = []
        before = 0
        for number, turn in enumerate(self.turns):
            words = [word.format(name=name) for word in turn.content.split()]
            said = [word for place, word in enumerate(words, before) if place * pace < seconds]
            if said:
                entries.append({"role": turn.role, "content": " ".join(said)})
                if with_words:
                    entries[-1]["words"] = [
                        {"word": word, "start": round(place * pace, 6), "end": round((place + 1) * pace, 6)}
                        for place, word in enumerate(said, before)
                    ]
            if with_tools and turn.tool is not None and said == words:
                entries += _write_tool(turn.tool, number)
            before += len(words)
        return entries


def _write_tool(tool: Tool, number: int) -> list[dict[str, Any]]:
    id_ = f"tool-{number}"
    invocation = {"tool_call_id": id_, "name": tool.name, "arguments": json.dumps(tool.arguments)}
    return [
        {"role": "tool_call_invocation", **invocation},
        {"role": "tool_call_result", "tool_call_id": id_, "content": json.dumps(tool.result)},
    ]


_ANSWERED: Final = (
    Conversation(
        turns=(
            Turn("agent", "Good morning {name}, this is the assistant of the workshop. Is this a good moment?"),
            Turn("user", "Yes, go ahead, but make it short please."),
            Turn(
                "agent",
                "Your bicycle is ready. Would you like to collect it tomorrow at ten?",
                Tool("find_free_times", {"day": "tomorrow"}, {"times": ["10:00", "15:30"]}),
            ),
            Turn("user", "Half past three would suit me better."),
            Turn("agent", "Half past three tomorrow it is. I have noted it down. Goodbye!"),
            Turn("user", "Perfect, see you then."),
        ),
        summary="The bicycle will be collected tomorrow at half past three.",
        sentiment="Positive",
        is_successful=True,
        data={"appointment": "15:30", "wants_reminder": False},
        quote="Half past three would suit me better.",
    ),
    Conversation(
        turns=(
            Turn("agent", "Hello {name}, I am calling about your appointment on Thursday. Can you still make it?"),
            Turn("user", "Thursday? I am afraid I can't, I will be travelling."),
            Turn(
                "agent",
                "That is no trouble. Shall I move it to Monday at the same time?",
                Tool("move_appointment", {"from": "thursday", "to": "monday"}, {"moved": True}),
            ),
            Turn("user", "Monday works. Could you send me a reminder?"),
            Turn("agent", "Certainly, you will get a message on Sunday evening. Have a good trip!"),
            Turn("user", "Thank you very much, goodbye."),
        ),
        summary="The appointment was moved from Thursday to Monday; a reminder was asked for.",
        sentiment="Neutral",
        is_successful=True,
        data={"appointment": "monday", "wants_reminder": True},
        quote="Monday works. Could you send me a reminder?",
    ),
    Conversation(
        turns=(
            Turn("agent", "Hi {name}, do you have two minutes for three questions about your last order?"),
            Turn("user", "Not really, I am in a meeting right now."),
            Turn(
                "agent",
                "I understand. When would be a better time to call you back?",
                Tool("note_callback", {"when": "friday"}, {"noted": True}),
            ),
            Turn("user", "Friday afternoon, if it must be."),
            Turn("agent", "Then I will try again on Friday afternoon. I am sorry for the interruption."),
        ),
        summary="There was no time for the questions; a call on Friday afternoon was agreed on.",
        sentiment="Negative",
        is_successful=False,
        data={"callback": "friday"},
        quote="Friday afternoon, if it must be.",
    ),
)

_VOICEMAIL: Final = Conversation(
    turns=(
        Turn("user", "I can't take your call at the moment. Please leave a message after the tone."),
        Turn("agent", "Hello {name}, please call us back about your order whenever it suits you. Goodbye."),
    ),
    summary="A machine answered; a message was left.",
    sentiment="Unknown",
    is_successful=False,
    data={},
)

_NOTHING: Final = Conversation(
    turns=(), summary="Nobody was reached.", sentiment="Unknown", is_successful=False, data={}
)


def find_conversation(call_id: str, outcome: Outcome) -> Conversation:
    """Return what is said in a call.

    Args:
        call_id: A UUID.
        outcome: Who picked up.
    """
    if outcome == "answered":
        return _ANSWERED[int(call_id[:8], 16) % len(_ANSWERED)]
    return _VOICEMAIL if outcome == "voicemail" else _NOTHING


def analyse(conversation: Conversation, *, is_stopped: bool = False) -> dict[str, Any]:
    """Return the analysis of a call, by the newer names.

    Args:
        conversation: What was said.
        is_stopped: Whether it was broken off before its end.
    """
    is_successful = conversation.is_successful and not is_stopped
    analysis: dict[str, Any] = {
        "call_summary": "The call was stopped before its end." if is_stopped else conversation.summary,
        "user_sentiment": "Unknown" if is_stopped else conversation.sentiment,
        "call_successful": is_successful,
        "in_voicemail": conversation is _VOICEMAIL,
        "custom_analysis_data": {} if is_stopped else dict(conversation.data),
    }
    if conversation.quote and not is_stopped:
        analysis["evaluation_results"] = [
            {
                "key": "agreed",
                "name": "Something was agreed on",
                "result": "success" if is_successful else "failure",
                "rationale": conversation.summary,
                "quote": conversation.quote,
                "score": 1 if is_successful else None,
            }
        ]
    return analysis
