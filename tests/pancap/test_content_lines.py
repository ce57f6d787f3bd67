"""Content lines: every deviation that models show, in two wordings each, read without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.pancap.content import (
    Attribute,
    Content,
    Entity,
    GlobalState,
    Location,
    Relation,
)
from annoengine.pancap.content_lines import ParsedContent, parse_content, parse_tolerantly
from annoengine.pancap.line_writing import write_content
from annoengine.pancap.strict_lines import read_strict

STRICT = """\
1 | entity -->> (whole, boat)
2 | entity -->> (part, sail)
3 | location -->> (entity 1, [0.100, 0.200, 0.500, 0.900])
4 | attribute -->> (entity 1, "entity 1 is white")
5 | relation -->> (entity 2, entity 1, "entity 2 is a part of entity 1")
6 | global -->> ("the mood is calm")"""

CONTENT = Content(
    (Entity(1, "boat"), Entity(2, "sail", part=True)),
    (Location(1, (0.1, 0.2, 0.5, 0.9)),),
    (Attribute(1, "entity 1 is white"),),
    (Relation(2, 1, "entity 2 is a part of entity 1"),),
    (GlobalState("the mood is calm"),),
)


def test_the_published_grammar_is_read_and_written_to_the_letter() -> None:
    assert parse_content(STRICT) == ParsedContent(CONTENT)
    assert write_content(CONTENT) == STRICT


def with_line(number: int, line: str) -> str:
    """The strict text with one line (from 1) put another way."""
    lines = STRICT.splitlines()
    lines[number - 1] = line
    return "\n".join(lines)


SAME_CONTENT = {
    "unnumbered, every line": (
        "unnumbered",
        "\n".join(line.split(" | ")[1] for line in STRICT.splitlines()),
    ),
    "unnumbered, one line": ("unnumbered", with_line(2, "entity -->> (part, sail)")),
    "bullets of hyphens": ("bullet", "\n".join("- " + line for line in STRICT.splitlines())),
    "bullets of dots": ("bullet", "\n".join("• " + line for line in STRICT.splitlines())),
    "bold lines": ("markdown", "\n".join(f"**{line}**" for line in STRICT.splitlines())),
    "bold numbers": ("markdown", STRICT.replace("1 | entity", "**1** | entity")),
    "a markdown table": ("markdown", "\n".join(f"| {line} |" for line in STRICT.splitlines())),
    "code by line": ("markdown", "\n".join(f"`{line}`" for line in STRICT.splitlines())),
    "curly quotes": ("quotes", STRICT.replace('"entity 1 is white"', "“entity 1 is white”")),
    "single quotes": ("quotes", STRICT.replace('"entity 1 is white"', "'entity 1 is white'")),
    "guillemets": ("quotes", STRICT.replace('"the mood is calm"', "«the mood is calm»")),
    "low quotes": ("quotes", STRICT.replace('"the mood is calm"', "„the mood is calm“")),
    "backticks": ("quotes", STRICT.replace('"the mood is calm"', "`the mood is calm`")),
    "no quotes": ("unquoted", STRICT.replace('"', "")),
    "no quotes at one line": ("unquoted", with_line(6, "6 | global -->> (the mood is calm)")),
    "no parentheses": ("parentheses", STRICT.replace("(", "").replace(")", "")),
    "not closed": ("parentheses", STRICT.replace(")", "")),
    "not opened": ("parentheses", STRICT.replace("(", "")),
    "entity by its number": (
        "bare_id",
        with_line(3, "3 | location -->> (1, [0.1, 0.2, 0.5, 0.9])"),
    ),
    "entities by number": (
        "bare_id",
        with_line(5, '5 | relation -->> (2, 1, "entity 2 is a part of entity 1")'),
    ),
    "double brackets": (
        "double_brackets",
        with_line(3, "3 | location -->> (entity 1, [[0.1, 0.2, 0.5, 0.9]])"),
    ),
    "double brackets apart": (
        "double_brackets",
        with_line(3, "3 | location -->> (entity 1, [ [0.100,0.200,0.500,0.900] ])"),
    ),
    "no brackets": (
        "no_brackets",
        with_line(3, "3 | location -->> (entity 1, 0.1, 0.2, 0.5, 0.9)"),
    ),
    "a box in round brackets": (
        "no_brackets",
        with_line(3, "3 | location -->> (entity 1, (0.1, 0.2, 0.5, 0.9))"),
    ),
    "0 to 1000": ("per_mille", with_line(3, "3 | location -->> (entity 1, [100, 200, 500, 900])")),
    "0 to 1000 in a box tag": (
        "per_mille",
        with_line(3, "3 | location -->> (entity 1, <box>[[100, 200, 500, 900]]</box>)"),
    ),
    "reversed corners": (
        "reversed",
        with_line(3, "3 | location -->> (entity 1, [0.5, 0.9, 0.1, 0.2])"),
    ),
    "one side reversed": (
        "reversed",
        with_line(3, "3 | location -->> (entity 1, [0.5, 0.2, 0.1, 0.9])"),
    ),
    "entity_1": ("id_form", STRICT.replace("entity 1", "entity_1").replace("entity 2", "entity_2")),
    "Entity1": ("id_form", STRICT.replace("(entity 1", "(Entity1")),
    "ID 1, as in the paper's text": ("id_form", STRICT.replace('"entity 1', '"ID 1')),
    "entity #1": ("id_form", STRICT.replace("entity 1,", "entity #1,")),
    "underscores in a statement": (
        "underscore",
        with_line(6, '6 | global -->> ("the_mood_is_calm")'),
    ),
    "underscores in part of it": (
        "underscore",
        with_line(4, '4 | attribute -->> (entity 1, "entity 1 is_white")'),
    ),
    "spaces everywhere": (
        None,
        "\n\n".join("   " + line.replace(", ", " ,  ") + "   " for line in STRICT.splitlines()),
    ),
    "no spaces": (None, STRICT.replace(" | ", "|").replace(" -->> ", "-->>").replace(", ", ",")),
    "a short arrow": ("arrow", STRICT.replace("-->>", "->")),
    "a drawn arrow": ("arrow", STRICT.replace("-->>", "→")),
    "a colon": ("arrow", STRICT.replace(" -->>", ":")),
    "a dot after the number": ("arrow", STRICT.replace(" | ", ". ").replace("-->>", "=>")),
    "capitals": ("type_word", STRICT.replace("| entity", "| Entity")),
    "relationship": ("type_word", STRICT.replace("| relation", "| relationship")),
    "declared after its use": (
        "declared_later",
        "\n".join([*STRICT.splitlines()[3:], *STRICT.splitlines()[:3]]),
    ),
    "declared at the end": (
        "declared_later",
        "\n".join([*STRICT.splitlines()[2:], *STRICT.splitlines()[:2]]),
    ),
    "text before": ("text_around", "Sure! Here is the content:\n\n" + STRICT),
    "text around": ("text_around", "Content follows.\n```\n" + STRICT + "\n```\nI hope it helps."),
    "the type of attribute first": (
        "type_named",
        with_line(4, '4 | attribute -->> (color, entity 1, "entity 1 is white")'),
    ),
    "the type of state first": (
        "type_named",
        with_line(6, '6 | global -->> (feeling, "the mood is calm")'),
    ),
    "entity named in the text alone": (
        "no_id_field",
        with_line(4, '4 | attribute -->> ("entity 1 is white")'),
    ),
    "entities named in the text alone": (
        "no_id_field",
        with_line(5, '5 | relation -->> ("entity 2 is a part of entity 1")'),
    ),
    "an attribute that names nobody": (
        "unnamed_in_text",
        with_line(4, '4 | attribute -->> (entity 1, "white")'),
    ),
    "a predicate": ("unnamed_in_text", with_line(4, '4 | attribute -->> (entity 1, "is white")')),
    "a predicate between two": (
        "unnamed_in_text",
        with_line(5, '5 | relation -->> (entity 2, entity 1, "is a part of")'),
    ),
    "a triple": ("triple", with_line(5, '5 | relation -->> (entity 2, "is a part of", entity 1)')),
    "a triple without quotes": (
        "triple",
        with_line(5, "5 | relation -->> (entity 2, is a part of, entity 1)"),
    ),
    "entity by its tag": (
        "by_tag",
        with_line(4, '4 | attribute -->> (boat, "entity 1 is white")'),
    ),
    "entities by their tags": (
        "by_tag",
        with_line(5, '5 | relation -->> (sail, boat, "is a part of")'),
    ),
    "a global attribute": (
        "global_attribute",
        with_line(6, '6 | attribute -->> (global, "the mood is calm")'),
    ),
    "an attribute of the image": (
        "global_attribute",
        with_line(6, '6 | attribute -->> (image, "the mood is calm")'),
    ),
    "a quoted tag": ("quoted_tag", with_line(1, '1 | entity -->> (whole, "boat")')),
    "a tag in curly quotes": ("quoted_tag", with_line(1, "1 | entity -->> (whole, ‘boat’)")),
    "no word for whole": ("part_or_whole", with_line(1, "1 | entity -->> (boat)")),
    "whole at the end": ("part_or_whole", with_line(1, "1 | entity -->> (boat, whole)")),
    "escaped quotes": (None, STRICT.replace('"', '\\"')),
    "escaped arrows": (None, STRICT.replace(">>", "&gt;&gt;")),
    "counted from 0": (
        "from_zero",
        STRICT.replace("1 | entity", "0 | entity")
        .replace("2 | entity", "1 | entity")
        .replace("entity 1", "entity 0")
        .replace("entity 2", "entity 1"),
    ),
}


@pytest.mark.parametrize("name", SAME_CONTENT)
def test_a_deviation_loses_nothing(name: str) -> None:
    deviation, text = SAME_CONTENT[name]
    parsed = parse_content(text)
    assert parsed.content.entities == CONTENT.entities
    assert parsed.content == CONTENT
    assert parsed.faults == ()
    assert deviation is None or deviation in parsed.tolerated, parsed.tolerated


FAULTS = {
    "unknown type": (with_line(4, "4 | colour -->> (entity 1, white)"), 4, "unknown_type"),
    "unknown type, numbered": (with_line(4, "4. mood => (calm)"), 4, "unknown_type"),
    "attribute of nobody": (
        with_line(4, '4 | attribute -->> (entity 7, "entity 7 is white")'),
        4,
        "undeclared_entity",
    ),
    "location of nobody": (
        with_line(4, "4 | location -->> (entity 7, [0.1, 0.2, 0.5, 0.9])"),
        4,
        "undeclared_entity",
    ),
    "an item twice": (STRICT + "\n" + STRICT.splitlines()[3], 7, "duplicate"),
    "a box twice": (STRICT + "\n" + STRICT.splitlines()[2], 7, "duplicate"),
    "an entity twice": (STRICT + "\n1 | entity -->> (whole, boat)", 7, "duplicate"),
    "an id for two": (STRICT + "\n1 | entity -->> (whole, ship)", 7, "entity_twice"),
    "three numbers": (STRICT + "\n7 | location -->> (entity 2, [0.1, 0.2, 0.3])", 7, "box"),
    "pixels": (STRICT + "\n7 | location -->> (entity 2, [10, 20, 1920, 1080])", 7, "box"),
    "no number": (STRICT + "\n7 | location -->> (entity 2, unknown)", 7, "box"),
    "a box of nobody": (STRICT + "\n7 | location -->> [0.1, 0.2, 0.3, 0.4]", 7, "no_entity"),
    "relation of one": (STRICT + '\n7 | relation -->> (entity 2, "is big")', 7, "no_entity"),
    "attribute of none": (STRICT + '\n7 | attribute -->> ("it is big")', 7, "no_entity"),
    "no text": (STRICT + "\n7 | attribute -->> (entity 1)", 7, "no_text"),
    "empty text": (STRICT + '\n7 | global -->> ("")', 7, "no_text"),
    "no tag": (STRICT + "\n7 | entity -->> (whole, )", 7, "no_tag"),
    "nothing": (STRICT + "\n7 | entity -->> ()", 7, "no_tag"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_line_that_cannot_be_used_is_a_fault_with_its_number(name: str) -> None:
    text, line, kind = FAULTS[name]
    parsed = parse_content(text)
    assert [(fault.line, fault.kind) for fault in parsed.faults] == [(line, kind)]
    kept = (
        CONTENT
        if line == 7
        else Content(CONTENT.entities, CONTENT.locations, (), CONTENT.relations, CONTENT.globals)
    )
    assert parsed.content == kept


def test_the_unit_of_a_box_that_does_not_show_it_is_that_of_the_others() -> None:
    text = "1 | entity -->> (whole, a)\n2 | location -->> (1, [0, 0, 1, 1])"
    assert parse_content(text).content.locations == (Location(1, (0, 0, 1, 1)),)
    more = text + "\n3 | location -->> (1, [0, 0, 500, 999])"
    assert [at.box for at in parse_content(more).content.locations] == [
        (0, 0, 0.001, 0.001),
        (0, 0, 0.5, 0.999),
    ]


def test_an_entity_may_have_several_boxes_in_one_line_or_in_many() -> None:
    one = "1 | entity -->> (whole, a)\n2 | location -->> (1, [[0, 0, 0.5, 1], [0.5, 0, 1, 1]])"
    two = (
        "1 | entity -->> (whole, a)\n2 | location -->> (1, [0, 0, 0.5, 1])\n"
        "3 | location -->> (1, [0.5, 0, 1, 1])"
    )
    boxes = ((0, 0, 0.5, 1), (0.5, 0, 1, 1))
    assert parse_content(one).content.boxes_of(1) == boxes
    assert parse_content(two).content.boxes_of(1) == boxes


@pytest.mark.parametrize(
    "prose",
    [
        "",
        "The image shows a boat.",
        "Entity: a boat lies here",
        "3 boats lie in the harbour",
        "In 1 | 2 of all cases",
        "| --- | --- |",
        "Location: the harbour of Genoa, Italy.",
    ],
)
def test_prose_is_no_content_and_no_fault(prose: str) -> None:
    parsed = parse_content(prose)
    assert parsed.content == Content()
    assert parsed.faults == ()


def test_inner_quotes_and_parentheses_stay() -> None:
    text = (
        '1 | entity -->> (whole, sign (red))\n2 | attribute -->> (1, "entity 1 reads "GO" (big)")'
    )
    content = parse_content(text).content
    assert content.entities[0].tag == "sign (red)"
    assert content.attributes[0].text == 'entity 1 reads "GO" (big)'


WORDS = st.text(alphabet="abcdefgh XYZ'-", min_size=1, max_size=12).map(
    lambda text: " ".join(text.replace("'", "").split())
)
NAMES = WORDS.filter(lambda text: bool(text) and text not in ("whole", "part"))
STATEMENTS = st.text(alphabet="abc \"'.,()[]!|é—", max_size=14).map(lambda t: " ".join(t.split()))
SHARES = st.integers(0, 1000).map(lambda n: n / 1000)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """A content whose boxes have three decimals, as written ones have."""
    ids = list(range(1, draw(st.integers(0, 4)) + 1))
    entities = tuple(Entity(id, draw(NAMES), draw(st.booleans())) for id in ids)
    if not ids:
        return Content(globals=(GlobalState("it is dark"),))
    one = st.sampled_from(ids)
    boxes = []
    for _ in range(draw(st.integers(0, 3))):
        xs = sorted((draw(SHARES), draw(SHARES)))
        ys = sorted((draw(SHARES), draw(SHARES)))
        boxes.append(Location(draw(one), (xs[0], ys[0], xs[1], ys[1])))
    attributes = []
    relations = []
    for _ in range(draw(st.integers(0, 3))):
        id, other = draw(one), draw(one)
        attributes.append(Attribute(id, f"entity {id} is {draw(STATEMENTS)}".strip()))
        text = f"entity {id} {draw(STATEMENTS)} entity {other}"
        relations.append(Relation(id, other, " ".join(text.split())))
    return Content(
        entities,
        tuple(dict.fromkeys(boxes)),
        tuple(dict.fromkeys(attributes)),
        tuple(dict.fromkeys(relations)),
        (GlobalState("it is dark"),),
    )


@given(contents())
def test_what_is_written_is_read_again(content: Content) -> None:
    parsed = parse_content(write_content(content))
    assert parsed.content == content
    assert parsed.faults == ()


@given(contents())
def test_the_short_way_reads_what_the_long_way_reads(content: Content) -> None:
    text = write_content(content)
    strict = read_strict(text)
    assert strict is None or strict == parse_tolerantly(text).content


@pytest.mark.parametrize("name", SAME_CONTENT)
def test_the_short_way_leaves_deviations_to_the_long_way(name: str) -> None:
    text = SAME_CONTENT[name][1]
    assert read_strict(text) in (None, CONTENT)
    assert parse_tolerantly(text) == parse_content(text)
    assert read_strict(STRICT) == CONTENT


@given(st.text(alphabet="1|>-()[], \"'.entityglobal_*\n\\", max_size=80))
def test_any_text_is_read_and_what_is_read_is_whole(text: str) -> None:
    content = parse_content(text + "\n1 | entity -->> (whole, a)\n" + text).content
    known = {entity.id for entity in content.entities}
    assert {at.entity for at in content.locations} <= known
    assert {said.entity for said in content.attributes} <= known
    assert {id for said in content.relations for id in (said.subject, said.object)} <= known
    assert all(entity.id >= 1 and entity.tag for entity in content.entities)
