"""Properties of the grammar ``numbered`` over texts that nobody wrote down."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Interaction, Parsed, Region
from annoengine.answers.numbered import Numbered
from annoengine.numbered.pieces import plain, plain_summary

GRAMMAR = Numbered()
CATEGORIES = ["person", "dog", "sky-other-merged", "hot dog", "gizmo"]

words = st.sampled_from(
    [
        "a",
        "the",
        "red",
        "dog",
        "Person",
        "2.",
        "3;",
        "4:",
        "10",
        "(5)",
        "[6]",
        "#7",
        "8)",
        "3.5",
        "3:30",
        "and",
        "&",
        "&amp;",
        "-",
        "–",
        "—",
        "/",
        "|",
        "**",
        "_x_",
        "`a`",
        "*",
        ";",
        ":",
        ".",
        ",",
        "!",
        "?",
        "'it'",
        '"EXIT"',
        "object",
        "Object",
        "mark",
        "interacting",
        "(interacting",
        "with",
        "2)",
        "1",
        "->",
        "2",
        "The",
        "objects",
        "include:",
        "interactions",
        "Sure!",
        "Note",
        "Description:",
        "Summary:",
        "I'm",
        "sorry",
        "not",
        "visible",
        "<b>",
        "é",
        "ü",
        "犬",
        "：",
        "．",
        ";",
        "5.",
        "Cat:",
        "x.",
        "6:",
        "y",
        "1-3",
        "2,",
    ]
)
phrases = st.lists(words, max_size=12).map(" ".join)
texts = st.one_of(phrases, st.text(max_size=60), phrases.map(lambda t: t.replace(" ", "\n")))
marks = st.integers(1, 60)
regions = st.builds(Region, marks, texts, texts)
interactions = st.builds(Interaction, st.lists(marks, max_size=4).map(tuple), texts)
answers = st.builds(
    Answer,
    st.lists(regions, max_size=5).map(tuple),
    st.lists(interactions, max_size=3).map(tuple),
)

# What a provider that writes answers says: sentences, with all that sentences may hold.
sentence_words = st.sampled_from(
    [
        "a",
        "man",
        "a",
        "dog",
        "wears",
        "red",
        "jeans,",
        "about",
        "12%",
        "of",
        "the",
        "image;",
        "near",
        "3",
        "and",
        "4:",
        "is",
        "(left)",
        "top-left",
        "3.5",
        "m",
        '"EXIT"',
        "it's",
        "at",
        "3:30",
        "o'clock",
        "—",
        "and",
        "&",
        "then",
        "1985",
        "two.",
        "Behind",
        "them",
    ]
)
sentences = st.lists(sentence_words, min_size=1, max_size=14).map(" ".join)
names = st.sampled_from(["Person", "Dog", "Brick wall", "Tennis racket, left", "TV", ""])
plain_answers = st.builds(
    Answer,
    st.lists(st.builds(Region, marks, names, sentences.map(plain)), max_size=6).map(tuple),
    st.lists(
        st.builds(
            Interaction,
            st.lists(marks, min_size=2, max_size=4, unique=True).map(tuple),
            sentences.map(plain),
        ),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(plain_answers)
@example(Answer((Region(1, "", "a wall with: EXIT"), Region(2, "", ""))))
@example(Answer((Region(1, "Sign", "reads “5 &amp 6; 7 of May”"),)))
def test_what_is_plain_comes_back_exactly(answer: Answer) -> None:
    assert GRAMMAR.plain(answer) == answer
    parsed = GRAMMAR.parse(GRAMMAR.write(answer))
    assert parsed.answer == answer


@settings(max_examples=200, deadline=None)
@given(answers)
@example(Answer((Region(1, "a: b", "; 2. dog"), Region(3, "&lt", "&amp"))))
@example(Answer((Region(1, "", "& - &amp;"),)))
@example(Answer((Region(1, "Summary", "a dog; Description: 7. of May"),)))
@example(Answer((Region(1, "**", "The interactions include: 1 and 2: x"),)))
@example(Answer((Region(1, "a 2) 2.", "a"),)))
def test_anything_written_comes_back_plain(answer: Answer) -> None:
    assert GRAMMAR.parse(GRAMMAR.write(answer)).answer == GRAMMAR.plain(answer)


@settings(max_examples=150, deadline=None)
@given(texts)
def test_plain_twice_is_plain_once(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert plain_summary(plain_summary(text)) == plain_summary(text)
    assert "\n" not in plain(text)


answer_texts = st.one_of(
    st.text(max_size=200),
    st.lists(texts, max_size=8).map("\n".join),
    answers.map(GRAMMAR.write),
)


@settings(max_examples=150, deadline=None)
@given(answer_texts, st.lists(st.tuples(marks, st.sampled_from(CATEGORIES)), max_size=6))
def test_any_text_can_be_judged_and_every_mark_is_accounted_for(
    text: str, asked: list[tuple[int, str]]
) -> None:
    expected = tuple(Expected(mark, category) for mark, category in dict(asked).items())
    parsed = GRAMMAR.parse(text)
    assert parsed == GRAMMAR.parse(text)
    judged = GRAMMAR.judge(parsed, expected)
    named = {mark for fault in judged.faults for mark in fault.marks}
    for e in expected:
        assert (e.mark in judged.accepted) != (e.mark in named)
    assert set(judged.accepted) <= {e.mark for e in expected}
    for interaction in judged.interactions:
        assert set(interaction.marks) <= {e.mark for e in expected}
    for fault in judged.faults:
        assert fault.detail.endswith((".", '."', "”."))
        assert "\n" not in fault.detail


@settings(deadline=None)
@given(st.integers(1, 9), st.text(alphabet="0123456789 ,-and()[]#.:to>", max_size=400))
def test_long_runs_of_numbers_are_read_in_time(number: int, text: str) -> None:
    assert isinstance(GRAMMAR.parse(f"{number}. x: {text}"), Parsed)


def test_very_long_answers_are_read() -> None:
    many = "\n".join(f"{n}. Dog: dog number {n} is brown." for n in range(1, 2001))
    assert len(GRAMMAR.parse(many).answer.regions) == 2000
    for piece in ("1, ", "( ", "1 and ", "**", "object ", "- ", "[", "the objects ", "a, ", "; 1"):
        assert isinstance(GRAMMAR.parse(piece * 20_000), Parsed)
