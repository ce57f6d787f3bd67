"""Finds the colour words of a caption and what they are said of: its subject, a part, another.

Rules over words, without a parser: a suspicion costs microseconds and needs nothing installed. A
word whose owner the rules cannot tell counts as another thing's, and raises no suspicion.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from annoengine.categories import fits, is_known
from annoengine.mark_traces.colour_words import FAMILY_OF

Owner = Literal["subject", "part", "mark", "other"]
"""Whose colour it is: the segment's; a part of it, or what it wears or holds; an outline or a
label; another thing's."""


@dataclass(frozen=True)
class SpokenColour:
    """A colour word, ``text[start:end]``, its family, and its owner; ``noun`` where one follows."""

    word: str
    family: str
    start: int
    end: int
    owner: Owner
    noun: str = ""


@dataclass(frozen=True)
class Word:
    """A word or a mark of punctuation, ``text[start:end]``, in lower case."""

    text: str
    start: int
    end: int


_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?|[.!?;,:()\[\]\"“”]")
_QUOTED = re.compile(r"[\"“«][^\"”»]*[\"”»]|(?<!\w)['‘][^'’]*['’](?!\w)")


def _word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


STOPS = frozenset(".!?;")
_DETERMINERS = _word_set(
    "a an the this that these those another other some any each every one two three four five its",
    "his her their several many few various both",
)
_OWN = _word_set("its his her their")
_SHADES = _word_set(
    "bright light dark deep pale neon vivid vibrant soft fluorescent glowing pastel faded dull",
    "warm slightly mostly mainly predominantly partly partially very quite entirely completely",
    "solid distinctly primarily rich muted",
)
_COLOUR_NOUNS = _word_set(
    "color colour hue tone shade tint colored coloured hues tones colors colours tinge glow"
)
_MARK_NOUNS = _word_set(
    "outline outlines contour contours boundary boundaries border borders number label mark marker",
    "id digit numeral highlight annotation polygon overlay",
)
_COPULAS = _word_set(
    "is are was were be appears appear looks look seems seem painted colored coloured remains"
)
_OWNS = _word_set(
    "with has have having had wears wearing wear holds holding hold carries carrying carry",
    "features featuring feature includes including bears bearing displays displaying consists",
    "consisting of covered decorated filled adorned dressed clad showing shows boasts made",
    "contains containing",
)
_ELSEWHERE = _word_set(
    "near beside besides behind on under underneath beneath above below against between among amid",
    "towards toward facing by at from across over along around atop onto into to through for",
    "surrounding surrounded opposite outside inside within beyond off past than like as per",
    "watching overlooking approaching touching covering facing reflecting matching",
    "contrasting while where that which who and but or alongside",
)
_MARKING = _word_set("outlined highlighted marked labeled labelled circled contoured bordered")
_ENDS_PHRASE = _ELSEWHERE | _OWNS | _COPULAS | _MARKING | _word_set("in it he she they its there")
_PLACES = _word_set(
    "field room background foreground sky area grass water snow distance scene image picture sea",
    "street park yard pool setting landscape sunlight light",
)
_AFTERWARDS = re.compile(
    r"\s*(?:\w+ing |is |are |visible |seen |parked )*(?:in the (?:back|fore)ground|behind|nearby"
    r"|beside|next to|in front|to (?:the|its|his|her|their) (?:left|right)|in the distance"
    r"|around (?:it|him|her|them)|above|below|beneath|under|on (?:the|its|his|her|their)"
    r" (?:left|right))\b"
)
_PRONOUNS = _word_set("it he she they this its his her their")
_ALSO_THINGS = _word_set("orange rose peach apricot salmon lime mint lemon coral amber gold")
_OF_FRUIT = _word_set(
    "juice jam slice slices peel tree trees marmalade wedge wedges fruit fruits half halves zest",
    "segment segments bush garden retriever medal leaf leaves tea sauce",
)


