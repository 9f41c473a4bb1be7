"""The runner: measures, prints a table for each question, and draws one picture.

Commands, in an environment with `pip install '.[bench]'`, from the top of the repository:

    python -m benchmarks                  all questions, most of an hour, on a machine with nothing else to do
    python -m benchmarks walk memory      some of them
    python -m benchmarks --quick          a try of everything, too short for its figures to be quoted
    python -m benchmarks --check          exit with 1 if a target is missed, and say which
    python -m benchmarks --write-readme   put the tables into benchmarks/README.md, and draw benchmarks/walk.svg
                                          if walks are among them
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from benchmarks import _picture, _report
from benchmarks._measure import Answer, Question

ROOT = Path(__file__).parents[1]
README = ROOT / "benchmarks" / "README.md"
PICTURE = ROOT / "benchmarks" / "walk.svg"

QUESTIONS = (
    "walk",
    "slow_consumer",
    "client_cpu",
    "decoding",
    "memory",
    "import_time",
    "start_up",
    "exact",
    "organizations",
    "sync",
    "sync_memory",
    "shared_key",
    "fleet",
    "tls",
    "keep_alive",
    "simulation",
)
"""A module each, in the order of the tables."""


def main() -> int:
    """Run what the command line asks for, and return the exit code."""
    arguments = _parse()
    answers: dict[str, Answer] = {}
    sections: dict[str, str] = {}
    _say(_report.setting())
    for name in arguments.questions:
        _say(f"\n== {name}")
        start = time.monotonic()
        module = importlib.import_module(f"benchmarks.{name}")
        answers[name] = cast("Question", module.answer)(arguments.quick)
        question = (module.__doc__ or "").splitlines()[0]
        sections[name] = _report.section(name, question, datetime.now(UTC).date(), answers[name].findings)
        _print_lines(answers[name])
        _say(f"({time.monotonic() - start:.0f} s)")
    _say("\n" + "\n\n".join(sections.values()))
    picture = arguments.picture or (PICTURE if arguments.write_readme and "walk" in answers else None)
    if picture is not None:
        picture.write_text(_picture.draw(answers["walk"].lines), encoding="utf-8")
    if arguments.write_readme:
        document = README.read_text(encoding="utf-8")
        known = _report.sections_of(document) | sections
        tables = [known[name] for name in QUESTIONS if name in known]
        README.write_text(_report.paste(document, "\n\n".join([*tables, _report.setting()])), encoding="utf-8")
    missed = [(name, row) for name, answer in answers.items() for row in answer.findings if not row.is_met]
    for name, row in missed:
        _say(f"missed: {name}, {row.question}, against {row.against}: {row.unit(row.measured)}")
    return 1 if missed and arguments.check else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what README.md here claims.")
    parser.add_argument("questions", nargs="*", choices=[[], *QUESTIONS], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="few rounds: tells whether everything works, no more")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--picture", type=Path, help="draw the picture into this file")
    parser.add_argument("--write-readme", action="store_true", help="put tables and picture into benchmarks/")
    arguments = parser.parse_args()
    arguments.questions = arguments.questions or QUESTIONS
    if arguments.write_readme and arguments.quick:
        parser.error("--write-readme needs figures that can be quoted, and so not --quick")
    if arguments.picture is not None and "walk" not in arguments.questions:
        parser.error("--picture shows walk, so it needs that")
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
