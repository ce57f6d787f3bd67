"""Settles where each box of a caption belongs, and takes out clauses that tell nothing but a box.

Works on a text in which every box is one private character. Rules, nearest first: the clause that
only says a box; a box behind its own phrase; a box behind words of place or a verb, which is that
of the sentence's nearest phrase; a box in front of its phrase. Each rule leaves a text on which it
changes nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from annoengine.pancap.box_phrases import (
    content_words,
    first_of_chain,
    is_place,
    nearest_phrase,
    opens_with_place,
    phrase_behind,
    phrases_before,
    sentence_start,
)
from annoengine.pancap.caption_boxes import BoxForm

_BOX = r"(?:bounding[ -]?box(?:es)?|bbox(?:es)?|box(?:es)?|coordinates|location|position)"
_LEAD = r"(?P<lead>^|,?\s+(?:and|while|where|with)\s+|[,;]\s+|;\s*)"
_NO_OWNER = r"(?!(?:and|which|where|that|who)\b)"
_OWNER = rf"(?P<owner>(?:{_NO_OWNER}[^\s,;:]+\s+){{0,6}}?{_NO_OWNER}[^\s,;:]+?)"
_IS = (
    r"(?:\s+(?:is|are|being|would be|is given (?:as|by)|spans|covers|lies))?"
    r"(?:\s+(?:at|of|as|in|approximately))*\s*[:=]?\s*"
)
_BOX_OF = (
    re.compile(rf"{_LEAD}{_OWNER}['’]s?\s+{_BOX}{_IS}$", re.IGNORECASE),
    re.compile(rf"{_LEAD}(?:(?:the|a|its)\s+)?{_BOX}\s+(?:of|for)\s+{_OWNER}{_IS}$", re.IGNORECASE),
    re.compile(rf"{_LEAD}(?P<owner>its|their|his|her|whose)\s+{_BOX}{_IS}$", re.IGNORECASE),
)
_SEEN = r"(?:located|positioned|situated|found|placed|seen|visible|bounded|enclosed)"
_WHERE = rf"(?:\s+(?:at|in|within|around|by|from|the|area|region|{_BOX}))*\s*[:=]?\s*"
_AT = (
    re.compile(
        rf"{_LEAD}{_OWNER}\s+(?:is|are|was|were|can be|could be)"
        rf"(?:\s+(?:also|\w+ly))?(?:\s+{_SEEN})?{_WHERE}$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_LEAD}{_OWNER}\s+(?:spans|covers|occupies|fills|span|cover|occupy|fill){_WHERE}$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?P<lead>,?\s+(?:and|which|that|who)\s+)(?P<owner>)(?:(?:is|are)\s+)?(?:\w+ly\s+)?"
        rf"(?:{_SEEN}|spans|covers|occupies|fills){_WHERE}$",
        re.IGNORECASE,
    ),
)
_CLAUSE_END = re.compile(r"\s*(?:[.;!?]|$|\n)")
_GOES_ON = re.compile(r"\s*,?\s*(?:and|while)\s+(?=(?:it|its|they|he|she|the|a|an|this)\b)", re.I)
_ASIDE = re.compile(rf",?\s*\b(?:{_SEEN}|spanning|covering|occupying){_WHERE}$", re.IGNORECASE)
_BARE_AT = re.compile(
    rf",?\s+(?:at|within|around|in)(?:\s+the)?(?:\s+{_BOX})?\s*[:=]?\s*$", re.IGNORECASE
)
_BARE_BOX = re.compile(
    rf",?\s*\b(?:with\s+)?(?:(?:the|a|its)\s+)?{_BOX}(?:\s+(?:of|at|is))?\s*[:=]?\s*$",
    re.IGNORECASE,
)
_BE = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+\w+$", re.IGNORECASE)
_LOOK_BACK = 400
"""Characters before a box in which its clause is looked for: no clause is longer."""

_PRONOUNS = frozenset({"", "it", "its", "they", "their", "he", "his", "she", "her", "whose"})


def settle(text: str, forms: Mapping[str, BoxForm]) -> str:
    """The text with every box behind its phrase.

    ``forms`` has how each box was brought in, in the order of the text.
    """
    done: set[str] = set()
    for char, form in forms.items():
        start = text.find(char)
        if char in done or start < 0:
            continue
        end = start + 1
        # In a row the first tells for all.
        while forms.get(text[end : end + 1]) == form and text[end] not in done:
            end += 1
        done.update(text[start:end])
        text = _settled(text[:start], text[start:end], text[end:], form)
    return text


def _settled(before: str, boxes: str, after: str, form: BoxForm) -> str:
    if form == "box of":
        for pattern in _BOX_OF:
            clause = _matched(pattern, before)
            if clause is not None:
                return _without_clause(before, clause, boxes, after)
    elif form == "at":
        if _CLAUSE_END.match(after) or _GOES_ON.match(after) or after.startswith((", ", " and ")):
            for pattern in _AT:
                clause = _matched(pattern, before)
                if clause is not None:
                    return _without_clause(before, clause, boxes, after)
        before, after = _without_words(before, after)
    bare = _BARE_BOX.search(before[-_LOOK_BACK:])
    if bare is not None and bare.start() > 0:
        before = before[: len(before) - len(bare.group())]
    return _attached(before, boxes, after, form)


@dataclass(frozen=True)
class _Clause:
    """A clause that only tells a box; ``start`` with its conjunction, ``kept`` without it.

    ``nearest``: it is about what stands before it ("a table, which spans [[…]]").
    """

    start: int
    kept: int
    owner: str
    opens: bool
    nearest: bool


def _matched(pattern: re.Pattern[str], before: str) -> _Clause | None:
    since = sentence_start(before, len(before))
    window = max(since, len(before) - _LOOK_BACK)
    found = pattern.search(before[window:])
    if found is None:
        return None
    start = window + found.start()
    opens = not found["lead"].strip(" ,;") and not before[since:start].strip()
    words = f"{found['lead']} {found['owner']}"
    nearest = bool(re.search(r"\b(?:which|that|who|whose)\b", words))
    return _Clause(start, window + found.end("lead"), found["owner"].strip(), opens, nearest)


def _without_clause(before: str, clause: _Clause, boxes: str, after: str) -> str:
    """The text without a clause that only tells a box, or with it as "… can be seen"."""
    since = sentence_start(before, len(before))
    target = _spoken_of(before, since, clause.start, clause.owner, clause.nearest)
    ends, goes_on = _CLAUSE_END.match(after), _GOES_ON.match(after)
    if target is None or (clause.opens and not ends and not goes_on):
        owner = clause.owner or "it"
        owner = _capital(owner) if clause.opens else owner
        return f"{before[: clause.kept]}{owner}{boxes} can be seen{after}"
    if not clause.opens:
        kept, rest = before[: clause.start].rstrip(" ,;"), after
        aside = clause.nearest and before[clause.start : clause.kept].lstrip().startswith(",")
        rest = rest.removeprefix(",") if aside else rest
        if rest[:1] not in ("", ".", ",", ";", "!", "?", " ", "\n"):
            rest = " " + rest
    elif ends:
        # The sentence goes with its full stop.
        kept, rest = before[:since].rstrip(" "), re.sub(r"^\s*[.;!?]+", "", after)
        if not kept or kept.endswith("\n"):
            rest = rest.lstrip(" ")
    else:
        assert goes_on is not None
        kept, rest = before[:since], _capital(after[goes_on.end() :])
    target = _past_boxes(kept, target)
    return kept[:target] + boxes + kept[target:] + rest


def _spoken_of(before: str, since: int, start: int, owner: str, nearest: bool) -> int | None:
    """Where a phrase ends, before ``start``, that names whom a clause is about; else None."""
    if owner.lower() in _PRONOUNS:
        found = phrases_before(before, start, since)
        named = [s for s in found if not is_place(before[s[0] : s[1]])]
        if named:
            # "Behind the man is a dog; its bounding box is [[…]]" is about the dog.
            opening = len(named) > 1 and opens_with_place(before, since)
            return named[0 if nearest else -2 if opening else -1][1]
        earlier = sentence_start(before, max(since - 1, 0))
        found = phrases_before(before, max(since - 1, 0), earlier)
        named = [s for s in found if not is_place(before[s[0] : s[1]])]
        return named[-1][1] if named else None
    wanted = content_words(owner)
    end, begin = start, since
    while wanted:
        for stretch in phrases_before(before, end, begin):
            phrase = before[stretch[0] : stretch[1]]
            words = re.findall(r"[^\W_]+", phrase.lower())
            last = re.findall(r"[^\W_]+", owner.lower())[-1]
            if wanted <= content_words(phrase) and content_words(words[-1]) == content_words(last):
                return stretch[1]
        if begin == 0:
            return None
        end, begin = begin, sentence_start(before, max(begin - 1, 0))
    return None


def _without_words(before: str, after: str) -> tuple[str, str]:
    """Takes out what leads to a box that is said by a verb, where its sentence says more."""
    aside = _ASIDE.search(before)
    if aside is not None and not _BE.search(re.sub(r"\s+(?:at|in|within|around)\s*$", "", before)):
        kept = before[: aside.start()]
        if aside.group().startswith(",") and after.startswith(","):
            after = after[1:]
        return kept, after
    bare = _BARE_AT.search(before)
    return (before[: bare.start()], after) if bare is not None else (before.rstrip(), after)


def _attached(before: str, boxes: str, after: str, form: BoxForm) -> str:
    """The text with a box at the end of the phrase that it belongs to."""
    if before.endswith(":"):
        before = before.rstrip(" :")
    first = first_of_chain(before, len(before))
    if first is not None and form != "with" and _is_behind(before, first):
        return before + boxes + after  # "the second cup from the left [[…]]"
    stretch = first if form == "with" else nearest_phrase(before, len(before))
    if stretch is None or is_place(before[stretch[0] : stretch[1]]):
        at_start = not before or before[-1] in "\n "
        rest = after.lstrip(" ") if at_start else after
        behind = phrase_behind(before + rest, len(before))
        if behind is not None:
            whole = before + rest
            end = _past_boxes(whole, behind[1])
            return whole[:end] + boxes + whole[end:]
    if stretch is None:
        return before + boxes + after
    end = _past_boxes(before, stretch[1])
    return before[:end] + boxes + before[end:] + after


def _past_boxes(text: str, at: int) -> int:
    """The place behind the boxes that stand at ``at`` already."""
    while "\ue000" <= text[at : at + 1] <= "\uf8ff":
        at += 1
    return at


def _is_behind(before: str, first: tuple[int, int]) -> bool:
    """Does a text end with a phrase, of which ``first`` is the first part, that names a thing?"""
    nearest = phrases_before(before, len(before))[0]
    return nearest[1] == len(before) and not is_place(before[first[0] : first[1]])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
