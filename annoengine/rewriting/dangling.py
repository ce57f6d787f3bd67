"""Finds words that only make sense beside other captions: "another", "similar to it", "also".

A caption is read without the ones around it, so what it says must be found in itself. What can be
said otherwise is ("another glass cup" becomes "a glass cup", "similar coloring to it" becomes
"similar coloring to the other cow"); what cannot is told, for a person or a model to mend.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from annoengine.categories import fits
from annoengine.rewriting.shade import shaded

_STEMS = tuple(
    "other also too similar same like previous former latter mention earlier described likewise"
    " addition"
    " larger smaller taller shorter wider bigger darker lighter longer identical compar equal"
    " than well"
    " meanwhile contrast before".split()
)
"""A text without any of these, in lower case, leans on nothing but by a pronoun."""


@dataclass(frozen=True)
class Dangling:
    """``text[start:end]`` leans on another caption; ``new`` says it alone, None where nothing can.

    ``why`` names what it leans on.
    """

    start: int
    end: int
    new: str | None
    why: str


_ANOTHER = re.compile(r"\b(?P<a>[Aa]nother)\s+(?P<rest>[\w' -]{1,40})")
_OTHER_FIRST = re.compile(r"^\s*(?P<the>[Tt]he\s+)?(?P<other>[Oo]ther)\s+(?=[a-z])(?!than\b)")
_LOOKS = (
    r"(?:colou?r(?:ing|ation|s)?|shape|size|appearance|design|texture|style|pattern|patterns|build"
    r"|height|outfit|clothing|attire|pose|posture|material|hue|features|markings|look|type|kind"
    r"|model|position)"
)
_IT = (
    r"(?:it|them|that one|this one|(?:the\s+)?(?:previous|former|first|last|earlier|above|other"
    r"|latter"
    r"|aforementioned|preceding|second)(?:\s+(?:one|ones|object|item|instance))?"
    r"|the one (?:mentioned |described )?(?:above|before|earlier)|those|the others)"
)
_LIKENESS = re.compile(
    r"\b(?P<like>(?:similar|identical|comparable|equal)"
    rf"(?:\s+(?:in\s+)?(?:\w+\s+)?{_LOOKS}(?:\s+and\s+{_LOOKS})?)?\s+to"
    rf"|the\s+same\s+(?:\w+\s+)?{_LOOKS}(?:\s+and\s+{_LOOKS})?\s+as|much like|just like|like"
    rf"|unlike)"
    rf"\s+(?P<it>{_IT})(?=\s*(?:[.,;)]|$|\b(?:but|and|in|with|which|on|while|except|yet|though"
    rf"|both|is"
    r"|has|also|at|from)\b))",
    re.IGNORECASE,
)
_LIKE = ("similar", "identical", "comparable", "equal", "same", "like")
_THAN = re.compile(
    rf"\bthan\s+(?P<it>{_IT})(?=\s*(?:[.,;)]|$|\b(?:but|and|in|with|which|on|while)\b))",
    re.IGNORECASE,
)
_ALSO = re.compile(r"\s+also\b|\balso\s+", re.IGNORECASE)
_WITHIN = re.compile(
    r"\b(?:and|but|while|which|that|who|with|has|have|wearing|holding|or|if|not only)\b|[.;!?]",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^\s*(?:also|likewise|similarly|additionally|in addition(?: to (?:it|this|that))?|too"
    r"|meanwhile"
    r"|just like before|as before|in contrast|as well)\s*,\s*",
    re.IGNORECASE,
)
_OPENING_PLACE = re.compile(
    r"^\s*(?:right\s+|just\s+|directly\s+|positioned\s+|located\s+|placed\s+|standing\s+"
    r"|sitting\s+)*"
    r"(?:next to|beside|behind|in front of|near|above|below|under|alongside|adjacent to|on top of"
    r"|to the (?:left|right) of|close to|beneath|by|around)\s+"
    r"(?:it|them|this|that|him|her)(?:\s*,\s*|\s+(?=(?:is|are|stands?|sits?|lies?)\b)"
    r"(?:is|are|stands?|sits?|lies?)\s+)(?:there\s+(?:is|are)\s+)?",
    re.IGNORECASE,
)
_TOO = re.compile(r"\s*,?\s+(?:too|as well)(?=\s*(?:[.;!?]|$))(?!\s+as\b)", re.IGNORECASE)
_MENTIONED = re.compile(
    r"\b(?P<the>[Tt]he|[Tt]his)\s+(?:aforementioned|above-mentioned|abovementioned"
    r"|(?:previously|earlier|above|before)[ -](?:mentioned|described|noted))\s+"
    r"|\s*,?\s*\bas\s+(?:mentioned|described|noted|stated)\s+(?:above|earlier|before"
    r"|previously)\b,?"
    r"|\s+(?:mentioned|described)\s+(?:above|earlier|before|previously)\b",
)
_SIMILAR_FIRST = re.compile(r"^\s*(?P<a>[Aa])\s+similar\s+(?=[a-z]+)(?!to\b)")
_MORE = re.compile(
    r"\b(?P<word>larger|smaller|taller|shorter|wider|bigger|darker|lighter|longer)\b"
    r"(?!\s+(?:than|of the)\b)(?!\s+(?!in size\b|with\b|and\b|but\b|in\b)[a-z])",
    re.IGNORECASE,
)
_BY_IT = re.compile(
    r"\b(?:to the (?:left|right) of|next to|beside|behind|in front of|near|above"
    r"|below) (?P<it>it|them)\b",
    re.IGNORECASE,
)
_NP = re.compile(
    r"\b(?:the|an?|its|his|her|their|two|three|several|another|one|some)\s+"
    r"(?!(?:left|right|top|bottom|front|back|side)\b)[a-z]+",
    re.IGNORECASE,
)
_BY_ITSELF = re.compile(r"^\s*(?P<it>[Ii]t|[Ii]ts)\b(?!['’]|\s+is\s+(?:an?|the|one)\b)")


def find_dangling(text: str, category: str = "", other: str = "", own: str = "") -> list[Dangling]:
    """What leans on another caption, in order.

    ``category`` is that of the caption's own segment; ``other`` what to call another segment of
    that category ("the other cow"), "" where there is none; ``own`` the noun of the caption's
    segment with its article ("the cow"), for a caption that begins with "it".

    >>> [(d.start, d.new) for d in find_dangling("Another glass cup of jam.", "cup")]
    [(0, 'A')]
    >>> find_dangling("An orange next to another one.", "orange")
    []
    """
    lower = text.lower()
    if not may_dangle(lower):
        return []
    found: list[Dangling] = []
    for one in _all_dangling(shaded(text), lower, category, other, own):
        if not any(d.start < one.end and one.start < d.end for d in found):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def may_dangle(lower: str) -> bool:
    """Is any of the words there without which no rule applies? Pronouns count in few places."""
    return any(map(lower.__contains__, _STEMS)) or _leans(lower)


def _leans(lower: str) -> bool:
    return lower.startswith("it") or any(map(lower.__contains__, _LEANING))


_LEANING = (
    *(" of it", " of them", " to it", " to them"),
    *(
        f"{place} {pronoun}"
        for place in ("beside", "behind", "near", "above", "below", "under", "alongside", "by")
        for pronoun in ("it", "them", "this", "that", "him", "her")
    ),
)
"""Pronouns after words of place, without which none leans on another caption."""


def _all_dangling(text: str, lower: str, category: str, other: str, own: str) -> Iterator[Dangling]:
    yield from _openings(text, own)
    for match in _LIKENESS.finditer(text) if any(stem in lower for stem in _LIKE) else ():
        if _refers_within(text, match.start("it"), match.group("it")):
            continue
        if other and not match.group("it").lower().startswith("those"):
            yield Dangling(match.start("it"), match.end("it"), other, match.group("it"))
        else:
            yield from _unlikened(text, match)
    for match in _THAN.finditer(text) if "than" in lower else ():
        if not _refers_within(text, match.start("it"), match.group("it")):
            yield Dangling(match.start("it"), match.end("it"), other or None, match.group("it"))
    mentioned = "mention" in lower or "described" in lower or "noted" in lower or "stated" in lower
    for match in _MENTIONED.finditer(text) if mentioned else ():
        new = f"{match.group('the')} " if match.group("the") else ""
        yield Dangling(match.start(), match.end(), new, "said before")
    if "another" in lower:
        yield from _anothers(text, category)
    for match in list(_ALSO.finditer(text))[:1] if "also" in lower else ():
        if not _WITHIN.search(text[: match.start()]):
            new = " " if match.group().startswith(" ") and match.group().endswith(" ") else ""
            yield Dangling(match.start(), match.end(), new, "also")
    for match in list(_TOO.finditer(text))[:1] if "too" in lower or "well" in lower else ():
        if not re.search(r"\b(?:and|but|while|which|who)\b|[.;!?,]", text[: match.start()]):
            yield Dangling(match.start(), match.end(), "", "too")
    for match in list(_BY_IT.finditer(text))[:1] if _leans(lower) else ():
        if len(_NP.findall(text[: match.start()])) <= 1:
            yield Dangling(match.start("it"), match.end("it"), None, match.group())
    if category and "er" in lower:
        for match in _MORE.finditer(text):
            yield Dangling(match.start(), match.end(), None, f"{match.group('word')} than what")


def _openings(text: str, own: str) -> Iterator[Dangling]:
    """What the caption begins with."""
    for pattern, why in ((_OPENING, "before"), (_OPENING_PLACE, "it")):
        match = pattern.match(text)
        if match:
            yield Dangling(match.start(), match.end(), "", why)
    match = _OTHER_FIRST.match(text)
    if match and match.group("the"):
        yield Dangling(match.start("other"), match.end(), "", "other")
    match = _SIMILAR_FIRST.match(text)
    if match:
        yield Dangling(match.end("a") + 1, match.end(), "", "similar")
    match = _BY_ITSELF.match(text)
    if match and own:
        large = match.group("it")[0] == "I"
        name = own[0].upper() + own[1:] if large else own
        new = name if match.group("it").lower() == "it" else f"{name}'s"
        yield Dangling(match.start("it"), match.end("it"), new, "it")


def _anothers(text: str, category: str) -> Iterator[Dangling]:
    """ "another cup" is a cup, unless the caption speaks of a cup before."""
    for match in _ANOTHER.finditer(text):
        before = text[: match.start()]
        words = re.findall(r"[a-z]+", match.group("rest").lower())
        if before.strip() and words[:1] and words[0] in ("one", "object", "area", "set", "example"):
            continue
        if not before.strip():
            yield Dangling(match.start("a"), match.end("a"), _a(match.group("a")), "another")
            continue
        if category and any(fits(word, category) for word in words[:3]):
            continue
        earlier = set(re.findall(r"[a-z]+", before.lower()))
        if any(_same(word, said) for word in words[:3] for said in earlier if len(word) > 2):
            continue
        if _is_about(words, before):
            continue
        yield Dangling(match.start("a"), match.end("a"), _a(match.group("a")), "another")


def _is_about(words: list[str], before: str) -> bool:
    """Has something been named that the other thing may be another of?"""
    people = ("person", "man", "woman", "boy", "girl", "child", "people", "player", "individual")
    if any(word in people for word in words[:2]):
        return bool(
            re.search(
                r"\b(?:person|people|m[ae]n|wom[ae]n|boy|girl|child|kid|player|he|she|his"
                r"|her|\w+er)s?\b",
                before,
                re.IGNORECASE,
            )
        )
    return bool(re.search(r"\b(?:one|each|side|animal|object|piece|first|two)\b", before, re.I))


def _same(word: str, said: str) -> bool:
    return word == said or word + "s" == said or said + "s" == word


def _a(word: str) -> str:
    return "A" if word[0] == "A" else "a"


def _refers_within(text: str, at: int, said: str) -> bool:
    """Does the caption itself name, before, something that "it" may mean?

    Its own segment is the subject, so one noun phrase alone is no antecedent; two are.
    """
    before = re.split(r"[;\n]", text[:at])[-1]
    if said.lower() in ("those", "the others", "the other"):
        return True
    nouns = len(
        re.findall(r"\b(?:the|an?|its|his|her|their|two|another|one)\s+[a-z]", before.lower())
    )
    likeness = re.search(r"\bthe same\s", before.lower()) is not None
    if re.match(r"(?:it|them|that one|this one)$", said, re.IGNORECASE):
        return nouns - likeness > 1
    return False


def _unlikened(text: str, match: re.Match[str]) -> Iterator[Dangling]:
    """ "has similar coloring to it but is small" without a known other is "is small"."""
    verb = re.search(
        r"\b(?:has|have|is|are|bears?|shares?)\s+(?:a\s+|an\s+|very\s+|quite\s+)*$",
        text[: match.start()],
        re.IGNORECASE,
    )
    joined = re.match(r"\s*,?\s*(?:but|and|yet)\s+(?=(?:is|are|has|have)\b)", text[match.end() :])
    if verb and joined:
        yield Dangling(verb.start(), match.end() + joined.end(), "", match.group("it"))
        return
    added = re.search(r"\s*,?\s*(?:with\s+)?(?:an?\s+)?$", text[: match.start()], re.IGNORECASE)
    if not verb and added and match.start() > added.start() > 0:
        start = added.start() if re.search(r"with|,", added.group()) else match.start()
        yield Dangling(start, match.end(), "", match.group("it"))
        return
    yield Dangling(match.start("it"), match.end("it"), None, match.group("it"))
