"""PancapChain's lists as models write them: each way twice, in words of its own, and what fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.pancap.chain_answers import ListedAnswer, read_answer, without_doubles
from annoengine.pancap.grid_boxes import BoxGrid, Frame, Steps
from annoengine.pancap.instance_text import Instance, write_instances

SIZE = (200, 100)
DOG, CAT = (100, 300, 500, 600), (0, 250, 1000, 750)
BOTH = (Instance("dog", DOG), Instance("cat", CAT))


def read(text: str, tagged: bool = True, cut_short: bool = False) -> ListedAnswer:
    return read_answer(text, BoxGrid(), SIZE, tagged, cut_short)


TAGGED = {
    "": [
        "dog <box>[[100, 300, 500, 600]]</box>, cat <box>[[0, 250, 1000, 750]]</box>",
        "dog <box>[[100,300,500,600]]</box>,cat <box>[[0,250,1000,750]]</box>.",
    ],
    "brackets": [
        "dog <box>[100, 300, 500, 600]</box>, cat <box>[0, 250, 1000, 750]</box>",
        "dog: <box>x1=100, y1=300, x2=500, y2=600</box>; cat: <box>(0, 250), (1000, 750)</box>",
    ],
    "bare": [
        "Here are the entities:\n1. **dog**: [100, 300, 500, 600]\n2. **cat** [[0, 250, 1000, 750]]"
        "\n\nLet me know if you need more!",
        "- dog at (100, 300, 500, 600)\n- cat located at (0,250),(1000,750)",
    ],
    "ref": [
        "<ref>dog</ref><box>[[100, 300, 500, 600]]</box>, "
        "<ref>cat</ref><box>[[0, 250, 1000, 750]]</box>",
        "<p> dog </p> <box>[[100, 300, 500, 600]]</box> and <p> cat </p> "
        "<box>[[0, 250, 1000, 750]]</box>",
    ],
    "tokens, brackets": [
        "<|object_ref_start|>dog<|object_ref_end|><|box_start|>(100,300),(500,600)<|box_end|>"
        "<|object_ref_start|>cat<|object_ref_end|><|box_start|>(0,250),(1000,750)<|box_end|>",
        "dog <|box_start|>100,300,500,600<|box_end|>\ncat <|box_start|>0,250,1000,750<|box_end|>",
    ],
    "json": [
        '[{"bbox_2d": [100, 300, 500, 600], "label": "dog"},\n'
        ' {"bbox_2d": [0, 250, 1000, 750], "label": "cat"}]',
        '{"entities": [{"tag": "dog", "box": [100, 300, 500, 600]}, '
        '{"tag": "cat", "box": [0, 250, 1000, 750]}]}',
    ],
    "box_2d": [
        # Gemini's key: the upper edge first, in thousandths of the image, whatever was told.
        '[{"box_2d": [100, 100, 700, 500], "label": "dog"}, '
        '{"box_2d": [0, 0, 1000, 1000], "label": "cat"}]',
        '{"label": "dog", "box_2d": [100, 100, 700, 500]}\n'
        '{"label": "cat", "box_2d": [0, 0, 1000, 1000]}',
    ],
    "fence, json": [
        '```json\n[{"label": "dog", "bbox": [100, 300, 500, 600]}, '
        '{"label": "cat", "bbox": [0, 250, 1000, 750]}]\n```',
        'Sure!\n```\n{"name": "dog", "bounding_box": [100, 300, 500, 600]}\n'
        '{"name": "cat", "bounding_box": [0, 250, 1000, 750]}\n```\nThat is all.',
    ],
    "box first": [
        "<box>[[100, 300, 500, 600]]</box> dog, <box>[[0, 250, 1000, 750]]</box> cat",
        "Here are the tags:\n1. <box>[[100, 300, 500, 600]]</box>: dog\n"
        "2. <box>[[0, 250, 1000, 750]]</box>: cat",
    ],
    "reversed_corners": [
        "dog <box>[[500, 600, 100, 300]]</box>, cat <box>[[0, 250, 1000, 750]]</box>",
        "dog <box>[[100, 300, 500, 600]]</box>, cat <box>[[0, 750, 1000, 250]]</box>",
    ],
    "shares": [
        "dog <box>[[0.1, 0.1, 0.5, 0.7]]</box>, cat <box>[[0.0, 0.0, 1.0, 1.0]]</box>",
        "dog <box>[[0.100, 0.100, 0.500, 0.700]]</box>, cat <box>[[0, 0, 1, 1]]</box>",
    ],
    "clamped": [
        "dog <box>[[100, 300, 500, 600]]</box>, cat <box>[[0, 250, 1010, 750]]</box>",
        "dog <box>[[100, 300, 500, 600]]</box>, cat <box>[[-8, 250, 1000, 750]]</box>",
    ],
    "decimals": [
        "dog <box>[[100.2, 300.0, 499.8, 600.1]]</box>, cat <box>[[0, 250, 1000, 750]]</box>",
        "dog <box>[[100, 300, 500, 600]]</box>, cat <box>[[0.0, 250.3, 1000.0, 749.6]]</box>",
    ],
}


@pytest.mark.parametrize(
    ("text", "names"), [(text, names) for names, texts in TAGGED.items() for text in texts]
)
def test_tags_and_boxes_are_read_whatever_stands_around_them(text: str, names: str) -> None:
    answer = read(text)
    assert (answer.instances, answer.faults) == (BOTH, ())
    assert answer.tolerated == tuple(names.split(", ") if names else ())


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("There is a dog at <box>[[100, 300, 500, 600]]</box>.", "a dog"),
        ("I can see the old dog, with a bounding box of [100, 300, 500, 600].", "the old dog"),
        ("* `STOP sign` - <box>[[100, 300, 500, 600]]</box>", "STOP sign"),
        ("a dog <box>[[100, 300, 500, 600]], None", "a dog"),
        ("The dog: <box>[[100, 300, 500, 600]]</box>", "The dog"),
        ("cardboard box <box>[[100, 300, 500, 600]]</box>", "cardboard box"),
    ],
)
def test_words_that_bring_a_tag_in_are_not_the_tag(text: str, tag: str) -> None:
    assert read(text).instances == (Instance(tag, DOG),)


def test_boxes_of_one_tag_side_by_side() -> None:
    for text in (
        "dogs <box>[[100, 300, 500, 600], [0, 250, 1000, 750]]</box>",
        "dogs <box>[[100, 300, 500, 600]]</box><box>[[0, 250, 1000, 750]]</box>",
    ):
        answer = read(text)
        assert answer.instances == (Instance("dogs", DOG), Instance("dogs", CAT))
        assert (answer.faults, answer.tolerated) == ((), ("several boxes",))


@pytest.mark.parametrize(
    ("text", "tolerated"),
    [
        ("<box>[[100, 300, 500, 600]]</box>, <box>[[0, 250, 1000, 750]]</box>", ()),
        ("[[100,300,500,600],[0,250,1000,750]]", ("bare",)),
        ("[100, 300, 500, 600], [0, 250, 1000, 750]", ("bare",)),
        (write_instances(BOTH), ("tags",)),
    ],
)
def test_boxes_alone(text: str, tolerated: tuple[str, ...]) -> None:
    answer = read(text, tagged=False)
    assert [one.box for one in answer.instances] == [DOG, CAT]
    assert {one.tag for one in answer.instances} == {""}
    assert (answer.faults, answer.tolerated) == ((), tolerated)


@pytest.mark.parametrize(
    "text",
    [
        "None",
        "none.",
        "**None**",
        "N/A",
        "[]",
        "No missing entities.",
        "There are no additional entities in this image.",
        "Nothing is missing.",
        "All visible entities have already been specified.",
    ],
)
def test_nothing_is_missing(text: str) -> None:
    answer = read(text)
    assert answer.nothing
    assert (answer.instances, answer.faults) == ((), ())


@pytest.mark.parametrize(
    ("said", "kind", "detail"),
    [
        (
            "cat <box>[[1, 2, 3]]</box>",
            "malformed",
            "'<box>[[1, 2, 3]]</box>' is no box: a box has",
        ),
        (
            "cat <box>here</box>",
            "malformed",
            "'<box>here</box>' is no box: a box has four numbers.",
        ),
        ("cat <box>[[0, 250, 900, 1800]]</box>", "malformed", "leaves the grid of 0 to 1000."),
        ("cat [0, 250, 1440, 750]", "malformed", "leaves the grid of 0 to 1000."),
        ("cat <box>[[10%, 20%, 30%, 40%]]</box>", "malformed", "is in per cent."),
        ("cat <box>[[7, 300, 7, 600]]</box>", "malformed", "wrong order or no area."),
        ("cat <box>[[0.5, 0.5, 0.5, 0.9]]</box>", "malformed", "has no area in the image."),
        ("cat <box>[[0, 10, 900, 240]]</box>", "malformed", "lies beside the image."),
        ("cat <box>[[0, 760, 1000, 999]]</box>", "malformed", "lies beside the image."),
        ("<box>[[0, 250, 1000, 750]]</box>", "untagged", "has no tag before it."),
        ("- [0, 250, 1000, 750]", "untagged", "'[0, 250, 1000, 750]' has no tag before it."),
        ("cat <box>[[0, 250, 10", "malformed", "'<box>[[0, 250, 10' breaks off."),
        ("cat <box>[[0, 250,", "malformed", "'<box>[[0, 250,' breaks off."),
        (f"cat that {'very ' * 12}often <box>[[0, 250, 9, 750]]</box>", "long_tag", "is too long"),
    ],
)
def test_one_bad_item_does_not_cost_the_others(said: str, kind: str, detail: str) -> None:
    answer = read(f"dog <box>[[100, 300, 500, 600]]</box>, {said}")
    assert answer.instances == BOTH[:1]
    (fault,) = answer.faults
    assert fault.kind == kind
    assert detail in fault.detail


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("I'm sorry, but I cannot help with that.", "refusal"),
        ("Unable to identify any objects.", "refusal"),
        ("The picture shows a dog and a cat [1].", "form"),
        ("dog, cat", "form"),
    ],
)
def test_answers_without_a_box(text: str, kind: str) -> None:
    answer = read(text)
    assert [fault.kind for fault in answer.faults] == [kind]
    assert answer.instances == ()
    assert not answer.nothing


def test_a_key_that_nobody_knows_gives_no_tag() -> None:
    answer = read('[{"pos": [100, 300, 500, 600], "what": "dog"}]')
    assert answer.instances == ()
    assert [fault.kind for fault in answer.faults] == ["untagged"]


def test_words_alone_are_kept_apart() -> None:
    assert read("dog, a red bus\ncat.").words == ("dog", "a red bus", "cat")
    assert read("The picture is nice.").words == ()
    assert read("dog, ca", cut_short=True).words == ()


def test_what_stands_last_in_a_cut_answer_is_not_whole() -> None:
    text = "dog <box>[[100, 300, 500, 600]]</box>, cat <box>[[0, 250, 1000, 75"
    answer = read(text, cut_short=True)
    assert answer.instances == BOTH[:1]
    assert [f.detail for f in answer.faults] == ["'<box>[[0, 250, 1000, 75' breaks off."]
    answer = read(f"{text}0]]</box>, bi", cut_short=True)
    assert answer.instances == BOTH
    assert [f.kind for f in answer.faults] == ["truncated"]
    answer = read('[{"label": "dog", "box": [100, 300, 500, 600]}, {"label": "ca', cut_short=True)
    assert answer.instances == BOTH[:1]
    assert [f.kind for f in answer.faults] == ["malformed"]


def test_doubles_are_exact_or_none() -> None:
    other = Instance("dog", (100, 300, 500, 601))
    assert without_doubles([*BOTH, other, *BOTH]) == (*BOTH, other)
    assert without_doubles([*BOTH, other], told=BOTH) == (other,)


TAGS = st.lists(
    st.text(st.characters(categories=["Ll"], max_codepoint=0x17F), min_size=4, max_size=9),
    min_size=1,
    max_size=4,
).map(lambda words: " ".join(["x1", *words]))


@st.composite
def boxes(draw: st.DrawFn) -> Steps:
    x1, x2 = sorted(draw(st.lists(st.integers(0, 999), min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(st.integers(250, 750), min_size=2, max_size=2, unique=True)))
    return x1, y1, max(x2, 2), y2


@given(
    st.lists(st.builds(Instance, TAGS, boxes()), max_size=6),
    st.sampled_from(["padded", "resized"]),
    st.sampled_from([999, 1000]),
)
def test_what_is_written_is_read(instances: list[Instance], frame: Frame, scale: int) -> None:
    answer = read_answer(write_instances(instances), BoxGrid(frame, scale), SIZE, True)
    assert answer.instances == tuple(instances)
    assert (answer.faults, answer.tolerated, answer.nothing) == ((), (), not instances)


@given(st.text(alphabet='ab 1,.[]()<>{}"/:\nbox', max_size=60), st.booleans())
def test_no_text_is_too_strange(text: str, tagged: bool) -> None:
    for one in read(text, tagged).instances:
        assert 0 <= one.box[0] < one.box[2] <= 1000
        assert 0 <= one.box[1] < one.box[3] <= 1000
        assert bool(one.tag) == tagged
        # It can be told on: the next question reads like this answer.
        assert read(write_instances([one]), tagged).instances == (one,)
