"""Takes a word that came from the drawing out of a caption: the word, its phrase, or its sentence.

As little goes as leaves English: an adjective before its noun, else the stretch between commas,
else from "with" to the end of it, else the sentence. Where nothing would be left, nothing is taken.
"""

from __future__ import annotations

import re

from annoengine.mark_traces.colour_words import FAMILY_OF
from annoengine.mark_traces.spoken_numbers import NUMERALS

_SHADE = r"(?:bright|light|dark|deep|pale|neon|vivid|vibrant|soft|fluorescent|glowing|pastel)"
_COLOURS = "|".join(
    sorted({*FAMILY_OF, "black", "white", "grey", "gray", "brown", "beige", "silver", "tan"})
)
_BEFORE = re.compile(rf"(?:\b{_SHADE}[ -])*$", re.IGNORECASE)
_JOINED_BEFORE = re.compile(rf"(?:\b(?:{_COLOURS})(?:,? and |, |-and-))$", re.IGNORECASE)
_JOINED_AFTER = re.compile(
    rf"^(?:,? and |, |-and-)(?=(?:{_SHADE}[ -])*(?:{_COLOURS})\b)", re.IGNORECASE
)
_NOUN_AFTER = re.compile(r"^[ -](?:coloured |colored )?(\w+)", re.IGNORECASE)
_NO_NOUN = frozenset(
    "in on at of with and or but near by to for from is are was has have it the a an its while"
    " which that who against beside behind under over above below next".split()
)
_MARKING = re.compile(
    r"\b(?:outlines?|contours?|boundar(?:y|ies)|borders?|numbers?|labels?|marks?|markers?|ids?"
    r"|digits?|numerals?|highlight|polygon|overlay|hue|tone|tint|colou?r|shade|glow)\b",
    re.IGNORECASE,
)
_PHRASE_START = re.compile(
    r"\s(?:with|outlined|highlighted|marked|labell?ed|numbered|in|bearing|wearing|has|showing"
    r"|featuring|displaying|identified|tagged|circled|and (?:has|wears|bears|shows))\b",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_PIECE_END = re.compile(r"[,;:.!?](?=\s|$)|$")
_SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|$")
_SAYS_NOTHING = frozenset(
    "it is are was there this that the and with in on by they he she its an of has to at".split()
)


def without_word(text: str, start: int, end: int, kind: str) -> str | None:
    """The caption without the word ``text[start:end]``, or None where too little would be left.

    ``kind`` is that of the trace: ``colour`` or ``number``.

    >>> without_word("An orange cup with a pink rim on a table.", 3, 9, "colour")
    'A cup with a pink rim on a table.'
    >>> text = "A player in white, with number 3 on the jersey, runs."
    >>> without_word(text, text.index("number"), text.index(" on"), "number")
    'A player in white, runs.'
    >>> without_word("It is pink.", 6, 10, "colour") is None
    True
    """
    ways = (_word, _piece, _phrase, _sentence) if kind == "colour" else (_reference, *_LARGER)
    for way in ways:
        cut = way(text, start, end)
        if cut is None:
            continue
        left = _tidy(text[: cut[0]], text[cut[1] :])
        if any(word not in _SAYS_NOTHING for word in _WORDS.findall(left.lower())):
            return left
    return None


def _word(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A colour before its noun, with its shade and what joins it to another colour."""
    before, after = text[:start], text[end:]
    shaded = _BEFORE.search(before)
    first = shaded.start() if shaded else start
    joined = _JOINED_AFTER.match(after)
    if joined:
        return first, end + joined.end()
    noun = _NOUN_AFTER.match(after)
    if noun is None or noun[1].lower() in _NO_NOUN or _MARKING.fullmatch(noun[1]):
        earlier = _JOINED_BEFORE.search(text[:first])
        if earlier and not _MARKING.match(after.lstrip()):
            colour = re.match(rf"(?:{_COLOURS})", earlier[0], re.IGNORECASE)
            assert colour is not None
            return earlier.start() + colour.end(), end
        return None
    earlier = _JOINED_BEFORE.search(text[:first])
    if earlier:
        colour = re.match(rf"(?:{_COLOURS})", earlier[0], re.IGNORECASE)
        assert colour is not None
        return earlier.start() + colour.end(), end
    return first, end + (1 if after.startswith((" ", "-")) else 0)


def _reference(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A number that is but a reference: in brackets, after #, or right after a noun."""
    said = text[start:end]
    if said[:1] in "([#" or said[-1:] in ")]":
        return start, end
    bare = said.isdigit() or said.lower() in NUMERALS
    if bare and start and re.search(r"[^\W\d_]\s$", text[:start]):
        before = text[:start].split()[-1].lower()
        if before not in _NO_NOUN and not _MARKING.fullmatch(before):
            return start, end
    if re.match(r"\d+[.:)]\s", text[start:]) and start == 0:
        return 0, end + 1
    return None


def _piece(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The stretch between two commas, unless the sentence begins with it."""
    sentence = _sentence_start(text, start)
    comma = max(text.rfind(", ", sentence, start), text.rfind("; ", sentence, start))
    if comma < sentence:
        return None
    ending = _PIECE_END.search(text, end)
    last = ending.start() if ending else len(text)
    return comma, last


def _phrase(text: str, start: int, end: int) -> tuple[int, int] | None:
    """From "with", "outlined" … to the end of the stretch."""
    sentence = _sentence_start(text, start)
    begins = [m.start() for m in _PHRASE_START.finditer(text, sentence, start + 1)]
    if not begins:
        return None
    first = begins.pop()
    while begins and len(text[begins[-1] : first].split()) == 1:  # "outlined in"
        first = begins.pop()
    ending = _PIECE_END.search(text, end)
    return first, ending.start() if ending else len(text)


def _sentence(text: str, start: int, end: int) -> tuple[int, int] | None:
    first = _sentence_start(text, start)
    ending = _SENTENCE_END.search(text, end)
    return first, ending.end() if ending else len(text)


_LARGER = (_piece, _phrase, _sentence)


def _sentence_start(text: str, at: int) -> int:
    found = 0
    for ending in re.finditer(r"[.!?;]\s+", text[:at]):
        found = ending.end()
    return found


def _tidy(before: str, after: str) -> str:
    """What is left, joined: one space, no doubled commas, "a" and "an" as they must be."""
    joined = f"{before} {after}" if before and after and after[0].isalnum() else before + after
    joined = re.sub(r"\s+", " ", joined).strip()
    joined = re.sub(r"\s+([,.;:!?])", r"\1", joined)
    joined = re.sub(r",\s*(?=[,.;:!?])", "", joined)
    cut = len(before.rstrip())
    article = re.search(r"\b(an?)$", before.rstrip(), re.IGNORECASE)
    if article:
        right = "an" if re.match(r"\s*[aeiou]", after, re.IGNORECASE) else "a"
        word = right.capitalize() if article[1][0].isupper() else right
        joined = joined[: cut - len(article[1])] + word + joined[cut:]
    if before.strip() == "" and joined[:1].islower():
        joined = joined[0].upper() + joined[1:]
    return joined
