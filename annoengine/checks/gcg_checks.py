"""Checks one entry of GLaMM's list of groundings: places of phrases, their keys, their masks.

The rules are those of the training loader (``annoengine.writing.gcg_format``): places count in
the caption without the quotation marks and then the space around it; a phrase's masks are added
up; and a place that is wrong puts ``<p>`` where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson

from annoengine.checks.caption_checks import CAPTION_EMPTY, faults_of_caption
from annoengine.checks.coco_tables import UNSAFE_PATH, ListedImage
from annoengine.checks.list_pass import ListReport, ListTask
from annoengine.checks.photo_checks import check_photo
from annoengine.checks.segmentation_checks import check_segmentation
from annoengine.checks.span_checks import place_faults
from annoengine.reading.coco_json import is_whole, shown, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.reading.json_slices import value_of
from annoengine.record import Span
from annoengine.validator import Code, Finding, Place
from annoengine.writing.gcg_format import box_and_area, joined, marker_in, phrase_keys

ENTRY_MALFORMED = Code("entry-malformed", "error", "entries without what every reader needs")
IMAGE_TWICE = Code("image-twice", "warning", "images with two entries")
ENTRY_UNGROUNDED = Code("entry-ungrounded", "warning", "entries without a grounded phrase")
GROUNDING_MALFORMED = Code("grounding-malformed", "error", "groundings without a place or masks")
PLACE_WRONG = Code("place-outside", "error", "places that are not in the caption", fixable=True)
PLACE_DIFFERS = Code(
    "place-of-other-words", "error", "places where other words stand than the phrase", fixable=True
)
PLACES_OVERLAP = Code("places-overlap", "error", "phrases that overlap, which breaks the answer")
PHRASE_TWICE = Code(
    "phrase-key-twice", "error", "phrases that are keys twice, so that one is lost", fixable=True
)
MASKS_OVERLAP = Code(
    "masks-overlap", "warning", "masks of a phrase that overlap, and count twice", fixable=True
)
MARKER = Code("caption-holds-marker", "error", "captions that hold a mark of the format")

CODES = (
    ENTRY_MALFORMED,
    IMAGE_TWICE,
    ENTRY_UNGROUNDED,
    GROUNDING_MALFORMED,
    PLACE_WRONG,
    PLACE_DIFFERS,
    PLACES_OVERLAP,
    PHRASE_TWICE,
    MASKS_OVERLAP,
    MARKER,
)

Pairs = list[tuple[str, Any]]


def loaded_caption(caption: str) -> str:
    """The caption as the training loader takes it.

    >>> loaded_caption(' "A dog." ')
    '"A dog."'
    """
    return caption.strip('"').strip()


def check_grounding(task: ListTask) -> ListReport:
    """Everything about one entry, in the order of its groundings."""
    return _Checking(task).report()


class _Checking:
    """One entry under check: findings, and what mends it."""

    def __init__(self, task: ListTask) -> None:
        self._task = task
        self._place = Place(task.file, called="phrase")
        self._findings: list[Finding] = []
        self._changes: list[tuple[str, str]] = []
        self._size_wh: tuple[int, int] | None = None

    def _find(
        self, code: Code, message: str, number: int | None = None, mends: bool = False
    ) -> None:
        self._findings.append(code.at(self._place, message, number, mends))
        if mends:
            self._changes.append((code.name, message))

    def _report(self, **more: Any) -> ListReport:
        return ListReport(self._findings, self._place, **more)

    def report(self) -> ListReport:
        where = f"entry {self._task.position}"
        entry = entry_of(self._task.raw)
        if not isinstance(entry, dict):
            self._find(ENTRY_MALFORMED, f"{where} is no object in JSON")
            return self._report()
        name, caption = text_of(entry.get("file_name")), entry.get("caption")
        self._place = Place(self._task.file, None, name, "phrase")
        groundings = entry.get("groundings")
        if not name or not isinstance(caption, str) or not isinstance(groundings, dict):
            needed = "'file_name', a 'caption' and an object 'groundings'"
            self._find(ENTRY_MALFORMED, f"{where} lacks one of {needed}")
            return self._report()
        if not is_safe_path(name):
            self._find(UNSAFE_PATH, f"the file_name {name!r} leads out of its folder")
        text = loaded_caption(caption)
        self._check_caption(text, len(groundings))
        pairs = self._check_groundings(_pairs_of(groundings), caption, text)
        if self._task.images is not None:
            image = ListedImage(0, name, name, self._size_wh)
            self._findings += check_photo(self._place, self._task.images, image)
        counts = {"captions": 1, "phrases": len(pairs)}
        once = ((IMAGE_TWICE, name),)
        if not self._changes:
            return self._report(once=once, counts=counts)
        mended = {**entry, "groundings": dict(pairs)}
        after = orjson.dumps(mended)
        return self._report(once=once, counts=counts, after=after, what=tuple(self._changes))

    def _check_caption(self, text: str, phrases: int) -> None:
        if not text:
            self._find(CAPTION_EMPTY, "the caption has no words")
        else:
            for code, message in faults_of_caption(
                text, phrases, self._task.rules.min_caption_chars
            ):
                self._find(code, message)
        if marker := marker_in(text):
            self._find(MARKER, f"the caption has {marker!r}, which readers take for their own")
        if not phrases:
            self._find(ENTRY_UNGROUNDED, "'groundings' is empty")

    def _check_groundings(self, pairs: Pairs, caption: str, text: str) -> Pairs:
        """Finds what is wrong with each; gives them mended."""
        mended: Pairs = []
        places: list[tuple[int, int, int]] = []
        for number, (key, value) in enumerate(pairs, start=1):
            if not isinstance(value, dict):
                self._find(GROUNDING_MALFORMED, f"{key!r} is {shown(value)}", number)
                mended.append((key, value))
                continue
            placed = self._check_place(number, key, value.get("token_positives"), caption, text)
            rles = self._check_masks(number, key, value.get("rle_masks"))
            if placed is not None:
                places.append((*placed, number))
                value = {**value, "token_positives": list(placed)}
            mended.append((key, {**value, "rle_masks": rles}))
        places.sort()
        for (_, end, _), (start, _, number) in pairwise(places):
            if start < end:
                key = pairs[number - 1][0]
                message = f"{key!r} at {start} begins before the phrase before it ends, at {end}"
                self._find(PLACES_OVERLAP, message, number)
        return self._told_apart(mended, places, text)

    def _check_place(
        self, number: int, key: str, given: Any, caption: str, text: str
    ) -> tuple[int, int] | None:
        """The right place of a phrase, or the given one; None where there is none."""
        is_pair = isinstance(given, list) and len(given) == 2 and all(map(is_whole, given))
        start, end = (given[0], given[1]) if is_pair else (-1, -1)
        why = place_faults(start, end, text) if is_pair else ""
        if is_pair and not why and _says(key, start, end, text):
            return start, end
        found = _only_place(key, start, end, caption, text)
        mends = found is not None
        to = f"; it stands once, at {list(found)}" if found is not None else ""
        if not is_pair:
            message = f"{key!r} has the place {shown(given)}; [start, end] is needed{to}"
            self._find(GROUNDING_MALFORMED, message, number, mends)
        elif why:
            self._find(PLACE_WRONG, f"{key!r}: {why}{to}", number, mends)
        else:
            message = f"{key!r} has the place {given}, where {shown(text[start:end])} stands{to}"
            self._find(PLACE_DIFFERS, message, number, mends)
        if found is not None:
            return found
        return (start, end) if is_pair and not why else None

    def _check_masks(self, number: int, key: str, rles: Any) -> Any:
        """The masks, put together where they overlap."""
        if not isinstance(rles, list) or not rles:
            self._find(GROUNDING_MALFORMED, f"{key!r} has no list 'rle_masks'", number)
            return rles
        faulty = False
        for at, rle in enumerate(rles):
            faults, _ = check_segmentation(rle, None, self._size_wh)
            if not isinstance(rle, dict):
                message = f"{key!r}: rle_masks[{at}] is {shown(rle)}; an RLE is needed"
                self._find(GROUNDING_MALFORMED, message, number)
                faulty = True
                continue
            for code, message in faults:
                self._find(code, f"{key!r}: {message}", number)
                faulty = True
            if not faults and self._size_wh is None:
                height, width = rle["size"]
                self._size_wh = (width, height)
        if faulty or len(rles) == 1 or not all(isinstance(r["counts"], str) for r in rles):
            return rles
        whole = joined(rles)
        twice = sum(box_and_area(rle)[1] for rle in rles) - box_and_area(whole)[1]
        if not twice:
            return rles
        message = f"{key!r} has {len(rles)} masks, in which {twice} pixels count more than once"
        self._find(MASKS_OVERLAP, message, number, True)
        return [whole]

    def _told_apart(self, pairs: Pairs, places: Sequence[tuple[int, int, int]], text: str) -> Pairs:
        """The groundings with keys of their own, where one came twice."""
        keys = [key for key, _ in pairs]
        twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
        if not twice:
            return pairs
        distinct = len({place[:2] for place in places}) == len(pairs)
        for key in twice:
            message = f"{key!r} is a key {keys.count(key)} times; readers keep the last one only"
            self._find(PHRASE_TWICE, message, keys.index(key) + 1, distinct)
        if not distinct:
            return pairs
        spans = [Span(start=start, end=end, segments=()) for start, end, _ in places]
        named = phrase_keys(text, spans)
        by_number = {place[2]: key for place, key in zip(places, named, strict=True)}
        return [(by_number[number], value) for number, (_, value) in enumerate(pairs, start=1)]


def _says(key: str, start: int, end: int, text: str) -> bool:
    """Does a key name the words at a place, alone or with what tells it from another?"""
    phrase = text[start:end]
    if key == phrase or (key.startswith(phrase) and text.startswith(key, start)):
        return True
    return key.startswith(f"{phrase} (") and key[len(phrase) + 2 : -1].isdecimal()


def _only_place(key: str, start: int, end: int, caption: str, text: str) -> tuple[int, int] | None:
    """The one place that a phrase can have, or None.

    A place in the caption as it is stored is that place less what the loader strips in front.
    """
    lead = caption.find(text)
    if lead > 0 and 0 <= start <= end <= len(caption) and caption[start:end] == key:
        return start - lead, end - lead
    found = [match.start() for match in re.finditer(f"(?={re.escape(key)})", text)]
    whole = [
        at for at in found if not (_within_word(text, at) or _within_word(text, at + len(key)))
    ]
    return (whole[0], whole[0] + len(key)) if key.strip() and len(whole) == 1 else None


def _within_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


class _Object(dict[str, Any]):
    """An object with every pair that is written, also one whose key comes twice."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def entry_of(raw: bytes) -> Any:
    """An entry; None for what is no JSON. An object that has a key twice keeps both."""
    try:
        return value_of(raw)
    except ValueError:
        pass
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return None


def _pairs_of(value: dict[str, Any]) -> Pairs:
    return value.pairs if isinstance(value, _Object) else list(value.items())
