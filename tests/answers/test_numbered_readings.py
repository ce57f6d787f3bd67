"""Real ways of writing an answer, and what the grammar ``numbered`` reads in them.

Two objects, mostly, a person (1) and a dog (2): what differs is the form.
"""

from __future__ import annotations

import pytest

from annoengine.answer import Interaction, Parsed, Region
from annoengine.answers.numbered import Numbered

PERSON = Region(1, "Person", "the person wears a red jacket and jeans.")
DOG = Region(2, "Dog", "a brown dog runs on the grass.")
BARE_PERSON = Region(1, "", "the person wears a red jacket and jeans.")
BARE_DOG = Region(2, "", "a brown dog runs on the grass.")
WALK = Interaction((1, 2), "the person walks the dog.")


def parse(text: str) -> Parsed:
    return Numbered().parse(text)


IDEAL = """The objects include:
1. Person: the person wears a red jacket and jeans.;
2. Dog: a brown dog runs on the grass.;
The interactions include:
1 and 2: the person walks the dog.;"""


def test_the_ideal_form() -> None:
    parsed = parse(IDEAL)
    assert parsed.answer.regions == (PERSON, DOG)
    assert parsed.answer.interactions == (WALK,)
    assert parsed.faults == ()
    assert parsed.tolerated == ()
    assert Numbered().write(parsed.answer) == IDEAL


