"""A few seconds of fuzzing, and that it finds what is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzzing import corpus
from fuzzing.__main__ import fuzz_for
from fuzzing.corpus import Conversation, ScriptedResponse
from fuzzing.targets import MUTATIONS_EACH, TARGETS, Finding, fuzz
from hypothesis import Phase, given
from hypothesis import strategies as st
from volume import Volume

from contactship_async._codec import slow_path
from contactship_async._http import rate_limit_headers


@pytest.mark.parametrize(
    ("name", "inputs"), [("codec", 50), ("headers", 50), ("responses", 50), ("client", 10), ("webhooks", 25)]
)
def test_laws_hold(name: str, inputs: int, volume: Volume) -> None:
    """No input of the corpus breaks a law, nor do others."""
    for seed in volume.seeds(f"fuzzing, {name}", sample=1):
        outcome = fuzz(TARGETS[name], inputs, seed_=seed)

        assert not isinstance(outcome, Finding), f"{outcome.value!r}: {outcome.error!r}"
        assert outcome > inputs * MUTATIONS_EACH


def test_all_targets_are_tried() -> None:
    """No target is without a folder in the corpus, and no folder without a target."""
    assert TARGETS.keys() == {path.name for path in corpus.CORPUS.iterdir()}


def test_finds_what_no_file_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only other inputs show is found, too."""
    monkeypatch.setattr("contactship_async._http.rate_limit_headers._MAX_RESET_SECONDS", 999)
    target = TARGETS["headers"]

    for value in target.seeds():
        target.check(value)
    assert isinstance(fuzz(target, 2000), Finding)


def _let_zones_with_seconds_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_path, "_MINUTE", timedelta(seconds=1))


def _let_index_errors_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit_headers, "read_http_date", lambda text: text.split()[3] and None)


def _quote_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_path, "_kind", repr)


def _send_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contactship_async._http.requests._IDEMPOTENT_METHODS", ("GET", "POST"))


def _keep_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contactship_async._http.secret.Secret.redact", lambda self, data: data)


def _let_any_depth_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contactship_async.webhooks._MAX_DEPTH", 10_000)


@pytest.fixture
def _findings_are_small_in_a_full_run(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what is found as it is in a sample: making it as small as it can be takes nearly all of the time."""
    if not volume.is_full:
        monkeypatch.setattr("fuzzing.targets.PHASES", (Phase.explicit, Phase.generate))


@pytest.mark.usefixtures("_findings_are_small_in_a_full_run")
@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("codec", _let_zones_with_seconds_through),
        ("codec", _quote_values),
        ("headers", _let_index_errors_escape),
        ("responses", _keep_the_key),
        ("client", _send_again),
        ("webhooks", _let_any_depth_through),
    ],
)
def test_finds(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    break_it: Any,
) -> None:
    """A fault ends the run with code 1, and with the input as a file that loads as what it was."""
    break_it(monkeypatch)
    kept: list[object] = []

    def keep(target: str, value: object) -> Path:
        kept.append(value)
        return corpus.keep(target, value, tmp_path)

    code = fuzz_for(0, [TARGETS[name]], keep=keep, random=Random(0))

    assert 1 == code
    assert f"{name}/found-" in capsys.readouterr().out
    (file,) = (tmp_path / name).iterdir()
    assert kept == [TARGETS[name].load(file.read_bytes())]


def test_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A run without a finding says how many inputs it tried."""
    assert 0 == fuzz_for(0, [TARGETS["headers"]], inputs_per_round=5, random=Random(0))
    assert "no law is broken" in capsys.readouterr().out


any_response = st.builds(
    ScriptedResponse, st.integers(), st.dictionaries(st.text(), st.text(st.characters())), st.binary(), st.booleans()
).map(lambda scripted: ScriptedResponse(is_dropped=True) if scripted.is_dropped else scripted)


@given(st.builds(Conversation, st.sampled_from(corpus.CALLS), st.lists(any_response).map(tuple)))
def test_files_are_what_was_found(conversation: Conversation) -> None:
    """Whatever was found is read from its file as it was."""
    assert conversation == corpus.load_conversation(corpus.dump(conversation))
