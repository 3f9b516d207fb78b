"""Pictures as plain SVG: a frame with two scales, and marks in it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 560, 320
LEFT, TOP, RIGHT, BOTTOM = 122, 46, 20, 56
FONT = "Noto Sans, Noto Sans CJK SC, Liberation Sans, Arial, Helvetica, sans-serif"
ORANGE, BLUE, GRAY = "#b84a00", "#0068a8", "#555555"
"""The undefended model, the defended one, and what is no model: as dark as text on white has to be."""


class Picture:
    """One picture: its places run from 0 to 1, from left to right and from below upward."""

    def __init__(self, title: str, about: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}" '
            f'font-size="13" role="img" aria-label="{escape(about, quote=True)}">',
            f"<title>{escape(about)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="white"/>',
            f'<text x="16" y="26" font-size="15" font-weight="bold" fill="#222222">{escape(title)}</text>',
        ]

    def svg(self) -> str:
        """The picture as a file."""
        return "\n".join([*self.parts, "</svg>"]) + "\n"

    def text(self, x: float, y: float, said: str, *, anchor: str = "start", color: str = "#222222") -> None:
        """A text at a place; 13 points high."""
        at = f'x="{_x(x):.1f}" y="{_y(y):.1f}" text-anchor="{anchor}"'
        self.parts.append(f'<text {at} fill="{color}">{escape(said)}</text>')

    def line(self, points: Sequence[tuple[float, float]], color: str, *, width: float = 2, dashes: str = "") -> None:
        """A line through places."""
        path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"{dashed}/>')

    def dot(self, x: float, y: float, color: str, *, hollow: bool = False) -> None:
        """A dot at a place."""
        fill = "white" if hollow else color
        self.parts.append(
            f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="4.5" fill="{fill}" stroke="{color}" stroke-width="2"/>'
        )

    def area(self, left: float, right: float, color: str) -> None:
        """A light area from below to the top."""
        x, width = _x(left), _x(right) - _x(left)
        size = f'x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}"'
        self.parts.append(f'<rect {size} fill="{color}" fill-opacity="0.1"/>')

    def scale_below(self, places: Sequence[tuple[float, str]], said: str) -> None:
        """The scale from left to right: what is said at which place, and what it counts."""
        for x, label in places:
            self.line([(x, 0), (x, 1)], "#e6e6e6", width=1)
            self.text(x, -0.08, label, anchor="middle", color=GRAY)
        self.text(0.5, -0.19, said, anchor="middle", color=GRAY)

    def scale_beside(self, places: Sequence[tuple[float, str]]) -> None:
        """The scale from below upward."""
        for y, label in places:
            self.line([(0, y), (1, y)], "#e6e6e6", width=1)
            self.text(-0.015, y - 0.018, label, anchor="end", color=GRAY)


def _x(place: float) -> float:
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def _y(place: float) -> float:
    return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