# Each: the deviation that must be named as tolerated ("" where it is none), and the answer.
SAME_CONTENT = [
    # bold
    ("bold", "**1. Person**: the person wears a red jacket and jeans.\n**2. Dog**: a brown dog runs on the grass."),
    ("bold", "1. **Person:** the person wears a red jacket and jeans.\n2. **Dog:** a brown dog runs on the grass."),
    ("bold", "**1.** **Person**: the person wears a red jacket and jeans.\n**2.** **Dog**: a brown dog runs on the grass."),
    ("bold", "1. **Person** the person wears a red jacket and jeans.\n2. **Dog** a brown dog runs on the grass."),
    ("bold", "1. *Person*: the person wears a `red` jacket and jeans.\n2. __Dog__: a brown dog runs on the grass."),
    ("bold", "**1. Person:** the person wears a **red** jacket and jeans.\n\n**2. Dog:** a brown dog runs on the grass."),
    # bullets
    ("bullets", "- 1. Person: the person wears a red jacket and jeans.\n- 2. Dog: a brown dog runs on the grass."),
    ("bullets", "• 1. Person: the person wears a red jacket and jeans.;\n• 2. Dog: a brown dog runs on the grass.;"),
    ("bullets", "* **1. Person**: the person wears a red jacket and jeans.\n* **2. Dog**: a brown dog runs on the grass."),
    # headings
    ("headings", "## The objects include:\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("headings", "### 1. Person: the person wears a red jacket and jeans.\n### 2. Dog: a brown dog runs on the grass."),
    ("headings", "### 1. Person\nthe person wears a red jacket and jeans.\n\n### 2. Dog\na brown dog runs on the grass."),
    ("", "Objects:\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("", "The objects in the image include:\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    # tables
    ("table", "| ID | Summary | Description |\n|---|---|---|\n| 1 | Person | the person wears a red jacket and jeans. |\n| 2 | Dog | a brown dog runs on the grass. |"),
    ("table", "|1.|Person|the person wears a red jacket and jeans.|\n|2.|Dog|a brown dog runs on the grass.|"),
    # the number
    ("object_word", "Object 1: Person: the person wears a red jacket and jeans.\nObject 2: Dog: a brown dog runs on the grass."),
    ("object_word", "Object 1 (Person): the person wears a red jacket and jeans.\nObject 2 (Dog): a brown dog runs on the grass."),
    ("object_word", "ID 1 - Person: the person wears a red jacket and jeans.\nID 2 - Dog: a brown dog runs on the grass."),
    ("object_word", "Object #1. Person: the person wears a red jacket and jeans.\nObject #2. Dog: a brown dog runs on the grass."),
    ("object_word", "Mark [1]: Person - the person wears a red jacket and jeans.\nMark [2]: Dog - a brown dog runs on the grass."),
    ("other_number", "[1] Person: the person wears a red jacket and jeans.\n[2] Dog: a brown dog runs on the grass."),
    ("other_number", "(1) Person: the person wears a red jacket and jeans.\n(2) Dog: a brown dog runs on the grass."),
    ("other_number", "1) Person: the person wears a red jacket and jeans.\n2) Dog: a brown dog runs on the grass."),
    ("other_number", "#1: Person: the person wears a red jacket and jeans.\n#2: Dog: a brown dog runs on the grass."),
    ("other_number", "#1 Person: the person wears a red jacket and jeans.\n#2 Dog: a brown dog runs on the grass."),
    ("other_number", "1 - Person: the person wears a red jacket and jeans.\n2 - Dog: a brown dog runs on the grass."),
    ("other_number", "1: Person: the person wears a red jacket and jeans.\n2: Dog: a brown dog runs on the grass."),
    ("other_number", "Person (1): the person wears a red jacket and jeans.\nDog (2): a brown dog runs on the grass."),
    ("other_number", "Person #1 - the person wears a red jacket and jeans.\nDog #2 - a brown dog runs on the grass."),
    ("", "1 Person: the person wears a red jacket and jeans.\n2 Dog: a brown dog runs on the grass."),
    ("", "1.Person:the person wears a red jacket and jeans.\n2.Dog:a brown dog runs on the grass."),
    # dashes for the colon
    ("", "1. Person - the person wears a red jacket and jeans.\n2. Dog - a brown dog runs on the grass."),
    ("", "1. Person – the person wears a red jacket and jeans.\n2. Dog – a brown dog runs on the grass."),
    ("", "1. Person—the person wears a red jacket and jeans.\n2. Dog—a brown dog runs on the grass."),
    # several lines for an object
    ("several_lines", "1. Person: the person wears a red\njacket and jeans.\n2. Dog: a brown dog\n   runs on the grass."),
    ("several_lines", "1. Person\nDescription: the person wears a red jacket and jeans.\n2. Dog\nDescription: a brown dog runs on the grass."),
    ("several_lines", "1.\nSummary: Person\nDescription: the person wears a red jacket and jeans.\n2.\nSummary: Dog\nDescription: a brown dog runs on the grass."),
    ("several_lines", "1. Person:\n\nthe person wears a red jacket and jeans.\n\n2. Dog:\n\na brown dog runs on the grass."),
    ("labels", "1. Summary: Person; Description: the person wears a red jacket and jeans.\n2. Summary: Dog; Description: a brown dog runs on the grass."),
    # several objects on a line
    ("one_line", "1. Person: the person wears a red jacket and jeans.; 2. Dog: a brown dog runs on the grass.;"),
    ("one_line", "The objects include: 1. Person: the person wears a red jacket and jeans. 2. Dog: a brown dog runs on the grass."),
    ("one_line", "Object 1: Person: the person wears a red jacket and jeans.; Object 2: Dog: a brown dog runs on the grass."),
    # wrapping
    ("fences", "```\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n```"),
    ("fences", "```markdown\nThe objects include:\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n```"),
    ("fences", "///\nThe objects include:\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n///"),
    ("line_ends", "1. Person: the person wears a red jacket and jeans.\r\n2. Dog: a brown dog runs on the grass.\r\n"),
    ("line_ends", "1. Person: the person wears a red jacket and jeans.\u20282. Dog: a brown dog runs on the grass."),
    ("wide_characters", "1.\u00a0Person:\u00a0the person wears a red\u00a0jacket and jeans.\n2.\u2009Dog: a brown dog runs on the grass."),
    ("wide_characters", "１．Person：the person wears a red jacket and jeans。\n２．Dog：a brown dog runs on the grass。"),
    ("wide_characters", "\ufeff1. Person: the person wears a red jacket\u200b and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("entities", "1. Person&#58; the person wears a red jacket and jeans.\n2. Dog&colon; a brown dog runs on the grass."),
    ("entities", "1.&nbsp;Person: the person wears a red jacket and jeans.\n2.&nbsp;Dog: a brown dog runs on the grass."),
    ("html", "1. <b>Person</b>: the person wears a red jacket and jeans.<br>2. <b>Dog</b>: a brown dog runs on the grass."),
    ("html", "<li>1. Person: the person wears a red jacket and jeans.</li><li>2. Dog: a brown dog runs on the grass.</li>"),
    ("", "> 1. Person: the person wears a red jacket and jeans.\n> 2. Dog: a brown dog runs on the grass."),
    ("html", "<answer>\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n</answer>"),
    ("thinking", "<think>Let me see. 1. Person: no, a child? 2. Cat: perhaps.</think>\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("thinking", "Maybe 1. Person: a child.\n</think>\n\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("bold", "1\\. Person: the person wears a red jacket and jeans.\n2\\. Dog: a brown dog runs on the grass."),
    ("several_lines", "### Object 1: Person\n- **Summary:** Person\n- **Description:** the person wears a red jacket and jeans.\n\n### Object 2: Dog\n- **Summary:** Dog\n- **Description:** a brown dog runs on the grass."),
    ("several_lines", "* **1. Person:**\n    * **Appearance:** the person wears a red jacket and jeans.\n* **2. Dog:**\n    * **Appearance and action:** a brown dog runs on the grass."),
    # before and after
    ("preamble", "Sure! Here are the descriptions you asked for:\n\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("preamble", "Certainly. I'll describe each object in turn.\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("closing", "1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n\nLet me know if you need anything else!"),
    ("closing", "1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n\nPlease note that colors may differ."),
    ("closing", "1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n\n**Overall Scene:** A walk in the park."),
    ("preamble", "In the image there are 2 objects. 1. Person and 2. Dog.\n\nThe objects include:\n1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass."),
    ("closing", "1. Person: the person wears a red jacket and jeans.\n2. Dog: a brown dog runs on the grass.\n\n---\nA lovely scene in a park."),
    # JSON
    ("json", '[{"object_id": 1, "summary": "Person", "description": "the person wears a red jacket and jeans."}, {"object_id": 2, "summary": "Dog", "description": "a brown dog runs on the grass."}]'),
    ("json", '```json\n{"objects": [{"id": "1", "category": "Person", "description": "the person wears a red jacket and jeans."}, {"id": "2", "category": "Dog", "description": "a brown dog runs on the grass."}]}\n```'),
    ("json", '{"1": {"name": "Person", "caption": "the person wears a red jacket and jeans."}, "2": {"name": "Dog", "caption": "a brown dog runs on the grass."}}'),
]  # fmt: skip


@pytest.mark.parametrize(("tolerated", "text"), SAME_CONTENT)
def test_the_same_content_in_another_form(tolerated: str, text: str) -> None:
    parsed = parse(text)
    assert parsed.answer.regions == (PERSON, DOG)
    assert parsed.answer.interactions == ()
    assert parsed.faults == ()
    if tolerated:
        assert tolerated in parsed.tolerated
    else:
        assert not {"bold", "bullets", "table", "preamble", "closing"} & set(parsed.tolerated)


WITHOUT_SUMMARY = [
    "1: the person wears a red jacket and jeans.\n2: a brown dog runs on the grass.",
    "1:the person wears a red jacket and jeans. 2:a brown dog runs on the grass.",
    "1. the person wears a red jacket and jeans.\n2. a brown dog runs on the grass.",
    "[1] the person wears a red jacket and jeans.\n[2] a brown dog runs on the grass.",
    "Object 1: the person wears a red jacket and jeans.\nObject 2: a brown dog runs on the grass.",
    '{"1": "the person wears a red jacket and jeans.", "2": "a brown dog runs on the grass."}',
]


@pytest.mark.parametrize("text", WITHOUT_SUMMARY)
def test_no_summary(text: str) -> None:
    parsed = parse(text)
    assert parsed.answer.regions == (BARE_PERSON, BARE_DOG)
    assert parsed.faults == ()


INTERACTIONS = [
    "1 and 2: the person walks the dog.",
    "1 & 2: the person walks the dog.",
    "1 -> 2: the person walks the dog.",
    "1→2: the person walks the dog.",
    "1, 2: the person walks the dog.",
    "1-2: the person walks the dog.",
    "1/2: the person walks the dog.",
    "1 with 2: the person walks the dog.",
    "Object 1 and Object 2: the person walks the dog.",
    "Object 1 (person) and object 2 (dog): the person walks the dog.",
    "Person (1) and Dog (2): the person walks the dog.",
    "Person 1 and Dog 2: the person walks the dog.",
    "1 (person) and 2 (dog) - the person walks the dog.",
    "[1] and [2]: the person walks the dog.",
    "#1 and #2: the person walks the dog.",
    "1. 1 and 2: the person walks the dog.",
    "- 1 and 2: the person walks the dog.",
    "**1 and 2**: the person walks the dog.",
    "1) Object 1 and Object 2: the person walks the dog.",
]


@pytest.mark.parametrize("text", INTERACTIONS)
@pytest.mark.parametrize(
    "heading",
    ["The interactions include:", "### Interactions", "**Interactions between objects:**"],
)
def test_forms_of_an_interaction(heading: str, text: str) -> None:
    before = "1. Person: the person wears a red jacket and jeans.\n2. Dog: a dog.\n\n"
    parsed = parse(f"{before}{heading}\n{text}\n")
    assert parsed.answer.interactions == (WALK,)
    assert [region.mark for region in parsed.answer.regions] == [1, 2]
    assert parsed.faults == ()


def test_interactions_of_three_marks_ranges_and_order() -> None:
    parsed = parse(
        "1. Man: a man.\n2. Dog: a dog.\n3. Cat: a cat.\nThe interactions include:\n"
        "3, 1 and 2: they all rest.\n1-3: they share a rug.\n2 and 1: the dog looks at the man."
    )
    assert parsed.answer.interactions == (
        Interaction((3, 1, 2), "they all rest."),
        Interaction((1, 2, 3), "they share a rug."),
        Interaction((2, 1), "the dog looks at the man."),
    )


def test_interactions_on_one_line() -> None:
    parsed = parse(
        "1. Man: a man. 2. Dog: a dog. The interactions include: 1 and 2: walks; 2 and 1: follows."
    )
    assert [region.description for region in parsed.answer.regions] == ["a man.", "a dog."]
    assert parsed.answer.interactions == (
        Interaction((1, 2), "walks"),
        Interaction((2, 1), "follows."),
    )


@pytest.mark.parametrize(
    "text",
    [
        "1. Man: a man in red.\n2. Dog: a dog.\n1 and 2: the man walks the dog.",
        "1. Man: a man in red.\n2. Dog: a dog.\n\nObject 1 and Object 2: the man walks the dog.",
    ],
)
def test_interactions_without_their_heading(text: str) -> None:
    parsed = parse(text)
    assert parsed.answer.interactions == (Interaction((1, 2), "the man walks the dog."),)
    assert parsed.faults == ()
    assert "no_headings" in parsed.tolerated


@pytest.mark.parametrize(
    ("text", "description", "said"),
    [
        (
            "1. Man: a man in red (interacting with 2).\n2. Dog: a dog.",
            "a man in red.",
            "interacting with 2",
        ),
        (
            "1. Man: a man in red.\n   - Interaction with object 2: he walks it.\n2. Dog: a dog.",
            "a man in red.",
            "he walks it.",
        ),
        (
            "1. Man: a man in red.\n   Interactions: 1 and 2: he walks it.\n2. Dog: a dog.",
            "a man in red.",
            "he walks it.",
        ),
    ],
)
def test_an_interaction_within_an_object(text: str, description: str, said: str) -> None:
    parsed = parse(text)
    assert parsed.answer.regions == (Region(1, "Man", description), Region(2, "Dog", "a dog."))
    assert parsed.answer.interactions == (Interaction((1, 2), said),)


@pytest.mark.parametrize(
    "text",
    [
        "The interactions include:\nNone.",
        "The interactions include:\nThere are no visible interactions between the objects.",
        "Interactions: none",
    ],
)
def test_no_interactions_is_no_fault(text: str) -> None:
    parsed = parse(f"1. Man: a man in red.\n{text}")
    assert parsed.answer.regions == (Region(1, "Man", "a man in red."),)
    assert parsed.answer.interactions == ()
    assert parsed.faults == ()


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("1. Man: a man.\n2-5. people: they walk.\n6. Dog: a dog.", (2, 3, 4, 5)),
        ("1. Man: a man.\n2, 3 and 4: three people walk.\n6. Dog: a dog.", (2, 3, 4)),
        ("1. Man: a man.\nObjects 2 to 4: people walk.\n6. Dog: a dog.", (2, 3, 4)),
        ("1. Man: a man.\n2 & 3. People: they walk.\n6. Dog: a dog.", (2, 3)),
        ("1. Man: a man.\n**2–4. People**: they walk.\n6. Dog: a dog.", (2, 3, 4)),
        ("1. Man: a man.\nObjects 2 and 3 are two people.\n6. Dog: a dog.", (2, 3)),
        ("1. Man: a man.\n[2], [3]: two people.\n6. Dog: a dog.", (2, 3)),
        ("1. Man: a man.\n2 through 4: people.\n6. Dog: a dog.", (2, 3, 4)),
        ("1. Man: a man.\n2. & 3. Chairs: two chairs.\n6. Dog: a dog.", (2, 3)),
        ("1. Man: a man.\n2. and 3. Two chairs.\n6. Dog: a dog.", (2, 3)),
    ],
)
def test_grouped_marks_are_a_fault_and_no_region(text: str, marks: tuple[int, ...]) -> None:
    parsed = parse(text)
    assert [region.mark for region in parsed.answer.regions] == [1, 6]
    assert parsed.answer.interactions == ()
    assert [(fault.kind, fault.marks) for fault in parsed.faults] == [("grouped", marks)]


# Numbers that are part of a sentence.
@pytest.mark.parametrize(
    "description",
    [
        "a man about 3.5 metres from the car, holding 2. He is tall.",
        "a player with number 10. on his shirt.",
        "a clock that shows 3:30 in the afternoon.",
        "built in 1985. It has 4 windows; 2 of them are open.",
        "a sign reading: 50 km; it is round.",
        "a boy (aged 7) with 2 - 3 balloons, at a ratio of 2:1.",
        "two people stand at 1 and 2 o'clock.",
        "a train with the number 4472 on it; 12 wheels are visible.",
        "stands next to 3 and 4 in the row; behind 5.",
    ],
)
def test_numbers_in_a_description(description: str) -> None:
    parsed = parse(f"1. Thing: {description}\n2. Dog: a dog.")
    assert parsed.answer.regions == (Region(1, "Thing", description), Region(2, "Dog", "a dog."))


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("1. Man: his shirt bears the number\n10. in white letters.\n2. Dog: a dog.",
         "his shirt bears the number 10. in white letters."),
        ("1. Man: he stands about\n3.5 metres away.\n2. Dog: a dog.",
         "he stands about 3.5 metres away."),
        ("1. Man: the clock says\n3:30 in the morning.\n2. Dog: a dog.",
         "the clock says 3:30 in the morning."),
    ],
)  # fmt: skip
def test_a_line_that_begins_with_a_number_of_the_sentence(text: str, description: str) -> None:
    assert parse(text).answer.regions == (
        Region(1, "Man", description),
        Region(2, "Dog", "a dog."),
    )


def test_semicolons_within_a_description_stay() -> None:
    parsed = parse("1. Man: he wears a hat; his shirt is red; he smiles.;\n2. Dog: small; brown;")
    assert [region.description for region in parsed.answer.regions] == [
        "he wears a hat; his shirt is red; he smiles.",
        "small; brown",
    ]


def test_bullets_within_an_object_are_joined() -> None:
    parsed = parse("1. Man:\n   - red jacket\n   - blue jeans\n2. Dog:\n   * brown.\n   * small.")
    assert [region.description for region in parsed.answer.regions] == [
        "red jacket; blue jeans",
        "brown. small.",
    ]


def test_order_doubles_and_strangers_are_kept_for_the_judge() -> None:
    parsed = parse("3. Cat: a cat.\n1. Man: a man.\n1. Man: a tall man.\n99. Car: a car.")
    assert [region.mark for region in parsed.answer.regions] == [3, 1, 1, 99]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("1. Man: a man.\n2. Dog: a brown dog runs on the", 2),
        ("1. Man: a man.\n2. Dog: a brown dog,", 2),
        ("1. Man: a man in a red coat.\n2. Dog: a brown dog runs over a mea", 2),
        ("1. Man: a man in a red coat.\n2. Do", 2),
        ("1. Man: a man.\n2. Dog:", 2),
        ("1. Man: a man.\n2.", 2),
    ],
)
def test_a_last_object_that_breaks_off(text: str, cut: int) -> None:
    parsed = parse(text)
    assert [(fault.kind, fault.marks) for fault in parsed.faults] == [("truncated", (cut,))]
    assert parsed.answer.regions[0].description.startswith("a man")


