"""Mends the grammar around what was cut out of a sentence: the verb, the commas, "a" and "an".

Rules on words alone, since the words that stand next to a mark are few and formulaic ("is marked
with 4 and stands", ", labelled 4,"), and a parser errs most in just those places.
"""

from __future__ import annotations

import re

from annoengine.rewriting.draft import Draft, Edit

_FINITE = re.compile(
    r"(?:is|are|was|were|has|have|had|can|does|do|appears?|seems?|looks?|stands?|sits?|lies?|hangs?"
    r"|rests?|faces|features?|wears?|holds?|carries|shows?|extends?|covers?|stretches|runs?|walks?"
    r"|provides?|displays?|contains?|leans?|reaches|occupies|serves?|spans?|fills?|surrounds?"
    r"|eats?|drinks?|plays?|rides?|flies|floats?|adds?|creates?|supports?|borders?|overlaps?)\b",
    re.IGNORECASE,
)
_BE = r"(?:is|are|was|were|has been|have been|appears|appears to be|seems to be)"
_AUX = re.compile(
    rf"(?P<lead>(?:,\s*)?\b(?P<rel>which|that|who)\s+|(?:,\s*)?\s(?P<and>and|but)\s+(?:(?:it|they|this)\s+)?)?"
    rf"\b(?P<be>{_BE})\s+(?:(?:\w+ly|also|all|both)\s+)?$",
    re.IGNORECASE,
)
_OWN_VERB = re.compile(r"(?:has|have|bears?|carries|carry|is|are)\b", re.IGNORECASE)
_PREPOSITION = (
    r"(?:in|on|at|near|next|behind|beside|between|under|above|below|to|from|against|with|by|along"
    r"|across|over|inside|among|atop|around|toward|towards|amid|within|of|for|through|into|outside)\b"
)
_BARE_SUBJECT = re.compile(
    r"\s*(?:it|this|that|they|these|(?:the|this|that|each|all|a|an)(?:\s+of\s+the)?(?:\s+other)?\s+"
    r"[\w-]+)\s*",
    re.IGNORECASE,
)
_ADVERBIAL = re.compile(
    r"\s*(?:in|on|at|near|behind|beside|next|above|below|under|to|with|while|as|along|across|from"
    r"|among|between)\b[^,]*$",
    re.IGNORECASE,
)
_BREAKS = ".!?;\n"


def cut_out(text: str, start: int, end: int) -> Edit:
    """The edit that takes an addition out of its sentence along with what only served it.

    >>> text = "The cup, labelled 4, is red."
    >>> cut_out(text, 9, 19)
    Edit(start=7, end=20, new='')
    """
    if text[end : end + 1] == ")" and text[:start].rstrip().endswith("("):
        start, end = len(text[:start].rstrip()) - 1, end + 1
    before, after = text[:start], text[end:]
    opening = sentence_start(text, start)
    own = _OWN_VERB.match(text, start)
    if own and opening < start:
        return _cut_predicate(text, opening, _last_space(text, start), start, end, finite=True)
    aux = _AUX.search(before)
    if aux and aux.start("be") >= opening:
        if aux.group("rel"):
            return _cut_aside(text, _last_space(text, aux.start("rel")), end)
        if aux.group("and"):
            return _cut_second(text, aux.start("lead"), aux.start("be"), start, end)
        if aux.start("be") == opening:
            return Edit(_last_space(text, start), end, "")
        return _cut_predicate(text, opening, _last_space(text, aux.start("be")), start, end)
    if not before[opening:].strip():
        follows = re.match(r"\s*,\s*|\s+(?:is|are)\s+(?=an?\b|the\b)|\s*", after)
        assert follows is not None
        return Edit(start, end + follows.end(), "")
    return _cut_aside(text, _last_space(text, start), end)


def _cut_aside(text: str, start: int, end: int) -> Edit:
    """A phrase between commas, in brackets, after "and", or just after a noun."""
    before, after = text[:start], text[end:]
    opening = sentence_start(text, start)
    if before.endswith(","):
        if re.match(r"\s*,", after):
            keep = _ADVERBIAL.match(before[opening:-1]) is not None
            comma = after.index(",") + 1
            return Edit(start - 1, end + comma - keep, "")
        if (
            not after.strip()
            or after.lstrip()[0] in ".;!?"
            or re.match(r"\s+(?:and|but|while)", after)
        ):
            return Edit(start - 1, end, "")
        return Edit(start, end, "")
    ends = re.match(r"\s*(?:$|[.,;!?])", after) or _FINITE.match(after.lstrip())
    if re.search(r"\s(?:and|but)$", before) and ends:
        return Edit(start - 4, end, "")
    joined = re.match(r"\s+(?:and|but)\s+(?=\w+(?:ing|ed)\b)", after)
    if joined and re.search(r"\w$", before):
        return Edit(start, end + joined.end() - 1, "")
    if re.match(r"\s*,\s*(?:\w+ing|with)\b", after) and not re.search(r",", before[opening:]):
        # "A cup marked 4, standing on a table": the comma closed the note.
        return Edit(start, end + after.index(",") + 1, "")
    return Edit(start, end, "")


def _cut_second(text: str, lead: int, be: int, start: int, end: int) -> Edit:
    """ "… and is marked 4": the second predicate of its sentence."""
    after = text[end:]
    joined = re.match(r"\s*,?\s*(?:and|but)\s+", after)
    if joined:
        if _FINITE.match(after, joined.end()):
            return Edit(be, end + joined.end(), "")
        return Edit(start, end + joined.end(), "")
    if re.match(rf"\s+(?:{_PREPOSITION}|\w+ing\b)", after):
        return Edit(_last_space(text, start), end, "")
    return Edit(_last_space(text, lead) if text[lead] != "," else lead, end, "")


