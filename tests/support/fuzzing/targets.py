"""What is fuzzed, and one way to do it, for the test suite and for long runs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from attrs import frozen
from hypothesis import HealthCheck, Phase, Verbosity, example, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

from fuzzing import corpus, inputs, laws
from fuzzing.mutations import mutate

MAX_SECONDS: Final = 2.0
"""Of the processor for one input: no input is larger than what a few reads of a socket bring."""


MUTATIONS_EACH: Final = 20
"""How many mutations of each input are tried besides: about as many as take the time of making the input."""


@frozen
class Target:
    """Something that takes inputs from outside.

    Args:
        name: Also that of its folder in the corpus.
        check: Asserts what must hold for an input.
        make_inputs: Makes a strategy of the inputs in the corpus.
        load: Reads an input from its file.
    """

    name: str
    check: Callable[[Any], None]
    make_inputs: Callable[[list[Any]], SearchStrategy[Any]]
    load: Callable[[bytes], Any]

    def seeds(self) -> list[Any]:
        """Read the corpus."""
        return [self.load(data) for data in corpus.read(self.name).values()]


@frozen
class Finding:
    """An input that breaks a law, as small as it could be made, and how."""

    target: Target
    value: object
    error: BaseException


TARGETS: Final[Mapping[str, Target]] = {
    target.name: target
    for target in (
        Target("codec", laws.check_codec, inputs.bodies, bytes),
        Target("headers", laws.check_headers, inputs.headers, corpus.load_headers),
        Target("responses", laws.check_response, inputs.responses, corpus.load_response),
        Target("client", laws.check_conversation, inputs.conversations, corpus.load_conversation),
        Target("webhooks", laws.check_webhook, inputs.webhooks, bytes),
    )
}

PHASES: Final = (Phase.explicit, Phase.generate, Phase.shrink)


def fuzz(target: Target, inputs_wanted: int, *, seed_: int | None = None, with_corpus: bool = True) -> Finding | int:
    """Try *target* with its corpus, and with other inputs, and return how many it was or what was found.

    Args:
        target: What to try.
        inputs_wanted: How many inputs to make.
        seed_: Other inputs for each; None makes the same ones each time.
        with_corpus: Whether to try the files as they are, too.
    """
    seeds = target.seeds()
    tried = 0
    latest: object = None

    def try_(value: object) -> None:
        nonlocal tried, latest
        tried += 1
        latest = value
        began = time.thread_time()
        target.check(value)
        took = time.thread_time() - began
        assert took < MAX_SECONDS, f"it took {took:.1f} s of the processor"

    def check(value: object, noise: int | None) -> None:
        try_(value)
        if noise is not None:
            random = Random(noise)
            for _ in range(MUTATIONS_EACH):
                try_(mutate(value, random))

    run = given(target.make_inputs(seeds), st.integers(0, 2**32 - 1))(check)
    for each in seeds if with_corpus else []:
        run = example(each, None)(run)
    if seed_ is not None:
        run = seed(seed_)(run)
    run = settings(
        max_examples=inputs_wanted,
        derandomize=seed_ is None,
        database=None,  # what is found goes into the corpus
        deadline=None,  # the limit above is kept on a busy machine, too
        phases=PHASES,
        report_multiple_bugs=False,
        suppress_health_check=[*HealthCheck],
        verbosity=Verbosity.quiet,
    )(run)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)  # of inputs that are too large to print
            run()
    except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
        return Finding(target, latest, error)  # Hypothesis ends with the smallest input.
    return tried
