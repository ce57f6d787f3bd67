"""What ``write_tags`` refuses, and that reading gives back whatever it wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.grounded.tag_heads import MOST_ID, head_at
from annoengine.grounded.tags import Tagged, parse_tags, write_tags
from annoengine.record import Span


def span(start: int, end: int, *ids: int) -> Span:
    return Span(start=start, end=end, segments=ids or (1,))


def test_spans_may_come_in_any_order() -> None:
    text = "A dog sees a cat."
    written = write_tags(text, [span(11, 16, 2, 5), span(0, 5, 1)])
    assert written == "<1: A dog> sees <2,5: a cat>."


@pytest.mark.parametrize(
    ("text", "spans", "message"),
    [
        ("A dog.", [span(3, 3)], "the phrase '' (3 to 3) is empty"),
        ("A   dog.", [span(1, 3)], "the phrase '  ' (1 to 3) is empty"),
        (
            "A dog.",
            [span(2, 9)],
            "the phrase 'dog.' (2 to 9) ends behind the text, which has 6 characters",
        ),
        (
            "A dog sits.",
            [span(0, 5), span(2, 10)],
            "the phrase 'dog sits' (2 to 10) overlaps the one before it",
        ),
        (
            "A dog sits.",
            [span(0, 10), span(2, 5)],
            "the phrase 'dog' (2 to 5) overlaps the one before it",
        ),
        ("A <b dog.", [span(2, 8)], "the phrase '<b dog' (2 to 8) has '<' or '>' in it"),
        ("A b> dog.", [span(0, 8)], "the phrase 'A b> dog' (0 to 8) has '<' or '>' in it"),
        ("A dog sits.", [span(2, 6)], "the phrase 'dog ' (2 to 6) begins or ends with a space"),
        ("A dog\nsits.", [span(2, 10)], "the phrase 'dog\\nsits' (2 to 10) has a line break in it"),
        ("A dog sits.", [span(3, 5)], "the phrase 'og' (3 to 5) begins or ends within a word"),
        ("A dog sits.", [span(2, 4)], "the phrase 'do' (2 to 4) begins or ends within a word"),
        (
            "A dog.",
            [Span(start=2, end=5, segments=())],
            "the phrase 'dog' (2 to 5) has no ids",
        ),
        (
            "A dog.",
            [span(2, 5, 0)],
            "the phrase 'dog' (2 to 5) has the ids (0,); an id is 1 to 16777215",
        ),
        (
            "A dog.",
            [span(2, 5, 3, MOST_ID + 1)],
            "the phrase 'dog' (2 to 5) has the ids (3, 16777216); an id is 1 to 16777215",
        ),
        ("A dog.", [span(2, 5, 3, 3)], "the phrase 'dog' (2 to 5) has an id twice: (3, 3)"),
        ("5 < 6 dogs.", [span(6, 10)], "the text has '<' at 2: '5 < 6 dogs.'"),
        ("A dog > a cat.", [], "the text has '>' at 6: 'A dog > a cat.'"),
        (
            "A [3: dog].",
            [],
            "the text would be read back as something else: 'A [3: dog].'",
        ),
        (
            "A **dog**.",
            [span(4, 7)],
            "the text would be read back as something else: 'A **<1: dog>**.'",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(text: str, spans: list[Span], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the text is compared whole
        write_tags(text, spans)
    assert str(caught.value) == message


words = st.sampled_from(
    "a dog two Sky 3 4-layer 11x it's (5) [6] 7: 8:9 4, &amp; & x. “so” [sic] é 犬 … id 3.5 – _ ' "
    "\n 【".split(" ")
)
ids = st.lists(st.integers(1, MOST_ID), min_size=1, max_size=4, unique=True).map(tuple)
plain_words = st.lists(words, max_size=6).map(" ".join)
phrases = st.lists(words, min_size=1, max_size=6).map(" ".join)


@st.composite
def captions(draw: st.DrawFn) -> Tagged:
    """Captions of words and phrases; most can be written."""
    text, spans = "", []
    for phrase in draw(st.lists(phrases, max_size=5)):
        text += draw(plain_words) + draw(st.sampled_from([" ", "(", ", ", "\n"]))
        spans.append(Span(start=len(text), end=len(text) + len(phrase), segments=draw(ids)))
        text += phrase + draw(st.sampled_from([" ", ". ", ", ", ")"]))
    return Tagged(text + draw(plain_words), tuple(spans))


@given(captions())
def test_what_was_written_is_read_back_exactly(caption: Tagged) -> None:
    # Line breaks and spaces at the edges of phrases, and brackets that would be a tag.
    refused = any(
        caption.phrase(s) != caption.phrase(s).strip() or "\n" in caption.phrase(s)
        for s in caption.spans
    )
    if refused or "【" in caption.text or "[" in caption.text:
        caption = Tagged(caption.text.translate(str.maketrans("[]【\n", "()(-")), caption.spans)
    spans = tuple(s for s in caption.spans if caption.phrase(s) == caption.phrase(s).strip())
    assert parse_tags(write_tags(caption.text, spans)) == Tagged(caption.text, spans)


@given(st.lists(st.sampled_from([*"<>[]:, 3,a.\n", "12", "a dog", "<4: ", "&lt;", "</3>", "**"])))
def test_no_text_is_too_broken_to_be_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    tagged = parse_tags(text)
    assert not {"<", ">"} & set(tagged.text)
    ends = [0]
    for found in tagged.spans:
        assert ends[-1] <= found.start < found.end <= len(tagged.text)
        assert tagged.phrase(found).strip() == tagged.phrase(found)
        ends.append(found.end)
    for fault in tagged.faults:
        assert 0 <= fault.start < len(text)
        assert fault.detail.endswith(".")
    # Nothing but brackets and ids may go: each word stays.
    assert tagged.text.count("a dog") == text.count("a dog")


@given(st.lists(st.sampled_from([*"<>: 3,a.", "<4: ", "<5>", " a dog", ">"])))
def test_reading_again_what_was_mended_changes_nothing(pieces: list[str]) -> None:
    tagged = parse_tags("".join(pieces))
    spans = tuple(s for s in tagged.spans if min(s.segments) > 0)
    written = write_tags(tagged.text, spans)
    assert parse_tags(written) == replace(tagged, spans=spans, faults=())


@given(st.text(alphabet="0123456789,;:-– andtoid#[]()<>\"'", max_size=30))
def test_every_head_ends_within_its_text(text: str) -> None:
    head = head_at(text, 0)
    if head is not None:
        assert 0 < head.end <= len(text)
        assert len(set(head.ids)) == len(head.ids)
        assert head.ids or head.fault


@pytest.mark.parametrize(
    "text",
    [
        "<3>a dog with a bone " * 2000,
        "<3: a dog" + " " * 4000 + "x <4: a cat>",
        "<3: a dog" + " and" * 4000 + "x <4: a cat>",
        "<3" + ", " * 4000 + "x>",
        "<object" + " " * 4000 + "x>",
        "< " * 4000,
        "\n \n " * 4000,
        "&lt;3 " * 4000,
        "<" + "1 " * 4000 + ": x>",
    ],
    ids=lambda text: text[:20],
)
def test_long_and_strange_texts_are_read_to_their_end(text: str) -> None:
    # Patterns that try each split of such a text would never come to it.
    tagged = parse_tags(text)
    assert len(tagged.text) <= len(text)
    assert all(fault.start < len(text) for fault in tagged.faults)
