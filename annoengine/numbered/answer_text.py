"""Takes a model's text out of its wrapping: line ends, entities, markdown, fences and tables.

What is left is one list of lines and the names of what was taken off. Nothing here knows what an
answer says; the words themselves are never changed.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe]")
_LINE_END = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")
_BREAK_TAG = re.compile(r"<(?:br|/p|/li|/div|/h[1-6])\s*/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|p|li|ul|ol|div|span|code|pre|h[1-6]|br"
    r"|answer|response|output|result|think|thinking)\s*/?>",
    re.I,
)
_THINKING = re.compile(
    r"\A\s*(?:<think(?:ing)?>)?(?:(?!</?think).)*</think(?:ing)?>|<think(?:ing)?>.*?</think(?:ing)?>",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\([.)\](\[*_#+>|-])")
_FENCE = re.compile(r"\s*(?:```+|~~~+|///+)\s*\w*\s*$")
_RULE = re.compile(r"\s*(?:-{3,}|_{3,}|\*{3,}|={3,}|(?:[-*_] ){2,}[-*_])\s*$")
_QUOTE = re.compile(r"\s*>+\s*")
_BULLET = re.compile(r"\s*(?:[-*+•◦▪‣●○∙·–—]|->|→)\s+(?=\S)")
_HEADING = re.compile(r"\s*#{1,6}\s+|\s*#{2,6}")
_BOLD_START = re.compile(
    r"(?P<before>(?:\W|object|mark|id|\d){0,16})(?P<mark>\*\*|__)(?P<bold>[^*\n]{1,80}?)(?P=mark)"
    r"(?P<after>[ \t]*)(?P<next>\S?)",
    re.IGNORECASE,
)
_LOOSE_UNDERSCORES = re.compile(r"(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")

_WIDE: dict[int, int | str] = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
_WIDE |= {ord("。"): ". ", ord("、"): ", ", ord("【"): "[", ord("】"): "]", ord("｡"): ". "}
_WIDE |= dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")


@dataclass(frozen=True)
class Line:
    """One line without its wrapping.

    ``bulleted``: it had a bullet; ``after_gap``: an empty line or a rule stood before it;
    ``after_rule``: a horizontal rule did.
    """

    text: str
    bulleted: bool = False
    after_gap: bool = False
    after_rule: bool = False


def narrow(text: str) -> str:
    """Fullwidth forms as ASCII, special spaces as spaces, invisible characters left out."""
    return _INVISIBLE.sub("", text.translate(_WIDE))


def bare(text: str) -> str:
    """A piece of one line without markdown, tags and doubled spaces.

    >>> bare("a **red**  `car` by the <b>road</b>")
    'a red car by the road'
    """
    text = _TAG.sub("", narrow(text))
    text = _ESCAPE.sub(r"\1", text).replace("*", "").replace("`", "")
    return " ".join(_LOOSE_UNDERSCORES.sub("", text).split())


def without_entities(text: str) -> str:
    """HTML entities as what they stand for, once."""
    return html.unescape(text) if "&" in text else text


def with_entities(text: str) -> str:
    """The text such that :func:`without_entities` gives it back, whatever follows it."""
    return text.replace("&", "&amp;") if html.unescape(text + ";") != text + ";" else text


def lines_of(text: str) -> tuple[list[Line], list[str]]:
    """The lines that say something, in order, and the names of what was taken off them."""
    seen: dict[str, None] = {}

    def note(name: str, before: str, after: str) -> str:
        if before != after:
            seen[name] = None
        return after

    text = note("entities", text, without_entities(text))
    text = note("line_ends", text, _LINE_END.sub("\n", text))
    text = note("wide_characters", text, narrow(text))
    text = note("thinking", text, _THINKING.sub("", text))
    text = note("html", text, _BREAK_TAG.sub("\n", text))
    lines: list[Line] = []
    gap = rule = False
    columns: list[str] = []
    for raw in text.split("\n"):
        if not raw.strip() or _FENCE.match(raw) or _RULE.match(raw):
            gap = True
            rule = rule or bool(_RULE.match(raw))
            if _FENCE.match(raw):
                seen["fences"] = None
            continue
        if raw.count("|") >= 2 and _TABLE_RULE.match(raw):
            seen["table"] = None
            continue
        line = _QUOTE.sub("", raw, count=1) if _QUOTE.match(raw) else raw
        bulleted = bool(_BULLET.match(line))
        line = note("bullets", line, _BULLET.sub("", line, count=1) if bulleted else line)
        line = note(
            "headings", line, _HEADING.sub("", line, count=1) if _HEADING.match(line) else line
        )
        aside = ""
        if line.lstrip().startswith("|"):
            line, aside, columns = _from_table(line, columns)
            seen["table"] = None
        line = note("bold", line, _with_bold_summary(line))
        stripped = bare(line)
        if stripped != " ".join(line.split()):
            seen.setdefault("html" if "<" in line else "bold")
        if stripped:
            lines.append(Line(stripped, bulleted, gap, rule))
            gap = rule = False
        if aside:
            lines.append(Line(bare(aside), bulleted=True))
    return lines, list(seen)


def _with_bold_summary(line: str) -> str:
    """ "1. **Person** The person …" with the colon that the bold type stood for."""
    match = _BOLD_START.match(line)
    if match is None or not match["next"]:
        return line.replace("**", "")
    bold, after = match["bold"].strip(), match["next"]
    ends = bold.endswith((":", ".", ";", ",", ")", "]", "-")) or not after.isalpha()
    separator = " " if ends or not match["after"] or bold.isdigit() else ": "
    return f"{match['before']}{bold}{separator}{after}{line[match.end() :]}"


def _from_table(line: str, columns: list[str]) -> tuple[str, str, list[str]]:
    """A row of a table as "id. summary: description", and its column of interactions apart.

    A heading row is nothing but the names of the columns from there on.
    """
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    number = bare(cells[0])
    if not re.search(r"\d", number):
        return "", "", [bare(cell).lower() for cell in cells]
    names = [*columns, *[""] * len(cells)]
    told = [(name, cell) for name, cell in zip(names[1:], cells[1:], strict=False) if cell]
    apart = [cell for name, cell in told if name.startswith(("interact", "relation"))]
    rest = [cell for name, cell in told if not name.startswith(("interact", "relation"))]
    separator = "" if number.endswith((".", ":", ")")) else ":" if " " in number else "."
    if len(rest) > 2:
        rest = [rest[0], " ".join(rest[1:])]
    aside = f"Interactions: {' '.join(apart)}" if apart else ""
    return f"{number}{separator} {': '.join(rest)}", aside, columns
