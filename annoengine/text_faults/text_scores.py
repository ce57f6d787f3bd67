"""All scores of the words of an image's captions, segment by segment."""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.text_faults.completeness import is_incomplete
from annoengine.text_faults.declining import refusal_share
from annoengine.text_faults.foreign import foreign_share
from annoengine.text_faults.hedging import hedge_share
from annoengine.text_faults.likeness import largest_likenesses
from annoengine.text_faults.repetition import repetition_share
from annoengine.text_faults.sentences import words_in
from annoengine.text_faults.task_talk import leaks_task

REFUSAL = "text.refusal"
LEAK = "text.leak"
HEDGE = "text.hedge"
REPETITION = "text.repetition"
LANGUAGE = "text.language"
WORDS = "text.words"
INCOMPLETE = "text.incomplete"
DUPLICATE = "text.duplicate"

NAMES = (REFUSAL, LEAK, HEDGE, REPETITION, LANGUAGE, WORDS, INCOMPLETE, DUPLICATE)
"""In the order in which they are stored."""

VERSION = 1
"""Goes up with any change that may alter a score."""


def faults_of(text: str) -> dict[str, float]:
    """The scores of a caption by itself: all but ``text.duplicate``.

    >>> faults_of("A cup, possibly of")
    {'text.refusal': 0.0, 'text.leak': 0.0, 'text.hedge': 0.5, 'text.repetition': 0.0, \
'text.language': 0.0, 'text.words': 4.0, 'text.incomplete': 1.0}
    """
    return {
        REFUSAL: refusal_share(text),
        LEAK: float(leaks_task(text)),
        HEDGE: hedge_share(text),
        REPETITION: repetition_share(text),
        LANGUAGE: foreign_share(text),
        WORDS: float(len(words_in(text))),
        INCOMPLETE: float(is_incomplete(text)),
    }


def text_scores(captions: Sequence[tuple[int | None, str]]) -> dict[int | None, dict[str, float]]:
    """The scores of each segment that has a caption (None: the image), in the order of captions.

    Where a segment has several captions, each score is the worst of them: the fewest words, the
    most of all else. Captions of one segment are not compared with each other, nor those of
    segments with one of the whole image.

    >>> scores = text_scores([(7, "A red car."), (9, "A red car by a wall."), (None, "A red car.")])
    >>> [(segment, found["text.duplicate"]) for segment, found in scores.items()]
    [(7, 0.6), (9, 0.6), (None, 0.0)]
    """
    texts: dict[int | None, list[str]] = {}
    for segment, text in captions:
        texts.setdefault(segment, []).append(text)
    scores: dict[int | None, dict[str, float]] = {}
    for segment, said in texts.items():
        found = [faults_of(text) for text in said]
        scores[segment] = {
            name: (min if name == WORDS else max)(one[name] for one in found) for name in found[0]
        }
        scores[segment][DUPLICATE] = 0.0
    parts = [segment for segment in texts if segment is not None]
    for segment, value in zip(parts, largest_likenesses([texts[s] for s in parts]), strict=True):
        scores[segment][DUPLICATE] = value
    return scores
