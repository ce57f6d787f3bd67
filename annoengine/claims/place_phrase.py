"""Finds the phrases of a caption that name a place: "in the upper left corner of the image".

Patterns over words and not the parse alone: the words of such phrases are few and their order is
fixed, while parsers take "left" for a verb and "upper" for a noun. What the place belongs to (the
image, another thing, nobody) is read from the grammar after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from annoengine.claims.caption_reading import IMAGE_WORDS
from annoengine.language.parsed import Parsed, Token

Across = Literal["left", "centre", "right", ""]
Down = Literal["top", "middle", "bottom", ""]
Whose = Literal["image", "nobody", "thing", "centre", "depth"]
"""Of what the place is: of the image, said so; of nothing named; of a thing; "left of centre"; of
the background or foreground."""

_PREPOSITIONS = frozenset(
    "in on at to toward towards near along by within into against around off beyond".split()
)
_LEFT = frozenset({"left", "lefthand", "leftmost"})
_RIGHT = frozenset({"right", "righthand", "rightmost"})
_TOP = frozenset({"top", "upper", "uppermost", "topmost"})
_BOTTOM = frozenset({"bottom", "lower", "lowermost", "bottommost"})
_MIDDLE = frozenset({"center", "centre", "middle", "central", "mid"})
_FAR = frozenset({"far", "extreme", "leftmost", "rightmost", "uppermost", "topmost", "lowermost"})
_OTHER = frozenset({"the", "very", "immediate", "hand", "-", "exact", "outer", "dead", "most"})
_PARTS = frozenset(
    "side corner edge half part portion third section area quadrant end region border margin "
    "corners sides".split()
)
_EDGES = frozenset({"edge", "border", "margin"})
_DEPTH = frozenset({"background", "foreground", "distance"})
_OWN = frozenset({"its", "his", "her", "their"})


@dataclass(frozen=True)
class PlacePhrase:
    """A phrase that names a place: words ``first`` up to ``past``, from its preposition on.

    ``across`` and ``down`` are its directions; ``far`` for the far left, ``edge`` and ``corner``
    as they say; ``whose`` and ``of``, the word of the thing that it is the left of.
    """

    first: int
    past: int
    across: Across
    down: Down
    far: bool
    edge: bool
    corner: bool
    side: bool
    whose: Whose
    of: int | None = None

    @property
    def words(self) -> str:
        """The place in a normal form: "top left"."""
        kind = "corner" if self.corner else "edge" if self.edge else ""
        across = "" if self.down == "middle" and self.across == "centre" else self.across
        down = "centre" if self.down == "middle" and not across else self.down
        parts = ("far" if self.far else "", down, across, kind)
        return " ".join(part for part in parts if part)


def is_image_word(parsed: Parsed, i: int) -> bool:
    """Does a word speak of the whole image? Not in "window frame" or "side view"."""
    token = parsed.tokens[i]
    if token.lemma.lower() not in IMAGE_WORDS:
        return False
    before = parsed.children(i, "compound", "amod", "poss")
    allowed = IMAGE_WORDS | {"entire", "whole", "overall", "given", "present", "full"}
    return all(one.lower in allowed for one in before)


def place_phrases(parsed: Parsed) -> list[PlacePhrase]:
    """All phrases that name a place, in the order of the text."""
    found: list[PlacePhrase] = []
    for token in parsed.tokens:
        if found and token.i < found[-1].past:
            continue
        if token.lower in _PREPOSITIONS:
            phrase = _phrase_at(parsed, token.i, token.i + 1)
        elif token.lower in ("left", "right") and _follows(parsed, token.i, "of"):
            phrase = _phrase_at(parsed, token.i, token.i)
        else:
            continue
        if phrase is not None:
            found.append(phrase)
    return found


def place_at(parsed: Parsed, first: int, start: int) -> PlacePhrase | None:
    """The place that the words from ``start`` on name, as of a phrase from ``first`` on."""
    return _phrase_at(parsed, first, start)


def _follows(parsed: Parsed, i: int, word: str) -> bool:
    return i + 1 < len(parsed.tokens) and parsed.tokens[i + 1].lower == word


def _phrase_at(parsed: Parsed, first: int, start: int) -> PlacePhrase | None:
    tokens = parsed.tokens
    at, owner = _possessor(parsed, start)
    begun = at
    words: list[str] = []
    known = _LEFT | _RIGHT | _TOP | _BOTTOM | _MIDDLE | _FAR | _OTHER | _PARTS
    while at < len(tokens) and tokens[at].lower in known:
        words.append(tokens[at].lower)
        at += 1
    if at == begun or not _ends_there(parsed, begun, at):
        return None
    if words == ["top"] and tokens[first].lower == "on":
        # "On top of" is no place in the image.
        return None
    across, down = _directions(words)
    edge, corner = not _EDGES.isdisjoint(words), not {"corner", "corners"}.isdisjoint(words)
    both = (
        _goes_on(parsed, at)
        or (not _LEFT.isdisjoint(words) and not _RIGHT.isdisjoint(words))
        or "sides" in words
    )
    if both or "corners" in words or not (across or down or edge or corner):
        return None
    past, whose, of = _whose(parsed, at)
    if owner is not None:
        past, whose, of = at, "thing", owner
        if is_image_word(parsed, owner):
            whose, of = "image", None
    if not across and not down and whose != "image":
        return None
    return PlacePhrase(
        first,
        past,
        across,
        down,
        not _FAR.isdisjoint(words),
        edge,
        corner,
        not _PARTS.isdisjoint(words),
        whose,
        of,
    )


def _goes_on(parsed: Parsed, at: int) -> bool:
    """ "On the left and right": on both sides."""
    after = [token.lower for token in parsed.tokens[at : at + 3]]
    sides = _LEFT | _RIGHT | _TOP | _BOTTOM
    return after[:1] == ["and"] and not sides.isdisjoint(after[1:3])


def _possessor(parsed: Parsed, start: int) -> tuple[int, int | None]:
    """Where the place's words begin, and whose left it is: "its left", "the car's left"."""
    tokens = parsed.tokens
    if start < len(tokens) and tokens[start].lower in _OWN:
        return start + 1, start
    for at in range(start, min(start + 4, len(tokens) - 1)):
        if tokens[at + 1].tag == "POS" and tokens[at].pos in ("NOUN", "PROPN"):
            return at + 2, at
    return start, None


