"""Finds where a caption speaks of a mark: "object 3", "[2]", "the person labelled 4", "next to #5".

By patterns over a text whose quotations are blotted out, the surest first. A number counts only
where it is one of the record's marks, unless the words leave no doubt ("object 9"); a number that
things in pictures bear (a bus, a jersey, a route, a height, a time) is left alone. Where the
category of the marked segment is known, a noun must fit it: "person 4" is a reference where 4 is a
person, and "platform 4" where it is a platform.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from annoengine.categories import fits, named, words_of
from annoengine.noun_phrase import singular
from annoengine.rewriting.mark_numbers import known_and_unknown, list_end, numbers_in
from annoengine.rewriting.mark_patterns import (
    BARE,
    BARE_NP,
    BEARERS,
    BEARING,
    BRACKET,
    DISPLAYED_AFTER,
    DISPLAYED_BEFORE,
    GENERIC,
    INDEFINITE_NP,
    LEAD,
    NAME,
    NAME_WORDS,
    NOTE,
    NOUN,
    NUMBER_WORD,
    NUMBERED,
    ONE,
    PAIR,
    STRONG,
    WEAK,
    WORDS,
    WRAP,
    N,
)
from annoengine.rewriting.shade import shaded

Kind = Literal["name", "note", "lead", "wrap"]
"""``name`` stands for the segments themselves, ``note`` only adds their numbers to words that name
them, ``lead`` is a number before the whole text, ``wrap`` the brackets of a grounded phrase."""


@dataclass(frozen=True)
class Reference:
    """``text[start:end]`` speaks of the marks ``numbers``.

    ``noun`` is the caption's own word for what is marked, where it has one; ``unknown`` are numbers
    that no mark of the record has. ``possessive``: the stretch ends in "'s".
    """

    start: int
    end: int
    numbers: tuple[int, ...]
    kind: Kind = "name"
    noun: str = ""
    unknown: tuple[int, ...] = ()
    possessive: bool = False


def find_references(
    text: str, numbers: Collection[int], categories: Mapping[int, str] | None = None
) -> list[Reference]:
    """The references to marks in a text, in order; ``numbers`` are those of the record's marks.

    ``categories`` tells for each number the category of its segment, where it is known.

    >>> [text_ref.numbers for text_ref in find_references("Objects 2 and 5 are by bus 32.", {2, 5})]
    [(2, 5)]
    >>> find_references("A bus with the number 2 on its side.", {2})
    []
    """
    if not may_refer(text):
        return []
    shade = shaded(text)
    known = categories or {}
    found: list[Reference] = []

    def free(reference: Reference) -> bool:
        return not any(r.start < reference.end and reference.start < r.end for r in found)

    for finder in (_wraps, _leads, _notes, _brackets, _names, _nouns, _numbered, _bare):
        found += [r for r in finder(shade, frozenset(numbers), known) if free(r)]
    # A number's closing quotation mark was blotted out to a space.
    found = [
        replace(r, end=r.end + 1)
        if text[r.end : r.end + 1] in tuple("\"”'’") and shade[r.end] == " "
        else r
        for r in found
    ]
    return sorted(found, key=lambda reference: reference.start)


_DIGIT = re.compile(r"\d")
_IN_WORDS = re.compile(
    rf"\b(?:objects?|regions?|segments?|instances?)\s+(?:{'|'.join(WORDS)})\b", re.IGNORECASE
)


def may_refer(text: str) -> bool:
    """Is there a number at all, without which no rule applies?"""
    if _DIGIT.search(text):
        return True
    lower = text.lower()
    nouns = ("object", "region", "segment", "instance")
    return any(noun in lower for noun in nouns) and bool(_IN_WORDS.search(text))


Marks = frozenset[int]
Categories = Mapping[int, str]


def _wraps(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    for match in WRAP.finditer(text):
        numbers, unknown = known_and_unknown(numbers_in(match.group("list")), marks)
        yield Reference(match.start(), match.start("phrase"), numbers, "wrap", "", unknown)
        yield Reference(match.end() - 1, match.end(), numbers, "wrap", "", ())


def _leads(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    match = LEAD.match(text)
    if match is None:
        return
    number = int(match.group("a") or match.group("b") or match.group("c"))
    rest = text[match.end() :]
    if (number in marks and (match.group("a") is None or match.group().rstrip()[-1] in ":.-–")) or (
        number in marks and re.match(r"(?:an?|the|this|another|\w+ing)\b", rest, re.IGNORECASE)
    ):
        yield Reference(0, match.end(), (number,), "lead")


def _fitting(noun: str, numbers: Collection[int], categories: Categories) -> bool:
    """Does a noun fit the category of each number? Where none is known, is it any category's?"""
    if not noun:
        return False
    if not categories:
        return bool(named(noun))
    return all(number in categories and fits(noun, categories[number]) for number in numbers)


