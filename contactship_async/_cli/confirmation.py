"""The question before anything that dials, sends, spends or deletes: the one place that asks for a yes."""

from __future__ import annotations

import sys
from typing import Final

from cyclopts import CycloptsError

from contactship_async._cli.streams import note

_REFUSAL: Final = "this dials people and spends credits: add --yes to do it without being asked"


def confirm(question: str, *, yes: bool, refusal: str = _REFUSAL, interrupted: str = "nothing was sent") -> bool:
    """Ask at a terminal, and return whether the answer is yes.

    Args:
        question: Its last line is what is asked. Lines before it say what is going to happen.
        yes: Whether it was said already, by --yes: then nothing is asked or shown.
        refusal: What is said where it can't be asked.
        interrupted: What is said after Ctrl-C.

    Raises:
        CycloptsError: There is nobody to ask: standard input or standard error is no terminal, or closed.
        KeyboardInterrupt: At Ctrl-C, after that was told.
    """
    if yes:
        return True
    # Python has None for a stream that is closed: https://docs.python.org/3/library/sys.html#sys.__stdin__
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise CycloptsError(refusal)
    *facts, last = question.split("\n")
    for fact in facts:
        note(fact)
    note(f"{last} [y/N]", end=" ")
    sys.stderr.flush()
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")  # after the question and ^C
        note(f"interrupted; {interrupted}")
        raise
    return answer.strip().lower() in {"y", "yes"}
