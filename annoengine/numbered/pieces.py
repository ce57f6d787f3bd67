"""The pieces of an entry: its summary and its text, without what would read as structure."""

from __future__ import annotations

import re

from annoengine.numbered.answer_text import bare
from annoengine.numbered.heads import head_of

INTERACTING = re.compile(
    r"\s*[(\[]\s*(?P<text>interact(?:s|ing|ion)\s+with\b[^()\[\]]*\d[^()\[\]]*)[)\]]", re.IGNORECASE
)
"""A remark in brackets about another mark: "(interacting with 3)"."""

TEXT_LABEL = re.compile(
    r"(?:full |detailed )?(?:description|desc|caption)(?: of the object)?\s*[:–—-]\s*",
    re.IGNORECASE,
)
"""The word before a description: "Description: …"."""

INLINE_ENTRY = re.compile(
    r"(?:(?<=[.;!?)\]|\"”’'])\s+|(?<=;))(?=[#\[(]?\s?#?(?:\d|obj|id\b|mark\b))", re.I
)
"""Where, behind a finished sentence or a semicolon, a number might open an entry."""

_MARK_REFERENCE = re.compile(
    r"\s*(?:\(\s*(?:object|id|mark)?\s*#?\d{1,3}\s*\)|\[\s*(?:object|id|mark)?\s*#?\d{1,3}\s*\])",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"(?:a|an|the|this|that|these|it|there|another)\b", re.IGNORECASE)


def split_summary(text: str, limit_words: int = 12, bare_name: bool = False) -> tuple[str, str]:
    """The summary before the first colon or dash, and the rest; no summary where none is there.

    ``bare_name`` asks more of a summary: at most four words and no article, since the colon of
    the format has already passed ("1: a wall with the words: EXIT").

    >>> split_summary("Person: a man at 3:30 pm"), split_summary("a man at 3:30 pm")
    (('Person', 'a man at 3:30 pm'), ('', 'a man at 3:30 pm'))
    """
    for match in re.finditer(r"\s*:(?!\d)\s*|(?<!\d):\s*|\s+[-–—]+\s+|\s*—\s*", text):
        summary, rest = text[: match.start()].strip(), text[match.end() :].strip()
        words = summary.split()
        dash = ":" not in match.group()
        if not words:
            return ("", rest) if match.start() == 0 and not dash else ("", text)
        most = 4 if bare_name else 6 if dash else limit_words
        if len(words) > most or re.search(r"[.;!?]\s|[;\"“]", summary):
            return "", text
        if (dash or bare_name) and _ARTICLE.match(summary):
            if dash and not bare_name:
                continue
            return "", text
        return summary, rest
    return "", text


def plain(text: str) -> str:
    """The text as an answer keeps it, on one line, without what would read as structure.

    Markdown and doubled spaces go, as do bullets at the start, semicolons at the end, and numbers
    of marks in brackets ("the dog (2)"), which mean nothing to a reader without the drawing. A
    number behind a finished sentence loses what would make an entry of it ("; 4. dog"); a heading
    within a text loses its colon. Twice is as good as once.

    >>> plain("  a **red** dog; 4. cat ; ")
    'a red dog; 4 cat'
    """
    for _ in range(20):
        before, text = text, _plain_once(text)
        if text == before:
            break
    return text


def plain_summary(text: str) -> str:
    """Like :func:`plain`, for a summary: at most 12 words, with no mark that would end it.

    >>> plain_summary("1. Person: tall - and slim")
    'Person, tall, and slim'
    """
    for _ in range(20):
        before = text
        text = re.sub(r"\s*(?:[:;!?\"“”—]|\.(?=\s)|\s[-–]+(?=\s))[\s,]*", ", ", plain(text))
        text = re.sub(r"^(?:\W|and\b(?=\W*\d)|\d+(?=[.):,\s]))+(?=.)", "", text).strip(" ,.;:-–—")
        # A number keeps no mark that would make it the head of another entry: "lane 2) 2."
        text = re.sub(r"(?<=\d)[.)\]]+(?=\s|$)", "", text)
        text = " ".join(text.split()[:12])
        if text == before:
            break
    return text


def without_label(text: str) -> str:
    """The text without "Description:" at its start."""
    label = TEXT_LABEL.match(text)
    return text[label.end() :] if label else text


def _plain_once(text: str) -> str:
    text = bare(text)
    text = re.sub(r"^(?:[#>•|;:–—-]+\s*)+", "", text)
    text = re.sub(r"[;\s]+$", "", text)
    text = without_label(text)
    text = re.sub(rf"([;,.]\s*)(?:{TEXT_LABEL.pattern})", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(the (?:objects|interactions) include)\s*:", r"\1", text, flags=re.IGNORECASE)
    text = INTERACTING.sub(lambda match: " " + match["text"], text)
    text = _MARK_REFERENCE.sub("", text)
    for match in INLINE_ENTRY.finditer(text):
        head = head_of(text[match.end() : match.end() + 400])
        if head is not None and head.ids and head.delimiter:
            return f"{text[: match.end()].rstrip()} {_unmarked(text[match.end() :])}"
    return text


def _unmarked(text: str) -> str:
    """A text that begins like an entry, without the mark behind its first number."""
    return re.sub(r"^(\D*\d+(?:[^\d.):]*\d+)*)\s*[.):\]\s–—=-]+", r"\1 ", text, count=1)
