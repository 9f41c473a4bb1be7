"""What the package says of itself to an index: where things are, and which Pythons it was tested with."""

from __future__ import annotations

import re
import tomllib

from guides import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CI = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_urls_have_the_labels_that_indexes_know() -> None:
    """An index shows each of them with a sign of its own.

    Source: https://packaging.python.org/en/latest/specifications/well-known-project-urls/
    """
    assert {"Documentation", "Source", "Changelog", "Issues"} <= set(PROJECT["urls"])
    assert all(url.startswith("https://") for url in PROJECT["urls"].values())


def test_classifiers_name_the_pythons_that_are_tested() -> None:
    """They are those of the gate, and the oldest is the one required."""
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    tested = sorted(re.findall(r"^ +(3\.\d+)$", CI, re.MULTILINE), key=lambda version: int(version[2:]))

    assert tested == named
    assert f">={tested[0]}" == PROJECT["requires-python"]
