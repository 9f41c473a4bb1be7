"""The question before anything that dials, sends or spends: the one place that asks for a yes."""

from __future__ import annotations

import sys

from cyclopts import CycloptsError

from contactship_async._cli.streams import note
from contactship_async._cli.text import printable


def confirm(question: str, *, yes: bool, risk: str = "this may dial, send or spend") -> bool:
    """Ask at a terminal, and return whether the answer is yes.

    Args:
        question: Its last line is what is asked. Lines before it say what is going to happen.
        yes: Whether it was said already, by --yes: then nothing is asked or shown.
        risk: Why there is a question, for where it can't be asked.

    Raises:
        CycloptsError: There is nobody to ask: standard input or standard error is no terminal.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = f"{risk}: add --yes to send it without being asked"
        raise CycloptsError(message)
    *facts, last = question.split("\n")
    for fact in facts:
        note(fact)
    sys.stderr.write(f"contactship: {printable(last)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
