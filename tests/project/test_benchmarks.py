from __future__ import annotations

import ast
import importlib
import re
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from benchmarks import __main__ as runner
from benchmarks import _measure, _picture, _report, _targets, walk

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "benchmarks").rglob("*.py"))
QUESTIONS = sorted(path for path in (ROOT / "benchmarks").glob("[!_]*.py"))
GUIDE = runner.README.read_text(encoding="utf-8")

ROWS = [
    [cell.strip() for cell in line[1:-1].split(" | ")]
    for line in GUIDE.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| Measured"))
]
"""The cells of each row of the tables: measured, ours, against, median, target, met."""

UNITS = {unit.name: unit for unit in vars(_measure).values() if isinstance(unit, _measure.Unit)}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_are_small(module: Path) -> None:
    """No module is longer than 300 lines."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_question_names_its_command_and_setting(question: Path) -> None:
    """Each question's file begins with a question, the command that answers it, and the setting."""
    head = ast.get_docstring(ast.parse(question.read_text(encoding="utf-8"))) or ""

    assert head.splitlines()[0].endswith("?")
    assert f"\nCommand: python -m benchmarks {question.stem}\n" in head
    assert "\nSetting: " in head


def test_runner_knows_all_questions() -> None:
    """No question's file is left out."""
    assert [question.stem for question in QUESTIONS] == sorted(runner.QUESTIONS)


def test_paste_replaces_what_is_between_the_markers() -> None:
    """All else stays as it is, and pasting again changes nothing."""
    document = f"before\n{_report.START}\nold\n{_report.END}\nafter\n"

    pasted = _report.paste(document, "new")

    assert f"before\n{_report.START}\n\nnew\n\n{_report.END}\nafter\n" == pasted
    assert pasted == _report.paste(pasted, "new")


@pytest.mark.parametrize(
    "document",
    [
        "",
        _report.START,
        f"{_report.END}{_report.START}",
        f"{_report.START}{_report.START}{_report.END}",
        f"{_report.START}{_report.END}{_report.END}",
    ],
)
def test_paste_refuses_other_documents(document: str) -> None:
    """Without one pair of markers, nothing is replaced."""
    with pytest.raises(ValueError, match="there must be one"):
        _report.paste(document, "new")


def test_guide_has_the_markers() -> None:
    """The table has its place."""
    assert "table" in _report.paste(GUIDE, "table")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_guide_has_the_table_of_the_question(question: Path) -> None:
    """It stands below the words of the question's file."""
    head = ast.get_docstring(ast.parse(question.read_text(encoding="utf-8"))) or ""

    assert f"### {head.splitlines()[0]}\n\nMeasured" in _report.sections_of(GUIDE)[question.stem]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} against {row[2]}")
def test_row_is_judged_by_the_target_in_force(row: list[str]) -> None:
    """Where a target has changed, the table says so before the next measurement does."""
    question, _, against, median, bound, met = row
    number, name = median.split()[:2]
    value, unit = float(number) / UNITS[name].factor, UNITS[name]
    target = _targets.target_of(question, against)

    assert ("" if target is None else target.text(unit)) == bound
    if target is None:
        assert met == ""
    elif value != target.limit:  # there, what was rounded decides
        assert ("yes" if target.is_met_by(value) else "**no**") == met


@pytest.mark.parametrize(("question", "against"), _targets.TARGETS)
def test_target_has_a_row(question: str, against: str) -> None:
    """None is for something that is no longer measured."""
    assert any(question == row[0] and row[2].startswith(against) for row in ROWS)


SECONDS_TAKEN = {walk.ours(1): 5, walk.ours(4): 1.5, walk.ours(16): 0.5, walk.ours(32): 0.25, "twilio": 6, "telnyx": 7}
SECONDS_TAKEN |= {"apify-client": 8, "aiohttp + msgspec": 4}

LINES = [
    _measure.Line(walk.setting_of(latency), label, _measure.spread([seconds * latency * 20]), _measure.SECONDS)
    for latency in (0.005, 0.05)
    for label, seconds in SECONDS_TAKEN.items()
]


