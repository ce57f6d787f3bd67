"""Tags as models and published captions write them, and what is read in them.

Each reading: the text, the caption without tags, its phrases with their ids, and the kinds of its
faults in order, those that no rule mends with an exclamation mark. Every kind of deviation has at
least two wordings. What is marked with a figure stands so in arXiv 2502.02589.
"""

from __future__ import annotations

import pytest

from annoengine.grounded.tag_faults import MENDED, UNMENDED
from annoengine.grounded.tags import Tagged, parse_tags, write_tags

Reading = tuple[str, str, list[tuple[str, tuple[int, ...]]], list[str]]


def content(tagged: Tagged) -> tuple[str, list[tuple[str, tuple[int, ...]]], list[str]]:
    phrases = [(tagged.phrase(span), span.segments) for span in tagged.spans]
    kinds = [fault.kind + "!" * (not fault.mended) for fault in tagged.faults]
    return tagged.text, phrases, kinds


EXACT: list[Reading] = [
    ("<3: a dog> runs.", "a dog runs.", [("a dog", (3,))], []),
    (
        "Behind <6,7: two men> is <12: a fence made of wooden posts, and old>.",
        "Behind two men is a fence made of wooden posts, and old.",
        [("two men", (6, 7)), ("a fence made of wooden posts, and old", (12,))],
        [],
    ),
    ("No tags here, 3: none.", "No tags here, 3: none.", [], []),
    (
        "<3: A dog>, as big as <3: the dog> before.",
        "A dog, as big as the dog before.",
        [("A dog", (3,)), ("the dog", (3,))],
        [],
    ),
    (
        "<3: a sign with the words: EXIT 2>.",
        "a sign with the words: EXIT 2.",
        [("a sign with the words: EXIT 2", (3,))],
        [],
    ),
    (
        "<3: 2 dogs> and <4: a 4-layer shelf> [sic].",
        "2 dogs and a 4-layer shelf [sic].",
        [("2 dogs", (3,)), ("a 4-layer shelf", (4,))],
        [],
    ),
    ("<3: 720pixel screen>", "720pixel screen", [("720pixel screen", (3,))], []),
    ("<16777215: a dog's> tail", "a dog's tail", [("a dog's", (16777215,))], []),
    ("", "", [], []),
]