def words_of_caption(text: str) -> list[Word]:
    """The words and the punctuation of a caption, in lower case, in order."""
    return [Word(m.group().lower(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """The stretches in quotation marks: what a sign or a shirt says."""
    return [match.span() for match in _QUOTED.finditer(text)]


def is_within(start: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Does a place lie in one of these stretches?"""
    return any(first <= start < past for first, past in spans)


def spoken_colours(text: str, category: str, families: Collection[str]) -> list[SpokenColour]:
    """The words of these families in a caption about a segment of a category.

    >>> [(c.word, c.owner) for c in spoken_colours(
    ...     "A magenta cup with a pink handle, beside a purple box.", "cup", FAMILY_OF.values())]
    [('magenta', 'subject'), ('pink', 'part'), ('purple', 'other')]
    >>> spoken_colours("A slice of orange on a plate.", "orange", ["orange"])
    []
    """
    lower = text.lower()
    if not any(word in lower for word, family in FAMILY_OF.items() if family in families):
        return []
    words = words_of_caption(text)
    quoted = quoted_spans(text)
    found = []
    for i, word in enumerate(words):
        family = FAMILY_OF.get(word.text)
        if family not in families or family is None or is_within(word.start, quoted):
            continue
        if word.text in _ALSO_THINGS and not _is_adjective(words, i, category):
            continue
        owner, noun = _owner(text, words, i, category)
        found.append(SpokenColour(word.text, family, word.start, word.end, owner, noun))
    return found


def _text_at(words: Sequence[Word], i: int) -> str:
    return words[i].text if 0 <= i < len(words) else "."


def _is_adjective(words: Sequence[Word], i: int, category: str) -> bool:
    """Is a word that may also name a thing (an orange, a rose) a colour here?"""
    following, before = _text_at(words, i + 1), _text_at(words, i - 1)
    if following in _OF_FRUIT or (is_known(category) and fits(words[i].text, category)):
        return False
    if following in _COLOUR_NOUNS or following in _MARK_NOUNS or before in _SHADES:
        return True
    if words[i].text not in ("orange", "gold"):
        return False
    if following.isalpha() and following not in _ENDS_PHRASE:
        return True
    return before in _COPULAS or before in ("in", "and")


def _phrase_end(words: Sequence[Word], i: int) -> int:
    """Past the noun phrase in which a colour word stands: a few words that go on describing."""
    end = i + 1
    while end < len(words) and end - i <= 5:
        here = words[end].text
        if here in ("and", "or", ",") and (
            _text_at(words, end + 1) in FAMILY_OF or _text_at(words, end + 1) in _OTHER_COLOURS
        ):
            end += 1
            continue
        if not here[0].isalnum() or here in _ENDS_PHRASE or here in _DETERMINERS:
            break
        end += 1
    return end


_OTHER_COLOURS = _word_set("black white grey gray brown beige silver tan")
_ALL_COLOURS = _OTHER_COLOURS | FAMILY_OF.keys()


def _owner(text: str, words: Sequence[Word], i: int, category: str) -> tuple[Owner, str]:
    end = _phrase_end(words, i)
    inner = [word.text for word in words[i + 1 : end] if word.text.isalpha()]
    nouns = [w for w in inner if w not in _ALL_COLOURS and w not in ("and", "or")]
    noun = nouns[-1] if nouns else ""
    if any(word in _MARK_NOUNS for word in nouns[:2]):
        return "mark", noun
    if end < len(words) and nouns and _AFTERWARDS.match(text.lower(), words[end - 1].end):
        return "other", noun
    start = _sentence_start(words, i)
    governor, place = _governor(words, i, start)
    if governor in _MARKING or _text_at(words, place - 1) in _MARKING:
        return "mark", noun
    owner: Owner
    if governor == "":
        owner = "subject"
    elif governor in _COPULAS:
        subject = [word.text for word in words[start:place]]
        owned = any(word in _OWN or word in ("of", "and") or "'" in word for word in subject)
        owner = "part" if owned else "subject"
    elif governor == "in":
        owner = "other" if noun in _PLACES else "part"
    elif governor in _OWNS or governor in _OWN:
        owner = "part"
    else:
        owner = "other"
    if owner == "subject" and start and not _speaks_of(words, start, category):
        owner = "part"
    return owner, noun


def _sentence_start(words: Sequence[Word], i: int) -> int:
    """Where the sentence of a word begins; an opening such as "In the background," is passed."""
    start = i
    while start > 0 and words[start - 1].text not in STOPS:
        start -= 1
    if words[start].text in _ELSEWHERE or words[start].text == "in":
        comma = next((k for k in range(start, i) if words[k].text == ","), None)
        return start if comma is None else comma + 1
    return start


def _governor(words: Sequence[Word], i: int, start: int) -> tuple[str, int]:
    """The word that a colour's phrase hangs on and its place; "" where the sentence begins with it.

    "?" stands for a verb that the rules do not know.
    """
    at = i - 1
    while at >= start:
        here = words[at].text
        if here in _OWN:
            return here, at
        if here in _DETERMINERS:
            break
        if here in _ENDS_PHRASE and here != "and":
            return here, at
        if here == ",":
            break
        at -= 1
    if at < start:
        return ("", start) if i - start <= 5 else ("?", start)
    before = at - 1 if words[at].text in _DETERMINERS else at
    if before < start:
        return "", start
    here = words[before].text
    if here in (",", "and", "or"):
        # One of several: what the first of them hangs on, or an apposition to the subject.
        for earlier in range(before - 1, start - 1, -1):
            word = words[earlier].text
            if word in _OWN or word in _OWNS or word in _COPULAS or word == "in":
                return word, earlier
            if word in _ENDS_PHRASE and word not in ("and", "or"):
                return "?", earlier
        return ("", start) if here == "," and before - start <= 3 else ("?", start)
    if here in _ENDS_PHRASE:
        return here, before
    return "?", before


def _speaks_of(words: Sequence[Word], start: int, category: str) -> bool:
    """Is a later sentence about the segment: begins it with a pronoun or its category?"""
    if words[start].text in _PRONOUNS:
        return True
    for i in range(start, min(len(words), start + 5)):
        if words[i].text in _COPULAS:
            return fits(" ".join(word.text for word in words[start:i]), category)
    return False
