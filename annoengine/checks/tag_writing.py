"""Writes the tags of a caption anew, in all of it or only in the sentences that leave no question.

A tag never goes on behind its sentence (``annoengine.grounded.tag_reader``), so that a sentence
that is wrong can stay as it was while the others are mended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from annoengine.grounded.tags import Tagged, parse_tags
from annoengine.record import Span

_SENTENCE = re.compile(r".*?(?:[.!?][\"”’')\]]*\s+|\n\s*\n|$)", re.DOTALL)


def written_tags(text: str, spans: Sequence[Span]) -> str:
    """The text with a tag around each span, whatever its ids: an id that is wrong stays.

    >>> written_tags("A dog.", [Span(start=0, end=5, segments=(0, 3))])
    '<0,3: A dog>.'
    """
    pieces, done = [], 0
    for span in spans:
        ids = ",".join(map(str, span.segments))
        pieces += [text[done : span.start], f"<{ids}: {text[span.start : span.end]}>"]
        done = span.end
    return "".join([*pieces, text[done:]])


def written_sentences(raw: str, tagged: Tagged, spans: Sequence[Span]) -> str | None:
    """The caption with its tags written anew in each sentence that has no open fault.

    ``tagged`` is what ``raw`` was read as; ``spans`` are its spans in their order with the ids
    that they should have. None where the sentences cannot be told apart, or where the ids of one
    that has to stay should be others.

    >>> raw = "<1>A dog> runs. <2>It> is <3: red."
    >>> tagged = parse_tags(raw)
    >>> written_sentences(raw, tagged, tagged.spans)
    '<1: A dog> runs. <2>It> is <3: red.'
    """
    written: list[str] = []
    place = done = 0
    for sentence in filter(None, _SENTENCE.findall(raw)):
        read = parse_tags(sentence)
        count = len(read.spans)
        own = [
            Span(start=s.start - place, end=s.end - place, segments=s.segments)
            for s in tagged.spans[done : done + count]
        ]
        if tagged.text[place : place + len(read.text)] != read.text or tuple(own) != read.spans:
            return None
        wanted = [span.segments for span in spans[done : done + count]]
        if read.open_faults or "<" in read.text or ">" in read.text:
            if wanted != [span.segments for span in own]:
                return None
            written.append(sentence)
        else:
            own = [
                Span(start=span.start, end=span.end, segments=ids)
                for span, ids in zip(own, wanted, strict=True)
            ]
            written.append(written_tags(read.text, own) if read.faults or own else sentence)
        place += len(read.text)
        done += count
    whole = place == len(tagged.text) and done == len(tagged.spans)
    return "".join(written) if whole else None
