"""The answer format of panoptic captions: long prose, each entity's phrase followed by its box.

::

    A man [[0.405, 0.348, 0.461, 0.441]] stands on the steep slope [[0.000, 0.145, 0.997, 1.000]].

Models keep to it loosely: two decimals, bullets, bold names, "with a bounding box of", a clause or
a sentence for each box, boxes doubled, of 999 or 1000 steps or in pixels, corners the wrong way
round. ``parse`` makes clean prose of it with each box behind its phrase
(``annoengine.pancap.box_prose``). ``judge`` knows the entities that were told: it sees what the
numbers count, ties each box to one of them (``annoengine.pancap.tying``), and says which were left
out, which boxes are no entity's, and which lie elsewhere than the entity that their phrase names.

``write`` gives the published form with three decimals; ``parse(write(x)).answer == x``.

Source: the captions of arXiv 2505.16334 (SA-Pancap) and section 3.1; the judge is annoengine's.
"""

from __future__ import annotations

from typing import ClassVar

from annoengine.answer import Answer, Expected, Fault, Judgement, Parsed, Region
from annoengine.description_faults import declines, kind_of_fault
from annoengine.pancap.box_prose import read_prose
from annoengine.pancap.boxed_caption import (
    BoxedCaption,
    BoxedJudgement,
    BoxPlace,
    ExpectedEntity,
    Numbers,
)
from annoengine.pancap.caption_boxes import are_shares, write_box
from annoengine.pancap.tying import Tied, TiedPlace, tie
from annoengine.record import Span

LEAST_IOU = 0.5
"""From which IoU on a box is its entity's. Source: arXiv 2505.16334, section 5 (delta_l)."""

_LONGEST_QUOTE = 60


class Pancap:
    """The grammar ``pancap``; see the module for the format and its rules."""

    VERSION: ClassVar[int] = 1

    def write(self, answer: Answer) -> str:
        """The caption with its boxes. Raises ValueError where it would be read differently."""
        if not isinstance(answer, BoxedCaption):
            raise ValueError("an answer in the grammar 'pancap' is a caption of the whole image")
        pieces, last = [], 0
        for place in answer.places:
            if not last <= place.at <= len(answer.text):
                raise ValueError(f"a box stands at {place.at}, outside the text or out of order")
            pieces += [answer.text[last : place.at], " ", _written(place.numbers)]
            last = place.at
        text = "".join([*pieces, answer.text[last:]])
        if self.parse(text).answer != answer:
            raise ValueError(f"the caption would be read differently: {text!r}")
        return text

    def parse(self, text: str) -> Parsed:
        """The caption in a model's text. Never raises; what cannot be read is a fault."""
        if not text.strip():
            return Parsed(BoxedCaption(), (Fault("empty", (), "The answer was empty."),))
        prose = read_prose(text)
        places = tuple(BoxPlace(at, box.numbers) for at, box in prose.boxes)
        faults = [
            Fault("malformed", (), f"{_quote(box)} is no box: a box has four numbers.")
            for box in prose.malformed
        ]
        if not places and declines(prose.text):
            faults = [Fault("refusal", (), "The answer declined to write the caption.")]
        return Parsed(BoxedCaption(text=prose.text, places=places), tuple(faults), prose.tolerated)

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        """Which entities the caption tells rightly, and what is wrong with it."""
        return self.judge_caption(parsed, expected, LEAST_IOU)

    def judge_caption(
        self, parsed: Parsed, expected: tuple[Expected, ...], least_iou: float
    ) -> BoxedJudgement:
        """The same, with another bound for how far a box must lie on its entity's."""
        caption = parsed.answer if isinstance(parsed.answer, BoxedCaption) else BoxedCaption()
        entities = tuple(e for e in expected if isinstance(e, ExpectedEntity))
        faults = list(parsed.faults)
        tied = tie(caption, entities, least_iou)
        tolerated = list(parsed.tolerated)
        if tied.grid != "shares":
            tolerated.append(f"boxes {tied.grid}")
        if any(n[0] > n[2] or n[1] > n[3] for n in (p.numbers for p in caption.places)):
            tolerated.append("reversed_corners")
        if not any(fault.kind in ("refusal", "empty") for fault in faults):
            faults += _faults_of_boxes(caption, tied, entities)
            faults += _faults_of_text(caption.text)
        spans = _spans(tied)
        accepted: dict[int, Region] = {}
        categories = {e.mark: e.category for e in entities}
        for span in spans:
            phrase = caption.text[span.start : span.end]
            for mark in span.segments:
                accepted.setdefault(mark, Region(mark, categories[mark], phrase))
        return BoxedJudgement(
            accepted=accepted,
            interactions=(),
            faults=tuple(faults),
            tolerated=tuple(tolerated),
            text=caption.text,
            spans=spans,
            grid=tied.grid,
            invented=sum(_is_invented(place) for place in tied.places),
            moved=sum(place.moved is not None for place in tied.places),
            told=tied.told,
        )


