"""Checks the words of a caption of a whole image, whatever is tagged in it.

The rules are those for descriptions of segments (``annoengine.checks.description_checks``), under
names that say what was looked at.
"""

from __future__ import annotations

from annoengine.checks import description_checks
from annoengine.checks.description_checks import faults_of
from annoengine.validator import Code

CAPTION_MALFORMED = Code("caption-malformed", "error", "captions that are no text in UTF-8")
CAPTION_EMPTY = Code("caption-empty", "error", "captions without a word")
CAPTION_SHORT = Code("caption-short", "warning", "captions that are too short")
CAPTION_REFUSAL = Code("caption-refusal", "error", "captions that decline to describe")
CAPTION_LEAK = Code("caption-leak", "error", "captions that repeat the prompt")
CAPTION_LANGUAGE = Code("caption-language", "warning", "captions not in English")
CAPTION_MARKS = Code("caption-speaks-of-marks", "warning", "captions that speak of drawn marks")
CAPTION_MARKUP = Code("caption-markup", "warning", "captions with markup in them")

CODES = (
    CAPTION_MALFORMED,
    CAPTION_EMPTY,
    CAPTION_SHORT,
    CAPTION_REFUSAL,
    CAPTION_LEAK,
    CAPTION_LANGUAGE,
    CAPTION_MARKS,
    CAPTION_MARKUP,
)

_OF_DESCRIPTION = {
    description_checks.DESCRIPTION_EMPTY: CAPTION_EMPTY,
    description_checks.DESCRIPTION_SHORT: CAPTION_SHORT,
    description_checks.DESCRIPTION_REFUSAL: CAPTION_REFUSAL,
    description_checks.DESCRIPTION_LEAK: CAPTION_LEAK,
    description_checks.DESCRIPTION_LANGUAGE: CAPTION_LANGUAGE,
    description_checks.DESCRIPTION_MARKS: CAPTION_MARKS,
    description_checks.DESCRIPTION_MARKUP: CAPTION_MARKUP,
}


def faults_of_caption(text: str, segments: int, min_chars: int) -> list[tuple[Code, str]]:
    """What is wrong with a caption without its tags, each with a message.

    ``segments`` is how many its image has: a higher number cannot be a mark's. Lines may break.

    >>> [code.name for code, _ in faults_of_caption("I cannot see the image.", 9, 3)]
    ['caption-refusal']
    >>> faults_of_caption("A dog runs.\\n\\nThe grass is green.\\n", 9, 3)
    []
    """
    faults = faults_of(" ".join(text.split()), segments, min_chars, False)
    return [(_OF_DESCRIPTION[code], message) for code, message in faults]
