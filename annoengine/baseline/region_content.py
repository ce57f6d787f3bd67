"""Tells which statements stand in a caption that was composed of measurements: its content.

A caption is words alone. Here the same description is made again from the same claims and the
same draws, so that each sentence is known with what it claims, and no word has to be read. A text
that is not to the letter what would be composed now has no content here: nobody knows what it says.
The price is that a scene is measured a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from annoengine.baseline.claim import Claim, Statement
from annoengine.baseline.english import conjugate, join
from annoengine.baseline.region_claims import claims_of
from annoengine.baseline.region_english import Said, describe_by_sentence, text_of
from annoengine.baseline.region_facts import measure_record
from annoengine.baseline.region_phrases import Predicate, Wording, direction_words
from annoengine.grounded.region_captions import CaptionedRegion, captioned_regions
from annoengine.grounded.scene_paragraph import counts_of, paragraph_and_rest
from annoengine.mask import RecordFiles
from annoengine.record import Record

_RELATIONS = {
    "touch": "borders",
    "overlap": "overlaps",
    "inside": "is within",
    "surrounded": "is surrounded by",
    "bordered": "is bordered mostly by",
}
_BETWEEN = {"across": ("right", "left"), "down": ("below", "above")}
"""Where a segment is, seen from the first and from the second of those that it is between."""


class _First(Random):
    """Draws the first of equal wordings: a claim is always put in the same words."""

    def random(self) -> float:
        return 0.0

    def choice(self, seq: Any) -> Any:
        return seq[0]


def content_said(
    files: RecordFiles, record_json: bytes, ids: tuple[int, ...], text: str, words: int
) -> tuple[Statement, ...] | None:
    """The statements of a caption about segments of an image, in the order of their ids.

    None where ``text`` is not the caption of at most about ``words`` words that is composed of
    them. ``record_json`` is :meth:`annoengine.record.Record.to_line`. Runs in the CPU pool. Raises
    InputError for files that cannot be read or that contradict the record.
    """
    record = Record.from_line(record_json)
    wording = _wording(files, record)
    said = describe_by_sentence(wording, record.id, {id: id for id in ids})
    regions = [
        CaptionedRegion(id, record.segment(id), wording.noun(id).show, text_of(sentences))
        for id, sentences in said.items()
    ]
    return _statements(record, wording, regions, said, text, words)


def content_merged(
    files: RecordFiles, record_json: bytes, text: str, words: int
) -> tuple[Statement, ...] | None:
    """The same of a paragraph that was made of the region captions of a record, by mark.

    None also where one of them is not what is composed of that region: another model's, a
    person's, or one that was rewritten since.
    """
    record = Record.from_line(record_json)
    regions = captioned_regions(record)
    marks = {mark.number: mark.segment for mark in record.marks}
    if any(marks.get(region.number) != region.segment.id for region in regions):
        return None
    wording = _wording(files, record)
    said = describe_by_sentence(wording, record.id, marks)
    if any(region.text != text_of(said[region.number]) for region in regions):
        return None
    return _statements(record, wording, regions, said, text, words)


def _wording(files: RecordFiles, record: Record) -> Wording:
    scene = measure_record(files, record)
    return Wording(scene, claims_of(scene))


def _statements(
    record: Record,
    wording: Wording,
    regions: Sequence[CaptionedRegion],
    said: Mapping[int, Sequence[Said]],
    text: str,
    words: int,
) -> tuple[Statement, ...] | None:
    paragraph, rest = paragraph_and_rest(regions, counts_of(record), words)
    if paragraph.text != text:
        return None
    found: dict[Statement, None] = {}
    for region in regions:
        for claim in _claims_before(said[region.number], rest[region.number]):
            found.update(dict.fromkeys(statements_of(claim, wording)))
    return tuple(found)


def _claims_before(said: Sequence[Said], rest: str) -> Iterator[Claim]:
    """The claims of the sentences that stand before the end that was left out."""
    text = text_of(said)
    # An odd name may be written otherwise in a paragraph: where it ends is then not known.
    room = len(text) - len(rest) if text.endswith(rest) else 0
    end = 0
    for sentence in said:
        end += len(sentence.text)
        if end > room:
            return
        yield from sentence.claims
        end += 1


def statements_of(claim: Claim, wording: Wording) -> Iterator[Statement]:
    """A claim as plain statements, always in the same words; one about three is two about two."""
    if not claim.others:
        yield Statement((claim.segment,), _attribute(claim, wording))
    elif claim.kind == "between":
        sides = _BETWEEN[str(claim.value[0])]
        for side, other in zip(sides, claim.others, strict=True):
            yield Statement((claim.segment, other), _lies(side, close=False))
    else:
        for other in claim.others:
            yield Statement((claim.segment, other), _relation(claim, other, wording))


def _attribute(claim: Claim, wording: Wording) -> str:
    if claim.kind == "tinge":
        return f"has some {join([str(word) for word in claim.value])}"
    if claim.kind == "colour":
        return f"is {wording.colour(claim, _First())}"
    predicate: Predicate = wording.predicate(claim, _First())
    return conjugate(f"{'[be] ' * predicate.is_complement}{predicate.text}", plural=False)


def _relation(claim: Claim, other: int, wording: Wording) -> str:
    if claim.kind != "direction":
        return _RELATIONS[claim.kind]
    touched = any(c.kind == "touch" and c.others[0] == other for c in wording.claims[claim.segment])
    return _lies(str(claim.value[0]), touched)


def _lies(side: str, close: bool) -> str:
    return f"is {direction_words(side, '', close)}".rstrip()
