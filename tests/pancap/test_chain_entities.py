"""From the chain's lists to entities and back into captions, on hand-worked boxes."""

from __future__ import annotations

from typing import Any

from annoengine.answer import Fault
from annoengine.answers.pancap import Pancap
from annoengine.box import BoxXyxy
from annoengine.pancap.assessed_caption import AssessedCaption
from annoengine.pancap.chain_answers import ListedAnswer
from annoengine.pancap.chain_caption import in_shares, read_caption
from annoengine.pancap.chain_entities import ChainEntity, Ground, chain_entities
from annoengine.pancap.chain_lists import give_tags, read_discovered, read_localised, read_tagged
from annoengine.pancap.grid_boxes import BoxGrid, Steps
from annoengine.pancap.instance_text import Instance
from annoengine.record import Category, Photo, Record, Segment

GRID = BoxGrid()
SIZE = (200, 100)
DOG, CAT = (100, 300, 500, 600), (600, 300, 900, 700)


def segment(id: int, name: str, box: BoxXyxy, **values: Any) -> Segment:
    return Segment(
        id=id, category=Category(name=name), isthing=True, box_xyxy=box, area_px=9, **values
    )


def record(*segments: Segment) -> Record:
    photo = Photo(file="1.jpg", width=200, height=100, sha256="")
    return Record(id="a/b/1", photo=photo, segments=segments)


def entities(
    given: Record, *instances: tuple[str, Steps], ground: Ground = "record"
) -> tuple[ChainEntity, ...]:
    found = [(Instance(tag, box), "m-1") for tag, box in instances]
    return chain_entities(given, found, GRID, ground, 0.5)


def test_a_box_that_is_nearly_a_told_one_is_that_one_and_others_stay() -> None:
    near, new = (104, 300, 500, 590), (0, 250, 90, 750)
    answer = ListedAnswer((Instance("dog", near), Instance("cat", CAT), Instance("tree", new)))
    told = [DOG, CAT, (0, 300, 50, 310)]
    tagged, faults = give_tags(told, answer, 0.5)
    assert tagged == (Instance("dog", DOG), Instance("cat", CAT), Instance("tree", new))
    detail = "<box>[[0, 300, 50, 310]]</box> has no tag."
    assert faults == (Fault("left_out", (), detail),)
    # A box that is answered exactly takes no other: both readings of one dog stay.
    both = ListedAnswer((Instance("dog", DOG), Instance("puppy", near)))
    assert give_tags([DOG], both, 0.5) == (both.instances, ())


def test_as_many_words_as_boxes_are_their_tags_in_order() -> None:
    answer = ListedAnswer(faults=(Fault("form", (), "no box"),), words=("dog", "cat"))
    assert give_tags([DOG, CAT], answer, 0.5) == ((Instance("dog", DOG), Instance("cat", CAT)), ())
    assert not read_tagged([Instance("", DOG)], answer, 0.5).usable
    assert read_tagged([Instance("", DOG)], answer, 0.5).why == "no box"


def test_lists_lose_doubles_and_know_whether_they_are_of_use() -> None:
    dog = Instance("", DOG)
    assert read_localised(ListedAnswer((dog, dog))).instances == (dog,)
    nothing = read_localised(ListedAnswer(nothing=True))
    assert (nothing.usable, nothing.why) == (False, "The answer names no entity.")
    assert read_discovered([dog], ListedAnswer(nothing=True)).usable
    again = read_discovered([dog], ListedAnswer((dog,)))
    assert (again.instances, again.usable) == ((), False)


def test_entities_are_the_regions_they_lie_on_or_new_segments() -> None:
    # Steps of 1000 over the square of 200 x 200 in whose middle the image lies: 50 pixels above it.
    regions = (
        segment(7, "person", (20, 10, 100, 70)),
        segment(9, "dog", (20, 10, 98, 70)),
        segment(4, "cat", (120, 10, 180, 90), iscrowd=True),
    )
    found = entities(record(*regions), ("The dog", DOG), ("a cat", CAT), ("hat", (0, 250, 2, 252)))
    dog, cat, hat = (entity.segment for entity in found)
    # Its tag tells the dog from the person who lies there a little better.
    assert dog == regions[1]
    # A crowd is no entity.
    assert (cat.id, cat.category.name, cat.source, cat.mask) == (10, "cat", "m-1", None)
    assert (cat.box_xyxy, cat.area_px) == ((120, 10, 180, 90), 4800)
    # No segment is smaller than a pixel.
    assert (hat.id, hat.box_xyxy, hat.area_px) == (11, (0, 0, 1, 1), 1)
    assert [entity.number for entity in found] == [1, 2, 3]
    own = entities(record(*regions), ("The dog", DOG), ground="own")
    assert own[0].segment.box_xyxy == regions[0].box_xyxy
    assert (own[0].segment.id, own[0].segment.category.name) == (10, "dog")