def test_an_answer_that_breaks_off_in_a_number() -> None:
    parsed = parse("1. Man: a man.\n2. Dog: a dog.\n1")
    assert [region.description for region in parsed.answer.regions] == ["a man.", "a dog."]
    assert parsed.faults == ()


def test_an_answer_that_breaks_off_in_an_interaction() -> None:
    parsed = parse(
        "1. Man: a man.\n2. Dog: a dog.\nThe interactions include:\n"
        "1 and 2: he walks it.\n2 and 1: the dog looks up at the"
    )
    assert parsed.answer.interactions == (Interaction((1, 2), "he walks it."),)
    assert [(fault.kind, fault.marks) for fault in parsed.faults] == [("truncated", ())]


@pytest.mark.parametrize(
    "text",
    [
        "1. Man: a man in red\n2. Dog: a brown dog",
        "1. Man: a man in red;\n2. Dog: a brown dog;",
        "1. Man: a man in red",
        "1. Man: a man in red.\n2. Dog: a brown dog (small)",
        "1. Man: a man in red.\n2. Dog: a brown\n\nI hope this helps!",
    ],
)
def test_an_end_without_a_full_stop_need_not_be_broken_off(text: str) -> None:
    assert parse(text).faults == ()


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with identifying people in images.",
        "I cannot describe the objects in this image.",
        "Unfortunately, no image was provided.",
        "I'm unable to process images.",
    ],
)
def test_a_refusal_of_the_whole(text: str) -> None:
    assert [fault.kind for fault in parse(text).faults] == ["refusal"]


