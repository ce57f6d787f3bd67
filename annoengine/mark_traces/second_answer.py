"""What two answers about one segment share, told under two marks: the proof of a suspicion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.answer import Region
from annoengine.mark_traces.mending import without_word
from annoengine.mark_traces.spoken_colours import spoken_colours
from annoengine.mark_traces.spoken_numbers import NUMERALS
from annoengine.mark_traces.traces import Trace
from annoengine.record import Caption, Mark, Origin


@dataclass(frozen=True)
class SecondAnswer:
    """What the second answer says of a segment, and under which mark."""

    region: Region
    mark: Mark
    origin: Origin


def repeats(text: str, trace: Trace, category: str) -> bool:
    """Does a second text say what a trace says: the colour of the segment or a part, the number?

    >>> trace = Trace("number", 0, 7, "number 3", 14, 22)
    >>> repeats("A player whose shirt says three.", trace, "person")
    True
    >>> repeats("A player, number 13.", trace, "person")
    False
    """
    if trace.kind == "colour":
        said = spoken_colours(text, category, [trace.family])
        return any(one.owner != "other" for one in said)
    digits = re.search(r"\d+", trace.word)
    if digits:
        number = int(digits[0])
        words = [digits[0], *NUMERALS[number : number + 1]]
    else:
        words = [trace.word.split()[-1].lower()]
        words += [str(NUMERALS.index(words[0]))] if words[0] in NUMERALS else []
    forms = "|".join(map(re.escape, words))
    return re.search(rf"(?<![\w.])(?:{forms})(?!\w)", text, re.IGNORECASE) is not None


def second_caption(first: Caption, second: SecondAnswer) -> Caption:
    """The caption with the second answer's words."""
    region = second.region
    summary = region.summary or first.summary
    return first.rewritten(region.description, second.origin, summary=summary, spans=())


def shortened(caption: Caption, traces: Sequence[Trace], origin: Origin) -> Caption | None:
    """The caption without the words of some traces; None where too little would be left.

    ``origin`` is the answer that decided about it. Its groundings go, for they count characters.
    """
    text = caption.text
    for trace in sorted(traces, key=lambda trace: trace.start, reverse=True):
        if text[trace.start : trace.end] != caption.text[trace.start : trace.end]:
            continue  # it went together with a phrase behind it
        shorter = without_word(text, trace.start, trace.end, trace.kind)
        if shorter is None:
            return None
        text = shorter
    return caption.rewritten(text, origin, spans=())
