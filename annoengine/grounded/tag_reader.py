"""Reads the tags of a caption in one pass over its brackets.

The rules stand in ``annoengine.grounded.tags``; here is how they are kept: one tag is open at
most, the one before it may still grow, and brackets that outer or doubled tags left owing are
counted until their sentence ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from annoengine.grounded.tag_faults import TagFault, quote
from annoengine.grounded.tag_heads import CLOSE, Head, head_at
from annoengine.grounded.word_edges import needs_space
from annoengine.record import Span

_TOKEN = re.compile(
    r"(?P<end></\s*(?:\d+(?:\s*,\s*\d+)*)?\s*>)"
    r"|(?P<open><|&lt;|&#0*60;|&#x0*3c;|[＜〈《⟨])"
    rf"|(?P<close>{CLOSE})|(?P<square>[\[【])",
    re.IGNORECASE,
)
_SQUARE_PHRASE = re.compile(r"(?P<phrase>[^\[\]【】<>]*?[^\W\d][^\[\]【】<>]*)[\]】]")
_SENTENCE_END = re.compile(r"[.!?][\"”’')\]]*(?:\s|$)|\n[^\S\n]*\n")
LINE_BREAK = re.compile(r"\s*[\n\r\v\f\u0085\u2028\u2029]\s*")
_LOOSE_MARKS = " \t\r\n,;:–—-"
_LOOSE_WORDS = frozenset(
    "and or with of in on at by to from near behind beside under over above below for the"
    " a an".split()
)
_GLUED = re.compile(r"\d{1,3}(?!(?:st|nd|rd|th)\b)[^\W\d_]{3,}")
"""``11skateboard``, but not ``2nd`` or ``7up``: two ids, perhaps, where no space comes before."""

Reading = tuple[str, tuple[Span, ...], tuple[TagFault, ...]]
"""The text without tags, the spans, and the faults in the order of their places."""


def read_tags(raw: str) -> Reading:
    """What the tags of a text without markup say. Never raises on any text."""
    return _Reader(raw).read()


@dataclass
class _Open:
    """A tag while it is read: where it begins in what is read and in what is given."""

    head: Head
    start: int
    begin: int
    kinds: list[str] = field(default_factory=list)


class _Reader:
    """One pass over the brackets of a text, with the tag that is open and the one before it."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.place = 0
        self.out = ""
        self.spans: list[Span] = []
        self.faults: list[TagFault] = []
        self.current: _Open | None = None
        self.closed: tuple[_Open, int] | None = None  # the tag before, and the place behind it
        self.owed = 0  # brackets of outer and doubled tags that are still to come
        self.gap = False  # a space that the next word must have before it

    def read(self) -> Reading:
        while token := _TOKEN.search(self.raw, self.place):
            self._emit(self.raw[self.place : token.start()])
            self.place = token.end()
            getattr(self, f"_take_{token.lastgroup}")(token)
        self._emit(self.raw[self.place :])
        if self.current is not None:
            self._abandon(self.current, "unclosed", len(self.raw))
        faults = sorted(self.faults, key=lambda fault: fault.start)
        return self.out, tuple(self.spans), tuple(faults)

    def _emit(self, text: str) -> None:
        if not text:
            return
        if self.current is not None:
            joined = LINE_BREAK.sub(" ", text)
            if joined != text:
                self.current.kinds.append("line_break")
            text = joined
        elif self.closed is not None and _SENTENCE_END.search(text):
            self.closed, self.owed = None, 0
        if text[0].isalnum() and (self.gap or self._runs_into(text[0])):
            text = f" {text}"
        self.gap = False
        self.out += text

    def _fault(
        self, kind: str, start: int, end: int, mended: bool, ids: tuple[int, ...] = (),
        span: int | None = None,
    ) -> None:  # fmt: skip
        words = quote(self.raw[start:end])
        self.faults.append(TagFault(kind, start, words, mended, ids, span))

    # One method for each token.

    def _take_end(self, token: re.Match[str]) -> None:
        if self.current is not None:
            self.current.kinds.append("no_colon")
            self._close(token.end())
        elif self.closed is not None and self.closed[1] == token.start():
            self._fault("doubled_bracket", self.closed[0].start, token.end(), True)
        else:
            self._fault("stray_bracket", token.start(), token.end(), False)

    def _take_open(self, token: re.Match[str]) -> None:
        start, bracket = token.start(), token.group()
        head = head_at(self.raw, token.end())
        following = _TOKEN.search(self.raw, token.end() if head is None else head.end)
        if head is None:
            self._open_without_id(token, following)
            return
        closes = (
            head.separator != "colon"
            and following is not None
            and following.lastgroup in ("close", "end")
            and not _SENTENCE_END.search(self.raw[head.end : following.start()])
        )
        if head.separator == "none" or (head.separator in ("article", "other") and not closes):
            if not closes:
                self._stray(token)
            elif following is not None:
                self._drop_brackets(token, following, "no_colon")
            return
        self._end_outer(start)
        if head.separator == "bracket" and not (closes and self._has_words(head, following)):
            self._fault("bare_id", start, head.end, False, head.ids)
            self.place = head.end
            self._tidy()
            return
        tag = _Open(head, start, len(self.out), list(head.kinds))
        if head.separator != "colon":
            tag.kinds.append("no_colon")
        if len(bracket) > 1:
            tag.kinds.append("entities")
        elif bracket != "<":
            tag.kinds.append("wide_characters")
        self._begin(tag)

    def _open_without_id(self, token: re.Match[str], following: re.Match[str] | None) -> None:
        if token.group() != "<" or following is None:
            self._stray(token)
            return
        between = self.raw[token.end() : following.start()]
        if following.lastgroup == "open" and not between.strip():
            self._fault("doubled_bracket", token.start(), following.end(), True)
            # Its second closing bracket may be missing; a sentence's end writes that off.
            self.owed += 1
            self.place = following.start()
        elif following.lastgroup == "close" and not _SENTENCE_END.search(between):
            self._drop_brackets(token, following, "no_id")
        else:
            self._stray(token)

    def _take_close(self, token: re.Match[str]) -> None:
        ascii_close = token.group() == ">"
        if self.current is not None:
            if len(token.group()) > 1:
                self.current.kinds.append("entities")
            elif not ascii_close:
                self.current.kinds.append("wide_characters")
            self._close(token.end())
            return
        if not ascii_close and self.closed is None:
            self.out += token.group()
            return
        if self.owed:
            self.owed -= 1
            return
        if self.closed is None:
            self._stray(token)
            return
        tag, behind = self.closed
        self.closed = None
        if not self.raw[behind : token.start()].strip():
            self._fault("doubled_bracket", tag.start, token.end(), True, tag.head.ids)
            return
        last = len(self.spans) - 1
        span = self.spans[last]
        self.out = self.out[: span.end] + LINE_BREAK.sub(" ", self.out[span.end :]).rstrip()
        self.spans[last] = Span(start=span.start, end=len(self.out), segments=span.segments)
        self._fault("early_close", tag.start, token.end(), True, span.segments, last)

    def _take_square(self, token: re.Match[str]) -> None:
        head = head_at(self.raw, token.end()) if self.current is None else None
        phrase = None
        if head is not None and head.separator == "colon":
            phrase = _SQUARE_PHRASE.match(self.raw, head.end)
        if head is None or phrase is None:
            self._emit(token.group())
            return
        wide = token.group() == "【"
        kinds = [*head.kinds, "wide_characters" if wide else "other_brackets"]
        self._begin(_Open(head, token.start(), len(self.out), kinds))
        self._emit(phrase["phrase"])
        self._close(phrase.end())
        self.place = phrase.end()

    # What the tokens do.

    def _begin(self, tag: _Open) -> None:
        self.gap = False
        self.current, self.closed = tag, None
        self.place = tag.head.end

    def _close(self, end: int) -> None:
        """Ends the open tag at its own bracket; ``end`` is the place behind that."""
        tag = self.current
        assert tag is not None
        self.current = None
        phrase = self.out[tag.begin :]
        bare = phrase.strip()
        # A space behind the phrase was meant for the word that follows.
        self._set(tag, bare)
        followed = needs_space(bare[-1:], self.raw[end : end + 1])
        self.gap = self._next_is_word(end) and phrase != phrase.rstrip()
        if not bare:
            self._fault("empty_phrase", tag.start, end, False, tag.head.ids)
            self._tidy()
            return
        exact = self.raw[tag.start : tag.head.end + 1] == f"<{','.join(map(str, tag.head.ids))}: "
        if not tag.kinds and (not exact or phrase != f" {bare}" or followed):
            tag.kinds.append("spaces")
        if self._add(tag, end, len(self.out)):
            self.closed = (tag, end)

    def _end_outer(self, place: int) -> None:
        """Another tag begins: an open one ends before it, if it has words of its own."""
        tag = self.current
        if tag is None:
            return
        self.current = None
        words = self.out[tag.begin :]
        phrase = _without_loose_end(words)
        if _SENTENCE_END.search(words):
            self._abandon(tag, "unclosed", place)
        elif not phrase.strip():
            self._abandon(tag, "nested", place)
            self.owed += 1
        else:
            self.owed += 1
            self._set(tag, words.lstrip())
            tag.kinds.append("nested")
            self._add(tag, place, tag.begin + len(phrase.lstrip()))

    def _set(self, tag: _Open, words: str) -> None:
        """Puts the words of a tag in place, behind a space where one is missing."""
        before = self.out[: tag.begin]
        if needs_space(before[-1:], words[:1]):
            before += " "
            tag.kinds.append("spaces")
        self.out, tag.begin = before + words, len(before)

    def _abandon(self, tag: _Open, kind: str, place: int) -> None:
        """A tag that cannot be used: its words stay."""
        self._fault(kind, tag.start, place, False, tag.head.ids)
        words = self.out[tag.begin :]
        before = self.out[: tag.begin]
        self.out = before + (words.lstrip() if not before or before[-1].isspace() else words)

    def _add(self, tag: _Open, end_raw: int, end: int) -> bool:
        """Takes a tag in that has a phrase, with what is to say of it; False where it may not."""
        ids, kept = tag.head.ids, len(self.spans)
        if tag.head.fault:
            self._fault(tag.head.fault, tag.start, end_raw, False, ids)
            return False
        self.spans.append(Span(start=tag.begin, end=end, segments=ids))
        for kind in dict.fromkeys(tag.kinds):
            self._fault(kind, tag.start, end_raw, True, ids, kept)
        stuck = not self.raw[tag.head.end : tag.head.end + 1].isspace()
        if stuck and _GLUED.match(self.out, tag.begin):
            self._fault("glued_number", tag.start, end_raw, False, ids, kept)
        return True

    def _drop_brackets(self, token: re.Match[str], following: re.Match[str], kind: str) -> None:
        """Words between brackets that are no tag: the words stay."""
        self._end_outer(token.start())
        start, end = token.end(), following.start()
        self._fault(kind, token.start(), following.end(), False)
        self._emit(self.raw[start:end].strip() if end > start else "")
        self.place = following.end()
        self.closed = None

    def _stray(self, token: re.Match[str]) -> None:
        if token.group() in "<>":
            self._fault("stray_bracket", token.start(), token.end(), False)
            self._tidy()
        else:
            self.out += token.group()

    def _tidy(self) -> None:
        """Leaves one space, and none before a full stop, where something was left out."""
        following = self.raw[self.place : self.place + 1]
        if self.out[-1:].isspace() or not self.out:
            if following.isspace():
                self.place += 1
            elif following in (".", ",", ";", "!", "?") and following:
                self.out = self.out.rstrip(" ")

    def _runs_into(self, letter: str) -> bool:
        """Does a phrase end where the next word would be stuck to it?"""
        ends_here = bool(self.spans) and self.spans[-1].end == len(self.out)
        return ends_here and needs_space(self.out[-1:], letter)

    def _has_words(self, head: Head, following: re.Match[str] | None) -> bool:
        return following is not None and bool(self.raw[head.end : following.start()].strip())

    def _next_is_word(self, place: int) -> bool:
        return self.raw[place : place + 1].isalnum()


def _without_loose_end(words: str) -> str:
    """The words without what led over to the next tag: ``a man with`` as ``a man``."""
    while True:
        words = words.rstrip(_LOOSE_MARKS)
        start = max(words.rfind(" "), words.rfind("\n")) + 1
        if not start or words[start:].lower() not in _LOOSE_WORDS:
            return words
        words = words[:start]