def _ends_there(parsed: Parsed, begun: int, past: int) -> bool:
    """False where the words only lead up to a noun: "on the left shoulder"."""
    if past == len(parsed.tokens):
        return True
    after = parsed.tokens[past]
    if after.lower in _DEPTH:
        return True
    heads = {parsed.tokens[i].head for i in range(begun, past)}
    leads = after.pos in ("NOUN", "PROPN") and parsed.tokens[past - 1].dep in (
        "amod",
        "compound",
        "nmod",
        "nummod",
    )
    beyond = any(head >= past and parsed.tokens[head].pos in ("NOUN", "PROPN") for head in heads)
    return not (leads or (beyond and after.tag != "DT" and after.pos in ("NOUN", "PROPN", "ADJ")))


def _directions(words: list[str]) -> tuple[Across, Down]:
    across: Across = ""
    down: Down = ""
    found = set(words)
    if found & _LEFT:
        across = "left"
    elif found & _RIGHT:
        across = "right"
    if found & _TOP:
        down = "top"
    elif found & _BOTTOM:
        down = "bottom"
    if found & _MIDDLE:
        if across and down:
            return across, down
        if across:
            return across, "middle"
        return "centre", down or "middle"
    return across, down


def _whose(parsed: Parsed, at: int) -> tuple[int, Whose, int | None]:
    tokens = parsed.tokens
    if at >= len(tokens):
        return at, "nobody", None
    if tokens[at].lower in _DEPTH:
        past, whose, of = _whose(parsed, at + 1)
        return past, whose, of
    if tokens[at].lower not in ("of", "in", "within", "on", "from"):
        return at, "nobody", None
    noun = _object(parsed, tokens[at])
    if noun is None:
        return at, "nobody", None
    if is_image_word(parsed, noun.i):
        return noun.i + 1, "image", None
    if tokens[at].lower != "of":
        return at, "nobody", None
    if noun.lower in _MIDDLE:
        end, of_image, _ = _whose(parsed, noun.i + 1)
        return (end if of_image == "image" else noun.i + 1), "centre", None
    if noun.lower in _DEPTH:
        return noun.i + 1, "depth", None
    return noun.i + 1, "thing", noun.i


def _object(parsed: Parsed, of: Token) -> Token | None:
    """The noun after a preposition: its object, or failing that the end of the next phrase."""
    for token in parsed.children(of.i, "pobj"):
        return token
    for token in parsed.tokens[of.i + 1 : of.i + 5]:
        if token.pos in ("NOUN", "PROPN", "PRON") and token.dep not in ("compound", "amod", "poss"):
            return token
    return None
