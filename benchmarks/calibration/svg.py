"""Line charts as plain SVG, written by hand: a frame, a grid, lines with markers, a legend beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "6 3", "2 3")
_WIDTH, _HEIGHT = 760, 380
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 44, 226, 52
_FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: its name and its points; lines of one color or one dash belong together."""

    name: str
    points: Sequence[tuple[float, float]]
    color: int = 0
    dash: int = 0


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of lines over one range; the y axis begins at 0."""

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    ticks: Sequence[float]
    heights: Sequence[float]
    percent: bool = True

    def svg(self) -> str:
        """The chart as SVG."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" font-family="{_FONT}" font-size="12" role="img">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_LEFT}" y="24" font-size="14">{escape(self.title)}</text>',
            *self._grid(),
            *(part for number, line in enumerate(self.lines) for part in self._line(number, line)),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _x(self, value: float) -> float:
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self.heights[-1] * (_HEIGHT - _TOP - _BOTTOM)

    def _grid(self) -> list[str]:
        left, right, low = self._x(self.ticks[0]), self._x(self.ticks[-1]), self._y(0)
        found = []
        for tick in self.ticks:
            x = f"{self._x(tick):.1f}"
            found.append(f'<path d="M{x} {self._y(self.heights[-1]):.1f}V{low:.1f}" stroke="#eeeeee"/>')
            found.append(f'<text x="{x}" y="{low + 18:.1f}" text-anchor="middle">{tick:g}</text>')
        for height in self.heights:
            y, said = self._y(height), f"{100 * height:.0f} %" if self.percent else f"{height:g}"
            found.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="#eeeeee"/>')
            found.append(f'<text x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{said}</text>')
        middle = (left + right) / 2
        found.append(f'<text x="{middle:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(self.across)}</text>')
        y = (_TOP + _HEIGHT - _BOTTOM) / 2
        turned = f'transform="rotate(-90 16 {y:.1f})"'
        found.append(f'<text x="16" y="{y:.1f}" text-anchor="middle" {turned}>{escape(self.up)}</text>')
        return found

    def _line(self, number: int, line: Line) -> list[str]:
        stroke = f'stroke="{COLORS[line.color]}" stroke-width="2" stroke-dasharray="{DASHES[line.dash] or "none"}"'
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in line.points)
        x, y = _WIDTH - _RIGHT + 16, _TOP + 8 + 20 * number
        return [
            f'<polyline points="{path}" fill="none" {stroke}><title>{escape(line.name)}</title></polyline>',
            f'<path d="M{x} {y}h24" {stroke}/>',
            f'<text x="{x + 30}" y="{y + 4}">{escape(line.name)}</text>',
        ]
