"""The answer format of COCONut-PanCap's second round: one paragraph with grounded phrases.

::

    In the meadow, <3: a standing giraffe with a long neck> is watched by <6,7: two men>.

Models keep to it loosely: they write ranges, spaces and markup, nest tags, close them early, leave
out the colon, count from 0, and put remarks around the paragraph. ``parse`` reads all that is
unambiguous (``annoengine.grounded.tags``) and says what it had to overlook. ``judge`` mends what
leaves one reading (``annoengine.grounded.mending``) and is strict with the rest
(``annoengine.grounded.judging``): known ids only, phrases whose head fits, every important segment
mentioned. A paragraph is right or not as a whole, since a model that is asked again writes another.

``write`` gives a :class:`~annoengine.grounded.paragraph.Paragraph` exactly; any other answer's
regions are joined to one by rule (``annoengine.grounded.composing``), which is how a provider that
only describes regions answers.

Source: arXiv 2502.02589, Fig. 3 (round 2) and Fig. 9.
"""

from __future__ import annotations

import json
import re
from typing import ClassVar

from annoengine.answer import Answer, Expected, Fault, Judgement, Parsed, Region
from annoengine.description_faults import declines, kind_of_fault
from annoengine.grounded.composing import compose
from annoengine.grounded.known_segments import Importance, KnownSegment
from annoengine.grounded.mending import mend
from annoengine.grounded.paragraph import (
    ExpectedSegment,
    GroundedJudgement,
    Paragraph,
    paragraph_of,
)
from annoengine.grounded.tags import Tagged, parse_tags, write_tags
from annoengine.numbered.answer_text import lines_of
from annoengine.numbered.remarks import CLOSING

_INTRODUCTION = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|absolutely|great)\b[!,.:]?\s*)?"
    r"(?:(?:here(?:['’]s| is| are)|below is|this is)\b[^:<\[]{0,120}:"
    r"|(?:the )?(?:(?:merged|final|grounded|detailed|panoptic|image)\s+)*"
    r"(?:caption|paragraph|description|answer|output)\s*:"
    r"|(?:sure|certainly|of course|okay|absolutely)\b[!,.:]?(?=\s))\s*",
    re.IGNORECASE,
)
_LEAK = re.compile(
    r"\b(?:mask|mark|region|segment)(?:ation)? (?:numbers?|ids?|descriptions?|captions?)\b"
    r"|\bgrounded (?:captions?|phrases?)\b|\bset[- ]of[- ]marks?\b|\bregion[- ]level\b",
    re.IGNORECASE,
)
"""Words about the task. The first is in a caption of the paper itself (Fig. 13)."""
_QUOTES = {'"': '"', "“": "”", "'": "'", "«": "»"}
_TEXT_KEYS = ("caption", "grounded_caption", "paragraph", "text", "description", "answer")


