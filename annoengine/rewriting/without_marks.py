"""What is said of each segment, in the words that somebody is shown who is to find it again.

Numbers of marks become the names of what they mark, and talk of outlines and labels goes, by the
rules of ``rephrase``; a caption that was rephrased has none left and stays to the letter. Verbs
are not made to agree, which would take a parser: a listener does not mind. A colour of the drawn
line that a caption takes for the thing's own stays: nobody can tell it from a true one here, and
``check_marks`` looks for it.
"""

from __future__ import annotations

from annoengine.record import Record
from annoengine.rewriting.rules import VERSION as RULES_VERSION
from annoengine.rewriting.rules import Context, has_trigger

VERSION = (1, RULES_VERSION)
"""Goes up with every change of what is shown."""


def texts_by_segment(record: Record) -> dict[int, str]:
    """The text about each segment that has any, in the order of the captions; crowds have none.

    A segment's own caption; where it has none, the phrases about it alone in captions of the whole
    image, joined by semicolons.
    """
    known = {segment.id for segment in record.segments if not segment.iscrowd}
    texts: dict[int, str] = {}
    for caption in record.captions:
        if caption.segment in known and _has_words(caption.text):
            texts.setdefault(caption.segment, caption.text)
    phrases: dict[int, list[str]] = {}
    for caption in record.captions:
        for span in caption.spans if caption.segment is None else ():
            if len(span.segments) == 1 and span.segments[0] in known - texts.keys():
                phrase = caption.text[span.start : span.end].strip()
                if _has_words(phrase):
                    phrases.setdefault(span.segments[0], []).append(phrase)
    return texts | {id: "; ".join(dict.fromkeys(said)) for id, said in phrases.items()}


def _has_words(text: str) -> bool:
    """Is anything said? A bare number would name the mark."""
    return any(letter.isalpha() for letter in text)


def without_marks(record: Record, texts: dict[int, str]) -> dict[int, str]:
    """The texts about segments without numbers of marks and talk of the annotation."""
    if not any(has_trigger(text) for text in texts.values()):
        return dict(texts)
    context = Context(record, None)
    return {id: context.begin(text, id).draft.text for id, text in texts.items()}
