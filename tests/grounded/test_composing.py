"""A paragraph made of region captions by rule: its words, and that its tags are always right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.answer import Region
from annoengine.categories import words_of
from annoengine.grounded.composing import compose
from annoengine.grounded.judging import judge
from annoengine.grounded.known_segments import KnownSegment
from annoengine.grounded.tags import parse_tags, write_tags
from tests.grounded.made_captions import categories


def written(*regions: tuple[int, str, str], words: int = 200) -> str:
    tagged = compose([Region(*region) for region in regions], words)
    return write_tags(tagged.text, tagged.spans)


@pytest.mark.parametrize(
    ("name", "caption", "text"),
    [
        # a sentence: its subject is tagged
        ("cup", "The cup is mostly white and round.", "<1: The cup> is mostly white and round."),
        ("cup", "A mostly white cup with some blue appears on the left side of the image.",
         "<1: A mostly white cup> with some blue appears on the left side of the image."),
        ("cup", "There is an orange cup in the centre of the image.",
         "There is <1: an orange cup> in the centre of the image."),
        ("cup", "Seen in the lower left, this cup is red.",
         "Seen in the lower left, <1: this cup> is red."),
        ("cup", "The leftmost cup, one of three, is red. It covers 5% of it.",
         "<1: The leftmost cup>, one of three, is red. It covers 5% of it."),
        ("dog", "A dog jumps over a log", "<1: A dog> jumps over a log."),
        ("stop sign", "The red stop sign has white letters.",
         "<1: The red stop sign> has white letters."),
        ("Person", "Two young women are riding.", "<1: Two young women> are riding."),
        ("wall-brick", "The brick wall is blue.", "<1: The brick wall> is blue."),
        # a mere phrase: "There is" comes first
        ("Sky", "Clear blue sky", "There is <1: clear blue sky>."),
        ("giraffe", "A standing giraffe with a long neck",
         "There is <1: a standing giraffe> with a long neck."),
        ("tree-merged", "Dense trees, with branches and leaves",
         "There are <1: dense trees>, with branches and leaves."),
        ("person", "Several people watching.", "There are <1: several people> watching."),
        ("tv", "TV on a stand", "There is <1: TV> on a stand."),
        # the name of another thing is not tagged: the category comes first
        ("house", "The dog house is red.", "<1: The dog house> is red."),
        ("dog", "The dog house is red.", "There is <1: a dog>. The dog house is red."),
        ("tennis racket", "It is black.", "There is <1: a tennis racket>. It is black."),
        ("orange", "", "There is <1: an orange>."),
        ("grass-merged", "Short.", "There is <1: grass>. Short."),
        ("skis", "Long and narrow.", "There are <1: skis>. Long and narrow."),
        ("gizmo", "It hums.", "There is <1: a gizmo>. It hums."),
        # no name at all
        ("", "A red thing is here. It hums.", "<1: A red thing is here>. It hums."),
        ("region", "Grey and flat.", "There is <1: a region>. Grey and flat."),
        ("region", "Seen on the left, the second region from the top is red.",
         "Seen on the left, <1: the second region from the top> is red."),
        ("region", "A tan and beige region appears there.",
         "<1: A tan and beige region> appears there."),
        ("", "", "<1: a region>."),
        # what would be read as a tag is none
        ("dog", "The **dog** <2: a cat> is [3: big] &lt;4: x&gt;.",
         "<1: The dog> 2: a cat is (3: big) 4: x."),
    ],
)  # fmt: skip
def test_the_phrase_that_names_the_region_is_tagged(name: str, caption: str, text: str) -> None:
    assert written((1, name, caption)) == text


def test_regions_follow_each_other_and_short_ones_first_get_their_first_sentence() -> None:
    regions = [
        (3, "dog", "The dog is brown. It runs fast. It barks."),
        (1, "cat", "A cat is asleep. It is grey."),
    ]
    assert written(*regions) == (
        "<3: The dog> is brown. It runs fast. It barks. <1: A cat> is asleep. It is grey."
    )
    assert written(*regions, words=11) == (
        "<3: The dog> is brown. It runs fast. <1: A cat> is asleep."
    )
    assert written(*regions, words=0) == "<3: The dog> is brown. <1: A cat> is asleep."
    assert compose([]).text == ""


names = st.sampled_from([name for name, _ in categories()])
pieces = st.sampled_from(
    "A the is red with two dogs person <3: x> [4: y] &lt; ** 5 < 6 . , ? \n (2) It ＜ 3: “so” - "
    "&amp;lt;5: a&gt;".split(" ")
)


@given(st.lists(st.tuples(names, st.lists(pieces, max_size=12).map(" ".join)), max_size=6))
def test_whatever_captions_say_the_tags_are_right(told: list[tuple[str, str]]) -> None:
    regions = [
        Region(mark, words_of(name).show, text) for mark, (name, text) in enumerate(told, start=1)
    ]
    tagged = compose(regions)
    known = {mark: KnownSegment(mark, name) for mark, (name, _) in enumerate(told, start=1)}
    assert parse_tags(write_tags(tagged.text, tagged.spans)) == tagged
    judged = judge(tagged, known)
    assert judged.faults == ()
    assert [span.segments for span in tagged.spans] == [(mark,) for mark in known]


@pytest.mark.parametrize("name", [name for name, _ in categories()])
def test_every_category_can_be_named(name: str) -> None:
    known = {1: KnownSegment(1, name)}
    for text in ("It is big.", f"The {words_of(name).show} is big.", words_of(name).show):
        judged = judge(compose([Region(1, words_of(name).show, text)]), known)
        assert (judged.faults, judged.doubts) == ((), ())
