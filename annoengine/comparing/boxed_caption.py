"""Composes the panoptic caption of a record: what was said of it, with boxes behind the phrases.

So captions of regions and paragraphs whose phrases are grounded can be scored alike, by what they
say and where. Of an image that has a paragraph, that is the caption; captions of regions follow
one another, each with its box behind the name of what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annoengine.pancap.caption_boxes import write_box

Entry = Mapping[str, Any]
"""A record as JSON."""


def boxed_caption(record: Entry) -> str:
    """The caption with boxes as shares of the image; "" where nothing is said.

    >>> record = {
    ...     "photo": {"width": 200, "height": 100},
    ...     "segments": [{"id": 7, "box_xyxy": [0, 50, 100, 100], "category": {"name": "dog"}}],
    ...     "captions": [{"text": "A brown dog sleeps.", "segment": 7}],
    ... }
    >>> boxed_caption(record)
    'A brown dog [[0.000, 0.500, 0.500, 1.000]] sleeps.'
    """
    captions = record.get("captions", ())
    boxes = _boxes(record)
    whole = [caption for caption in captions if caption.get("segment") is None]
    if whole:
        return _with_boxes(whole[-1]["text"], _places(whole[-1].get("spans", ())), boxes)
    names = {s["id"]: _plain(s["category"]["name"]) for s in record.get("segments", ())}
    return " ".join(
        _of_region(one, names.get(one["segment"], ""), boxes) for one in captions
    ).strip()


def _boxes(record: Entry) -> dict[int, str]:
    """The box of each segment as it is written; none where the image's size is not known."""
    width, height = record["photo"]["width"], record["photo"]["height"]
    if width == height == 1:
        return {}
    found = {}
    for segment in record.get("segments", ()):
        x1, y1, x2, y2 = segment["box_xyxy"]
        found[segment["id"]] = write_box((x1 / width, y1 / height, x2 / width, y2 / height))
    return found


def _places(spans: Sequence[Mapping[str, Any]]) -> dict[int, list[int]]:
    """Behind which offsets which segments' boxes go: each once, behind a phrase of its own if it
    has one, since of "two dogs" nobody could say which box is whose."""
    ends: dict[int, int] = {}
    for span in sorted(spans, key=lambda span: (len(span["segments"]) > 1, span["end"])):
        for segment in span["segments"]:
            ends.setdefault(segment, span["end"])
    places: dict[int, list[int]] = {}
    for segment, end in ends.items():
        places.setdefault(end, []).append(segment)
    return places


def _with_boxes(text: str, places: Mapping[int, list[int]], boxes: Mapping[int, str]) -> str:
    pieces, last = [], 0
    for end in sorted(places):
        written = [boxes[segment] for segment in places[end] if segment in boxes]
        pieces += [text[last:end], *(f" {box}" for box in written)]
        last = end
    return "".join([*pieces, text[last:]])


def _of_region(caption: Mapping[str, Any], name: str, boxes: Mapping[int, str]) -> str:
    text: str = caption["text"].strip()
    text += "" if text.endswith((".", "!", "?")) else "."
    box = boxes.get(caption["segment"])
    if box is None:
        return text
    for called in (caption.get("summary", ""), name, name.rpartition(" ")[2]):
        at = text.lower().find(called.lower()) if called else -1
        if at >= 0:
            end = at + len(called)
            return f"{text[:end]} {box}{text[end:]}"
    return f"There is the {name or 'thing'} {box}. {text}"


def _plain(category: str) -> str:
    """A category without COCO's additions.

    >>> _plain("sky-other-merged"), _plain("wall-brick")
    ('sky', 'wall-brick')
    """
    for addition in ("-merged", "-other", "-stuff"):
        category = category.removesuffix(addition)
    return category