def _cut_predicate(
    text: str, opening: int, be: int, start: int, end: int, finite: bool = False
) -> Edit:
    """ "The cup is marked 4 …": what becomes of the subject depends on what follows.

    ``be`` is where the verb begins, with the space before it; ``finite``: the verb is in what is
    cut ("has the label 4").
    """
    after = text[end:]
    joined = re.match(r"\s*,?\s*(?:and|but)\s+", after)
    if joined:
        pronoun = re.match(r"(?:it|they)\s+", after[joined.end() :], re.IGNORECASE)
        if pronoun and re.search(r"['’]s\b|\bof\b", text[opening:be]):
            # "The cup's rim is outlined, and it is white": the cup is.
            return Edit(opening, end + joined.end(), "")
        skip = joined.end() + (pronoun.end() if pronoun else 0)
        if finite or _FINITE.match(after, skip):
            return Edit(be, end + skip - 1, "")
        return Edit(start, end + joined.end(), "")
    if not finite and re.match(rf"\s+(?:{_PREPOSITION}|\w+ing\b)", after):
        return Edit(_last_space(text, start), end, "")
    gerund = re.match(r"\s*,\s*(?=\w+ing\b)", after)
    if gerund and not finite:
        return Edit(start, end + gerund.end(), "")
    addition = re.match(r"\s*,(?=\s*(?:with|\w+ing)\b)", after)
    if addition:
        return Edit(be, end + addition.end(), "")
    closed = re.match(r"\s*(?:[.;!?]+|$)", after)
    if closed and _BARE_SUBJECT.fullmatch(text[opening:be]):
        rest = text[:opening].strip() + after[closed.end() :].strip()
        if rest:
            return Edit(opening, end + closed.end(), "")
    return Edit(be, end, "")


def sentence_start(text: str, at: int) -> int:
    """Where the sentence, or the part of it after a semicolon, begins."""
    found = max(text.rfind(mark, 0, at) for mark in _BREAKS) + 1
    while found < at and text[found] in " \t-*":
        found += 1
    return found


def _last_space(text: str, at: int) -> int:
    while at > 0 and text[at - 1] in " \t":
        at -= 1
    return at


_TIDY = [
    (re.compile(r"[ \t]*[(\[<][ \t,;]*[)\]>]"), ""),
    (re.compile(r"(?<=\S)[ \t]{2,}"), " "),
    (re.compile(r"[ \t]+(?=[,;:!?)]|\.(?!\.|\d))"), ""),
    (re.compile(r"(?<=\()[ \t]+"), ""),
    (re.compile(r",(?:\s*,)+"), ","),
    (re.compile(r"(?:,\s*|\s+)(?:and|or|but)\s*(?=[.;!?](?:\s|$)|$)"), ""),
    (re.compile(r"\b(and|or|but),?\s+(?:and|or|but)\b"), r"\1"),
    (re.compile(r",\s*(?=[.;:!?])"), ""),
    (re.compile(r";\s*(?=\.)"), ""),
    (re.compile(r"(?<=[.!?])[ \t]*[,;]"), ""),
    (re.compile(r"(?<![.\s])[ \t]*\.[ \t]+\.(?!\.)"), "."),
    (re.compile(r"(?<!\.)\.\.(?!\.)"), "."),
    (re.compile(r"^[\s,;:.!?–—-]+"), ""),
    (re.compile(r"[ \t,;]+$"), ""),
]
_ARTICLE = re.compile(r"\b([Aa])(n?) (?=([A-Za-z][\w-]*))")
_VOWEL = re.compile(
    r"(?!one\b|one-|once|uni(?!n|m)|us[eu]|eu|ufo|u-)[aeiou]|hour|honest|heir", re.I
)
_START = re.compile(r"(?:^|(?<=[.!?])\s+|\n\s*)([a-z])")


def tidy(draft: Draft) -> None:
    """Mends spaces, commas, articles and capitals of a text that was changed."""
    if draft.text == draft.tidied:
        return
    for _ in range(3):
        before = draft.text
        for pattern, new in _TIDY:
            found = [Edit(m.start(), m.end(), m.expand(new)) for m in pattern.finditer(draft.text)]
            if found:
                draft.apply(found)
        if draft.text == before:
            break
    articles = []
    for match in _ARTICLE.finditer(draft.text):
        word = match.group(3)
        if word.isupper():
            continue
        n = "n" if _VOWEL.match(word) else ""
        if n != match.group(2):
            articles.append(Edit(match.end(1), match.end(1) + len(match.group(2)), n))
    draft.apply(articles)
    if begins_large(draft.old):
        draft.apply(
            [Edit(m.start(1), m.end(1), m.group(1).upper()) for m in _START.finditer(draft.text)]
        )
    _end(draft)
    draft.tidied = draft.text


def _end(draft: Draft) -> None:
    """A full stop at the end where there was one."""
    final = draft.old.rstrip()[-1:]
    if final in (".", "!") and draft.text and draft.text.rstrip()[-1] not in ".!?…\"'”’)":
        end = len(draft.text.rstrip())
        draft.apply([Edit(end, end, final)])


def begins_large(text: str) -> bool:
    """Do the sentences of a text begin with capitals?

    >>> begins_large("A cup. It is red."), begins_large("a cup. it is red."), begins_large("4: Cup")
    (True, False, True)
    """
    starts = re.findall(r"(?:^\W*\d*\W*|[.!?]\s+)([A-Za-z])", text)
    return bool(sum(letter.isupper() for letter in starts) * 2 >= len(starts))
