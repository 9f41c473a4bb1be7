"""The one picture: how long a walk takes, first with one page in flight for everyone, then with many, as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks import walk
from benchmarks._measure import Line

WIDTH = 560
LABELS, LONGEST = 150, 340
"""Where the bars begin, and how long the longest of them is."""
BAR, STEP = 20, 28

_STYLE = (
    "text { font: 15px -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #737b85 }"
    " .title { font-size: 22px; font-weight: bold } .heading { font-weight: bold }"
    " .ours { fill: #2f81f7 } .others { fill: #9198a1 } .label { text-anchor: end }"
)
"""Greys that can be read on a white page and on a black one: the background stays transparent."""


def draw(lines: Iterable[Line]) -> str:
    """Draw those of *lines* that show rivals and walks of ours, with 50 ms per response."""
    seconds = {line.label: line.value.median for line in lines if line.group == walk.setting_of(0.05)}
    rivals = {name: seconds[name] for name in sorted(walk.RIVALS, key=lambda name: seconds[name])}
    alone, *many = [(f"{in_flight} in flight", seconds[walk.ours(in_flight)]) for in_flight in walk.IN_FLIGHT]
    title = f"10,000 phone numbers: {many[-1][1]:.2f} s instead of {min(rivals.values()):.2f} s"
    parts = [
        _text(0, 24, title, "title"),
        _text(0, 50, "Time for 100 pages that the server sends after 50 ms each; shorter is better"),
    ]
    scale = LONGEST / max(alone[1], *rivals.values())
    top = 92
    for heading, bars in (
        ("One request in flight", [("contactship_async", alone[1]), *rivals.items()]),
        ("contactship_async with more requests in flight; the others have one", many),
    ):
        parts.append(_text(0, top, heading, "heading"))
        parts.extend(_bars(bars, scale, top + 14))
        top += 14 + len(bars) * STEP + 30
    height = top - 36
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img">\n<title>{title}</title>\n<style>{_STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bars(bars: Sequence[tuple[str, float]], scale: float, top: int) -> Iterable[str]:
    for place, (label, value) in enumerate(bars):
        y, length = top + place * STEP, round(value * scale)
        kind = "others" if label in walk.RIVALS else "ours"
        yield _text(LABELS - 10, y + 15, label, "label")
        yield f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{length}" height="{BAR}" rx="2"/>'
        yield _text(LABELS + length + 8, y + 15, f"{value:.2f} s")


def _text(x: int, y: int, text: str, kind: str | None = None) -> str:
    classed = "" if kind is None else f' class="{kind}"'
    return f'<text{classed} x="{x}" y="{y}">{text}</text>'
