"""The paragraph that is made of region captions by rule: how it reads, and that it is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.answers.grounded import Grounded
from annoengine.grounded.known_segments import NONE_DEMANDED
from annoengine.grounded.paragraph import paragraph_of
from annoengine.grounded.region_captions import CaptionedRegion, expected_regions
from annoengine.grounded.scene_paragraph import scene_paragraph
from annoengine.grounded.tags import write_tags
from annoengine.record import Category, Photo, Record, Segment
from tests.grounded.made_captions import categories

STUFF = ("merged", "other", "sky", "grass", "water")


def region(number: int, name: str, text: str, area_px: float = 100) -> CaptionedRegion:
    segment = Segment(
        id=1000 + number,
        category=Category(name=name),
        isthing=not any(word in name for word in STUFF),
        box_xyxy=(0, 0, 9, 9),
        area_px=area_px,
    )
    return CaptionedRegion(number, segment, name, text)


def written(*regions: CaptionedRegion, words: int = 200, **more: int) -> str:
    counts: dict[str, int] = {}
    for one in regions:
        name = one.segment.category.name
        counts[name] = counts.get(name, 0) + 1
    tagged = scene_paragraph(regions, {**counts, **more}, words)
    return write_tags(tagged.text, tagged.spans)


def test_it_opens_with_what_there_is_and_goes_on_with_the_largest() -> None:
    assert written(
        region(1, "sky-other-merged", "This sky is blue. It is bright.", 500),
        region(2, "cup", "The leftmost cup is red."),
        region(3, "dog", "This dog is brown. It is small.", 300),
        region(4, "cup", "This cup is white."),
        region(5, "spoon", "A grey spoon lies there.", 2),
        region(6, "grass-merged", "There is green grass."),
    ) == (
        "The image shows <3: a dog>, <2,4: two cups>, <1: the sky>, <6: grass> and <5: a spoon>. "
        "<3: The dog> is brown. It is small. <2: The leftmost cup> is red. <4: Another cup> is "
        "white. <1: The sky> is blue. It is bright. <6: The grass> is green. <5: The grey spoon> "
        "lies there."
    )


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("This cup is red.", "<1: The cup> is red."),
        ("A mostly red cup stands there.", "<1: The mostly red cup> stands there."),
        ("There is a largely red cup with some blue on the left.",
         "<1: The cup> is largely red with some blue, on the left."),
        ("There is a cup on the left.", "<1: The cup> is on the left."),
        ("There is a red and white cup in the middle.",
         "<1: The cup> is red and white in the middle."),
        ("Seen on the left, this cup is red.", "Seen on the left, <1: the cup> is red."),
        # nothing that the first sentence does not say
        ("There is a cup.", ""),
        ("There is a cup. It is red.", "<1: The cup> is red."),
        ("There is a cup. Red and white.", "There is <1: a cup>. Red and white."),
        # "the cup is paper" would be another thing
        ("There is a paper cup on the left.", "There is <1: a paper cup> on the left."),
        ("Seen on the left, the cup is red.", "Seen on the left, <1: the cup> is red."),
        ("It is red. It shines.", "<1: The cup> is red. It shines."),
    ],
)  # fmt: skip
def test_what_was_listed_is_known_then(caption: str, text: str) -> None:
    made = written(region(1, "cup", caption))
    assert made == f"The image shows <1: a cup>. {text}".rstrip()


@pytest.mark.parametrize(
    ("captions", "text"),
    [
        (("This cup is red.", "This cup is blue."),
         "<1: One cup> is red. <2: Another cup> is blue."),
        (("There is a red cup on the left.", "There is a blue cup on it."),
         "<1: One cup> is red on the left. <2: Another cup> is blue on it."),
        (("A red cup stands there.", "A blue cup lies there."),
         "<1: A red cup> stands there. <2: A blue cup> lies there."),
        (("The second cup from the left is red.", "The first cup from the top is red."),
         "<1: The second cup from the left> is red. <2: The first cup from the top> is red."),
    ],
)  # fmt: skip
def test_several_of_a_kind_are_told_apart(captions: tuple[str, str], text: str) -> None:
    regions = [region(n, "cup", caption) for n, caption in enumerate(captions, start=1)]
    assert written(*regions) == f"The image shows <1,2: two cups>. {text}"


def test_no_number_is_said_where_not_all_are_described() -> None:
    cups = [region(1, "cup", "This cup is red."), region(2, "cup", "This cup is blue.")]
    assert written(*cups, cup=3).startswith("The image shows <1,2: several cups>. <1: One cup> ")
    # One of three is no "cup" that is the only one.
    assert written(cups[0], cup=3) == "The image shows <1: several cups>. <1: One cup> is red."


def test_where_there_is_no_room_for_all_the_largest_are_told_of() -> None:
    people = [region(n, "person", f"Person {n} stands there.", area_px=n) for n in range(1, 13)]
    text = written(*people, words=20)
    assert text == (
        "The image shows <1,2,3,4,5,6,7,8,9,10,11,12: several people>. "
        "<10: Person> 10 stands there. <11: Person> 11 stands there. <12: Person> 12 stands there."
    )
    # Whom no list can name gets a sentence, whatever that takes.
    nameless = region(13, "region", "Grey and flat.", area_px=0)
    assert "<13: a region>" in written(*people, nameless, words=0)


def test_many_kinds_take_several_lists() -> None:
    names_ = "dog cat bird horse sheep cow bear zebra giraffe cup".split()
    regions = [region(n, name, "", 20 - n) for n, name in enumerate(names_, start=1)]
    text = written(*regions, words=0)
    assert "<7: a bear> and <8: a zebra>. It also shows <9: a giraffe> and <10: a cup>." in text


def test_further_sentences_are_dealt_out_in_turns() -> None:
    dog = region(1, "dog", "The dog is brown. It runs fast. It barks.", 500)
    cat = region(2, "cat", "The cat is grey. It is asleep.")
    start = "The image shows <1: a dog> and <2: a cat>. "
    # The list has both; one sentence there always is.
    assert written(dog, cat, words=0) == f"{start}<1: The dog> is brown."
    assert written(dog, cat, words=16) == f"{start}<1: The dog> is brown. <2: The cat> is grey."
    # 8 + 4 + 4 words so far.
    assert written(dog, cat, words=22) == (
        f"{start}<1: The dog> is brown. It runs fast. <2: The cat> is grey. It is asleep."
    )


names = st.sampled_from([name for name, _ in categories()])
pieces = st.sampled_from(
    "A This The There is are red orange with two dogs person <3: x> [4: y] &lt; ** . , ? (2) It "
    "＜ 3: “so” - second from the left".split(" ")
)


@given(st.lists(st.tuples(names, st.lists(pieces, max_size=10).map(" ".join)), max_size=6))
def test_whatever_captions_say_every_region_is_grounded_rightly(
    told: list[tuple[str, str]],
) -> None:
    regions = tuple(region(n, name, text) for n, (name, text) in enumerate(told, start=1))
    tagged = scene_paragraph(regions, {})
    photo = Photo(file="a", width=9, height=9, sha256="0")
    expected = expected_regions(Record(id="a/b/c", photo=photo), regions)
    grammar = Grounded()
    answer = paragraph_of(tagged)
    if not regions:
        assert tagged.text == ""
        return
    parsed = grammar.parse(grammar.write(answer))
    assert parsed.answer == answer
    judged = grammar.judge_paragraph(parsed, expected, NONE_DEMANDED)
    wrong = [f for f in judged.faults if f.kind not in ("language", "leak", "refusal")]
    assert wrong == []
    assert set(judged.accepted) == {one.number for one in regions}