@pytest.mark.parametrize(
    "text",
    ["The image shows a street with people.", "{", "[]", "***", "{\"objects\": [", "42", "- - -"],
)  # fmt: skip
def test_an_answer_without_entries_is_unreadable(text: str) -> None:
    parsed = parse(text)
    assert parsed.answer.regions == ()
    assert [fault.kind for fault in parsed.faults] == ["unreadable"]


@pytest.mark.parametrize("text", ["", "  \n\t\n", "\u00a0"])
def test_an_empty_answer(text: str) -> None:
    assert [fault.kind for fault in parse(text).faults] == ["empty"]


def test_numbers_of_marks_in_brackets_do_not_reach_a_caption() -> None:
    parsed = parse(
        "1. Man: the man holds a frisbee (3) beside [object 2].\n2. Dog: a dog (brown).\n"
        "The interactions include:\n1 and 2: the man (1) looks at the dog (2)."
    )
    assert [region.description for region in parsed.answer.regions] == [
        "the man holds a frisbee beside.",
        "a dog (brown).",
    ]
    assert parsed.answer.interactions == (Interaction((1, 2), "the man looks at the dog."),)


def test_interactions_told_in_sentences() -> None:
    parsed = parse(
        "1. Man: a man.\n2. Dog: a dog.\nThe interactions include:\n"
        "- The man (1) walks the dog (2).\n- The dog [2] pulls the man [1].\n- They are friends."
    )
    assert parsed.answer.interactions == (
        Interaction((1, 2), "The man walks the dog."),
        Interaction((2, 1), "The dog pulls the man."),
    )
    assert [(fault.kind, fault.marks) for fault in parsed.faults] == [("unreadable", ())]


