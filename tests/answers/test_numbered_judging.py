"""Hard matching: what of an answer may be used, and what is said of the rest."""

from __future__ import annotations

import pytest

from annoengine.answer import Expected, Interaction, Judgement, Region
from annoengine.answers.numbered import Numbered

ASKED = (
    Expected(1, "person"),
    Expected(2, "dog"),
    Expected(3, "sky-other-merged"),
    Expected(4, "person"),
)
RIGHT = {
    1: "1. Person: a man in a red jacket.",
    2: "2. Dog: a brown dog.",
    3: "3. Sky: the sky is blue.",
    4: "4. Woman: a woman in a green dress.",
}


def judge(text: str, asked: tuple[Expected, ...] = ASKED) -> Judgement:
    grammar = Numbered()
    return grammar.judge(grammar.parse(text), asked)


def answer(**changes: str) -> str:
    """The right answer with some entries changed: ``answer(_2="2. Cat: a cat.")``."""
    lines = RIGHT | {int(name[1:]): line for name, line in changes.items()}
    return "\n".join(line for line in lines.values() if line)


def kinds(judged: Judgement) -> list[tuple[str, tuple[int, ...]]]:
    return [(fault.kind, fault.marks) for fault in judged.faults]


def test_a_right_answer_is_accepted_whole() -> None:
    judged = judge(answer())
    assert list(judged.accepted) == [1, 2, 3, 4]
    assert judged.accepted[2] == Region(2, "Dog", "a brown dog.")
    assert judged.faults == ()
    assert judged.faulty_marks(ASKED) == ()


def test_order_does_not_matter() -> None:
    judged = judge("\n".join(reversed(RIGHT.values())))
    assert list(judged.accepted) == [1, 2, 3, 4]
    assert judged.faults == ()


@pytest.mark.parametrize(
    ("changed", "kind", "detail"),
    [
        ("", "missing", "Object 2 was not described."),
        ("2. Cat: a grey cat.", "category",
         'Object 2 was described as "Cat", but its category is dog.'),
        ("2: a grey cat sits there.", "category",
         'Object 2 was described as something else ("a grey cat sits there"), '
         "but its category is dog."),
        ("2. Person: a dog, brown.", "category",
         'Object 2 was described as "Person", but its category is dog.'),
        ("2. Hot dog: a hot dog in a bun.", "category",
         'Object 2 was described as "Hot dog", but its category is dog.'),
        ("2. Dog: ;", "empty", "The description of object 2 is empty."),
        ("2. Dog: ok", "empty", 'The description of object 2 is too short: "ok".'),
        ("2. Dog: not visible in the image.", "refusal",
         'Object 2 was not described, but refused: "not visible in the image".'),
        ("2. Dog: I'm sorry, I can't see a dog.", "refusal",
         "Object 2 was not described, but refused: \"I'm sorry, I can't see a dog\"."),
        ("2. Not visible: the dog may be hidden.", "refusal",
         'Object 2 was not described, but refused: "the dog may be hidden".'),
        ("2. Perro: el perro está en la hierba.", "language",
         'The description of object 2 is not in English: "el perro está en la hierba".'),
        ("2. Dog: 一只棕色的狗在草地上。", "language",
         'The description of object 2 is not in English: "一只棕色的狗在草地上".'),
        ("2. Dog: the marked object is a dog.", "leak",
         "The description of object 2 speaks of the marks or of the task, not of what the image "
         'shows: "the marked object is a dog".'),
        ("2. Dog: a brown dog.\n2. Dog: a black dog.", "doubled",
         "Object 2 was described 2 times, each time differently."),
        ("2. Dog: a brown dog.\n2. Cat: a black cat.", "doubled",
         "Object 2 was described 2 times, each time differently."),
    ],
)  # fmt: skip
def test_one_faulty_mark_costs_only_itself(changed: str, kind: str, detail: str) -> None:
    judged = judge(answer(_2=changed))
    assert list(judged.accepted) == [1, 3, 4]
    assert kinds(judged) == [(kind, (2,))]
    assert judged.faults[0].detail == detail
    assert judged.faulty_marks(ASKED) == (2,)


def test_a_right_description_that_speaks_of_the_marks_is_doubtful() -> None:
    judged = judge(answer(_2="2. Dog: a brown dog next to object 1."))
    assert judged.doubtful == {2: Region(2, "Dog", "a brown dog next to object 1.")}
    assert 2 not in judged.accepted
    assert judge(answer(_2="2. Cat: a grey cat next to object 1.")).doubtful == {}
    assert judge(answer()).doubtful == {}


