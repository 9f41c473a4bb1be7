from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks import _measure, _report

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "benchmarks").rglob("*.py"))
QUESTIONS = sorted(path for path in (ROOT / "benchmarks").glob("[!_]*.py"))


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
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")

    assert "table" in _report.paste(readme, "table")


def test_table() -> None:
    """A row says what was measured, against what, with its spread, and whether the target is met."""
    measured = _measure.ratio([2.0, 3.0, 4.0], [2.0, 2.0, 2.0])
    met = _measure.Finding("walk", "3 s", "bare: 2 s", measured, target=_measure.Target(1.5))
    missed = _measure.Finding("walk", "3 s", "telnyx: 9 s", measured, target=_measure.Target(11, at_least=True))
    untargeted = _measure.Finding("walk", "3 s", "twilio: 9 s", measured)

    rows = _report.table([met, missed, untargeted]).splitlines()[2:]

    assert "| walk | 3 s | bare: 2 s | 1.50 × (1.00 to 2.00) | ≤ 1.5 × | yes |" == rows[0]  # noqa: RUF001 - as printed
    assert "| walk | 3 s | telnyx: 9 s | 1.50 × (1.00 to 2.00) | ≥ 11 × | **no** |" == rows[1]  # noqa: RUF001 - as printed
    assert "| walk | 3 s | twilio: 9 s | 1.50 × (1.00 to 2.00) |  |  |" == rows[2]  # noqa: RUF001 - as printed


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


def test_rounds_rotate() -> None:
    """Each entry comes first once before one comes first again."""
    assert [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]] == _measure.rotated(4, ["a", "b", "c"])
