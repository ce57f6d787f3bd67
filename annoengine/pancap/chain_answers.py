"""Reads what a model answers when PancapChain asks for boxes, or for tags with boxes.

The form is ``dog <box>[[100, 200, 500, 600]]</box>, cat <box>…``, or ``None`` where nothing is
missing. Models that were not trained on it deviate: one pair of brackets or none, ``(x1,y1),
(x2,y2)``, boxes without ``<box>``, ``<ref>``, lists, JSON, the tag behind its box, shares of the
image, corners the wrong way round, sentences around all of it. What can be read without doubt is
read and named in ``tolerated``; the rest is a fault that can be quoted. Never raises.

Source: the form is that of arXiv 2505.16334, section 5 and Appendix E.1. The released code stops
reading at the first malformed item; here the others are read all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annoengine.answer import Fault
from annoengine.description_faults import declines
from annoengine.pancap.caption_boxes import are_shares
from annoengine.pancap.content import BoxUnit
from annoengine.pancap.grid_boxes import BoxGrid, Steps, step_fault
from annoengine.pancap.instance_text import NOTHING, Instance

MOST_WORDS = 12
"""A tag of more words is a sentence. Ours; a free tag may have an attribute or two."""

_ROUNDING = 0.02
"""How far beyond the grid a number may be and still be clamped, as a share of it. Ours."""

_LONGEST_QUOTE = 60
_LONGEST_PIECE = 300
"""Characters from which on words are no tag, whatever stands around it."""

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
_N = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)"
_QUAD = rf"\[\s*{_N}(?:\s*,\s*{_N})+\s*,?\s*\]"
_BOX = re.compile(
    r"<box>(?P<inner>[^<]*)</box>"
    r"|<box>(?P<open>[^<]*)\Z"
    rf"|(?P<bare>\[\s*{_QUAD}(?:\s*,?\s*{_QUAD})*\s*\]|{_QUAD}"
    rf"|\(\s*{_N}\s*,\s*{_N}\s*\)\s*,\s*\(\s*{_N}\s*,\s*{_N}\s*\)"
    rf"|\(\s*{_N}(?:\s*,\s*{_N}){{3}}\s*\))"
)
_OBJECT = re.compile(r"\{[^{}]*\}")
_JSON_TAG = re.compile(r'"(?:label|tag|name|category|class)"\s*:\s*"(?P<tag>[^"]*)"')
_JSON_BOX = re.compile(
    r'"(?P<key>box|bbox|bbox_2d|bounding_box|box_2d)"\s*:\s*(?P<box>\[\s*\[?[^\[\]]*\]?\s*\])'
)
_EDGE_NAME = re.compile(r"\b[xy]_?(?:min|max|\d)?\s*[:=]\s*", re.IGNORECASE)
_TOKENS = {
    "<|box_start|>": "<box>",
    "<|box_end|>": "</box>",
    "<|object_ref_start|>": " ",
    "<|object_ref_end|>": " ",
}
"""How Qwen-VL writes a box and what it is of. Source: its tokenizer's added tokens."""