def test_two_entities_are_never_one_region() -> None:
    given = record(segment(7, "dog", (20, 10, 100, 70)))
    found = entities(given, ("puppy", (110, 300, 500, 600)), ("dog", DOG))
    assert [entity.segment.id for entity in found] == [8, 7]


def test_a_new_segment_comes_back_to_the_same_steps() -> None:
    for size in ((640, 427), (333, 500), (1500, 2250)):
        given = record().but(photo=Photo(file="1.jpg", width=size[0], height=size[1], sha256=""))
        for n in range(0, 300, 37):
            box = (200 + n, 170 + n, 420 + n, 500 + n)
            made = entities(given, ("dog", box))[0].segment.box_xyxy
            assert GRID.steps(made, size) == box


def read(text: str, cut_short: bool = False, grid: BoxGrid = GRID) -> AssessedCaption:
    found = chain_entities(
        record(), [(Instance("dog", DOG), "m"), (Instance("cat", CAT), "m")], grid, "own", 0.5
    )
    return read_caption(text, Pancap(), found, grid, SIZE, 0.5, (3, 99), cut_short)


def spans(assessed: AssessedCaption) -> list[tuple[str, tuple[int, ...]]]:
    judged = assessed.judgement
    return [(judged.text[s.start : s.end], s.segments) for s in judged.spans]


def test_boxes_of_the_grid_become_shares_and_others_stay() -> None:
    text = "A <box>[[100, 300, 500, 600]]</box> b [500, 600, 100, 300] c [[0.1, 0.2, 0.3, 0.4]]"
    shares = "[[0.100, 0.100, 0.500, 0.700]]"
    assert in_shares(text, GRID, SIZE) == f"A {shares} b {shares} c [[0.1, 0.2, 0.3, 0.4]]"
    both = "Dogs <box>[[100, 300, 500, 600], [100, 300, 500, 600]]</box> run."
    assert in_shares(both, GRID, SIZE) == f"Dogs {shares}{shares} run."
    for strange in ("[[1, 2, 3]]", "[[0, 250, 1440, 750]]", "[[0, 0, 900, 200]]", "[[0, 0, 1, 1]]"):
        assert in_shares(strange, GRID, SIZE) == strange


def test_a_caption_is_read_in_every_form_in_which_it_names_the_entities() -> None:
    expected = [("A brown dog", (1,)), ("the cat", (2,))]
    for text in (
        "A brown dog <box>[[100, 300, 500, 600]]</box> eyes the cat "
        "<box>[[600, 300, 900, 700]]</box>.",
        "<ref>A brown dog</ref><box>[[100, 300, 500, 600]]</box> eyes <ref>the cat</ref>"
        "<box>[[600, 300, 900, 700]]</box>.",
        "A brown dog [[100, 300, 500, 600]] eyes the cat [600, 300, 900, 700].",
        "A brown dog [[0.1, 0.1, 0.5, 0.7]] eyes the cat [[0.6, 0.1, 0.9, 0.9]].",
    ):
        assessed = read(text)
        assert spans(assessed) == expected, text
        assert (assessed.faults, assessed.coverage) == ((), 1)
        assert assessed.judgement.text == "A brown dog eyes the cat."


def test_steps_of_the_image_itself_are_seen_where_the_square_was_told() -> None:
    # The bench spans 0.3 to 0.4 of the height; read on the square, 300 to 400 are 0.1 to 0.3.
    found = entities(record(), ("dog", DOG), ("bench", (100, 400, 900, 450)))
    text = "A dog <box>[[100, 100, 500, 700]]</box> on a bench <box>[[100, 300, 900, 400]]</box>."
    assessed = read_caption(text, Pancap(), found, GRID, SIZE, 0.5, (3, 99))
    assert spans(assessed) == [("A dog", (1,)), ("a bench", (2,))]
    assert assessed.faults == ()


def test_faults_quote_boxes_as_the_model_was_told_them() -> None:
    assessed = read("A brown dog <box>[[100, 300, 500, 600]]</box> flies a kite [0, 260, 90, 300].")
    assert [fault.detail for fault in assessed.faults] == [
        "The box <box>[[0, 260, 90, 300]]</box> of 'a kite' is that of no entity that was given.",
        "The cat at <box>[[600, 300, 900, 700]]</box> has no box in the caption.",
    ]
    assert assessed.coverage == 0.5
    # Beside the image on the square, and on no entity as thousandths or as pixels.
    (fault,) = read("A small kite [[150, 10, 190, 20]] flies.").faults
    assert fault.detail == (
        "Nobody can tell where the boxes are; write them in whole steps from 0 to 1000, as they "
        "were given."
    )


def test_a_caption_that_breaks_off_is_of_no_use() -> None:
    text = "A brown dog <box>[[100, 300, 500, 600]]</box> eyes the"
    assert read(text).useless == ""
    assert read(text, cut_short=True).useless == "truncated"
