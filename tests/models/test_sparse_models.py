"""Models with many optional fields, whose objects begin with None in them: nobody sees a difference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypedDict

import attrs
import pytest

from contactship_async._codec import codec
from contactship_async.models.calls import Call, CallAnalysis

FIELDS = [one.name for one in attrs.fields(CallAnalysis)]


@dataclass
class InDataclass:
    """A class of a user's that holds such a model."""

    analysis: CallAnalysis


class InTypedDict(TypedDict):
    """Another one."""

    analysis: CallAnalysis


@attrs.frozen
class InAttrs:
    """Another one."""

    analysis: CallAnalysis


@pytest.mark.parametrize("missing", range(len(FIELDS) + 1))
def test_fields_that_are_missing_are_none(missing: int) -> None:
    """However many are missing, what is read is of its own class, and equal to what is made by hand."""
    given: dict[str, Any] = {name: "said" if name == "summary" else None for name in FIELDS[missing:]}
    read = codec.loads(json.dumps({"id": "call-1", "call_analysis": given}).encode(), Call)

    assert Call("call-1", call_analysis=CallAnalysis(**given)) == read
    assert (Call, CallAnalysis) == (type(read), type(read.call_analysis))
    assert attrs.asdict(Call("call-1", call_analysis=CallAnalysis(**given))) == attrs.asdict(read)


def test_objects_share_nothing() -> None:
    """What one response says is not in the next object."""
    codec.loads(b'{"summary": "said", "sentiment": "neutral"}', CallAnalysis)

    assert CallAnalysis() == codec.loads(b"{}", CallAnalysis)


@pytest.mark.parametrize("holder", [InDataclass, InTypedDict, InAttrs])
def test_classes_of_users_hold_them(holder: Any) -> None:
    """Also those that msgspec has no other name for."""
    read = codec.loads(b'{"analysis": {"summary": "said"}}', holder)
    analysis = read["analysis"] if holder is InTypedDict else read.analysis

    assert CallAnalysis(summary="said") == analysis
    assert CallAnalysis is type(analysis)


def test_what_is_read_stays_frozen() -> None:
    """A twin can be filled; what it becomes can't be changed."""
    read = codec.loads(b"{}", CallAnalysis)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read.summary = "other"  # type: ignore[misc] # it is frozen
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del read.summary