@pytest.mark.parametrize(
    "changed",
    [
        "2. Dog: a brown dog.\n2. Dog: A brown dog",
        "2. Dog\n2. Dog: a brown dog.",
        "2. Animal: a brown dog.",
        "2. Puppy: a brown puppy.",
        "2. Fluffy thing: a brown dog lies there.",
        "2. Dog 2: a brown dog.",
        "2. Dog (brown): a brown dog.",
        "2: a brown dog lies there.",
        "2: lying on the floor, brown and small.",
        "2. the dog's fur is brown.",
    ],
)
def test_what_is_right_in_another_way_is_accepted(changed: str) -> None:
    judged = judge(answer(_2=changed))
    assert list(judged.accepted) == [1, 2, 3, 4]
    assert judged.faults == ()


def test_grouped_marks_get_nothing_from_the_group() -> None:
    judged = judge("1-2. People: they stand.\n3. Sky: the sky is blue.\n4. Woman: a tall woman.")
    assert list(judged.accepted) == [3, 4]
    assert kinds(judged) == [("grouped", (1, 2))]
    assert judged.faults[0].detail == (
        "Objects 1, 2 were described together; each needs a description of its own."
    )


def test_a_group_of_marks_that_are_also_described_alone_is_no_fault_of_theirs() -> None:
    judged = judge(f"1-2, 4. Group: they stand.\n{answer(_4='')}")
    assert list(judged.accepted) == [1, 2, 3]
    assert kinds(judged) == [("grouped", (4,))]


def test_marks_that_were_not_asked_for_spoil_nothing() -> None:
    judged = judge(f"{answer()}\n7. Tree: a tree.\n9. Car: a car.")
    assert list(judged.accepted) == [1, 2, 3, 4]
    assert kinds(judged) == [("out_of_range", ()), ("out_of_range", ())]
    assert judged.faults[0].detail == "Object 7 was described, but it was not asked for."


def test_a_broken_off_end_costs_the_last_mark() -> None:
    judged = judge(answer(_4="4. Woman: a woman in a green"))
    assert list(judged.accepted) == [1, 2, 3]
    assert kinds(judged) == [("truncated", (4,))]
    assert judged.faults[0].detail == "The answer broke off in the description of object 4."


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("The picture shows a man, a dog and the sky.", "unreadable"),
    ],
)
def test_an_answer_without_entries_is_one_fault_of_all_marks(text: str, kind: str) -> None:
    judged = judge(text)
    assert judged.accepted == {}
    assert (kind, (1, 2, 3, 4)) in kinds(judged)
    assert "missing" not in {fault.kind for fault in judged.faults}


def test_interactions_among_asked_marks_stay() -> None:
    judged = judge(
        f"{answer()}\nThe interactions include:\n1 and 2: the man walks the dog.\n"
        "2 and 4: -\n4, 1 and 2: the woman watches them.\n1 and 9: the man sees a bird."
    )
    assert judged.interactions == (
        Interaction((1, 2), "the man walks the dog."),
        Interaction((4, 1, 2), "the woman watches them."),
    )
    assert kinds(judged) == [("empty", ()), ("out_of_range", ())]


def test_an_interaction_with_an_object_of_another_category_goes() -> None:
    judged = judge(
        f"{answer(_2='2. Horse: a brown horse.')}\nThe interactions include:\n"
        "1 and 2: the man rides the horse.\n1 and 4: the man greets the woman."
    )
    assert judged.interactions == (Interaction((1, 4), "the man greets the woman."),)
    assert [fault.kind for fault in judged.faults] == ["category", "category"]
    assert judged.faults[1].marks == ()


def test_an_interaction_that_is_none_goes() -> None:
    judged = judge(
        f"{answer()}\nThe interactions include:\n1 and 2: No direct interaction.\n"
        "1 and 3: none\n1 and 4: He hands object 2 to her.\n2 and 4: No leash holds the dog."
    )
    assert judged.interactions == (
        Interaction((1, 4), "He hands object 2 to her."),
        Interaction((2, 4), "No leash holds the dog."),
    )
    assert kinds(judged) == [("empty", ()), ("empty", ()), ("leak", ())]


def test_only_what_was_asked_again_is_judged_in_a_repair() -> None:
    judged = judge("2. Dog: a brown dog.", (ASKED[1],))
    assert list(judged.accepted) == [2]
    assert judged.faults == ()


def test_nothing_asked_nothing_wrong() -> None:
    assert judge("", ()).faulty_marks(()) == ()


@pytest.mark.parametrize(
    ("category", "text", "right"),
    [
        ("labrador", "1. Dog: a yellow dog.", True),
        ("labrador", "1. Cat: a yellow cat.", False),
        ("solar panel", "1. Solar panels: blue panels.", True),
        ("solar panel", "1. Panel: a blue panel.", True),
        ("solar panel", "1. Roof: a red roof.", False),
        ("tree", "1. Oak: an old oak.", True),
    ],
)
def test_free_tags_are_matched_too(category: str, text: str, right: bool) -> None:
    assert bool(judge(text, (Expected(1, category),)).accepted) == right