READINGS: list[tuple[str, Reading]] = [
    # spaces around ids, commas, colon and brackets
    ("spaces", ("<0:The sky is blue>, forming the backdrop.", "The sky is blue, forming the backdrop.", [("The sky is blue", (0,))], ["spaces"])),  # Fig. 9
    ("spaces", ("On top, <8:a fluffy blue teddy bear > is seen.", "On top, a fluffy blue teddy bear is seen.", [("a fluffy blue teddy bear", (8,))], ["spaces"])),  # Fig. 10
    ("spaces", ("Then < 62,63,48, 47, 13 :Additional people>.", "Then Additional people.", [("Additional people", (62, 63, 48, 47, 13))], ["spaces"])),
    ("spaces", ("near<3: a dog>runs <4: a cat >sits", "near a dog runs a cat sits", [("a dog", (3,)), ("a cat", (4,))], ["spaces", "spaces"])),
    ("spaces", ("<3: a dog><4: a cat>", "a dog a cat", [("a dog", (3,)), ("a cat", (4,))], ["spaces"])),
    # another tag within the tag
    ("nested", ("<10: One individual who is carrying <9: a black backpack> is joining while <8: a guy> leaves.", "One individual who is carrying a black backpack is joining while a guy leaves.", [("One individual who is carrying", (10,)), ("a black backpack", (9,)), ("a guy", (8,))], ["nested"])),  # Fig. 10
    ("nested", ("<10: a man with <9: a bag>> is here.", "a man with a bag is here.", [("a man", (10,)), ("a bag", (9,))], ["nested"])),
    ("nested", ("<1: a table holding <2: a cup> and <3: a plate>> stands.", "a table holding a cup and a plate stands.", [("a table holding", (1,)), ("a cup", (2,)), ("a plate", (3,))], ["nested"])),
    ("nested", ("<1: a man holding <2: a bag> and smiling> walks.", "a man holding a bag and smiling walks.", [("a man holding", (1,)), ("a bag", (2,))], ["nested"])),
    ("nested!", ("<3: <4: a dog> on a leash> runs.", "a dog on a leash runs.", [("a dog", (4,))], ["nested!"])),
    ("nested!", ("See <3: <4: a dog>>.", "See a dog.", [("a dog", (4,))], ["nested!"])),
    # no colon
    ("no_colon", ("There is <1>green tennis ball> on the court.", "There is green tennis ball on the court.", [("green tennis ball", (1,))], ["no_colon"])),
    ("no_colon", ("<1>a dog> sees <2,3>two cats>.", "a dog sees two cats.", [("a dog", (1,)), ("two cats", (2, 3))], ["no_colon", "no_colon"])),
    ("no_colon", ("<3>a dog</3> on <4> the mat </4>.", "a dog on the mat.", [("a dog", (3,)), ("the mat", (4,))], ["no_colon", "no_colon"])),
    ("no_colon", ("<3>: a dog> and <4 - a cat>", "a dog and a cat", [("a dog", (3,)), ("a cat", (4,))], ["no_colon", "no_colon"])),
    ("no_colon", ("<3 a dog> and <4. another dog> and <5) a cat>", "a dog and another dog and a cat", [("a dog", (3,)), ("another dog", (4,)), ("a cat", (5,))], ["no_colon", "no_colon", "no_colon"])),
    ("no_colon!", ("We see <3 dogs> here.", "We see 3 dogs here.", [], ["no_colon!"])),
    ("no_colon!", ("At <3.5 metres> is <4: a dog>.", "At 3.5 metres is a dog.", [("a dog", (4,))], ["no_colon!"])),
    # closed before the phrase ends
    ("early_close", ("There are <6,10: two boys> wearing in green top and black pants>, actively playing.", "There are two boys wearing in green top and black pants, actively playing.", [("two boys wearing in green top and black pants", (6, 10))], ["early_close"])),  # Fig. 9
    ("early_close", ("<3: a dog> with a red collar> sees <4: a cat>.", "a dog with a red collar sees a cat.", [("a dog with a red collar", (3,)), ("a cat", (4,))], ["early_close"])),
    ("early_close", ("<1>a ball> on the court> is green.", "a ball on the court is green.", [("a ball on the court", (1,))], ["no_colon", "early_close"])),
    # a bracket twice
    ("doubled_bracket", ("<<3: a dog>> runs past <4: a tree>.", "a dog runs past a tree.", [("a dog", (3,)), ("a tree", (4,))], ["doubled_bracket"])),
    ("doubled_bracket", ("Below it are << 1: dense trees>.", "Below it are dense trees.", [("dense trees", (1,))], ["doubled_bracket", "spaces"])),
    ("doubled_bracket", ("<3: a dog>> runs.", "a dog runs.", [("a dog", (3,))], ["doubled_bracket"])),
    ("doubled_bracket", ("<3: a dog></3> runs.", "a dog runs.", [("a dog", (3,))], ["doubled_bracket"])),
    # brackets that belong to nothing
    ("stray_bracket!", ("<3: a dog> runs. It is > big.", "a dog runs. It is big.", [("a dog", (3,))], ["stray_bracket!"])),
    ("stray_bracket!", ("The sign says < EXIT. Below, <4: a dog> sits.", "The sign says EXIT. Below, a dog sits.", [("a dog", (4,))], ["stray_bracket!"])),
    ("stray_bracket!", ("I <3 <4: dogs>.", "I 3 dogs.", [("dogs", (4,))], ["stray_bracket!"])),
    # other brackets
    ("other_brackets", ("[3: a dog] lies on [4,5: two mats].", "a dog lies on two mats.", [("a dog", (3,)), ("two mats", (4, 5))], ["other_brackets", "other_brackets"])),
    ("other_brackets", ("Near [ 3 : a dog ], <4: a cat>.", "Near a dog, a cat.", [("a dog", (3,)), ("a cat", (4,))], ["other_brackets"])),
    # ids alone
    ("bare_id!", ("a dog <3> and a cat <4>.", "a dog and a cat.", [], ["bare_id!", "bare_id!"])),
    ("bare_id!", ("Two men <6,7> ride <5: a horse>.", "Two men ride a horse.", [("a horse", (5,))], ["bare_id!"])),
    # no phrase
    ("empty_phrase!", ("On the left <3:> is <4: a cat>.", "On the left is a cat.", [("a cat", (4,))], ["empty_phrase!"])),
    ("empty_phrase!", ("Here is < 3 :   >.", "Here is.", [], ["empty_phrase!"])),
    # words before the ids, other marks between them
    ("id_form", ("<id 3: a dog> and <ID: 4: a cat>.", "a dog and a cat.", [("a dog", (3,)), ("a cat", (4,))], ["id_form", "id_form"])),
    ("id_form", ("<object 3: a dog> and <Objects 4, 5: two cats>.", "a dog and two cats.", [("a dog", (3,)), ("two cats", (4, 5))], ["id_form", "id_form"])),
    ("id_form", ("<#3: a dog> <[4]: a cat> <\"5\": a cow>", "a dog a cat a cow", [("a dog", (3,)), ("a cat", (4,)), ("a cow", (5,))], ["id_form", "id_form", "id_form"])),
    ("id_form", ("<6 and 7: two men> <8 & 9: two dogs> <1;2: two cats>", "two men two dogs two cats", [("two men", (6, 7)), ("two dogs", (8, 9)), ("two cats", (1, 2))], ["id_form", "id_form", "id_form"])),
    ("id_form", ("<6 7: two men>, <9:11: two dogs>", "two men, two dogs", [("two men", (6, 7)), ("two dogs", (9, 11))], ["id_form", "id_form"])),
    ("id_form", ("<3,: a dog> and <4, 5,: two cats>", "a dog and two cats", [("a dog", (3,)), ("two cats", (4, 5))], ["id_form", "id_form"])),
    ("id_form", ("<,3: a dog> and <4,,5: two cats> and <03: the dog>", "a dog and two cats and the dog", [("a dog", (3,)), ("two cats", (4, 5)), ("the dog", (3,))], ["id_form", "id_form", "id_form"])),
    ("repeated_id", ("<3,3: a dog> and <4,5,4: two cats>", "a dog and two cats", [("a dog", (3,)), ("two cats", (4, 5))], ["repeated_id", "repeated_id"])),
    ("repeated_id", ("<7, 7: a dog>", "a dog", [("a dog", (7,))], ["repeated_id"])),
    # ranges
    ("range", ("<1-3: three dogs>", "three dogs", [("three dogs", (1, 2, 3))], ["range"])),
    ("range", ("<2 to 4, 7: dogs> <objects 1–2: cats>", "dogs cats", [("dogs", (2, 3, 4, 7)), ("cats", (1, 2))], ["range", "range"])),
    ("range!", ("<3-1: dogs> and <4: a cat>", "dogs and a cat", [("a cat", (4,))], ["range!"])),
    ("range!", ("<1-900: people>", "people", [], ["range!"])),
    # never closed
    ("unclosed!", ("Near it stands <3: a dog", "Near it stands a dog", [], ["unclosed!"])),
    ("unclosed!", ("Near it stands <3: a dog. There is <4: a cat>.", "Near it stands a dog. There is a cat.", [("a cat", (4,))], ["unclosed!"])),
    ("unclosed!", ("<4: a cat> sees <3:", "a cat sees ", [("a cat", (4,))], ["unclosed!"])),
    # entities and fullwidth characters
    ("entities", ("&lt;3: a dog&gt; on &lt;4: grass&gt;", "a dog on grass", [("a dog", (3,)), ("grass", (4,))], ["entities", "entities"])),
    ("entities", ("A &#60;3: dog&#62; &amp; a &LT;4: cat>", "A dog &amp; a cat", [("dog", (3,)), ("cat", (4,))], ["entities", "entities"])),
    ("wide_characters", ("＜3：a dog＞ on <4：grass>", "a dog on grass", [("a dog", (3,)), ("grass", (4,))], ["wide_characters", "wide_characters"])),
    ("wide_characters", ("【3：a dog】 and 〈４，５: two cats〉", "a dog and two cats", [("a dog", (3,)), ("two cats", (4, 5))], ["wide_characters", "wide_characters"])),
    # markup
    ("markup", ("**<3: a dog>** on <4: **the grass**>", "a dog on the grass", [("a dog", (3,)), ("the grass", (4,))], ["markup"] * 4)),
    ("markup", ("<**3**: a dog>", "a dog", [("a dog", (3,))], ["markup", "markup"])),
    ("markup", ("there are <<u>1: dense trees</u>, with branches>", "there are dense trees, with branches", [("dense trees, with branches", (1,))], ["markup", "markup"])),  # as Fig. 9 prints it
    ("markup", ("several <<u>9,19</u>: plants>", "several plants", [("plants", (9, 19))], ["markup", "markup"])),
    ("markup", ("<3: a dog><br>and <p>more", "a dog and more", [("a dog", (3,))], ["markup", "markup"])),
    # line breaks
    ("line_break", ("<3: a dog\non the grass> runs", "a dog on the grass runs", [("a dog on the grass", (3,))], ["line_break"])),
    ("line_break", ("<3: a dog \r\n\twith a ball>", "a dog with a ball", [("a dog with a ball", (3,))], ["line_break"])),
    # no number at all
    ("no_id!", ("Additionally, <sa backpack> is carried.", "Additionally, sa backpack is carried.", [], ["no_id!"])),  # Fig. 13
    ("no_id!", ("<A: a dog> and <dog: a brown one>, <-1: a cat>", "A: a dog and dog: a brown one, -1: a cat", [], ["no_id!", "no_id!", "no_id!"])),
    # numbers that no segment has
    ("huge_id!", ("<16777216: a dog> runs", "a dog runs", [], ["huge_id!"])),
    ("huge_id!", ("<4,99999999999999999999: a dog> and <4: a cat>", "a dog and a cat", [("a cat", (4,))], ["huge_id!"])),
    # a number stuck to the phrase
    ("glued_number!", ("actively playing <9:11skateboard> in the air", "actively playing 11skateboard in the air", [("11skateboard", (9,))], ["spaces", "glued_number!"])),  # Fig. 9
    ("glued_number!", ("<3:4dogs> and <4:2nd dog>", "4dogs and 2nd dog", [("4dogs", (3,)), ("2nd dog", (4,))], ["spaces", "glued_number!", "spaces"])),
]  # fmt: skip