_WRAPPED = re.compile(r"</?(?:ref|p|pred)>")
_ANSWER_NOTHING = re.compile(
    r"(?:none|nothing|n/?a|null|no)\W*$"
    r"|(?:there (?:is|are) )?(?:none|nothing|no)\b[^\d]{0,80}"
    r"\b(?:missing|missed|additional|other|more|further|left"
    r"|extra)\b"
    r"|all (?:of )?(?:the )?(?:\w+ )?(?:entities|objects|instances)\b[^\d]{0,60}"
    r"\b(?:specified|listed|given|included|identified|covered|there)\b"
    r"|\[\s*\]\W*$",
    re.IGNORECASE,
)
_BULLET = re.compile(r"(?:[-*•]+|\(?\d{1,3}[.):])(?:\s+|$)")
_LEAD = re.compile(
    r"(?:(?:and|also|then|there (?:is|are)|i (?:can )?see"
    r"|(?:the )?(?:entity|object)(?: \d+)?(?::| is))\s+)+",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(
    r"(?:sure|certainly|of course|okay|ok|yes|here|below|these|the|following|missing"
    r"|additional|answer|entities|objects|tags|boxes|i )[^:]*:\s*(?=\S|$)",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"(?:\s*(?:[:=–—-]|\(|\bis(?: located)?(?: at)?|\bare(?: located)?(?: at)?|\blocated at|\bat"
    r"|,?\s*(?:with )?(?:a |the |its )?(?:bounding box|bbox|coordinates)(?: of| at| is)?))+\s*$",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|shows?|contains?|depicts?)\b", re.IGNORECASE)
_EDGES = " \t\n,;.*`\"'“”‘’_()|"


@dataclass(frozen=True)
class ListedAnswer:
    """The instances that an answer lists, in its order, and what is wrong with it.

    ``nothing``: it says that there is none. ``words``: what it lists where it has no box at all.
    """

    instances: tuple[Instance, ...] = ()
    faults: tuple[Fault, ...] = ()
    tolerated: tuple[str, ...] = ()
    nothing: bool = False
    words: tuple[str, ...] = ()


@dataclass
class _Found:
    """A box as it stands in the text, or several of one thing; ``tag`` where it has its own."""

    start: int
    end: int
    written: str
    form: str
    tag: str | None = None


def read_answer(
    text: str, grid: BoxGrid, size_wh: tuple[int, int], tagged: bool, cut_short: bool = False
) -> ListedAnswer:
    """The instances of an answer. ``tagged``: each must have a tag; else tags are left out.

    ``cut_short``: the answer ended at a limit of tokens, and what stands last may not be whole.

    >>> read_answer("1. A dog: [100, 200, 500, 600]", BoxGrid(), (9, 9), True).instances
    (Instance(tag='A dog', box=(100, 200, 500, 600)),)
    >>> read_answer("There are no missing entities.", BoxGrid(), (9, 9), True).nothing
    True
    """
    if not text.strip():
        return ListedAnswer(faults=(Fault("empty", (), "The answer was empty."),))
    tolerated: list[str] = []
    plain = _plain(text, tolerated)
    found = _json_boxes(plain) or _text_boxes(plain)
    tolerated += dict.fromkeys(one.form for one in found if one.form not in ("", "open"))
    if not found:
        return _without_boxes(plain, cut_short)
    tags = _tags(plain, found, tagged, tolerated)
    faults: list[Fault] = []
    instances: list[Instance] = []
    for one, tag in zip(found, tags, strict=True):
        boxes, wrong = _boxes(one, grid, size_wh, tolerated)
        if one.form == "open" and (cut_short or not boxes):
            wrong, boxes = ["breaks off"], []
        faults += [Fault("malformed", (), f"{_quote(one.written)} {why}.") for why in wrong]
        if not tagged:
            instances += [Instance("", box) for box in boxes]
        elif boxes and not tag:
            faults.append(Fault("untagged", (), f"{_quote(one.written)} has no tag before it."))
        elif boxes and len(tag.split()) > MOST_WORDS:
            faults.append(Fault("long_tag", (), f"{_quote(tag)} is too long for a tag."))
        else:
            instances += [Instance(tag, box) for box in boxes]
    if not tagged and any(tags):
        tolerated.append("tags")
    if cut_short and not any(one.form == "open" for one in found):
        faults.append(Fault("truncated", (), "The list broke off before its end."))
    return ListedAnswer(tuple(instances), tuple(faults), tuple(dict.fromkeys(tolerated)))


def without_doubles(
    instances: Iterable[Instance], told: Iterable[Instance] = ()
) -> tuple[Instance, ...]:
    """The instances, each pair of tag and box once, without those that were told before.

    Source: the released code of arXiv 2505.16334, which leaves out exact duplicates and no others.

    >>> one = Instance("dog", (1, 2, 3, 4))
    >>> without_doubles([one, Instance("cat", (1, 2, 3, 4)), one])
    (Instance(tag='dog', box=(1, 2, 3, 4)), Instance(tag='cat', box=(1, 2, 3, 4)))
    """
    known = set(told)
    return tuple(one for one in dict.fromkeys(instances) if one not in known)


def _plain(text: str, tolerated: list[str]) -> str:
    """The text without a fence of code, its tokens written as ``<box>``."""
    plain = text.strip()
    fence = re.fullmatch(r"[^`]*```[\w-]*\n?(.*?)(?:```.*)?", plain, re.DOTALL)
    if fence is not None:
        plain = fence.group(1).strip()
        tolerated.append("fence")
    before = plain
    for token, mark in _TOKENS.items():
        plain = plain.replace(token, mark)
    if plain != before:
        tolerated.append("tokens")
    if _WRAPPED.search(plain):
        plain = _WRAPPED.sub(" ", plain)
        tolerated.append("ref")
    return plain


def _json_boxes(text: str) -> list[_Found]:
    """The objects of a JSON list; what is no object with a box is left to be read as text."""
    found = []
    for match in _OBJECT.finditer(text):
        box, tag = _JSON_BOX.search(match.group()), _JSON_TAG.search(match.group())
        if box is not None:
            said = tag["tag"].strip() if tag else ""
            form = "box_2d" if box["key"] == "box_2d" else "json"
            found.append(_Found(match.start(), match.end(), box["box"], form, said))
    broken = re.search(r"\{[^{}]*\Z", text) if found else None
    if broken is not None:
        found.append(_Found(broken.start(), broken.end(), broken.group(), "open", ""))
    return found


def _text_boxes(text: str) -> list[_Found]:
    found = []
    for match in _BOX.finditer(text):
        written = match.group()
        if match["open"] is not None:
            found.append(_Found(match.start(), match.end(), written, "open"))
        elif match["inner"] is not None:
            found.append(_Found(match.start(), match.end(), written, ""))
        elif len(_NUMBER.findall(written)) > 2 or written.startswith(("[[", "[ [")):
            found.append(_Found(match.start(), match.end(), written, "bare"))
    return found


def _without_boxes(text: str, cut_short: bool) -> ListedAnswer:
    if _ANSWER_NOTHING.match(text.strip("\"'`* ")):
        same = text.strip(_EDGES).lower() == NOTHING.lower()
        return ListedAnswer(nothing=True, tolerated=() if same else ("sentence",))
    if declines(text):
        fault = Fault("refusal", (), "The answer declined to list entities.")
        return ListedAnswer(faults=(fault,))
    fault = Fault("form", (), f"{_quote(text)} has no box.")
    pieces = re.split(r"[,;\n]", _INTRODUCTION.sub("", text, count=1))
    words = tuple(word for piece in pieces if (word := _tag(piece)))
    if cut_short or any(len(word.split()) > MOST_WORDS or _VERB.search(word) for word in words):
        words = ()
    return ListedAnswer(faults=(fault,), words=words)


def _tags(text: str, found: Sequence[_Found], tagged: bool, tolerated: list[str]) -> list[str]:
    """The tag of each box: what stands before it, or behind it where all stand so."""
    if all(one.tag is not None for one in found):
        return [one.tag or "" for one in found]
    bounds = [0, *(one.end for one in found)]
    starts = [*(one.start for one in found), len(text)]
    pieces = [text[a:b] for a, b in zip(bounds, starts, strict=True)]
    before = [_of_piece(piece, last=True) for piece in pieces[:-1]]
    behind = [_of_piece(piece, last=False) for piece in pieces[1:]]
    if tagged and not before[0] and all(behind):
        tolerated.append("box first")
        return behind
    for n in range(1, len(before)):
        # Boxes side by side, with no comma between them, are of one thing.
        if not before[n] and not pieces[n].strip() and "\n" not in pieces[n]:
            before[n] = before[n - 1]
            tolerated.append("several boxes")
    return before


def _of_piece(piece: str, last: bool) -> str:
    """The tag in what stands between two boxes: in its last line that has words, or its first."""
    *above, beside = piece.split("\n")
    lines = [line for line in above if not _INTRODUCTION.fullmatch(line.strip())]
    tags = [tag for line in (*lines, beside) if (tag := _tag(line))]
    return tags[-1 if last else 0] if tags else ""


def _tag(words: str) -> str:
    """A tag as it is told on: without list marks, quotes, and words that only bring it in.

    >>> _tag("2. **The red bus** is located at"), _tag("Here are the missing entities: bus")
    ('The red bus', 'bus')
    """
    words = " ".join(re.sub(r"</?box>", " ", words).split()).strip(" ,;.")
    if len(words) > _LONGEST_PIECE:
        return words
    if "{" in words or "}" in words:
        return ""
    while (match := _BULLET.match(words)) is not None:
        words = words[match.end() :]
    brought = _INTRODUCTION.match(words)
    words = words[brought.end() :] or words if brought else words
    words = words.strip(_EDGES)
    words = _LEAD.sub("", words, count=1) if _LEAD.match(words) else words
    words = _TRAIL.sub("", words.strip(_EDGES))
    words = words.strip(_EDGES + ":=[]{}")
    words = " ".join(words.replace("*", "").split())
    if not any(character.isalnum() for character in words) or words.isdigit():
        return ""
    # Angle brackets and square ones would be read as another box's by whoever reads the text.
    return re.sub(r"[<>\[\]]+", "", words).strip()


def _boxes(
    one: _Found, grid: BoxGrid, size_wh: tuple[int, int], tolerated: list[str]
) -> tuple[list[Steps], list[str]]:
    """The boxes of one place, in steps, and what is wrong with those that are none."""
    texts = _NUMBER.findall(_EDGE_NAME.sub("", one.written))
    if "%" in one.written:
        return [], ["is in per cent"]
    if not texts or len(texts) % 4:
        return [], ["is no box: a box has four numbers"]
    form = re.sub(r"\s", "", re.sub(r"</?box>", "", one.written))
    if not one.form and not re.fullmatch(r"\[\[-?[\d.]+(?:,-?[\d.]+){3}\]\]", form):
        tolerated.append("brackets" if len(texts) == 4 else "several boxes")
    boxes: list[Steps] = []
    wrong: list[str] = []
    for n in range(0, len(texts), 4):
        numbers = [float(text) for text in texts[n : n + 4]]
        if one.form == "box_2d":
            # Gemini's documentation: the upper edge first, in thousandths of the image.
            top, left, low, right = (number / 1000 for number in numbers)
            box, why = _from_shares((left, top, right, low), grid, size_wh)
        else:
            box, why = _steps(numbers, grid, size_wh, tolerated)
        if box is not None:
            boxes.append(box)
        else:
            wrong.append(why)
    return boxes, wrong


def _steps(
    numbers: Sequence[float], grid: BoxGrid, size_wh: tuple[int, int], tolerated: list[str]
) -> tuple[Steps | None, str]:
    """Four numbers in steps of the grid, or None and why not."""
    x1, y1, x2, y2 = numbers
    if (x1 > x2) or (y1 > y2):
        tolerated.append("reversed_corners")
        x1, x2 = sorted((x1, x2))
        y1, y2 = sorted((y1, y2))
    if are_shares(numbers) and max(numbers) > 0:
        tolerated.append("shares")
        return _from_shares((x1, y1, x2, y2), grid, size_wh)
    low, high = -_ROUNDING * grid.scale, (1 + _ROUNDING) * grid.scale
    if min(numbers) < low or max(numbers) > high:
        return None, f"leaves the grid of 0 to {grid.scale}"
    if min(numbers) < 0 or max(numbers) > grid.scale:
        tolerated.append("clamped")
    if any(number != int(number) for number in numbers):
        tolerated.append("decimals")
    a, b, c, d = (min(max(round(value), 0), grid.scale) for value in (x1, y1, x2, y2))
    if why := step_fault((a, b, c, d), grid.scale):
        return None, why
    left, top, right, bottom = grid.shares((a, b, c, d), size_wh)
    if left >= right or top >= bottom:
        return None, "lies beside the image"
    return (a, b, c, d), ""


def _from_shares(
    shares: BoxUnit, grid: BoxGrid, size_wh: tuple[int, int]
) -> tuple[Steps | None, str]:
    """A box of shares of the image in steps of the grid, or None and why not."""
    x1, y1, x2, y2 = shares
    width, height = size_wh
    if not -_ROUNDING <= min(shares) <= max(shares) <= 1 + _ROUNDING or x1 >= x2 or y1 >= y2:
        return None, "has no area in the image"
    return grid.steps((x1 * width, y1 * height, x2 * width, y2 * height), size_wh), ""


def _quote(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}…")
