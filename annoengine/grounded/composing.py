"""Joins region captions to one grounded paragraph by rule: each region's sentence, its name tagged.

No model, and no fluency beyond that of the captions: a way to answer the merging question without
one, whose tags are right by construction. What is tagged is the noun phrase that names the region
("a mostly white cup"); a caption without a verb stands behind "There is"; where no phrase of a
caption names its region, its category is said first.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.answer import Region
from annoengine.categories import fits, is_known, words_of
from annoengine.grounded.tags import Tagged
from annoengine.noun_phrase import singular, words_of_text
from annoengine.record import Span

PARAGRAPH_WORDS = 200
"""How long a paragraph grows where its captions have more to say than a sentence each.

Source: arXiv 2502.02589, section 3.1 (203 words on average).
"""

_NO_PLACE = re.compile(r"[<>＜＞〈〉《》⟨⟩*]")
_SQUARE = str.maketrans("[]【】", "()()")
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[\"“'(]?[A-Z0-9])")
_DETERMINER = re.compile(
    r"(?:^|(?<=\s))(?:an?|the|this|these|some|one|another|two|three|four|several|many)\s", re.I
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|can|appears?|seems?|shows?|stands|sits|lies|covers|fills|looks"
    r"|wears|holds|features|consists|contains|extends|occup(?:y|ies))\b",
    re.IGNORECASE,
)
_THERE_IS = re.compile(r"There (?:is|are)\s+")
_MANY = frozenset("these some two three four several many".split())
_ONE = frozenset("a an one another this".split())
_LONGEST_NAME = 9


_PLACE_BEHIND = re.compile(r"\s+from the (?:left|right|top|bottom)\b(?! (?:of|side|edge))")
_ORDINAL = re.compile(r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b")


@dataclass(frozen=True)
class Told:
    """What is said of a region: the first sentence with its tag's place, and the others."""

    mark: int
    first: str
    start: int
    end: int
    rest: tuple[str, ...]

    @property
    def phrase(self) -> str:
        """The words that the tag holds."""
        return self.first[self.start : self.end]


def compose(regions: Sequence[Region], words: int = PARAGRAPH_WORDS) -> Tagged:
    """One paragraph that mentions each region once, in their order; ids are the marks.

    Every region gets its first sentence, and further ones, a turn for each, while the paragraph
    has fewer than ``words``. Marks are 1 or more.

    >>> dog = Region(1, "Dog", "A brown dog with a red collar")
    >>> grass = Region(2, "Grass", "The grass is short. It is dry.")
    >>> tagged = compose([dog, grass])
    >>> tagged.text
    'There is a brown dog with a red collar. The grass is short. It is dry.'
    >>> [(tagged.phrase(span), span.segments) for span in tagged.spans]
    [('a brown dog', (1,)), ('The grass', (2,))]
    """
    return join([tell(region) for region in regions], words)


def join(told: Sequence[Told], words: int, before: Tagged | None = None) -> Tagged:
    """What is told of regions as one paragraph, behind another text where one is given.

    Further sentences are dealt out in turns, one a region, while there are fewer than ``words``.
    """
    kept = deal(told, words, before)
    text, spans = (before.text, list(before.spans)) if before else ("", [])
    for t, n in zip(told, kept, strict=True):
        begin = len(text) + bool(text)
        text = " ".join(filter(None, [text, t.first, *t.rest[:n]]))
        if t.end:
            spans.append(Span(start=begin + t.start, end=begin + t.end, segments=(t.mark,)))
    return Tagged(text, tuple(spans))


def deal(told: Sequence[Told], words: int, before: Tagged | None = None) -> list[int]:
    """How many of each region's further sentences there is room for."""
    left = words - sum(len(t.first.split()) for t in told)
    left -= len(before.text.split()) if before else 0
    kept = [0] * len(told)
    for turn in range(max((len(t.rest) for t in told), default=0)):
        for place, t in enumerate(told):
            if turn < len(t.rest) and left >= 0:
                left -= len(t.rest[turn].split())
                kept[place] += left >= 0
    return kept


