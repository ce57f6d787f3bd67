"""A caption that annoengine composed carries what it says; one that a model wrote does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from annoengine.pancap.content import Content
from annoengine.pancap.content_items import carried_content
from annoengine.record import Caption, Origin, Record
from tests.pancap.composed import LEFT, RIGHT, SKY, AskedPixels, describe_as, drawn, stage_of
from tests.pixels.scenes import marks_for
from tests.stages.scripted import Script, drawing

TEXT = (
    "The image shows two cups and the sky. The rightmost cup is almost entirely white. It is below "
    "the sky, occupies about 3% of the image and can be seen in the lower right of the image. The "
    "leftmost cup is almost entirely red. It is rectangular and directly below the sky, and "
    "appears in the lower left of the image. The sky is almost entirely blue and roughly "
    "rectangular. It is directly above the leftmost cup, and extends to the left, top and right "
    "edges of the picture."
)
# Of 6,000 pixels each cup has 200, the sky 3,000; the left cup's top edge is the sky's lower one,
# the right cup lies ten rows lower.
ITEMS = [
    ("entity", (RIGHT,), None, "cup"),
    ("location", (RIGHT,), (70, 40, 90, 50), ""),
    ("entity", (LEFT,), None, "cup"),
    ("location", (LEFT,), (10, 30, 20, 50), ""),
    ("entity", (SKY,), None, "sky"),
    ("location", (SKY,), (0, 0, 100, 30), ""),
    ("attribute", (RIGHT,), None, "entity 1 is the rightmost cup"),
    ("attribute", (RIGHT,), None, "entity 1 is almost entirely white"),
    ("attribute", (RIGHT,), None, "entity 1 covers about 3% of the image"),
    ("attribute", (RIGHT,), None, "entity 1 is in the lower right of the image"),
    ("attribute", (LEFT,), None, "entity 2 is the leftmost cup"),
    ("attribute", (LEFT,), None, "entity 2 is almost entirely red"),
    ("attribute", (LEFT,), None, "entity 2 is rectangular"),
    ("attribute", (LEFT,), None, "entity 2 is in the lower left of the image"),
    ("attribute", (SKY,), None, "entity 3 is almost entirely blue"),
    ("attribute", (SKY,), None, "entity 3 is rectangular"),
    ("attribute", (SKY,), None, "entity 3 reaches the left, top and right edges of the image"),
    ("relation", (RIGHT, SKY), None, "entity 1 is below entity 3"),
    ("relation", (LEFT, SKY), None, "entity 2 is directly below entity 3"),
    ("relation", (SKY, LEFT), None, "entity 3 is directly above entity 2"),
]


def described(folder: Path, name: str = "describe", **parameters: object) -> Record:
    files, record = drawn(folder)
    stage = describe_as(name, **parameters)
    return asyncio.run(stage.annotate(record, AskedPixels(files)))


def content_of(record: Record) -> Content:
    content = carried_content(record, record.captions[-1])
    assert content is not None
    return content


def test_a_composed_caption_carries_its_entities_and_every_statement(tmp_path: Path) -> None:
    made = described(tmp_path)
    assert made.captions[0].text == TEXT
    assert [(i.kind, i.segments, i.box_xyxy, i.text) for i in made.content] == ITEMS
    assert {i.origin for i in made.content} == {
        Origin(stage="describe", model="pixels/1", turn="caption")
    }
    assert Record.from_line(made.to_line()) == made
    content = content_of(made)
    assert [(e.id, e.tag) for e in content.entities] == [(1, "cup"), (2, "cup"), (3, "sky")]
    assert content.boxes_of(2) == ((0.1, 0.5, 0.2, 0.833),)
    said = [*(a.text for a in content.attributes), *(r.text for r in content.relations)]
    assert said == [text for kind, _, _, text in ITEMS if kind in ("attribute", "relation")]
    assert described(tmp_path).to_line() == made.to_line()


def test_what_names_a_segment_that_the_model_was_not_told_is_left_out(tmp_path: Path) -> None:
    """Of the cups, which are as large, the one with the lower id is told."""
    made = described(tmp_path, max_entities=2)
    assert "leftmost cup" in made.captions[0].text
    assert {id for item in made.content for id in item.segments} == {RIGHT, SKY}
    assert [i.segments for i in made.content if i.kind == "relation"] == [(RIGHT, SKY)]


def test_no_model_is_asked_what_it_says_and_against_itself_it_has_the_most(tmp_path: Path) -> None:
    """4.1: neither side says anything of the whole image, which is agreement (F 1, by 0.1)."""
    files, _ = drawn(tmp_path)
    prediction = describe_as("prediction")
    both = asyncio.run(prediction.annotate(described(tmp_path, "reference"), AskedPixels(files)))
    reader = stage_of("extract_content", "extract_content", model="reader")
    silent = Script({})
    read = asyncio.run(reader.annotate(both, silent))
    assert not silent.asked
    scored = asyncio.run(stage_of("score_pancap", "score_pancap").annotate(read, silent))
    scores = {score.name: score.value for score in scored.scores}
    assert scores["content.carried"] == 2
    assert scores["pancap"] == 4.1
    assert scores["pancap.failures"] == 0


def test_the_same_words_by_a_model_carry_nothing_and_are_read(tmp_path: Path) -> None:
    files, record = drawn(tmp_path)
    door = AskedPixels(files)
    made = asyncio.run(describe_as("describe").annotate(record, door))
    boxed = (
        TEXT.replace("rightmost cup", "rightmost cup [[0.700, 0.667, 0.900, 0.833]]")
        .replace("The leftmost cup", "The leftmost cup [[0.100, 0.500, 0.200, 0.833]]")
        .replace("The sky is", "The sky [[0.000, 0.000, 1.000, 0.500]] is")
    )
    by_model = asyncio.run(
        describe_as("describe").annotate(record, Script({"caption": boxed}, files))
    )
    assert by_model.captions[0].text == made.captions[0].text
    assert by_model.captions[0].spans == made.captions[0].spans
    assert by_model.content == ()
    reader = stage_of("extract_content", "extract_content", model="reader")
    script = Script({"content/describe": "1 | entity -->> (whole, cup)"})
    settled = asyncio.run(reader.annotate(by_model, script))
    assert "content/describe" in script.asked
    assert {s.value for s in settled.scores if s.name == "content.carried"} == {0}


def test_a_merged_paragraph_of_composed_captions_carries_its_content_too(tmp_path: Path) -> None:
    files, record = drawn(tmp_path)
    settings = {"prompts": ["pix2cap/prompt1.v1"], "repair": 0}
    marked = record.but(marks=marks_for(record.segments), drawings=(drawing("0.png"),))
    told = asyncio.run(
        stage_of("annotate", "annotate", **settings).annotate(marked, AskedPixels(files))
    )
    merge = stage_of("merge", "merge", prompts=["coconut_pancap/merge1.v1"], repair=0)
    merged = asyncio.run(merge.annotate(told, AskedPixels(files)))
    content = content_of(merged)
    assert [e.tag for e in content.entities] == ["cup", "cup", "sky"]
    assert len(content.locations) == 3
    texts = {a.text.partition(" ")[2].partition(" ")[2] for a in content.attributes}
    assert {"is almost entirely red", "is almost entirely blue"} <= texts
    # What a person changed of a region is no measurement.
    first, *others = told.captions
    changed: Caption = first.rewritten("A cup.", Origin(stage="review", model="", who="ann"))
    told = told.but(captions=(changed, *others))
    assert asyncio.run(merge.annotate(told, AskedPixels(files))).content == ()