def test_a_table_with_a_column_of_interactions() -> None:
    parsed = parse(
        "| ID | Category | Description | Interactions |\n|:-|:-|:-|:-|\n"
        "| 1 | Man | a man. | 1 and 2: he walks it. |\n| 2 | Dog | a dog. | |"
    )
    assert parsed.answer.regions == (Region(1, "Man", "a man."), Region(2, "Dog", "a dog."))
    assert parsed.answer.interactions == (Interaction((1, 2), "he walks it."),)


def test_json_with_interactions() -> None:
    parsed = parse(
        '{"objects": [{"object_id": 1, "summary": "Man", "description": "a man."}],'
        ' "interactions": [{"object_ids": [1, 2], "interaction": "he walks it."}]}'
    )
    assert parsed.answer.regions == (Region(1, "Man", "a man."),)
    assert parsed.answer.interactions == (Interaction((1, 2), "he walks it."),)
    mapped = parse('{"objects": {"1": "a man."}, "interactions": {"1 and 2": "he walks it."}}')
    assert mapped.answer.interactions == (Interaction((1, 2), "he walks it."),)


@pytest.mark.parametrize(
    ("text", "summary", "description"),
    [
        ("1. Person in red, left: a man waves.", "Person in red, left", "a man waves."),
        ("1. Wall: it says: EXIT.", "Wall", "it says: EXIT."),
        ("1: a wall with the words: EXIT.", "", "a wall with the words: EXIT."),
        ("1. A man runs. He shouts: go!", "", "A man runs. He shouts: go!"),
        ("1. a dog - a labrador - runs.", "", "a dog - a labrador - runs."),
        ("Object 1 is a brown dog.", "", "A brown dog."),
        ("Object 1 (Person, left): a man.", "Person, left", "a man."),
        ("1. : a man.", "", "a man."),
    ],
)
def test_where_a_summary_ends(text: str, summary: str, description: str) -> None:
    assert parse(text).answer.regions == (Region(1, summary, description),)
