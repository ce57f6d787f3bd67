"""The rules of grounded conversation generation (GCG): tags, keys of phrases, joined masks.

The training loader takes the caption without the quotation marks and then the space around it,
cuts ``[start, end)`` of each phrase out of that, and puts ``<p> phrase </p> [SEG]`` in its place,
from the last phrase back to the first. It adds the masks of a phrase up, so that a pixel in two of
them would count twice. The key of a phrase in ``groundings`` is a mere label to it; but two phrases
of one key are one.

Source: mbzuai-oryx/groundingLMM, ``dataset/gcg_datasets/GranDf_gcg_ds.py`` (``GCGBaseDataset``)
and ``eval/gcg/``, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from annoengine.mask import Rle
from annoengine.record import Span
from annoengine.rle_counts import counts_of_text, measure_counts

_MARKER = re.compile(r"</?p>|</?image>|\[SEG\]|<SEG\w*>|<bbox>", re.IGNORECASE)
_NEXT_WORD = re.compile(r"\s*\S+")


def marker_in(text: str) -> str:
    """The first thing in a text that the format would take for a mark of its own, or "".

    >>> marker_in("A <p> on a sign"), marker_in("1 < 2")
    ('<p>', '')
    """
    found = _MARKER.search(text)
    return found.group() if found else ""


def guarded(text: str) -> str:
    """The caption to be stored, so that the loader is left with exactly ``text``.

    The loader strips quotation marks first and space after, so that a space saves a quotation
    mark at either end. Places of phrases count from the first character of ``text``.

    >>> guarded('"Stop" says the sign.'), guarded("A dog.")
    (' "Stop" says the sign.', 'A dog.')
    """
    return " " * text.startswith('"') + text + " " * text.endswith('"')


def phrase_keys(text: str, spans: Sequence[Span]) -> list[str]:
    """A key for each phrase, no two alike: the phrase, and where it is said again, more of it.

    The later of two equal phrases gets as many of the words behind it as it takes; where the text
    ends with it, a number. So every key but those is in the text, beginning where its phrase
    does.

    >>> text = "a man by a man in red"
    >>> phrase_keys(text, [Span(start=s, end=s + 5, segments=()) for s in (0, 9)])
    ['a man', 'a man in']
    """
    phrases = [text[span.start : span.end] for span in spans]
    taken = set(phrases)
    used: set[str] = set()
    keys = []
    for span, phrase in zip(spans, phrases, strict=True):
        key, end = phrase, span.end
        if key in used:
            while key in taken and (word := _NEXT_WORD.match(text, end)):
                end = word.end()
                key = text[span.start : end]
            number = 2
            while key in taken:
                key = f"{phrase} ({number})"
                number += 1
        keys.append(key)
        used.add(key)
        taken.add(key)
    return keys


def interleave(text: str, spans: Sequence[Span], tokens: Sequence[str]) -> str:
    """The caption with each phrase between ``<p>`` and ``</p>`` and its tokens behind.

    >>> interleave("A man by a tree.", [Span(start=0, end=5, segments=(1,))], ["[SEG]"])
    '<p> A man </p> [SEG] by a tree.'
    """
    pieces, done = [], 0
    for span, token in zip(spans, tokens, strict=True):
        pieces += [text[done : span.start], f"<p> {text[span.start : span.end]} </p> {token}"]
        done = span.end
    return "".join([*pieces, text[done:]])


def joined(rles: Sequence[Rle]) -> Rle:
    """One RLE of every pixel that is in any of them; all of one size.

    >>> joined([{"size": [2, 2], "counts": "13"}, {"size": [2, 2], "counts": "04"}])
    {'size': [2, 2], 'counts': '04'}
    """
    from pycocotools import mask as coco_mask

    if len(rles) == 1:
        return rles[0]
    packed = [{"size": r["size"], "counts": r["counts"].encode("ascii")} for r in rles]
    merged = coco_mask.merge(packed)
    return {"size": [int(n) for n in merged["size"]], "counts": merged["counts"].decode("ascii")}


def box_and_area(rle: Rle) -> tuple[list[int], int]:
    """The tight box as [x, y, width, height] and the pixels of a mask.

    >>> box_and_area({"size": [2, 2], "counts": "13"})
    ([0, 0, 2, 2], 3)
    """
    height, width = rle["size"]
    measured = measure_counts(counts_of_text(rle["counts"], (height, width)), height)
    x1, y1, x2, y2 = (int(value) for value in measured.box_xyxy)
    return [x1, y1, x2 - x1, y2 - y1], measured.area_px


def without_overlap(rles: Sequence[Rle]) -> list[Rle]:
    """The masks as they are where no two share a pixel, else the one that they make together.

    >>> len(without_overlap([{"size": [2, 2], "counts": "13"}, {"size": [2, 2], "counts": "04"}]))
    1
    """
    if len(rles) == 1:
        return list(rles)
    whole = joined(rles)
    apart = box_and_area(whole)[1] == sum(box_and_area(rle)[1] for rle in rles)
    return list(rles) if apart else [whole]
