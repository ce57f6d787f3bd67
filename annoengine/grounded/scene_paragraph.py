"""Writes one grounded paragraph about an image from the captions of its regions, by rule.

It opens with what there is, each kind once with all of its segments ("two badges"), and goes on
with what the captions say, the largest things first and stuff last. In the middle of a paragraph
"This cup" and "There is a red cup" would speak of a new one; they become "The cup", or "One cup"
and "Another cup" where there are several. Nothing is added that the captions and the categories
do not say, and nothing of depth: what lies behind what, no mask tells.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from annoengine.answer import Region
from annoengine.categories import is_known, words_of
from annoengine.colour import BASES
from annoengine.grounded.composing import PARAGRAPH_WORDS, Told, deal, join, tell
from annoengine.grounded.region_captions import CaptionedRegion
from annoengine.grounded.tags import Tagged
from annoengine.record import Record, Span

_NUMBERS = dict(enumerate("two three four five six seven eight nine ten".split(), start=2))
_MANY = 1_000
_MOST_KINDS = 8
"""Kinds that one sentence lists: more would be a register."""

_LEAST_LEADING = 0.01
"""The share of all described segments that things have at least to come before stuff. Ours."""

_ONE_OF_A_KIND = frozenset({"sky"})
_POINTING = re.compile(r"(?:this|that|these|those)\s", re.IGNORECASE)
_THERE_IS = re.compile(r"There (?:is|are) (?:(?P<article>an?|some)\s)?(?=\S)")
_PLACE = re.compile(r"(?<=\w) (?:in|on|at) the\b| (?:midway|halfway)\b")
_COLOUR_WORDS = frozenset(BASES) | {"multicoloured", "multicolored"}


def scene_paragraph(
    regions: Sequence[CaptionedRegion],
    counts: Mapping[str, int],
    words: int = PARAGRAPH_WORDS,
) -> Tagged:
    """One paragraph that mentions each region; its ids are the regions' numbers.

    Where there are more regions than ``words`` have room for, the smallest are only in the list.
    ``counts``: how many segments of each category the image has, crowds as more than any number;
    where it has more than are described, no number is said.
    """
    return paragraph_and_rest(regions, counts, words)[0]


def paragraph_and_rest(
    regions: Sequence[CaptionedRegion],
    counts: Mapping[str, int],
    words: int = PARAGRAPH_WORDS,
) -> tuple[Tagged, dict[int, str]]:
    """The same paragraph, and the end of each region's caption that it has no room for, by number.

    That is empty where it has it all, and the whole caption where the region is only in the list.
    """
    opening, found = _arrange(regions, counts, words)
    rest = {region.number: region.text for region in regions}
    for told, kept in zip(found, deal(found, words, opening), strict=True):
        rest[told.mark] = " ".join(told.rest[kept:])
    return join(found, words, opening), rest


def counts_of(record: Record) -> dict[str, int]:
    """How many segments of each category there are; nobody knows how many a crowd is."""
    counts: dict[str, int] = {}
    for segment in record.segments:
        name = segment.category.name
        counts[name] = counts.get(name, 0) + (_MANY if segment.iscrowd else 1)
    return counts


def _arrange(
    regions: Sequence[CaptionedRegion], counts: Mapping[str, int], words: int
) -> tuple[Tagged, list[Told]]:
    """The opening, and what is told of the regions behind it, in the order of the text."""
    kinds = _kinds(regions)
    opening = _opening(kinds, counts)
    listed = {id for span in opening.spans for id in span.segments}
    left = words - len(opening.text.split())
    told = {region.number: tell(_named(region)) for region in regions}
    chosen = _chosen(regions, told, listed, left)
    found = []
    for members in kinds:
        shared = len(members) > 1 or counts.get(members[0].segment.category.name, 1) > 1
        spoken_of = 0
        for region in members:
            if region.number in chosen:
                said = _as_known(region, told[region.number], shared, spoken_of > 0)
                # "There is a dog." says nothing that the list did not.
                if said.first or region.number not in listed:
                    found.append(said)
                    spoken_of += 1
    return opening, found


def _chosen(
    regions: Sequence[CaptionedRegion], told: Mapping[int, Told], listed: Collection[int], left: int
) -> set[int]:
    """The regions that get a sentence: those that no list names, and the largest that have room."""
    chosen = {region.number for region in regions if region.number not in listed}
    left -= sum(len(told[number].first.split()) for number in chosen)
    for region in sorted(regions, key=lambda region: (-region.segment.area_px, region.number)):
        length = len(told[region.number].first.split())
        if region.number in listed and (left >= length or not chosen):
            chosen.add(region.number)
            left -= length
    return chosen


def _kinds(regions: Sequence[CaptionedRegion]) -> list[list[CaptionedRegion]]:
    """The regions of each category, those that fill most of the image first.

    Things come before stuff, unless they are but specks of it.
    """
    whole = sum(region.segment.area_px for region in regions) or 1
    kinds: dict[str, list[CaptionedRegion]] = {}
    for region in regions:
        kinds.setdefault(region.segment.category.name, []).append(region)

    def order(members: list[CaptionedRegion]) -> tuple[bool, float, int]:
        area = sum(region.segment.area_px for region in members)
        leads = members[0].segment.isthing and area >= _LEAST_LEADING * whole
        return (not leads, -area, members[0].number)

    return sorted(kinds.values(), key=order)


def _named(region: CaptionedRegion) -> Region:
    """The region as an answer says it, its category for a name where that is known."""
    name = region.segment.category.name
    return replace(region.region, summary=name if is_known(name) else region.summary)


def _opening(kinds: Sequence[Sequence[CaptionedRegion]], counts: Mapping[str, int]) -> Tagged:
    """``The image shows a person, two badges and a wall.``; empty where no kind is known."""
    known = [members for members in kinds if is_known(members[0].segment.category.name)]
    text, spans = "", list[Span]()
    for first in range(0, len(known), _MOST_KINDS):
        listed = known[first : first + _MOST_KINDS]
        text += " It also shows " if first else "The image shows "
        for place, members in enumerate(listed):
            if place:
                text += " and " if place == len(listed) - 1 else ", "
            phrase = _counted(members, counts)
            numbers = tuple(region.number for region in members)
            spans.append(Span(start=len(text), end=len(text) + len(phrase), segments=numbers))
            text += phrase
        text += "."
    return Tagged(text, tuple(spans))


def _counted(members: Sequence[CaptionedRegion], counts: Mapping[str, int]) -> str:
    """``two badges``, ``several people``, ``a wall``, ``the sky``, ``grass``."""
    words = words_of(members[0].segment.category.name)
    there = max(len(members), counts.get(members[0].segment.category.name, 0))
    if words.show in _ONE_OF_A_KIND:
        return f"the {words.show}"
    if not words.countable:
        return words.show
    if there == 1:
        article = "an" if words.show[:1].lower() in "aeiou" else "a"
        return words.show if words.show == words.plural else f"{article} {words.show}"
    number = _NUMBERS.get(there) if there == len(members) else None
    return f"{number or 'several'} {words.plural}"


def _as_known(region: CaptionedRegion, told: Told, shared: bool, another: bool) -> Told:
    """What is told of a region that the reader has heard of already."""
    name = region.segment.category.name
    if not is_known(name) or not told.end:
        return told
    show = words_of(name).show
    subject = ("Another " if another else "One ") if shared else "The "
    there = _THERE_IS.match(told.first)
    if there and told.start in (there.end(), there.start("article")):
        return _said_of(told, subject + show, told.first[there.end() : told.end], show)
    pointing = _POINTING.match(told.phrase)
    if pointing and (words_of(name).countable or not shared):
        return _begun(told, pointing.end(), subject)
    article = re.match(r"An?\s", told.first)
    if article and told.start == 0 and not shared:
        return _begun(told, article.end(), subject)
    return told


def _begun(told: Told, cut: int, subject: str) -> Told:
    """The sentence, its phrase with another first word."""
    grown = len(subject) - cut
    before, after = told.first[: told.start], told.first[told.start + cut :]
    subject = subject.lower() if before else subject
    return replace(told, first=before + subject + after, end=told.end + grown)


def _introducing(told: Told, show: str) -> Told | None:
    """What is told without "There is a cup.", where the next sentence is "There is a red cup …"."""
    sentence = told.rest[0]
    there = _THERE_IS.match(sentence)
    name = re.search(rf"\b{re.escape(show)}\b", sentence)
    if there is None or name is None or len(sentence[there.end() : name.start()].split()) > 6:
        return None
    return Told(told.mark, sentence, there.end(), name.end(), told.rest[1:])


def _said_of(told: Told, subject: str, phrase: str, show: str) -> Told:
    """``There is a red cup on it.`` as ``The cup is red on it.``, for colours; else unchanged."""
    if not phrase.lower().endswith(show.lower()):
        return told
    looks = phrase[: len(phrase) - len(show)].strip()
    rest = told.first[told.end :]
    if looks and looks.split()[-1] not in _COLOUR_WORDS:
        return told
    if not looks and not rest.strip(" ."):
        if not told.rest:
            return replace(told, first="", start=0, end=0)
        itself = _introducing(told, show)
        if itself is not None:
            return _said_of(itself, subject, itself.phrase, show)
        if not told.rest[0].startswith("It "):
            return told
        first = subject + told.rest[0].removeprefix("It")
        return Told(told.mark, first, 0, len(subject), told.rest[1:])
    if not looks and not rest.startswith(" "):
        return told
    if looks and rest.startswith(" with "):
        rest = _PLACE.sub(r",\g<0>", rest, count=1)
    first = f"{subject} is {looks}{rest}" if looks else f"{subject} is{rest}"
    return replace(told, first=first, start=0, end=len(subject))