def _np_before(
    text: str, at: int, numbers: tuple[int, ...], categories: Categories
) -> tuple[int, str] | None:
    """Where "the giraffe" or "the one" begins that ends right before; None for any other words."""
    before = text[:at]
    one = ONE.search(before)
    if one:
        return one.start(), ""
    match = BARE_NP.search(before)
    if match is None:
        return None
    noun = match.group("noun")
    if GENERIC.match(noun):
        return match.start(), ""
    if " " in noun.strip():
        first, last = noun.split()[0], noun.split()[-1]
        if first.lower() == "other" and GENERIC.match(last):
            return match.start(), ""
        listed = {head for n in numbers for head in words_of(categories.get(n, "region")).heads}
        if noun.lower() not in listed:
            return None
    # Without a category nothing better can be said than what stands there.
    if categories and _fitting(noun, numbers, categories):
        return match.start(), noun
    return None


def _note(
    text: str,
    start: int,
    end: int,
    numbers: tuple[int, ...],
    unknown: tuple[int, ...],
    categories: Categories,
) -> Reference:
    if len(numbers) == 1 and not unknown:
        head = _np_before(text, start, numbers, categories)
        if head is not None:
            possessive = bool(re.match(r"['’]s\b", text[end:]))
            return Reference(
                head[0], end + 2 * possessive, numbers, "name", head[1], (), possessive
            )
    bare = text[:start].strip()
    if len(numbers) == 1 and bare.isalpha() and bare[0].isupper() and categories:
        one = singular(bare.lower()) == bare.lower()
        one = one and _fitting(bare, numbers, categories)
        if one and words_of(categories[numbers[0]]).countable:
            return Reference(text.index(bare), end, numbers, "name", bare, unknown)
    generic = _np_before(text, start, (), {})
    if generic is not None and generic[1] == "" and (numbers or unknown):
        return Reference(generic[0], end, numbers, "name", "", unknown)
    return Reference(start, end, numbers, "note", "", unknown)


