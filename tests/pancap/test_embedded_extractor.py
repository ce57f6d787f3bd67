"""What the embedded extractor reads from sentences whose meaning was written down by hand."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.pancap.caption_boxes import write_box
from annoengine.pancap.content import Content
from annoengine.pancap.embedded_extractor import Extracted, extract, extract_all, extractor_version
from tests.pancap import embedded_sentences as said


def boxed(sentence: str) -> str:
    """A sentence with boxes that do not overlap, for its signs ``@``."""
    pieces = sentence.split("@")
    text = pieces[0]
    for n, piece in enumerate(pieces[1:]):
        text += write_box((n * 0.2, 0.1, n * 0.2 + 0.1, 0.5)) + piece
    return text


def phrases(sentence: str) -> list[str]:
    text = boxed(sentence)
    found = extract(text)
    assert all(box.entity for box in found.boxes)
    return [text[box.start : box.end] for box in found.boxes]


TIED = said.APPOSED + said.IN_BRACKETS + said.BOX_OF + said.LOCATED + said.WITH_BOX


@pytest.mark.parametrize(("sentence", "expected"), TIED)
def test_a_box_is_tied_to_its_phrase(sentence: str, expected: str) -> None:
    assert phrases(sentence) == expected.split("|")


@pytest.mark.parametrize(
    ("sentence", "count", "tag"),
    [(*case, tag) for case, tag in zip(said.INSTANCES, said.INSTANCE_TAGS, strict=True)],
)
def test_instances_of_one_tag(sentence: str, count: int, tag: str) -> None:
    content = extract(boxed(sentence)).content
    named = [one for one in content.entities if one.tag == tag]
    assert len(named) == count
    assert [len(content.boxes_of(one.id)) for one in named] == [1] * count


@pytest.mark.parametrize(("sentence", "tag"), said.PARTS)
def test_parts_and_wholes(sentence: str, tag: str) -> None:
    content = extract(boxed(sentence)).content
    assert [one.tag for one in content.entities if one.part] == [tag]
    part = next(one.id for one in content.entities if one.part)
    assert part in {id for one in content.relations for id in (one.subject, one.object)}


def by_name(content: Content, text: str) -> str:
    tags = {one.id: one.tag for one in content.entities}
    return re.sub(r"entity (\d+)", lambda found: tags[int(found[1])], text)


@pytest.mark.parametrize(("sentence", "expected"), said.ATTRIBUTES)
def test_attributes(sentence: str, expected: str) -> None:
    content = extract(boxed(sentence)).content
    assert expected in [by_name(content, one.text) for one in content.attributes]


@pytest.mark.parametrize(("sentence", "expected"), said.RELATIONS)
def test_relations(sentence: str, expected: str) -> None:
    content = extract(boxed(sentence)).content
    assert expected in [by_name(content, one.text) for one in content.relations]


@pytest.mark.parametrize(("sentence", "is_global"), said.GLOBALS)
def test_the_whole_image(sentence: str, is_global: bool) -> None:
    states = extract(boxed(sentence)).content.globals
    assert [one.text for one in states] == ([sentence.rstrip(".")] if is_global else [])


def test_every_class_has_a_dozen_sentences() -> None:
    tables = (said.APPOSED, said.IN_BRACKETS, said.BOX_OF, said.LOCATED, said.WITH_BOX)
    more = (said.INSTANCES, said.PARTS, said.ATTRIBUTES, said.RELATIONS, said.GLOBALS)
    assert all(len({case[0] for case in table}) >= 12 for table in (*tables, *more))


def test_headings_of_a_list_are_entities_of_what_follows() -> None:
    caption = (
        "The photo shows a green kettle on a stove.\n\n"
        "- **Kettle** [[0.1, 0.2, 0.3, 0.4]]: It is made of copper.\n"
        "2. **Gas Stove** ([[0.0, 0.4, 1.0, 1.0]]): The stove is old.\n"
        "* Spoon [[0.5, 0.5, 0.6, 0.6]] - It lies on the stove."
    )
    found = extract(caption)
    tied = {one.entity: by_name(found.content, f"entity {one.entity}") for one in found.boxes}
    assert list(tied.values()) == ["kettle", "gas stove", "spoon"]
    texts = [by_name(found.content, one.text) for one in found.content.attributes]
    assert "kettle is green" in texts
    assert "kettle is made of copper" in texts


def test_a_group_stands_for_its_members() -> None:
    found = extract(
        boxed(
            "Two white ducks walk along. The first duck @ is small. The second duck @ is large. "
            "The ducks are in front of a barn @."
        )
    )
    content = found.content
    assert [one.tag for one in content.entities] == ["duck", "duck", "barn"]
    assert [one.text for one in content.attributes if "white" in one.text] == [
        "entity 1 is white",
        "entity 2 is white",
    ]
    pairs = {(one.subject, one.object) for one in content.relations}
    assert {(1, 3), (2, 3)} <= pairs


def test_pixels_need_the_size() -> None:
    caption = "A cup [[20, 30, 1200, 900]] stands there."
    assert [fault.trouble for fault in extract(caption).faults] == ["size unknown"]
    (place,) = extract(caption, (2000, 1000)).content.locations
    assert place.box == (0.01, 0.03, 0.6, 0.9)


@pytest.mark.parametrize("caption", ["", " ", "\n", "[[0.1, 0.2, 0.3, 0.4]]", "@@@", "It.", "- **"])
def test_captions_that_say_nothing(caption: str) -> None:
    found = extract(caption)
    assert found.content.relations == ()
    assert all(place.entity for place in found.content.locations)


def consistent(found: Extracted) -> None:
    ids = [one.id for one in found.content.entities]
    assert ids == list(range(1, len(ids) + 1))
    content = found.content
    assert {one.entity for one in content.attributes} <= set(ids)
    assert {one.entity for one in content.locations} <= set(ids)
    for relation in content.relations:
        assert relation.subject in ids
        assert relation.object in ids
        assert relation.subject != relation.object


WORDS = (
    "the a dog cats [[0.1,0.2,0.3,0.4]] [[1,2]] bounding box is located at its 's of on with and , "
    ". ( ) - ** which two second stands image it here \n"
).split(" ")


@settings(max_examples=60)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_any_words_give_a_content_that_agrees_with_itself(caption: str) -> None:
    consistent(extract(caption))


def test_captions_read_together_are_read_as_each_alone() -> None:
    captions = [boxed(sentence) for sentence, _ in said.RELATIONS]
    assert extract_all(captions) == [extract(caption) for caption in captions]
    assert re.fullmatch(r"embedded extractor \d+, en_core_web_sm [\d.]+", extractor_version())