@pytest.mark.parametrize("reading", EXACT, ids=[reading[0] for reading in EXACT])
def test_an_exact_caption_has_no_faults_and_is_written_as_it_was(reading: Reading) -> None:
    text, *expected = reading
    tagged = parse_tags(text)
    assert list(content(tagged)) == expected
    assert write_tags(tagged.text, tagged.spans) == text


@pytest.mark.parametrize(("kind", "reading"), READINGS, ids=[r[0] for _, r in READINGS])
def test_a_deviation_is_read_and_named(kind: str, reading: Reading) -> None:
    text, *expected = reading
    assert list(content(parse_tags(text))) == expected
    assert kind in expected[2]


def test_every_kind_has_two_wordings() -> None:
    kinds = [*MENDED, *(f"{kind}!" for kind in UNMENDED)]
    counts = {kind: sum(label == kind for label, _ in READINGS) for kind in kinds}
    assert {kind: count for kind, count in counts.items() if count < 2} == {}
    assert {label for label, _ in READINGS} == set(kinds)


@pytest.mark.parametrize("reading", [r for _, r in READINGS], ids=[r[0] for _, r in READINGS])
def test_what_was_read_can_be_written_and_is_then_exact(reading: Reading) -> None:
    tagged = parse_tags(reading[0])
    if any(0 in span.segments for span in tagged.spans):
        with pytest.raises(ValueError, match=r"has the ids \(0,\); an id is 1 to 16777215$"):
            write_tags(tagged.text, tagged.spans)
        return
    again = parse_tags(write_tags(tagged.text, tagged.spans))
    assert again == Tagged(tagged.text, tagged.spans)


def test_faults_name_their_place_and_words() -> None:
    text = "On **the left**, <3>a dog> and <4: > and &lt;5: a cat&gt; near <6: an"
    faults = parse_tags(text).faults
    assert [(f.kind, f.words, f.mended) for f in faults] == [
        ("markup", "**", True),
        ("markup", "**", True),
        ("no_colon", "<3>a dog>", True),
        ("empty_phrase", "<4: >", False),
        ("entities", "&lt;5: a cat&gt;", True),
        ("unclosed", "<6: an", False),
    ]
    for fault in faults:
        assert text[fault.start : fault.start + len(fault.words)] == fault.words
    assert faults[2].detail == "The tag “<3>a dog>” has no colon between its ids and its phrase."
    assert faults[2].ids == (3,)
    assert faults[5].detail == "The tag “<6: an” is never closed."


def test_long_words_are_cut() -> None:
    (fault,) = parse_tags("<3>" + "a dog " * 40 + ">").faults
    assert len(fault.words) == 80
    assert fault.words.endswith("…")
