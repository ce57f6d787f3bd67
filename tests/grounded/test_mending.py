"""What of a malformed caption is mended, told, and left."""

from __future__ import annotations

import pytest

from annoengine.grounded.known_segments import NONE_DEMANDED, KnownSegment
from annoengine.grounded.mending import mend
from annoengine.grounded.numbering import Numbering
from annoengine.grounded.tags import Tagged

SKATERS = {
    id: KnownSegment(id, name)
    for id, name in enumerate(
        "sky-other-merged building-other-merged pavement-merged tree-merged skateboard person "
        "person person person skateboard person skateboard".split(),
        start=1,
    )
}
"""The segments of the skaters of arXiv 2502.02589, Fig. 9, numbered from 1, by their captions."""

SKATING = (
    "The scene includes several individuals actively engaging in skateboarding. There are "
    "<6,10: two boys> wearing in green top and black pants>, actively playing <9:11skateboard> in "
    "the air. <5: Another guy who is also dressing in green top and black pants> is playing but "
    "on the ground. Next to them, there are <7: a half-naked man> observing, while <8: another "
    "guy in a white top and black hat>, also watching. The background shows the <0:sky, "
    "predominantly blue with scattered clouds>. <1:A light brown building> is seen. They use the "
    "<2:sidewalk, notable for its graffiti>. Around, there is <3:lush green foliage>."
)
"""Its caption, shortened: it counts from 0, closes a tag early and lost a comma between ids."""


def test_the_skaters_of_the_paper_are_mended_whole() -> None:
    mended = mend(SKATING, SKATERS, NONE_DEMANDED)
    assert mended.right
    assert mended.numbering == Numbering(0, 0)
    assert mended.write() == (
        "The scene includes several individuals actively engaging in skateboarding. There are "
        "<7,11: two boys wearing in green top and black pants>, actively playing <10,12: "
        "skateboard> in the air. <6: Another guy who is also dressing in green top and black "
        "pants> is playing but on the ground. Next to them, there are <8: a half-naked man> "
        "observing, while <9: another guy in a white top and black hat>, also watching. The "
        "background shows the <1: sky, predominantly blue with scattered clouds>. <2: A light "
        "brown building> is seen. They use the <3: sidewalk, notable for its graffiti>. Around, "
        "there is <4: lush green foliage>."
    )
    kinds = [fault.kind for fault in mended.mends]
    assert kinds == ["early_close", *["spaces"] * 5, "numbering", "glued_number"]
    assert mended.mends[-1].detail == "The id 12 was stuck to the phrase “skateboard”."
    assert mended.mends[-1].marks == (10, 12)


CAFE = {
    id: KnownSegment(id, name)
    for id, name in {
        1: "road", 2: "building-other-merged", 3: "wall-wood", 5: "fence-merged", 6: "motorcycle",
        7: "umbrella", 8: "person", 9: "person", 10: "backpack", 11: "person", 12: "person",
        13: "chair", 15: "chair",
    }.items()
}  # fmt: skip
"""The segments that the café of arXiv 2502.02589, Fig. 10, speaks of, numbered from 1."""


def test_the_nested_tags_of_the_paper_are_mended() -> None:
    text = (
        "<0:The road> is where <5:a motorcycle> is parked. Behind it, <1:the café building> has "
        "<2:a wooden wall> and <4:a small fence>, <12,14:chairs> and <6:a blue umbrella>. "
        "<7, 11: Several people are interacting in and around the café>. <10:One individual who "
        "is carrying <9:a black backpack> is joining while <8:a guy in blue shirt> waves."
    )
    mended = mend(text, CAFE)
    assert mended.right
    assert mended.write() == (
        "<1: The road> is where <6: a motorcycle> is parked. Behind it, <2: the café building> "
        "has <3: a wooden wall> and <5: a small fence>, <13,15: chairs> and <7: a blue umbrella>. "
        "<8,12: Several people are interacting in and around the café>. <11: One individual who "
        "is carrying> <10: a black backpack> is joining while <9: a guy in blue shirt> waves."
    )


def test_a_glued_number_that_is_no_fitting_id_is_left() -> None:
    known = {3: KnownSegment(3, "dog"), 4: KnownSegment(4, "cat")}
    for text in ("<3:4dogs>", "<3:7dogs>", "<3:4cats>"):
        mended = mend(text, known)
        assert not mended.right
        assert mended.judged.faults[0].kind == "glued_number"
        assert mended.tagged.text == text[3:-1]
    known[4] = KnownSegment(4, "dog")
    mended = mend("See <3:4dogs> near <4: a dog>.", known)
    assert mended.write() == "See <3,4: dogs> near <4: a dog>."
    assert mended.right


@pytest.mark.parametrize(
    ("text", "written", "kinds"),
    [
        ("<1>A dog> on [2: grass].", "<1: A dog> on <2: grass>.", ["no_colon", "other_brackets"]),
        (
            "<1: A dog lying on <2: the grass>> rests.",
            "<1: A dog lying> on <2: the grass> rests.",
            ["nested"],
        ),
        ("&lt;id 1:A dog&gt; on <2,2: grass>.", "<1: A dog> on <2: grass>.",
         ["id_form", "entities", "repeated_id"]),
        ("<1: A dog> on <2: grass>.", "<1: A dog> on <2: grass>.", []),
    ],
)  # fmt: skip
def test_what_leaves_one_reading_is_mended_and_told(
    text: str, written: str, kinds: list[str]
) -> None:
    known = {1: KnownSegment(1, "dog"), 2: KnownSegment(2, "grass-merged", isthing=False)}
    mended = mend(text, known)
    assert mended.write() == written
    assert [fault.kind for fault in mended.mends] == kinds
    assert mended.right
    again = mend(written, known)
    assert again.tagged == Tagged(mended.tagged.text, mended.tagged.spans)
    assert again.mends == ()


def test_what_cannot_be_written_says_so() -> None:
    mended = mend("<0: A cat> sits.", {1: KnownSegment(1, "dog")})
    assert mended.numbering.undetermined
    assert [fault.kind for fault in mended.judged.faults] == ["void", "missing"]
    with pytest.raises(ValueError, match=r"'A cat' \(0 to 5\) has the ids \(0,\)"):
        mended.write()
