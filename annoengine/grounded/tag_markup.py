"""Takes bold, underlining and the like out of a caption, and remembers where it stood."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKUP = re.compile(
    r"</?(?:u|b|i|em|strong|span|mark)\s*/?>|\*\*|(?P<line></?(?:br|p)\s*/?>\s*)", re.IGNORECASE
)


def without_markup(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text without bold, underlining and the like, and each piece that went, with its place.

    It goes before anything is read, since it may stand between a bracket and its ids.
    """
    removed: list[tuple[int, str]] = []

    def remove(match: re.Match[str]) -> str:
        words = match.group()
        line = match["line"] is not None and not text[match.start() - 1 : match.start()].isspace()
        # A space stands for a line; what is noted is as long as what went, to count places back.
        removed.append((match.start(), words[1:] if line else words))
        return " " if line else ""

    return _MARKUP.sub(remove, text), removed


def place_before(place: int, removed: Sequence[tuple[int, str]]) -> int:
    """Where a place of the text without markup was in the text with it."""
    for start, words in removed:
        if start > place:
            break
        place += len(words)
    return place
