"""Geometry of the small charts drawn on the server as SVG attributes (the CSP allows no inline style)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def clamp_percent(value: float) -> float:
    """Return ``value`` within 0…100, with at most two decimals."""
    return round(min(100.0, max(0.0, float(value))), 2)


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of a bar chart; ``height`` and ``top`` in percent of the drawing."""

    label: str
    value: float
    height: float
    top: float
    is_peak: bool


def bars_of(rows: Iterable[tuple[str, float]]) -> list[Bar]:
    """Return the columns for (label, value) rows, the highest marked as the peak."""
    pairs = [(label, float(value)) for label, value in rows]
    highest = max((value for _, value in pairs), default=0.0)
    columns = []
    for label, value in pairs:
        height = clamp_percent(value / highest * 100) if highest > 0 else 0.0
        # A day with anything at all stays visible.
        height = max(height, 2.0) if value > 0 else height
        columns.append(Bar(label, value, height, 100 - height, highest > 0 and value == highest))
    return columns


def spark_points(values: Sequence[float], width: int, height: int) -> list[tuple[float, float]]:
    """Return the points of a sparkline, oldest first, fitted into ``width`` × ``height`` with a margin of 2."""
    numbers = [float(value) for value in values]
    if not numbers:
        return []
    if len(numbers) == 1:
        numbers *= 2
    low, high = min(numbers), max(numbers)
    span = (high - low) or 1.0
    step = width / (len(numbers) - 1)
    inner = height - 4
    return [
        (round(i * step, 2), round(2 + inner - (n - low) / span * inner, 2)) for i, n in enumerate(numbers)
    ]