def _notes(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    for match in NOTE.finditer(text):
        group = next(
            name
            for name in ("list", "list2", "list3", "list4", "list5", "list6")
            if match.group(name)
        )
        end, said = list_end(text, match, group, marks, plural=False)
        if end == match.end(group):
            end = match.end()
        numbers, unknown = known_and_unknown(numbers_in(said), marks)
        clear = re.search(rf"\b(?:{STRONG})\b", match.group(), re.I) or group in (
            "list4",
            "list5",
            "list6",
        )
        central = re.search(r"cent(?:er|re)|middle", text[match.end(group) : end], re.IGNORECASE)
        if not numbers and not clear:
            continue
        if not clear and DISPLAYED_AFTER.match(text, match.end(group)):
            continue
        if not clear and not _may_be_mark(text, match, group, numbers, categories, bool(central)):
            continue
        yield _note(text, match.start(), end, numbers, unknown, categories)


def _may_be_mark(
    text: str,
    match: re.Match[str],
    group: str,
    numbers: tuple[int, ...],
    categories: Categories,
    central: bool,
) -> bool:
    """Is a number that something is said to be marked with a drawn one, and not painted on it?"""
    before = text[: match.start()]
    words = re.findall(r"[\w-]+", re.split(r"[.;!?]\s", before.lower())[-1])
    bearer = any(word in BEARERS for word in words[-3:])
    numeric = re.search(r"\b(?:id|ids|numeric|index)\b", match.group(), re.IGNORECASE)
    if numeric or not categories:
        return bool(numeric or central or not (group == "list3" or bearer))
    nouns = [word for word in reversed(words[-12:]) if _fitting(word, numbers, categories)]
    after = re.match(r"\s*,?\s+the\s+([\w-]+)", text[match.end() :])
    if after and _fitting(after.group(1), numbers, categories):
        nouns.append(after.group(1))
    generic = bool(words) and any(
        GENERIC.match(word) or word in ("one", "it", "this", "these") for word in words[-3:]
    )
    if not nouns and not generic:
        # "A boat marked 5" where 5 is a person: painted on the boat.
        return not words or not any(named(word) for word in words[-4:])
    painted = bearer or any(categories[number] in BEARING for number in numbers)
    indefinite = INDEFINITE_NP.search(before) is not None
    if group == "list3":
        return central or (not painted and not indefinite)
    return not (painted and indefinite and not central and "label" not in match.group().lower())


def _brackets(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    for match in BRACKET.finditer(text):
        numbers, unknown = known_and_unknown(numbers_in(match.group("list")), marks)
        clear = match.group("word") or match.group("open") in "[<{" or "mark" in match.group()
        if (unknown and not clear) or (not numbers and match.group("open") == "<"):
            continue
        word = match.group("word") or ""
        plain = re.fullmatch(rf"{STRONG}|{WEAK}|{NUMBER_WORD}", word, re.IGNORECASE)
        if word and not plain and not (numbers and _fitting(word, numbers, categories)):
            continue
        before = text[: match.start()].rstrip().lower()
        last = re.search(r"([a-z]+)$", before)
        if last and not unknown and numbers and _takes_object(last.group(1), before):
            yield Reference(match.start(), match.end(), numbers)
            continue
        if (
            re.search(r"(?:jersey|shirt|number|sign|plate|bib|clock|score(?:board)?)s?$", before)
            and not word
        ):
            continue
        yield _note(text, match.start(), match.end(), numbers, unknown, categories)


def _takes_object(last: str, before: str) -> bool:
    """Does the sentence need a noun phrase after this word: "follows [1]", "next to (2)"?"""
    if last in _OPENERS:
        return True
    verb = last.endswith(("ing", "s")) and not last.endswith(("ss", "us"))
    subject = re.search(
        r"\b(?:the|an?|this|it|he|she|they|is|are|\w+s)\s+(?:[\w-]+\s+){0,4}$", before[: -len(last)]
    )
    return verb and bool(subject) and not named(last) and last not in ("its", "this", "his")


def _names(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    strong = re.compile(rf"(?:{STRONG})$", re.IGNORECASE)
    for match in NAME.finditer(text):
        head = match.group("head").lower()
        many = head.endswith("s") or head in ("entities",)
        end, said = list_end(text, match, "list", marks, plural=many)
        numbers, unknown = known_and_unknown(numbers_in(said), marks)
        if not numbers and not strong.match(head):
            continue
        possessive = bool(re.match(r"['’]s\b", text[end:]))
        yield Reference(
            match.start(),
            end + 2 * possessive,
            numbers,
            unknown=unknown,
            possessive=possessive,
        )
    for match in NAME_WORDS.finditer(text):
        numbers, unknown = known_and_unknown(numbers_in(match.group("list")), marks)
        if numbers and not unknown:
            possessive = bool(match.group("poss"))
            yield Reference(match.start(), match.end(), numbers, possessive=possessive)


_MODIFIED = re.compile(
    r"\b(?:the|an?|this|that|another|each|every|one|his|her|its|their|two|three|some|several"
    r"|other)\s+"
    r"(?:(?!\w+(?:ing|[^s]s)\b)[\w-]+\s+){0,3}$",
    re.IGNORECASE,
)
_DETERMINERS = frozenset("the this that these those both".split())
_OPENERS = frozenset(
    "unlike along versus and or of to with by near beside behind above below between from as"
    " like than is are on in at"
    " for over under past opposite while facing toward towards".split()
)


def _nouns(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    """ "person 4", "giraffes 2 and 3", "the tall man 4"."""
    at = 0
    while match := NOUN.search(text, at):
        at = match.start("list")
        noun = match.group("noun")
        many = noun.lower().endswith("s") or noun.lower() in ("people", "men", "women", "children")
        end, _said = list_end(text, match, "list", marks, plural=many)
        more = re.compile(rf"(?:\s*,\s*|\s*,?\s+and\s+)(?:the\s+)?{noun}s?\s+{N}", re.IGNORECASE)
        while again := more.match(text, end):
            end = again.end()
        numbers, unknown = known_and_unknown(numbers_in(text[match.start("list") : end]), marks)
        at = max(at, end)
        if unknown or not _fitting(noun, numbers, categories) or GENERIC.match(noun):
            continue
        if not categories and named(noun)[:1] and named(noun)[0] in BEARING:
            continue
        possessive = bool(re.match(r"['’]s\b", text[end:]))
        before = (match.group("before") or "").strip()
        low = before.lower()
        start_of_all = not before and not re.search(r"[\w'’]\s*$", text[: match.start("noun")])
        if low in _DETERMINERS:
            start = match.start("before")
        elif low in _OPENERS or start_of_all or not _MODIFIED.search(text[: match.start("noun")]):
            start = match.start("noun")
        else:
            yield Reference(match.end("noun"), end, numbers, "note")
            continue
        yield Reference(start, end + 2 * possessive, numbers, "name", noun, (), possessive)


def _numbered(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    for match in NUMBERED.finditer(text):
        end, said = list_end(text, match, "list", marks, plural="numbers" in match.group().lower())
        numbers, unknown = known_and_unknown(numbers_in(said), marks)
        if not numbers or unknown or DISPLAYED_AFTER.match(text, end):
            continue
        possessive = bool(re.match(r"['’]s\b", text[end:]))
        before = re.search(r"(?:(\w+)\s+)?\b([A-Za-z]+)\s+$", text[: match.start()])
        fit = before and not match.group("det") and _fitting(before.group(2), numbers, categories)
        if fit and before and categories:
            if before.group(1) is None or before.group(1).lower() in _OPENERS:
                yield Reference(
                    before.start(2),
                    end + 2 * possessive,
                    numbers,
                    "name",
                    before.group(2),
                    (),
                    possessive,
                )
            else:
                yield _note(text, match.start(), end, numbers, (), categories)
            continue
        if DISPLAYED_BEFORE.search(text[: match.start()]):
            continue
        yield Reference(match.start(), end + 2 * possessive, numbers, possessive=possessive)


def _bare(text: str, marks: Marks, categories: Categories) -> Iterator[Reference]:
    for match in [*BARE.finditer(text), *PAIR.finditer(text)]:
        numbers, unknown = known_and_unknown(numbers_in(match.group("list")), marks)
        if numbers and not unknown:
            possessive = bool(match.group("poss"))
            yield Reference(match.start("list"), match.end(), numbers, possessive=possessive)
