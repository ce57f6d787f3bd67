"""Traces of a drawing in grounded paragraphs: sentence by sentence, each by its segments' marks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annoengine.fingerprint import sha256_hex
from annoengine.grounded.tags import parse_tags
from annoengine.mark_traces.told_stretches import stretches_of
from annoengine.mark_traces.traces import find_traces
from annoengine.mask import RecordFiles, keyed_rles, rle_from_mask
from annoengine.prompt import load_prompt
from annoengine.record import Caption, Category, Mark, MaskStore, Origin, Photo, Record, Segment
from annoengine.stage import Setup
from annoengine.stages.check_marks import CheckMarks, CheckMarksParameters
from tests.stages.scripted import Script

ORIGIN = Origin(stage="merge", model="m-1")
THINGS = [(7, "car", "#ffff00"), (8, "dog", "#ff0000"), (9, "car", "#00e1ff")]
"""Segments with the marks 1, 2, 3: yellow, red and blue. Their pixels are all grey."""


def record_of(*captions: str | tuple[int, str], sha256: str = "0" * 64) -> Record:
    told = []
    for caption in captions:
        if isinstance(caption, tuple):
            told.append(Caption(text=caption[1], segment=caption[0], origin=ORIGIN))
            continue
        tagged = parse_tags(caption)
        told.append(Caption(text=tagged.text, spans=tagged.spans, origin=ORIGIN))
    return Record(
        id="toy/val/1",
        photo=Photo(file="a.png", width=90, height=40, sha256=sha256),
        masks=MaskStore(kind="rle", sha256="0" * 64),
        segments=tuple(
            Segment(
                id=id,
                category=Category(name=name),
                isthing=True,
                box_xyxy=(30 * n + 5, 5, 30 * n + 25, 35),
                area_px=600,
                mask=n,
            )
            for n, (id, name, _) in enumerate(THINGS)
        ),
        marks=tuple(
            Mark(
                number=n,
                segment=id,
                text=str(n),
                anchor_xy=(5, 5),
                label_box_xyxy=(0, 0, 9, 9),
                colour=colour,
                text_px=12,
            )
            for n, (id, _, colour) in enumerate(THINGS, start=1)
        ),
        captions=tuple(told),
    )


def files_in(folder: Path) -> tuple[RecordFiles, str]:
    path = folder / "a.png"
    Image.fromarray(np.full((40, 90, 3), 128, dtype=np.uint8)).save(path)
    masks = []
    for n in range(3):
        mask = np.zeros((40, 90), dtype=bool)
        mask[5:35, 30 * n + 5 : 30 * n + 25] = True
        masks.append(rle_from_mask(mask))
    return RecordFiles(path, rles=keyed_rles(masks)), sha256_hex(path.read_bytes())


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("<7: A yellow car> is parked. It is new.", [("colour", 7, "yellow")]),
        # The colour may stand outside of the phrase, in its sentence.
        ("<7: A car> is yellow. <8: A dog> barks.", [("colour", 7, "yellow")]),
        # Yellow is the mark of the other one, and no dog's.
        ("<8: A dog> is yellow.", []),
        ("<8: A dog> is red, and far off.", [("colour", 8, "red")]),
        # Two of one category in a sentence: each phrase tells of its own segment alone.
        ("<7: A blue car> stands by <9: a yellow car>.", []),
        ("<7: A yellow car> stands by <9: a blue car>.",
         [("colour", 7, "yellow"), ("colour", 9, "blue")]),
        # Of several segments at once nothing is known.
        ("<7,9: Two yellow cars> are parked.", []),
        ("A yellow car is parked.", []),
        # Numbers of marks, and numbers that count.
        ("<8: A dog> (2) barks at <7: a car>.", [("number", 8, "(2)")]),
        ("<8: A dog> runs past two cars and 3 bikes.", []),
        ("<8: A dog>, one of two dogs, barks. <7: A car> bears number 1.",
         [("number", 7, "number 1")]),
        # Said twice in a sentence, found once.
        ("<7: A car>, <7: a yellow one>, is parked.", [("colour", 7, "yellow")]),
    ],
)  # fmt: skip
def test_each_sentence_is_held_against_the_marks_of_its_segments(
    caption: str, found: list[tuple[str, int, str]], tmp_path: Path
) -> None:
    files, sha256 = files_in(tmp_path)
    record = record_of(caption, sha256=sha256)
    traces = find_traces(files, record.to_line())
    assert [(t.kind, t.segment, t.word) for t in traces] == found
    text = record.captions[0].text
    assert all(text[t.start : t.end] == t.word for t in traces)


def test_what_stretch_speaks_of_a_segment() -> None:
    record = record_of("On the left, <7: a car> stands. <8: A dog> sits by <9: it>; it is old.")
    marks = {mark.segment: mark for mark in record.marks}
    segments = {segment.id: segment for segment in record.segments}
    told = list(stretches_of(record.captions[0], marks, segments))
    assert [(s.mark.number, s.text) for s in told] == [
        (1, "On the left, a car stands. "),
        (2, "A dog sits by it; "),
        (3, "A dog sits by it; "),
    ]
    assert not any(s.alone for s in told)
    (own,) = stretches_of(Caption(text="A car.", segment=7, origin=ORIGIN), marks, segments)
    assert (own.text, own.start, own.alone) == ("A car.", 0, True)


def test_a_paragraph_has_scores_of_its_own_and_is_never_asked_again(tmp_path: Path) -> None:
    files, sha256 = files_in(tmp_path)
    record = record_of((7, "A grey car."), "<7: A yellow car> is parked.", sha256=sha256)
    prompts = ("pix2cap/prompt1.v1",)
    for parameters in (
        CheckMarksParameters(),
        CheckMarksParameters(redraw=True, prompts=prompts),
    ):
        door = Script({}, files)
        stage = CheckMarks(parameters, Setup("check_marks", 7, load_prompt))
        made = asyncio.run(stage.annotate(record, door))
        assert door.asked == {}
        assert made.captions == record.captions
        assert [(s.name, s.segment, s.value) for s in made.scores] == [
            ("marks.colour", 7, 0.0),
            ("marks.number", 7, 0.0),
            ("marks.colour", None, 1.0),
            ("marks.number", None, 0.0),
        ]
