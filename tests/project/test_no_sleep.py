"""No test waits for the clock without a reason."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
REASON = "real time"


def sleeps_of(code: str) -> list[int]:
    """Return the lines on which seconds are slept: none where the clock of the loop jumps."""
    if "jumping_loop" in code:
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"asyncio.sleep", "time.sleep"}
        and ast.unparse(node.args[0]) != "0"
    ]


def test_sleeps_have_a_reason() -> None:
    """Tests wait for events, in turns of the loop, or by a clock that jumps; what sleeps says why, on its line."""
    unexplained = []
    for module in sorted(TESTS.rglob("*.py")):
        code = module.read_text(encoding="utf-8")
        lines = code.splitlines()
        unexplained += [f"{module.name}:{line}" for line in sleeps_of(code) if REASON not in lines[line - 1]]

    assert [] == unexplained


def test_sleeps_are_found() -> None:
    """A sleep of no seconds is a turn of the loop."""
    assert [2, 3] == sleeps_of("asyncio.sleep(0)\nasyncio.sleep(0.1)\ntime.sleep(seconds)\n")
