"""Builds the icon sprite: only the icons listed in static/icons.txt, as one file the browser caches.

Run by the assets step (`dev.icons.build()`), or by hand: `python dev/icons.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "static" / "icons.txt"
SOURCE = ROOT / "node_modules" / "@tabler" / "icons" / "icons"
TARGET = ROOT / "static_vendor" / "icons.svg"

_BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_BOUNDING_BOX = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')


class IconMissing(Exception):
    """An icon listed in static/icons.txt does not exist in @tabler/icons."""


def listed(path: Path = LIST) -> list[tuple[str, str]]:
    """Return the listed icons as (style, name), style being "outline" or "filled"."""
    icons = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = line.split("#", 1)[0].strip()
        if not entry:
            continue
        style, _, name = entry.rpartition(":")
        icons.append((style or "outline", name))
    return icons


def _symbol(style: str, name: str, source: Path) -> str:
    path = source / style / f"{name}.svg"
    if not path.exists():
        raise IconMissing(
            f"static/icons.txt lists “{style}:{name}”, but {path.name} is not in @tabler/icons/{style}"
        )
    match = _BODY.search(path.read_text(encoding="utf-8"))
    if match is None:
        raise IconMissing(f"{path.name} of @tabler/icons/{style} is not a readable SVG")
    body = re.sub(r">\s+<", "><", _BOUNDING_BOX.sub("", match.group(1))).strip()
    # Outline icons take stroke and stroke-width from the page's .icon class, filled ones set their own.
    paint = ' fill="currentColor" stroke="none"' if style == "filled" else ""
    suffix = "-filled" if style == "filled" else ""
    return f'<symbol id="{name}{suffix}" viewBox="0 0 24 24"{paint}>{body}</symbol>'


def build(target: Path = TARGET, source: Path = SOURCE, path: Path = LIST) -> Path:
    """Write the sprite and return its path.

    Raises: IconMissing when a listed icon does not exist in the installed package.
    """
    symbols = "\n".join(_symbol(style, name, source) for style, name in listed(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n', encoding="utf-8")
    return target


if __name__ == "__main__":
    print(f"{build().relative_to(ROOT)}: {len(listed())} icons")
