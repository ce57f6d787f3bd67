"""What is wrong with the ``description`` of a segment, as text and beside those of its image.

Word lists and patterns: they find what is nearly always wrong and leave the rest to a reader.
"""

from __future__ import annotations

import re
from typing import Any

from annoengine.description_faults import Kind, kind_of_fault
from annoengine.reading.coco_json import shown
from annoengine.validator import Code

DESCRIPTION_MISSING = Code(
    "description-missing", "error", "segments without the key 'description'", fixable=True
)
DESCRIPTION_MALFORMED = Code("description-malformed", "error", "descriptions that are no text")
DESCRIPTION_EMPTY = Code("description-empty", "warning", "segments with an empty description")
CROWD_UNDESCRIBED = Code("crowd-undescribed", "note", "crowds with an empty description")
DESCRIPTION_SHORT = Code("description-short", "warning", "descriptions that are too short")
DESCRIPTION_REFUSAL = Code("description-refusal", "error", "descriptions that decline")
DESCRIPTION_LEAK = Code("description-leak", "error", "descriptions that repeat the prompt")
DESCRIPTION_LANGUAGE = Code("description-language", "warning", "descriptions not in English")
DESCRIPTION_MARKS = Code(
    "description-speaks-of-marks", "warning", "descriptions that speak of drawn marks"
)
DESCRIPTION_MARKUP = Code("description-markup", "warning", "descriptions with markup in them")
DESCRIPTION_TWICE = Code(
    "description-twice", "warning", "segments described in the words of another of their image"
)

CODES = (
    DESCRIPTION_MISSING,
    DESCRIPTION_MALFORMED,
    DESCRIPTION_EMPTY,
    CROWD_UNDESCRIBED,
    DESCRIPTION_SHORT,
    DESCRIPTION_REFUSAL,
    DESCRIPTION_LEAK,
    DESCRIPTION_LANGUAGE,
    DESCRIPTION_MARKS,
    DESCRIPTION_MARKUP,
    DESCRIPTION_TWICE,
)

LOADER_MIN_CHARS = 3
"""A shorter description costs Pix2Cap-COCO's training loader the whole image.

Source: ``load_coco_panoptic_json`` of its release, the filter for train2017.
"""

_OF_KIND: dict[Kind, Code] = {
    "refusal": DESCRIPTION_REFUSAL,
    "leak": DESCRIPTION_LEAK,
    "language": DESCRIPTION_LANGUAGE,
}
_MARK = re.compile(
    r"\b(?:mark|marker|segment|region|mask)(?: number| no\.?| id)? ?#?\d+\b"
    r"|\b(?:number|no\.?|id|label|tag) ?[:#]? ?\d+ (?:in|on|of) (?:the|this) "
    r"(?:image|picture|photo|outline|mask)"
    r"|\((?:mark|marker|label|id) ?:? ?#?\d+\)"
    r"|\b(?:numbered|overlaid) (?:mark|marker|outline|contour|label)s?\b"
    r"|\b(?:set-of-marks?|segmentation mask|panoptic segment)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:marked|labell?ed|numbered|tagged)(?: (?:as|with|by|in))?(?: the)?(?: number)? #?(\d+)\b"
    r"|^\[?#?(\d+)[\].:)]\s",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"</?[a-z][^<>]*>|<\s*\d[^<>]*>|\*\*|__\w|```|^#{1,6} |\]\(https?:|&(?:[a-z]+|#\d+);"
    r"|[\x00-\x1f\x7f\ufffd]|\\[nt\"]|[{}]",
    re.IGNORECASE,
)
_MARK_HINT = re.compile(r"\d|mark|label|outline|contour|segment", re.IGNORECASE)
"""Every form of speaking of marks has one of these, and most descriptions have none."""
_MARKUP_HINT = re.compile(r"[<*_`#\]&\\{}\x00-\x1f\x7f\ufffd]")
_SHOWN_CHARS = 80


def faults_of(text: str, segments: int, min_chars: int, iscrowd: bool) -> list[tuple[Code, str]]:
    """What is wrong with a description in itself, each with a message.

    ``segments`` is how many its image has: a higher number cannot be a mark's.

    >>> [code.name for code, _ in faults_of("A bus numbered 23.", 9, 3, False)]
    []
    >>> [code.name for code, _ in faults_of("The man marked 2 runs.", 9, 3, False)]
    ['description-speaks-of-marks']
    """
    stripped = text.strip()
    if not stripped:
        if iscrowd:
            return [(CROWD_UNDESCRIBED, "the crowd's description is empty")]
        return [(DESCRIPTION_EMPTY, f"the description is {excerpt(text)}")]
    if len(stripped) < min_chars:
        words = f"{excerpt(text)} has {len(stripped)} of at least {min_chars} characters"
        return [(DESCRIPTION_SHORT, words)]
    faults = []
    kind = kind_of_fault(text)
    if kind is not None:
        faults.append((_OF_KIND[kind], excerpt(text)))
    elif _speaks_of_marks(text, segments):
        faults.append((DESCRIPTION_MARKS, excerpt(text)))
    markup = _MARKUP.search(text) if _MARKUP_HINT.search(text) else None
    if markup:
        faults.append((DESCRIPTION_MARKUP, f"{markup.group()[:20]!r} in {excerpt(text)}"))
    return faults


def malformed(description: Any) -> str:
    """The message on a description that is no text."""
    return f"the description is {shown(description)}; a text is needed"


def same_words(text: str) -> str:
    """A description without what two copies of it may differ in: case, spaces, the last stop.

    >>> same_words("A  man. "), same_words("a man")
    ('a man', 'a man')
    """
    return " ".join(text.casefold().split()).rstrip(".")


def excerpt(text: str) -> str:
    """The beginning of a description, quoted."""
    cut = text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
    return repr(cut)


def _speaks_of_marks(text: str, segments: int) -> bool:
    if not _MARK_HINT.search(text):
        return False
    if _MARK.search(text):
        return True
    # A jersey, a bus and a house have numbers too; most of those are higher than any mark.
    return any(
        1 <= int((match.group(1) or match.group(2))[:9]) <= segments
        for match in _NUMBERED.finditer(text)
    )