def _written(numbers: Numbers) -> str:
    if len(numbers) != 4:
        raise ValueError(f"a box has four numbers, not {numbers!r}")
    if are_shares(numbers):
        return write_box((numbers[0], numbers[1], numbers[2], numbers[3]))
    return f"[[{', '.join(f'{number:g}' for number in numbers)}]]"


def _is_invented(place: TiedPlace) -> bool:
    return place.box is not None and place.entity is None and place.moved is None


def _faults_of_boxes(
    caption: BoxedCaption, tied: Tied, expected: tuple[ExpectedEntity, ...]
) -> list[Fault]:
    """What is wrong with the boxes, in their order, and then who has none."""
    if tied.undetermined:
        detail = (
            "Nobody can tell what the numbers of the boxes count; write them as shares of the "
            "image's width and height from 0 to 1, as they were given."
        )
        return [Fault("undetermined", (), detail)]
    by_mark = {e.mark: e for e in expected}
    faults = []
    missing = set(by_mark) - tied.told
    for said, place in zip(caption.places, tied.places, strict=True):
        phrase = _quote(caption.text[slice(*place.phrase)]) if place.phrase else "no phrase"
        written = _written(said.numbers)
        if place.trouble is not None:
            why = {"empty": "has no area", "outside": "leaves the image"}.get(
                place.trouble, "is no box"
            )
            faults.append(Fault(place.trouble, (), f"The box {written} of {phrase} {why}."))
        elif place.moved is not None:
            own = by_mark[place.moved]
            detail = (
                f"{phrase} has the box {written}; the {own.category} is at {write_box(own.box)}."
            )
            faults.append(Fault("moved", (place.moved,), detail))
            missing.discard(place.moved)
        elif place.entity is None:
            detail = f"The box {written} of {phrase} is that of no entity that was given."
            faults.append(Fault("invented", (), detail))
    for mark in sorted(missing):
        entity = by_mark[mark]
        detail = f"The {entity.category} at {write_box(entity.box)} has no box in the caption."
        faults.append(Fault("left_out", (mark,), detail))
    return faults


def _faults_of_text(text: str) -> list[Fault]:
    """What is wrong with the words, whatever has a box."""
    kind = kind_of_fault(text)
    if kind is None:
        return []
    detail = {
        "refusal": "The caption declines to describe the image.",
        "leak": "The caption speaks of boxes or of the task, not of what the image shows.",
        "language": "The caption is not in English.",
    }[kind]
    return [Fault(kind, (), detail)]


def _spans(tied: Tied) -> tuple[Span, ...]:
    """The phrases of entities, in order and apart from each other."""
    if tied.undetermined:
        return ()
    marks: dict[tuple[int, int], dict[int, None]] = {}
    for place in tied.places:
        if place.entity is not None and place.phrase is not None:
            marks.setdefault(place.phrase, {})[place.entity] = None
    spans: list[Span] = []
    for (start, end), told in sorted(marks.items()):
        if not spans or start >= spans[-1].end:
            spans.append(Span(start=start, end=end, segments=tuple(told)))
    return tuple(spans)


def _quote(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}…")
