"""How segments are drawn again: with colours and numbers that nobody could take for the first.

A mark gets no colour that might be called as its first one is, and a number that the record's
marks do not have. Only the suspicious segments are drawn, so that the second question is short;
the numbers are shuffled by the run's seed, so that their order tells nothing of the first ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from annoengine.fingerprint import seeded_random
from annoengine.mark_traces.colour_words import unlike_colours
from annoengine.model_sight import Sight
from annoengine.record import Mark, Record
from annoengine.som.draw import Commission, Encoder
from annoengine.som.layout import Target

MOST_MARKS = 20
"""Marks on one redrawn picture; more suspicious segments are shared among several."""


def new_numbers(record: Record, seed: int, stage: str) -> dict[int, int]:
    """For the number of each mark of a record another one: beyond the highest, in another order.

    The same for the same record and seed, whatever captions it has.
    """
    first = sorted(mark.number for mark in record.marks)
    beyond = range(first[-1] + 1, first[-1] + 1 + len(first)) if first else range(0)
    shuffled = list(beyond)
    seeded_random(seed, stage, "numbers", record.id).shuffle(shuffled)
    return dict(zip(first, shuffled, strict=True))


def redrawn_groups(record: Record, segments: Iterable[int]) -> list[tuple[int, ...]]:
    """The numbers of these segments' marks, as they are shared among redrawn pictures."""
    wanted = set(segments)
    numbers = sorted(mark.number for mark in record.marks if mark.segment in wanted)
    return [tuple(numbers[i : i + MOST_MARKS]) for i in range(0, len(numbers), MOST_MARKS)]


def picture_name(numbers: Sequence[int]) -> str:
    """The name of a redrawn picture, without its ending; it tells which marks are on it.

    >>> picture_name((3, 7)), numbers_of("coco_val_7.again-3-7.jpg")
    ('again-3-7', (3, 7))
    """
    return "-".join(["again", *map(str, numbers)])


def numbers_of(file: str) -> tuple[int, ...]:
    """The numbers that the marks of a redrawn picture had at first, by the name of its file."""
    listed = file.rpartition(".again-")[2].partition(".")[0]
    return tuple(int(number) for number in listed.split("-"))


def redraw_commission(
    record: Record,
    numbers: Sequence[int],
    renumbered: dict[int, int],
    sight: Sight,
    encoder: Encoder,
    quality: int,
) -> Commission:
    """What is to be drawn of some marks of a record: in their first style, told by numbers."""
    marks = {mark.number: mark for mark in record.marks}
    masks = record.masks
    return Commission(
        targets=tuple(_target(record, marks[number], renumbered[number]) for number in numbers),
        photo_wh=(record.photo.width, record.photo.height),
        photo_sha256=record.photo.sha256,
        masks_sha256=masks.sha256 if masks and masks.kind == "panoptic_png" else None,
        sight=sight,
        style=record.drawings[marks[numbers[0]].drawing].style,
        encoder=encoder,
        quality=quality,
    )


def _target(record: Record, mark: Mark, number: int) -> Target:
    segment = record.segment(mark.segment)
    return Target(
        number=number,
        segment=segment.id,
        # A label may name the category after the number ("5:stop sign").
        text=f"{number}{mark.text.removeprefix(str(mark.number))}",
        box_xyxy=segment.box_xyxy,
        mask=segment.mask,
        unlike=unlike_colours(mark.colour),
    )
