"""The runner: measures, prints one table, and draws one plot.

Commands, in an environment with `pip install '.[bench]'`, from the top of the repository:

    python -m benchmarks                  all questions, some minutes, on a machine with nothing else to do
    python -m benchmarks walk memory      some of them
    python -m benchmarks --quick          a try of everything, too short for its figures to be quoted
    python -m benchmarks --check          exit with 1 if a target is missed, and say which
    python -m benchmarks --write-readme   put the table into benchmarks/README.md and redraw benchmarks/walk.svg
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import cast

from benchmarks import _report
from benchmarks._measure import Answer, Finding, Question

ROOT = Path(__file__).parents[1]
README = ROOT / "benchmarks" / "README.md"
PLOT = ROOT / "benchmarks" / "walk.svg"

QUESTIONS = (
    "walk",
    "client_cpu",
    "decoding",
    "memory",
    "import_time",
    "exact",
    "organizations",
    "tls",
    "keep_alive",
    "simulation",
)
"""A module each, in the order of the table."""


def main() -> int:
    """Run what the command line asks for, and return the exit code."""
    arguments = _parse()
    findings: list[Finding] = []
    answers: dict[str, Answer] = {}
    _say(_report.setting())
    for name in arguments.questions:
        _say(f"\n== {name}")
        start = time.monotonic()
        question = cast("Question", importlib.import_module(f"benchmarks.{name}").answer)
        answers[name] = question(arguments.quick)
        findings += answers[name].findings
        _print_lines(answers[name])
        _say(f"({time.monotonic() - start:.0f} s)")
    table = _report.table(findings)
    _say(f"\n{table}")
    if arguments.plot is not None or arguments.write_readme:
        from benchmarks import _plot  # noqa: PLC0415 - loads matplotlib, which only the plot needs

        (arguments.plot or PLOT).write_text(_plot.draw(answers), encoding="utf-8")
    if arguments.write_readme:
        text = f"{table}\n\n{_report.setting()}"
        README.write_text(_report.paste(README.read_text(encoding="utf-8"), text), encoding="utf-8")
    missed = [finding for finding in findings if not finding.is_met]
    for finding in missed:
        _say(f"missed: {finding.question}, against {finding.against}: {finding.unit(finding.measured)}")
    return 1 if missed and arguments.check else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what README.md here claims.")
    parser.add_argument("questions", nargs="*", choices=[[], *QUESTIONS], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="few rounds: tells whether everything works, no more")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--plot", type=Path, help="draw the plot into this file")
    parser.add_argument("--write-readme", action="store_true", help="put table and plot into benchmarks/README.md")
    arguments = parser.parse_args()
    is_partial = bool(arguments.questions)
    arguments.questions = arguments.questions or QUESTIONS
    if arguments.write_readme and (is_partial or arguments.quick):
        parser.error("--write-readme needs all questions, and not --quick")
    if arguments.plot is not None and not {"walk", "client_cpu"} <= set(arguments.questions):
        parser.error("--plot shows walk and client_cpu, so it needs both")
    return arguments


def _print_lines(answer: Answer) -> None:
    group = ""
    for line in answer.lines:
        if line.group != group:
            group = line.group
            _say(f"{group}, median (least to greatest):")
        _say(f"  {line.label:40} {line.unit(line.value)}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
