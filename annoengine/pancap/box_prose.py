"""Turns a caption with boxes in its sentences into clean prose, each box behind its phrase.

A box that stands behind a name is taken out; a clause that only says where something is ("and the
ring's bounding box is [[…]]", "The stem is located at [[…]].") goes as a whole where the text has
named the thing before, and else says that it "can be seen". Bullets become sentences: the box of
"- **Comb** [[…]]: The comb is blue." moves to "The comb". While that is done each box is one
private character in the text, so that nothing can come between it and its place.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from annoengine.noun_phrase import singular
from annoengine.numbered.answer_text import Line, lines_of
from annoengine.pancap.box_clauses import settle
from annoengine.pancap.box_phrases import is_verb
from annoengine.pancap.caption_boxes import WrittenBox, find_written

_FIRST, _MOST = 0xE000, 1000
"""The character of the first box, and the most boxes that are read: no caption has as many."""
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_INTRODUCTION = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|absolutely|great)\b[!,.:]?\s*)?"
    r"(?:(?:here(?:['’]s| is| are)|below is|this is)\b[^:\ue000-\uf8ff]{0,120}:"
    r"|(?:the )?(?:(?:final|detailed|panoptic|image|hyper-detailed|comprehensive)\s+)*"
    r"(?:caption|paragraph|description|answer|output)\s*:"
    r"|(?:sure|certainly|of course|okay|absolutely)\b[!,.:](?=\s))\s*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:please )?(?:let me know|feel free|i hope|hope this|if you (?:have|need|would|want)"
    r"|please note|is there anything|would you like|thank you)\b|\(?note\s*:",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,2}[.)]\s+(?=[^\W\d])")
_IN_BRACKETS = re.compile(r"\s*\((?:[\w-]+ ){0,3}(?:at|box|bbox|coordinates)?\s*:?\s*\Z")
_LEGEND = re.compile(
    r"(?P<name>[^:.;,\ue000-\uf8ff]{1,60}?)\s*(?P<mark>[:–—-]\s*)?(?P<boxes>[\ue000-\uf8ff]+)"
    r"(?P<end>[.;,]?)"
)
_NAME_FIRST = re.compile(
    r"(?P<name>[^:.;,\ue000-\uf8ff]{1,60}?)\s*(?:[:–—-]\s*)?(?P<boxes>[\ue000-\uf8ff]+)\s*"
    r"(?P<mark>[:–—-]\s*)?(?P<rest>.*)"
)
_TEXT_KEYS = ("caption", "panoptic_caption", "description", "text", "answer", "gt_response")
_QUOTES = {'"': '"', "“": "”"}
_ENDED = re.compile(r"[.!?:;][\"'”’)]*[\ue000-\uf8ff]*$")


@dataclass(frozen=True)
class Prose:
    """The clean text; ``boxes`` in its order, each with the offset at which its phrase ends.

    ``tolerated`` names the deviations that were read without loss; ``malformed`` are boxes that
    have not four numbers.
    """

    text: str
    boxes: tuple[tuple[int, WrittenBox], ...]
    tolerated: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()


def read_prose(text: str) -> Prose:
    """The prose of an answer. Never raises.

    >>> prose = read_prose("A ring lies here, and the ring's bounding box is [[0, 0, 0.5, 0.5]].")
    >>> prose.text, prose.boxes[0][0]
    ('A ring lies here.', 6)
    """
    tolerated: list[str] = []
    inner = _from_json(text)
    if inner is not None:
        text = inner
        tolerated.append("json")
    marked, boxes, malformed = _marked(_PRIVATE.sub("", text))
    lines, names = lines_of(marked)
    tolerated += names
    joined = _joined(_prose_lines(lines, tolerated), tolerated)
    settled = settle(joined, {char: box.form for char, box in boxes.items()})
    if settled != joined:
        tolerated.append("clauses")
    return _unmarked(settled, boxes, tolerated, malformed)


def _marked(text: str) -> tuple[str, dict[str, WrittenBox], list[str]]:
    """The text with one private character for each box, with what serves only the box."""
    pieces: list[str] = []
    boxes: dict[str, WrittenBox] = {}
    malformed: list[str] = []
    last = 0
    for box in find_written(text)[:_MOST]:
        start, past = box.first, box.past
        bracket = _IN_BRACKETS.search(text, max(0, box.start - 60), box.start)
        closes = re.compile(r"\s*\)").match(text, box.end)
        if bracket is not None and closes is not None:
            start, past = bracket.start(), closes.end()
        elif box.form in ("at", "box of"):
            # The words stay: whether their clause goes is seen when all of it is known.
            start = box.start
            while box.past > box.end and start > box.first and text[start - 1] in '(*`"':
                start -= 1
        pieces.append(text[last : max(last, start)].rstrip(" "))
        last = max(last, past)
        if len(box.numbers) != 4:
            malformed.append(text[box.start : box.end])
            continue
        char = chr(_FIRST + len(boxes))
        boxes[char] = box
        pieces.append(char)
    return "".join([*pieces, text[last:]]), boxes, malformed


def _prose_lines(lines: list[Line], tolerated: list[str]) -> list[Line]:
    """The lines of the caption: without remarks around it and headings in it."""
    kept = list(lines)
    while len(kept) > 1 and _is_remark(kept[0].text):
        del kept[0]
        tolerated.append("preamble")
    while len(kept) > 1 and _CLOSING.match(kept[-1].text) and not _PRIVATE.search(kept[-1].text):
        del kept[-1]
        tolerated.append("closing")
    if kept:
        opening = _INTRODUCTION.match(kept[0].text)
        if opening and opening.end() < len(kept[0].text):
            kept[0] = Line(kept[0].text[opening.end() :], kept[0].bulleted, kept[0].after_gap)
            tolerated.append("preamble")
    found = []
    for place, line in enumerate(kept):
        heading = len(line.text.split()) <= 6 and not _PRIVATE.search(line.text)
        if heading and (line.text.endswith(":") or (place + 1 < len(kept) and _no_end(line.text))):
            tolerated.append("headings")
            continue
        found.append(line)
    return _with_legends(found or kept, tolerated)


def _is_remark(line: str) -> bool:
    return not _PRIVATE.search(line) and (
        line.endswith(":") or bool(_INTRODUCTION.fullmatch(line)) or line.lower() in ("sure!", "ok")
    )


def _no_end(line: str) -> bool:
    return not line.rstrip(")\"'”’").endswith((".", "!", "?", ",", ";"))


def _joined(lines: list[Line], tolerated: list[str]) -> str:
    """One text; an empty line between lines of prose stays as a break of paragraphs."""
    text = ""
    before_listed = False
    for line in lines:
        number = _NUMBER.match(line.text)
        words = line.text[number.end() :] if number else line.text
        listed = line.bulleted or number is not None
        if number:
            tolerated.append("numbered")
        words = _without_name(words, listed)
        if listed and not _ENDED.search(words):
            words += "."
        gap = "\n\n" if line.after_gap and not (listed and before_listed) else " "
        text += (gap if text else "") + words
        before_listed = listed
    if text[:1] in _QUOTES and text.endswith(_QUOTES[text[0]]) and len(text) > 2:
        text = text[1:-1].strip()
        tolerated.append("quotes")
    return text


def _without_name(line: str, listed: bool) -> str:
    """ "Comb[box]: The comb is blue." as "The comb[box] is blue."."""
    match = _NAME_FIRST.fullmatch(line)
    if match is None or not match["rest"] or not (match["mark"] or listed):
        return line
    name, boxes, rest = match["name"].strip(), match["boxes"], match["rest"]
    if not match["mark"] and rest[:1].islower():
        return line  # "A cup [[…]] stands there" is a sentence already.
    first = re.split(r"(?<=[.!?])\s", rest, maxsplit=1)[0]
    place = _place_of(name, first)
    if place is not None:
        return rest[:1].upper() + rest[1:place] + boxes + rest[place:]
    verb = rest.split()[0].strip(",")
    if re.match(r"(?:It|This)\s", rest):
        return f"{_determined(name)}{boxes}{rest[rest.index(' ') :]}"
    if rest[:1].islower() and is_verb(verb):
        return f"{_determined(name)}{boxes} {rest}"
    return f"{name}{boxes}: {rest}"


def _place_of(name: str, text: str) -> int | None:
    """Where the word ends in a text that a name has for its head."""
    words = name.split()
    head = singular(words[-1].lower()) if words else ""
    for word in re.finditer(r"[^\W_]+", text):
        behind = text[word.end() : word.end() + 1]
        if head and singular(word.group().lower()) == head and not _PRIVATE.match(behind):
            return word.end()
    return None


def _determined(name: str) -> str:
    if re.match(r"(?:an?|the|one|two|three|some|several)\s", name, re.IGNORECASE):
        return name
    return f"The {name if name.isupper() else name.lower()}"


def _legend(line: Line) -> re.Match[str] | None:
    """A line that is a name with its box; "A red cup[box]." may as well be a sentence."""
    match = _LEGEND.fullmatch(line.text)
    if match is not None and match["end"] == "." and not (match["mark"] or line.bulleted):
        return None
    return match


def _with_legends(lines: list[Line], tolerated: list[str]) -> list[Line]:
    """The lines of prose; boxes of lines that say nothing more ("cup: [box]") move into it."""
    legends = [_legend(line) for line in lines]
    kept = [line for line, legend in zip(lines, legends, strict=True) if legend is None]
    if not any(legends) or not kept:
        return lines
    tolerated.append("legend")
    for legend in filter(None, legends):
        for n, line in enumerate(kept):
            place = _place_of(legend["name"], line.text)
            if place is not None:
                text = line.text[:place] + legend["boxes"] + line.text[place:]
                kept[n] = Line(text, line.bulleted, line.after_gap)
                break
        else:
            kept.append(Line(f"{_determined(legend['name'])}{legend['boxes']} can be seen."))
    return kept


def _unmarked(
    text: str, boxes: dict[str, WrittenBox], tolerated: list[str], malformed: list[str]
) -> Prose:
    pieces: list[str] = []
    placed: list[tuple[int, WrittenBox]] = []
    length = last = 0
    for match in _PRIVATE.finditer(text):
        pieces.append(text[last : match.start()])
        length += match.start() - last
        last = match.end()
        box = boxes[match.group()]
        if any(at == length and one.numbers == box.numbers for at, one in placed):
            tolerated.append("doubled_boxes")
            continue
        placed.append((length, box))
    pieces.append(text[last:])
    return Prose("".join(pieces), tuple(placed), tuple(dict.fromkeys(tolerated)), tuple(malformed))


def _from_json(text: str) -> str | None:
    """The caption in an answer that was given as JSON, fenced or bare."""
    body = re.sub(r"^\s*```\w*\s*|\s*```\s*$", "", text)
    if not body.startswith("{"):
        return None
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    found = next((data[key] for key in _TEXT_KEYS if isinstance(data.get(key), str)), None)
    texts = [value for value in data.values() if isinstance(value, str)]
    return found if found is not None else texts[0] if len(texts) == 1 else None
