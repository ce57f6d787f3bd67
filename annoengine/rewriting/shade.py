"""A text with what nobody may rewrite blotted out, letter for letter: quotations, coordinates.

What a sign says is said by the sign, and the boxes of a panoptic caption are its content.
"""

from __future__ import annotations

import re

BLOT = "§"
_QUOTED = re.compile(
    r"\"[^\"\n]{1,120}?\"|“[^”\n]{1,120}”|«[^»\n]{1,120}»|(?<!\w)['‘][^'‘’\n]{1,80}['’](?!\w)"
)
_COORDINATES = re.compile(r"\[\[[\d\s.,]+\]\]|[\[(]\s*\d*\.\d+(?:\s*,\s*\d*\.\d+){3}\s*[\])]")
_NUMBER = re.compile(r"[\"“'‘]\s*#?\d{1,3}\s*[\"”'’]")
_MARKED = re.compile(
    r"(?:marked|labell?ed|numbered|tagged|annotated|identified|denoted|objects?|regions?|segments?"
    r"|ids?|number)\s+(?:as|with|by)?\s*$",
    re.IGNORECASE,
)


def shaded(text: str) -> str:
    """The text, of the same length, with quotations and coordinates blotted out.

    A quoted number right after "labelled" or "object" stays, without its quotation marks.

    >>> shaded('A sign "Object 3" and object "3".')
    'A sign §§§§§§§§§§ and object  3 .'
    """
    text = _COORDINATES.sub(lambda match: BLOT * len(match.group()), text)

    def blot(match: re.Match[str]) -> str:
        said = match.group()
        if _NUMBER.fullmatch(said) and _MARKED.search(text[: match.start()]):
            return f" {said[1:-1]} "
        return BLOT * len(said)

    return _QUOTED.sub(blot, text)
