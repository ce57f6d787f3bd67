"""Takes a model's text apart into lines ``ID | type -->> (tuple)``, whatever stands around them.

Content, questions and answers are all written in such lines. What is read here is the frame: the
number, the type and what follows; what the tuple holds is for each reader to say.

Source: arXiv 2505.16334, Figure 2, and the prompts of its authors' code.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

LineType = Literal["entity", "location", "attribute", "relation", "global"]

_TYPES: dict[str, LineType] = {
    "entity": "entity",
    "entities": "entity",
    "semantic tag": "entity",
    "tag": "entity",
    "location": "location",
    "locations": "location",
    "position": "location",
    "box": "location",
    "bounding box": "location",
    "attribute": "attribute",
    "attributes": "attribute",
    "relation": "relation",
    "relations": "relation",
    "relationship": "relation",
    "relationships": "relation",
    "global": "global",
    "global state": "global",
    "global status": "global",
    "global image state": "global",
}

OPENING = "\"'“”„‟‘’‚‛«»‹›`″′＂"
"""All that models put quotation marks for, at either end."""

_PAIRS = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”“",
    "”": "”",
    "„": "“”",
    "‟": "”",
    "‘": "’‘",
    "’": "’",
    "‚": "‘’",
    "‛": "’",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "″": "″",
    "′": "′",
    "＂": "＂",
}
_CLOSING = frozenset("".join(_PAIRS.values()))

_STRICT = re.compile(r"(\d+) \| (entity|location|attribute|relation|global) -->> (\(.*\))")
_ARROW = r"(?:-{1,3}>{1,2}|—>{1,2}|–>{1,2}|={1,2}>{1,2}|→+|⟶|>>|:=)"
_LOOSE = re.compile(
    r"(?:(?:line|item|id)?\s*[#(\[]?\s*(?P<id>\d{1,6})\s*[)\]]?\s*[|.:)\-–]*\s*)?"
    r"\(?(?P<type>[^\W\d_]+(?:[ _][^\W\d_]+){0,2})\)?"
    rf"\s*(?:(?P<arrow>{_ARROW})|[|:]|(?=[(\[]))\s*(?P<rest>.*)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?P<id>\d{{1,6}})\s*(?:\||{_ARROW})\s*(?P<rest>.*)")
_BULLET = re.compile(r"^(?:[-*•◦▪·+>]+\s+|#{1,6}\s+|[-•◦▪·](?=\S))+")
_EMPHASIS = re.compile(r"\*\*|__|(?<!\S)\*(?=\w)|(?<=\w)\*(?!\S)")
_TWO_IN_ONE = re.compile(r"\\n(?=\s*\d+\s*\|)")


@dataclass(frozen=True)
class Line:
    """One line in the grammar, or so much like it that it was meant to be one.

    ``number`` counts the text's lines from 1. ``id`` is what the line calls itself; None where it
    has no number. ``type`` is None where the word is none of the five. ``rest`` is the tuple,
    without its outer parentheses. ``tolerated`` names the deviations from the form.
    """

    number: int
    id: int | None
    type: LineType | None
    word: str
    rest: str
    tolerated: tuple[str, ...] = ()


@dataclass(frozen=True)
class LineFault:
    """A line that could not be used, by its number from 1; ``kind`` is a slug to count by."""

    line: int
    kind: str
    detail: str


def lines_of(text: str) -> Iterator[Line | int]:
    """The lines of a text in order; for a line that is prose, its number alone.

    Empty lines and the fences of code blocks are passed over.

    >>> list(lines_of("Sure!\\n**1. Entity -> (whole, dog)**"))[1]
    Line(number=2, id=1, type='entity', word='Entity', rest='whole, dog', \
tolerated=('markdown', 'arrow', 'type_word'))
    """
    for number, raw in enumerate(_TWO_IN_ONE.sub("\n", text).splitlines(), start=1):
        strict = _STRICT.fullmatch(raw)
        if strict is not None and "\\" not in raw and "&" not in raw:
            id, word, rest = strict.groups()
            yield Line(number, int(id), word, word, rest[1:-1])  # type: ignore[arg-type]
            continue
        line = raw.strip()
        if line and not line.startswith("```"):
            yield _read(number, line)


def _read(number: int, raw: str) -> Line | int:
    tolerated: list[str] = []
    line = raw.replace('\\"', '"')
    if "&" in line:
        line = html.unescape(line)
    if line.startswith("|"):
        line = line.strip("| ")
        tolerated.append("markdown")
    bare = _BULLET.sub("", line)
    if bare != line:
        tolerated.append("bullet")
    plain = _EMPHASIS.sub("", bare).strip()
    if "`" in plain[:1] + plain[-1:]:
        plain = plain.strip("`").strip()
    if plain != bare:
        tolerated.append("markdown")
    found = _LOOSE.fullmatch(plain)
    if found is None:
        return _numbered_only(number, plain, tolerated)
    word = found["type"]
    type = _TYPES.get(re.sub(r"[ _]+", " ", word.lower()))
    if type is None and (found["id"] is None or found["arrow"] is None):
        return number
    framed = found["arrow"] is not None or found["id"] is not None
    # "Location: a park" is prose, "entity: (whole, dog)" is none.
    if not framed and not found["rest"].startswith(("(", "[", '"')):
        return number
    if found["id"] is None:
        tolerated.append("unnumbered")
    if found["arrow"] != "-->>":
        tolerated.append("arrow")
    if type is not None and word != type:
        tolerated.append("type_word")
    rest, open_parenthesis = strip_parentheses(found["rest"])
    if open_parenthesis:
        tolerated.append("parentheses")
    id = int(found["id"]) if found["id"] is not None else None
    return Line(number, id, type, word, rest, tuple(dict.fromkeys(tolerated)))


def _numbered_only(number: int, plain: str, tolerated: list[str]) -> Line | int:
    """A line such as ``9 | ("No", "Yes")``, which has a number and no type."""
    found = _BARE.fullmatch(plain)
    if found is None:
        return number
    rest, _ = strip_parentheses(found["rest"])
    return Line(number, int(found["id"]), None, "", rest, (*tolerated, "untyped"))


def strip_parentheses(text: str) -> tuple[str, bool]:
    """A tuple without its outer parentheses, and whether one of them was missing.

    >>> strip_parentheses('(1, "a (b)").'), strip_parentheses('1, "a"')
    (('1, "a (b)"', False), ('1, "a"', True))
    """
    text = text.strip().rstrip(".,; |")
    if text.endswith("\\"):
        text = text[:-1].rstrip()
    opened = text.startswith("(")
    if opened:
        text = text[1:].lstrip()
    surplus = text.count(")") - text.count("(") > 0
    sealed = text.endswith(")") and text[:-1].rstrip()[-1:] in _CLOSING | {"]"}
    closed = text.endswith(")") and (surplus or sealed)
    if closed:
        text = text[:-1].rstrip()
    return text, not (opened and closed)


def unquote(text: str) -> tuple[str, str]:
    """A text without one pair of quotation marks around it, and which mark it began with.

    A mark that only one end has is taken off as well.

    >>> unquote(' "entity 1 is blue" '), unquote("«red»"), unquote('reads "STOP"')
    (('entity 1 is blue', '"'), ('red', '«'), ('reads "STOP"', ''))
    """
    text = text.strip()
    first, last = text[:1], text[-1:]
    if first in _PAIRS and len(text) > 1 and last in _PAIRS[first]:
        return text[1:-1].strip(), first
    if first in _PAIRS and text.count(first) == 1 and not any(c in text for c in _PAIRS[first]):
        return text[1:].strip(), first
    if first in '"“„«' and first and text.count(first) == 1:
        return text[1:].strip(), first
    if last and last in _CLOSING and text.count(last) == 1 and last not in "'’":
        return text[:-1].strip(), last
    return text, ""


_QUOTED = re.compile(r'["“„«‹″＂](.*?)["”“»›″＂](?=\s*(?:,|;|\)|$))')


def quoted_parts(text: str) -> list[str]:
    """The parts of a text in double quotation marks of any kind, each up to a comma or the end.

    >>> quoted_parts('"Is it blue, or not?", “Is it red?”')
    ['Is it blue, or not?', 'Is it red?']
    """
    return [part.strip() for part in _QUOTED.findall(text)]