class Grounded:
    """The grammar ``grounded``; see the module for the format and its rules.

    ``importance`` says which segments must be mentioned.
    """

    VERSION: ClassVar[int] = 1

    def __init__(self, importance: Importance | None = None) -> None:
        self.importance = Importance() if importance is None else importance

    def write(self, answer: Answer) -> str:
        """A paragraph with its tags, ``parse(write(x)).answer == x``; or one made of regions.

        Raises ValueError for a paragraph that cannot be written (see ``write_tags``).
        """
        tagged = answer.tagged if isinstance(answer, Paragraph) else compose(answer.regions)
        return write_tags(tagged.text, tagged.spans)

    def parse(self, text: str) -> Parsed:
        """The paragraph in a model's text. Never raises; what cannot be read is a fault."""
        if not text.strip():
            return Parsed(Paragraph(), (Fault("empty", (), "The answer was empty."),))
        exact = parse_tags(text)
        if exact.spans and not exact.faults and not _needs_unwrapping(text):
            return Parsed(paragraph_of(exact))
        bare, tolerated = _unwrapped(text)
        tagged = parse_tags(bare)
        tolerated += [fault.kind for fault in tagged.faults if fault.mended]
        faults = [Fault(f.kind, f.ids, f.detail) for f in tagged.open_faults]
        if not tagged.spans and declines(tagged.text):
            faults = [Fault("refusal", (), "The answer declined to write the caption.")]
        return Parsed(paragraph_of(tagged), tuple(faults), tuple(dict.fromkeys(tolerated)))

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        """Whether the paragraph is right for these marks, and what of it may be used.

        ``expected`` are all marks of the image; one that says nothing of its size must be
        mentioned. ``accepted`` has the phrase of each mark that is grounded rightly.
        """
        return self.judge_paragraph(parsed, expected, self.importance)

    def judge_paragraph(
        self, parsed: Parsed, expected: tuple[Expected, ...], importance: Importance
    ) -> GroundedJudgement:
        """The same, with other bounds for what must be mentioned."""
        tagged = parsed.answer.tagged if isinstance(parsed.answer, Paragraph) else Tagged("")
        known = {e.mark: _known(e) for e in expected}
        mended = mend(tagged, known, importance)
        form = {(fault.kind, fault.detail) for fault in tagged.open_faults}
        faults: list[Fault] = [f for f in parsed.faults if (f.kind, f.detail) not in form]
        if not any(fault.kind in ("refusal", "empty") for fault in faults):
            faults += mended.judged.faults
            faults += _faults_of_text(mended.tagged.text)
        right = Tagged(mended.tagged.text, mended.judged.accepted)
        accepted: dict[int, Region] = {r.mark: r for r in paragraph_of(right).regions}
        return GroundedJudgement(
            accepted=accepted,
            interactions=(),
            faults=tuple(faults),
            tolerated=parsed.tolerated,
            tagged=right,
            numbering=mended.numbering,
            mends=mended.mends,
            doubts=mended.judged.doubts,
        )


def _known(expected: Expected) -> KnownSegment:
    if isinstance(expected, ExpectedSegment):
        return expected.known
    return KnownSegment(expected.mark, expected.category)


def _faults_of_text(text: str) -> list[Fault]:
    """What is wrong with the paragraph's words, whatever is tagged."""
    kind = kind_of_fault(text)
    if kind is None and _LEAK.search(text):
        kind = "leak"
    if kind is None:
        return []
    detail = {
        "refusal": "The caption declines to describe the image.",
        "leak": "The caption speaks of the marks or of the task, not of what the image shows.",
        "language": "The caption is not in English.",
    }[kind]
    return [Fault(kind, (), detail)]


def _needs_unwrapping(text: str) -> bool:
    """Is there anything around the paragraph, or set in it, that is no part of it?"""
    return bool(
        text != text.strip()
        or re.search(r"[\n\r`#*_\\{}&]|[^\x20-\x7e]", text)
        or _INTRODUCTION.match(text)
        or text[0] in (*_QUOTES, *"-|")
    )


def _unwrapped(text: str) -> tuple[str, list[str]]:
    """The paragraph without markdown, fences, JSON and remarks, and the names of what went."""
    tolerated: list[str] = []
    inner = _from_json(text)
    if inner is not None:
        text = inner
        tolerated.append("json")
    # In running text bold type stands for nothing, and would be read as a heading.
    bare = text.replace("**", "")
    if bare != text:
        tolerated.append("bold")
    lines, names = lines_of(bare)
    tolerated += names
    kept = [line.text for line in lines]
    tags = [bool(parse_tags(line).spans) for line in kept]
    if any(tags):
        while len(kept) > 1 and not tags[0] and _is_remark(kept[0]):
            kept, tags = kept[1:], tags[1:]
            tolerated.append("preamble")
        while len(kept) > 1 and not tags[-1] and CLOSING.match(kept[-1]):
            kept, tags = kept[:-1], tags[:-1]
            tolerated.append("closing")
    joined = " ".join(kept)
    opening = _INTRODUCTION.match(joined)
    if opening and opening.end() < len(joined):
        joined = joined[opening.end() :]
        tolerated.append("preamble")
    if joined[:1] in _QUOTES and joined.endswith(_QUOTES[joined[0]]) and len(joined) > 2:
        joined = joined[1:-1].strip()
        tolerated.append("quotes")
    return joined, tolerated


def _is_remark(line: str) -> bool:
    """A line before the paragraph that is none of it: an announcement or a title."""
    return line.endswith(":") or bool(_INTRODUCTION.match(line)) or len(line.split()) <= 6


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