def tell(region: Region) -> Told:
    """A region's caption, in which the phrase that names it is found, or put first."""
    name = _plain(region.summary)
    first, *rest = [
        _ended(s) for s in _SENTENCES.split(_plain(region.description)) if s.strip()
    ] or [""]
    found = _named(first, name)
    if found is None:
        return _introduced(region.mark, name, first, rest)
    start, end = found
    behind = _PLACE_BEHIND.match(first, end)
    if behind and _ORDINAL.search(first[start:end]):
        # "The second cup" is the second of what, without it?
        end = behind.end()
    if _VERB.search(first) or _is_verb_behind(first, start, end):
        return Told(region.mark, first, start, end, tuple(rest))
    phrase = first[start:end]
    opening = f"There {'are' if _is_plural(phrase) else 'is'} "
    if start == 0 and phrase.split()[0].isalpha() and not phrase.split()[0].isupper():
        first = first[:1].lower() + first[1:]
    elif start == 0 and phrase.startswith("A "):
        first = "a" + first[1:]
    if start:  # "Near the road, a dog": what stands before cannot stand behind "There is".
        return Told(region.mark, first, start, end, tuple(rest))
    return Told(region.mark, opening + first, len(opening), len(opening) + end, tuple(rest))


def _introduced(mark: int, name: str, first: str, rest: Sequence[str]) -> Told:
    """The category first, where no phrase of the caption names it; else all of its sentence."""
    sentences = tuple(s for s in (first, *rest) if s)
    if not name:
        phrase = first.rstrip(" .!?") or "a region"
        return Told(mark, first or _ended(phrase), 0, len(phrase), tuple(rest))
    known = words_of(name.lower()) if is_known(name) else None
    show = known.show if known is not None else name
    many = known is not None and known.countable and known.show == known.plural
    article = "" if many or (known is not None and not known.countable) else _article(show)
    opening = f"There {'are' if many else 'is'} "
    phrase = f"{article}{show}"
    return Told(mark, f"{opening}{phrase}.", len(opening), len(opening) + len(phrase), sentences)


def _named(sentence: str, name: str) -> tuple[int, int] | None:
    """Where the first noun phrase stands that names the region."""
    if not name:
        return None
    if not is_known(name):
        return _called(sentence, name)
    starts = [match.start() for match in _DETERMINER.finditer(sentence)]
    there = _THERE_IS.match(sentence)
    starts += [there.end()] if there else []
    for start in dict.fromkeys([*starts, 0]):
        end = _end_of_name(sentence, start, name.lower())
        if end:
            return start, end
    return None


def _called(sentence: str, name: str) -> tuple[int, int] | None:
    """The same by the very word ("the lowest region"), where no category says what would fit."""
    word = re.search(rf"\b{re.escape(name)}\b", sentence, re.IGNORECASE)
    if word is None:
        return None
    before = [match.start() for match in _DETERMINER.finditer(sentence, 0, word.start())]
    there = _THERE_IS.match(sentence)
    start = before[-1] if before else there.end() if there else 0
    near = len(sentence[start : word.start()].split()) < _LONGEST_NAME
    return (start, word.end()) if near else None


def _end_of_name(sentence: str, start: int, name: str) -> int:
    """The end of the noun phrase that begins at a place, where it names the region; else 0."""
    found = 0
    for word in list(re.finditer(r"\S+", sentence[start:]))[:_LONGEST_NAME]:
        bare = word.group().rstrip(".,;:!?)\"”'’")
        end = start + word.start() + len(bare)
        fit = bool(bare) and fits(sentence[start:end], name)
        if found and not (fit and fits(bare, name)):
            # "The dog" of "the dog house" names no dog.
            return found if fit or _is_verb_behind(sentence, start, found) else 0
        if fit:
            found = end
        if bare != word.group() and (found or start):
            break
    return found


def _is_verb_behind(sentence: str, start: int, end: int) -> bool:
    """``A dog jumps``: a word in -s behind a phrase in the singular is no part of its name."""
    following = re.match(r"\s+[a-z]{2,}[^s\W]s\b", sentence[end:])
    return bool(following) and sentence[start:end].split()[0].lower() in _ONE


def _is_plural(phrase: str) -> bool:
    words = words_of_text(phrase)
    return bool(words) and (words[0] in _MANY or singular(words[-1]) != words[-1])


def _article(show: str) -> str:
    return "an " if show[:1].lower() in "aeiou" else "a "


def _ended(sentence: str) -> str:
    sentence = sentence.strip()
    return sentence if not sentence or sentence.endswith((".", "!", "?")) else f"{sentence}."


def _plain(text: str) -> str:
    """A caption on one line, with nothing in it that could be read as a tag."""
    before = ""
    while text != before:
        before = text
        text = _NO_PLACE.sub("", html.unescape(text)).translate(_SQUARE)
    return " ".join(text.split()).strip(" ;,")
