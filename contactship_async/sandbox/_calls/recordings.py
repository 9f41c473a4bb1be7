"""Recordings of calls: a second of a tone, which differs from call to call."""

from __future__ import annotations

import io
import math
import wave
from typing import Final

_SAMPLES_PER_SECOND: Final = 8_000
_SILENCE: Final = 128
"""Of samples of one byte, which have no sign: half of their range."""
_LOUDNESS: Final = 60
_LOWEST_HERTZ: Final = 220
_TONES: Final = 440


def make_recording(call_id: str) -> bytes:
    """Return a WAV file of 8,044 bytes; the same call has the same.

    Args:
        call_id: A UUID.
    """
    hertz = _LOWEST_HERTZ + int(call_id[:8], 16) % _TONES
    turns_per_sample = hertz / _SAMPLES_PER_SECOND
    samples = bytes(
        _SILENCE + round(_LOUDNESS * math.sin(math.tau * turns_per_sample * index))
        for index in range(_SAMPLES_PER_SECOND)
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(1)
        recording.setframerate(_SAMPLES_PER_SECOND)
        recording.writeframes(samples)
    return file.getvalue()