def shown_in(picture: str) -> dict[str, str]:
    """Return what a picture says of each bar."""
    texts = list(ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"))  # noqa: S314 - our own
    return {text.text or "": value.text or "" for text, value in pairwise(texts) if text.get("class") == "label"}


def test_picture_has_equal_footing_first() -> None:
    """One request in flight for everyone, the fastest rival first, then more of ours."""
    picture = _picture.draw(LINES)

    labels = ["contactship_async", "twilio", "telnyx", "apify-client", "4 in flight", "16 in flight", "32 in flight"]
    figures = ["5.00 s", "6.00 s", "7.00 s", "8.00 s", "1.50 s", "0.50 s", "0.25 s"]
    assert dict(zip(labels, figures, strict=True)) == shown_in(picture)
    assert ">10,000 phone numbers: 0.25 s instead of 6.00 s<" in picture
    assert ["212", "255", "298", "340", "64", "21", "11"] == re.findall(r'<rect .* width="(\d+)"', picture)


def test_picture_shows_the_figures_of_the_tables() -> None:
    """Picture and tables are of one measurement."""
    shown = shown_in(runner.PICTURE.read_text(encoding="utf-8"))
    figures = {row[0]: row[1] for row in ROWS}
    rival = next(row[2] for row in ROWS if row[2].startswith(_targets.FASTEST_RIVAL))
    name, seconds = rival.removeprefix(_targets.FASTEST_RIVAL).split(": ")
    setting = walk.setting_of(0.05)
    expected = {f"{many} in flight": figures[f"{setting}, {many} in flight"] for many in walk.IN_FLIGHT[1:]}
    expected |= {
        "contactship_async": figures[f"{setting}, 1 in flight"],
        name: seconds,
    }

    assert expected == {label: shown[label] for label in expected}


def test_runner_writes_tables_and_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question has its table, and the machine is named below them; one that is asked alone replaces its own."""
    finding = _measure.Finding("all", "3 s", "none", _measure.spread([1]))
    module = SimpleNamespace(__doc__="How long?\n", answer=lambda _: _measure.Answer([finding], LINES))
    monkeypatch.setattr(importlib, "import_module", lambda _: module)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--write-readme"])
    monkeypatch.setattr(runner, "README", tmp_path / "README.md")
    monkeypatch.setattr(runner, "PICTURE", tmp_path / "walk.svg")
    runner.README.write_text(GUIDE, encoding="utf-8")

    assert runner.main() == 0

    written = runner.README.read_text(encoding="utf-8")
    assert len(QUESTIONS) == written.count("### How long?")
    assert _report.setting() in written
    assert _picture.draw(LINES) == runner.PICTURE.read_text(encoding="utf-8")

    runner.PICTURE.unlink()
    monkeypatch.setattr(sys, "argv", ["benchmarks", "memory", "--write-readme"])
    module.__doc__ = "How much?\n"
    assert runner.main() == 0

    written = runner.README.read_text(encoding="utf-8")
    assert len(QUESTIONS) - 1 == written.count("### How long?")
    assert f"### How much?\n\nMeasured on {datetime.now(UTC).date()} as [memory.py](memory.py) says." in written
    assert not runner.PICTURE.exists()


def test_table() -> None:
    """A row says what was measured, against what, with its spread, and whether the target is met."""
    measured = _measure.ratio([2.0, 3.0, 4.0], [2.0, 2.0, 2.0])
    met = _measure.Finding("walk", "3 s", "bare: 2 s", measured, target=_measure.Target(1.5))
    missed = _measure.Finding("walk", "3 s", "telnyx: 9 s", measured, target=_measure.Target(11, at_least=True))
    untargeted = _measure.Finding("walk", "3 s", "twilio: 9 s", measured)

    rows = _report.table([met, missed, untargeted]).replace("\N{NO-BREAK SPACE}", " ").splitlines()[2:]

    assert "| walk | 3 s | bare: 2 s | 1.50 × (1.00 to 2.00) | ≤ 1.5 × | yes |" == rows[0]  # noqa: RUF001 - as printed
    assert "| walk | 3 s | telnyx: 9 s | 1.50 × (1.00 to 2.00) | ≥ 11 × | **no** |" == rows[1]  # noqa: RUF001 - as printed
    assert "| walk | 3 s | twilio: 9 s | 1.50 × (1.00 to 2.00) |  |  |" == rows[2]  # noqa: RUF001 - as printed


def test_table_parts_no_figure_from_its_unit() -> None:
    """A browser breaks no line there."""
    measured = _measure.ratio([2.0, 3.0, 4.0], [2.0, 2.0, 2.0])
    finding = _measure.Finding("walk", "3 s", "the ideal, 8 trips: 2 s", measured, target=_measure.Target(2))

    row = _report.table([finding]).splitlines()[2]

    shown = row.replace("\N{NO-BREAK SPACE}", "~")
    assert "| walk | 3~s | the ideal, 8 trips: 2~s | 1.50~×~(1.00~to~2.00) | ≤~2~× | yes |" == shown  # noqa: RUF001 - as printed


@pytest.mark.parametrize(
    ("target", "value", "is_met"),
    [
        (_measure.Target(2), 2, True),
        (_measure.Target(2), 2.1, False),
        (_measure.Target(2, strictly=True), 2, False),
        (_measure.Target(2, at_least=True), 2, True),
        (_measure.Target(2, at_least=True), 1.9, False),
    ],
)
def test_targets(target: _measure.Target, value: float, is_met: bool) -> None:
    """A target is a bound from above or below."""
    assert is_met is target.is_met_by(value)


def test_quieter_half_of_the_rounds() -> None:
    """Rounds are kept as pairs: those in which both took least, the one in the middle too."""
    ours, others = [9.0, 2.0, 3.0, 1.0, 5.0], [1.0, 2.0, 2.0, 2.0, 5.0]

    assert ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == _measure.quieter_half(ours, others)


def test_rounds_rotate() -> None:
    """Each entry comes first once before one comes first again."""
    assert [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]] == _measure.rotated(4, ["a", "b", "c"])
