"""Checks conversations in LLaVA's form: turns, the place of the picture, and tokens of masks.

Source: ``llava/train/train.py`` of haotian-liu/LLaVA, which takes the first turn to be the
human's, the turns to alternate, and ``<image>`` to stand for the one picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from annoengine.reading.coco_json import shown
from annoengine.validator import Code

TURNS_MALFORMED = Code("turns-malformed", "error", "conversations that are no list of turns")
ROLES_WRONG = Code("roles-do-not-alternate", "error", "turns that do not alternate, human first")
IMAGE_TOKEN = Code("image-token-misplaced", "error", "'<image>' not once, in the first turn")
ANSWER_EMPTY = Code("turn-empty", "error", "turns without a word")
PHRASE_TAG = Code("phrase-tag-malformed", "error", "'<p>' and '</p>' that make no phrase")
TOKEN_COUNT = Code("token-count-differs", "error", "tokens of another number than their masks")
TAG_LEFT = Code("tag-left-over", "error", "tags of another form left in an answer")

CODES = (
    TURNS_MALFORMED,
    ROLES_WRONG,
    IMAGE_TOKEN,
    ANSWER_EMPTY,
    PHRASE_TAG,
    TOKEN_COUNT,
    TAG_LEFT,
)

Faults = Iterator[tuple[Code, str]]
Turn = tuple[str, str]

_IMAGE = "<image>"
_ROLES = ("human", "gpt")
_TOKEN = re.compile(r"\[SEG\]|<SEG_[ts]>")
_PHRASE = re.compile(
    r"<p>(?P<phrase>(?:(?!</?p>).)*)</p>(?P<behind>(?:\s*(?:\[SEG\]|<SEG_[ts]>))*)", re.S
)
_TAG = re.compile(r"<\s*\d+(?:\s*,\s*\d+)*\s*[:>]|</?(?:ref|box|region\d*|mask|pos)>|\[\d+\]:")


def turns_of(entry: Any) -> tuple[list[Turn], str]:
    """The turns as (from, value), and what is wrong with the list, or "".

    >>> turns_of({"conversations": [{"from": "human", "value": "Hi"}]})
    ([('human', 'Hi')], '')
    """
    turns = entry.get("conversations")
    if not isinstance(turns, list) or not turns:
        return [], f"'conversations' is {shown(turns)}; a list of turns is needed"
    read = []
    for at, turn in enumerate(turns):
        role, value = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (0, 0)
        if not isinstance(role, str) or not isinstance(value, str):
            return [], f"turn {at} has no text 'from' and 'value'"
        read.append((role, value))
    return read, ""


def turn_faults(turns: list[Turn], has_image: bool) -> Faults:
    """What is wrong with the order of turns, with empty ones, and with the place of the picture."""
    for at, (role, _) in enumerate(turns):
        if role != _ROLES[at % 2]:
            yield ROLES_WRONG, f"turn {at} is from {shown(role)}; {_ROLES[at % 2]!r} is next"
            break
    if len(turns) % 2:
        yield ROLES_WRONG, f"there are {len(turns)} turns; the last one has no answer"
    for at, (_, value) in enumerate(turns):
        if not value.replace(_IMAGE, "").strip():
            yield ANSWER_EMPTY, f"turn {at} is {shown(value)}"
    places = [at for at, (_, value) in enumerate(turns) for _ in range(value.count(_IMAGE))]
    if has_image and places != [0]:
        where = ", ".join(map(str, places)) or "none"
        yield IMAGE_TOKEN, f"{_IMAGE!r} is in the turns {where}; it belongs once in turn 0"
    elif not has_image and places:
        yield IMAGE_TOKEN, f"{_IMAGE!r} is in turn {places[0]} of an entry without an image"


def tokens_of(answer: str) -> list[str]:
    """The tokens of masks in an answer.

    >>> tokens_of("<p> A man </p> [SEG] by <p> the sky </p> <SEG_s>")
    ['[SEG]', '<SEG_s>']
    """
    return _TOKEN.findall(answer)


def phrase_faults(answer: str) -> Faults:
    """What is wrong with ``<p> phrase </p> [SEG]`` in an answer."""
    for match in _PHRASE.finditer(answer):
        phrase = match["phrase"]
        if not phrase.strip():
            yield PHRASE_TAG, f"{shown(match.group())} has no words"
        elif not match["behind"]:
            yield PHRASE_TAG, f"{shown(match.group())} has no token behind it"
    rest = _PHRASE.sub(" ", answer)
    if left := re.search(r"</?p>", rest):
        yield PHRASE_TAG, f"{left.group()!r} stands alone, before {shown(rest[left.end() :][:40])}"
    if left := _TOKEN.search(rest):
        yield PHRASE_TAG, f"{left.group()!r} stands behind no phrase"


def has_tokens(answer: str) -> bool:
    """Does an answer have anything of ``<p> phrase </p> [SEG]``?"""
    return bool(_TOKEN.search(answer) or re.search(r"</?p>", answer))


def tag_left(answer: str) -> str:
    """A tag of a form that does not belong into an answer, or "".

    >>> tag_left("<p> a dog </p> [SEG]"), tag_left("by <3: a dog>"), tag_left("2 < 3")
    ('', '<3:', '')
    """
    found = _TAG.search(answer)
    return found.group() if found else ""
