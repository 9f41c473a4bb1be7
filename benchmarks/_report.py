"""The tables, as Markdown, and their place in benchmarks/README.md."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks._measure import Finding

START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"

_HEADINGS = ("Measured", "Ours", "Against", "Median (least to greatest)", "Target", "Met?")
_PACKAGES = (
    "contactship-async",
    "aiohttp",
    "attrs",
    "cattrs",
    "msgspec",
    "httpx",
    "pydantic",
    "telnyx",
    "twilio",
    "apify-client",
    "duckdb",
    "psycopg",
    "dlt",
    "distributed",
)


_SECTION = re.compile(r"(### .*\n\nMeasured .*\((\w+)\.py\).*\n(?:\n\|.*)+)")


def section(name: str, question: str, day: date, findings: Iterable[Finding]) -> str:
    """Write a table under its question, with a link to the module that answers it and the day when it did."""
    return f"### {question}\n\nMeasured on {day} as [{name}.py]({name}.py) says.\n\n{table(findings)}"


def sections_of(document: str) -> dict[str, str]:
    """Return the sections of *document*, by the modules that they link to."""
    return {found[2]: found[1] for found in _SECTION.finditer(document)}


def table(findings: Iterable[Finding]) -> str:
    """Write the findings, one a line, in Markdown."""
    rows = [_HEADINGS, ("---",) * len(_HEADINGS), *(_cells(finding) for finding in findings)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        finding.question,
        _on_one_line(finding.ours),
        re.sub(r"(?<=\d) (?=\S+$)", "\N{NO-BREAK SPACE}", finding.against),
        _on_one_line(finding.unit(finding.measured)),
        "" if finding.target is None else _on_one_line(finding.target.text(finding.unit)),
        "" if finding.target is None else "yes" if finding.is_met else "**no**",
    )


def _on_one_line(figure: str) -> str:
    return figure.replace(" ", "\N{NO-BREAK SPACE}")


def setting() -> str:
    """Say on what machine, and with which versions, this run is made."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} on {platform.machine()}, {_processor()}, {os.cpu_count()} cores"
    return f"{python}, {machine}; {packages}."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(missing)"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or sys.platform


def paste(document: str, text: str) -> str:
    """Put *text* between the markers of *document*, in place of what is there.

    Raises:
        ValueError: The markers are not there once each, in order.
    """
    before, start, rest = document.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end) or START in rest or END in before or END in after:
        message = f"there must be one {START} and, after it, one {END}"
        raise ValueError(message)
    return f"{before}{START}\n\n{text}\n\n{END}{after}"
