"""Writes and reads the tags of a grounded caption: ``<3: a dog>`` and ``<6,7: two men>``.

What is written is exact, and comes back from reading exactly. What is read may be malformed in
every way that the published captions and models show: each deviation is a fault with its place,
*mended* where a rule leaves one reading only. Reading knows nothing of the image: whether an id
exists or fits is for ``annoengine.grounded.judging`` to say.

Rules: a tag within a tag ends the outer one before it; ``<1>green ball>`` and ``<1>a ball</1>``
are a tag without its colon; ``<6,10: two boys> in green>`` is a tag that was closed too early,
and reaches to its second bracket where no sentence ends before; brackets that belong to nothing
are left out. A tag that is never closed, has no id or has no phrase cannot be mended: its words
stay, without a span.

Source of the form and of its deviations: arXiv 2502.02589, Fig. 9 to 13.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from annoengine.grounded.tag_faults import TagFault, quote
from annoengine.grounded.tag_heads import MOST_ID
from annoengine.grounded.tag_markup import place_before, without_markup
from annoengine.grounded.tag_reader import LINE_BREAK, read_tags
from annoengine.grounded.word_edges import within_word
from annoengine.record import Span


@dataclass(frozen=True)
class Tagged:
    """A caption without its tags, and what they said.

    ``spans`` are in the order of the text and never overlap; their ``segments`` are the ids as
    they were written, each once. ``faults`` are those of form, in the order of their places.
    """

    text: str
    spans: tuple[Span, ...] = ()
    faults: tuple[TagFault, ...] = ()

    def phrase(self, span: Span) -> str:
        """The words of a span."""
        return self.text[span.start : span.end]

    @property
    def open_faults(self) -> tuple[TagFault, ...]:
        """The faults that no rule mended."""
        return tuple(fault for fault in self.faults if not fault.mended)


def write_tags(text: str, spans: Sequence[Span]) -> str:
    """The text with a tag around each span; ``parse_tags`` gives both back exactly.

    Raises ValueError for spans that are empty, overlap, nest, lie outside of the text, begin or
    end with a space or within a word, for ids that are none, and for a text or a phrase with
    ``<`` or ``>``.

    >>> write_tags("Two men ride.", [Span(start=0, end=7, segments=(6, 7))])
    '<6,7: Two men> ride.'
    """
    ordered = tuple(sorted(spans, key=lambda span: (span.start, span.end)))
    pieces: list[str] = []
    done = 0
    for span in ordered:
        _check_span(text, span, done)
        ids = ",".join(map(str, span.segments))
        pieces += [text[done : span.start], f"<{ids}: {text[span.start : span.end]}>"]
        done = span.end
    pieces.append(text[done:])
    bracket = re.search("[<>]", text)
    if bracket:
        raise ValueError(f"the text has {bracket.group()!r} at {bracket.start()}: {quote(text)!r}")
    written = "".join(pieces)
    if parse_tags(written) != Tagged(text, ordered):
        raise ValueError(f"the text would be read back as something else: {quote(written)!r}")
    return written


def parse_tags(text: str) -> Tagged:
    """The caption without its tags, its spans, and what was wrong. Never raises on any text.

    >>> tagged = parse_tags("On <2:grass > is <1>a dog>.")
    >>> tagged.text, [(tagged.phrase(span), span.segments) for span in tagged.spans]
    ('On grass is a dog.', [('grass', (2,)), ('a dog', (1,))])
    >>> [fault.kind for fault in tagged.faults]
    ['spaces', 'no_colon']
    """
    bare, removed = without_markup(text)
    tagged = Tagged(*read_tags(bare))
    if not removed:
        return tagged
    faults = [replace(f, start=place_before(f.start, removed)) for f in tagged.faults]
    faults += [TagFault("markup", place, quote(words), True) for place, words in removed]
    return replace(tagged, faults=tuple(sorted(faults, key=lambda fault: fault.start)))


def _check_span(text: str, span: Span, done: int) -> None:
    start, end, ids = span.start, span.end, span.segments
    phrase = text[start:end]
    where = f"the phrase {phrase!r} ({start} to {end})"
    wrong = ""
    if end > len(text):
        wrong = f"ends behind the text, which has {len(text)} characters"
    elif not phrase.strip():
        wrong = "is empty"
    elif start < done:
        wrong = "overlaps the one before it"
    elif "<" in phrase or ">" in phrase:
        wrong = "has '<' or '>' in it"
    elif phrase != phrase.strip():
        wrong = "begins or ends with a space"
    elif LINE_BREAK.search(phrase):
        wrong = "has a line break in it"
    elif any(within_word(text[at - 1 : at], text[at : at + 1]) for at in (start, end)):
        wrong = "begins or ends within a word"
    elif not ids:
        wrong = "has no ids"
    elif min(ids) < 1 or max(ids) > MOST_ID:
        wrong = f"has the ids {ids}; an id is 1 to {MOST_ID}"
    elif len(set(ids)) < len(ids):
        wrong = f"has an id twice: {ids}"
    if wrong:
        raise ValueError(f"{where} {wrong}")
