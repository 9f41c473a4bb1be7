"""The one plot: how long a walk takes, and what it costs the client, for each contender."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks import client_cpu, walk
from benchmarks._measure import Answer, Line

_OURS_COLOUR = "#2f81f7"
_OTHERS_COLOUR = "#9198a1"
_TEXT_COLOUR = "#6e7681"
"""Grey enough for a white page and for a black one: the background stays transparent."""


def draw(answers: Mapping[str, Answer]) -> str:
    """Draw the lines of `walk` with 50 ms and of `client_cpu` as bars, and return the SVG."""
    seconds = [line for line in answers["walk"].lines if line.group == walk.setting_of(0.05)]
    processor = [line for line in answers["client_cpu"].lines if line.group == client_cpu.SETTING]
    style = {"svg.fonttype": "none", "svg.hashsalt": "contactship", "font.family": "sans-serif", "font.size": 10}
    with mpl.rc_context({**style, "text.color": _TEXT_COLOUR}):
        figure = Figure(figsize=(9, 6.8), layout=ConstrainedLayoutEngine(w_pad=0.25, h_pad=0.15))
        heights = [len(seconds), len(processor)]
        upper, lower = figure.subplots(2, 1, height_ratios=heights)
        _bars(upper, seconds, f"Time to read {walk.setting_of(0.05)}")
        _bars(lower, processor, f"{client_cpu.SETTING[0].upper()}{client_cpu.SETTING[1:]}, 1 page in flight")
        svg = io.StringIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return svg.getvalue()


def _bars(axes: Axes, lines: Sequence[Line], title: str) -> None:
    ordered = sorted(lines, key=lambda line: line.value.median, reverse=True)
    colours = [_OURS_COLOUR if line.label.startswith("contactship_async") else _OTHERS_COLOUR for line in ordered]
    bars = axes.barh(
        [line.label for line in ordered],
        [line.value.median * line.unit.factor for line in ordered],
        color=colours,
        height=0.7,
    )
    axes.bar_label(bars, [line.unit(line.value.median) for line in ordered], padding=4)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, labelcolor=_TEXT_COLOUR)
    axes.margins(x=0.08, y=0.02)
    for spine in axes.spines.values():
        spine.set_visible(False)
