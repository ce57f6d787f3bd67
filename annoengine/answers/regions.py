"""The answer format of COCONut-PanCap's first round: one line for each region.

::

    1: Sky - Clear blue sky
    5: Stop sign - A red stop sign with white letters

It is what ``numbered`` calls objects, in other marks and without interactions, so that its reader
and its hard matching serve here too. What is read besides: other dashes and arrows, a dash without
its spaces, a category in brackets or quotes or behind a label, entries in angle brackets, several
entries on a line, and everything that ``numbered`` reads (bold, bullets, tables, JSON, lines
without a category, descriptions of several lines).

What ``write`` changes: see ``numbered``; besides, a category is cut to four words and loses its
article, and a description that is a mere category is one.

Source: arXiv 2502.02589, Fig. 3 (round 1).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from annoengine.answer import Answer, Expected, Judgement, Parsed, Region
from annoengine.answers.numbered import Numbered
from annoengine.categories import named, words_of
from annoengine.numbered.answer_text import with_entities, without_entities
from annoengine.numbered.pieces import plain, plain_summary, split_summary

_ENTRY = r"(?P<head>[ \t]*(?:[-*•]\s+)?(?:\*\*)?#?\[?\(?\d{1,4}[\])]?\s*[:.)]\s*(?:\*\*)?\s*)"
_NAME = r"[A-Za-z][A-Za-z' -]{0,40}?"
_LABEL = re.compile(rf"^{_ENTRY}(?:category|class|name|label)\s*[:=]\s*", re.I | re.M)
_SET_OFF = re.compile(
    rf"^{_ENTRY}(?:\[(?P<a>{_NAME})\]|\((?P<b>{_NAME})\)|[\"“'](?P<c>{_NAME})[\"”']"
    rf"|`(?P<d>{_NAME})`)(?=\s*(?:[-–—:|=→]))",
    re.M,
)
_ARROW = re.compile(rf"^{_ENTRY}(?P<name>{_NAME})\s*(?:→|=+>|-+>|\||=)\s*(?=\S)", re.M)
_TIGHT = re.compile(rf"^{_ENTRY}(?P<name>{_NAME})\s?[-–—](?=[A-Z])", re.M)
_ANGLED = re.compile(r"^[ \t]*<\s*(\d{1,4}\s*:.*?)>[ \t]*$", re.M)
_ONE_LINE = re.compile(r"(?<=\S);[ \t]+(?=\d{1,4}\s*:\s)")
_MASK = re.compile(r"^([ \t]*(?:[-*•]\s+)?(?:\*\*)?)mask(?=[ #]*\d)", re.I | re.M)
_EXACT = re.compile(r"(\d{1,4}): (?:: (?P<bare>.*)|(?P<name>.+?) - (?P<text>.*)|(?P<other>.+))")
_NAME_WORDS = 4
_ARTICLE = re.compile(r"^(?:a|an|the|this|that|these|it|there|another)\b\s*", re.IGNORECASE)


class Regions:
    """The grammar ``regions``; see the module for the format and its rules."""

    VERSION: ClassVar[int] = 1

    def __init__(self) -> None:
        self._objects = Numbered()

    def write(self, answer: Answer) -> str:
        """The answer in the paper's own form, each text made plain (see the module)."""
        lines = []
        for region in self.plain(answer).regions:
            name, text = with_entities(region.summary), with_entities(region.description)
            line = f"{region.mark}: {text}"
            if name:
                line = f"{region.mark}: {name} - {text}"
            elif not text or " - " in text or _tidied(line) != line or _reads_as_named(region):
                line = f"{region.mark}: : {text}"
            lines.append(line)
        return "\n".join(lines)

    def plain(self, answer: Answer) -> Answer:
        """The answer as ``write`` keeps it: without interactions, its texts made plain."""
        regions = (
            Region(region.mark, _plain_name(region.summary), plain(region.description))
            for region in answer.regions
        )
        return Answer(tuple(map(_with_name, regions)))

    def parse(self, text: str) -> Parsed:
        """The content of a model's text. Never raises; what cannot be read is a fault."""
        tidy = _tidied(text)
        parsed = self._objects.parse_tolerantly(tidy)
        # The numbers of the form have a colon: no deviation here.
        tolerated = [name for name in parsed.tolerated if name != "other_number"]
        if tidy != text:
            tolerated.append("other_marks")
        answer = self._exact(text) or Answer(tuple(map(_with_name, parsed.answer.regions)))
        return replace(parsed, answer=answer, tolerated=tuple(tolerated))

    def _exact(self, text: str) -> Answer | None:
        """The content of a text that ``write`` could have written to the letter."""
        lines = [_EXACT.fullmatch(line) for line in text.split("\n")]
        found = [
            Region(
                int(line[1]),
                without_entities(line["name"] or ""),
                without_entities(line["text"] or line["bare"] or line["other"] or ""),
            )
            for line in lines
            if line is not None
        ]
        answer = Answer(tuple(found))
        return answer if len(found) == len(lines) and self.write(answer) == text else None

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        """Hard matching, as ``numbered`` does it."""
        return self._objects.judge(parsed, expected)


def _plain_name(summary: str) -> str:
    """A category's name that reads as one: no article, at most four words, no mark at its end."""
    for _ in range(20):
        before = summary
        summary = _ARTICLE.sub("", plain_summary(summary), count=1)
        summary = " ".join(summary.split()[:_NAME_WORDS]).rstrip(" ,.;:-–—")
        if summary == before:
            break
    return summary


def _reads_as_named(region: Region) -> bool:
    """Would a description without a category seem to begin with one?"""
    return bool(split_summary(region.description, _NAME_WORDS, bare_name=True)[0])


def _with_name(region: Region) -> Region:
    """``6: Person`` and nothing behind it: a category, and no description."""
    name = region.description.rstrip(" -–—:.")
    shown = {n.lower() for known in named(name) for n in (known, words_of(known).show)}
    if region.summary or name.lower() not in shown:
        return region
    return Region(region.mark, name, "")


def _tidied(text: str) -> str:
    """The text with the marks of its entries as ``numbered`` knows them; words never change."""
    text = _ANGLED.sub(r"\1", text)
    text = _MASK.sub(r"\1region", text)
    text = _ONE_LINE.sub("\n", text)
    text = _LABEL.sub(lambda match: match["head"], text)
    text = _SET_OFF.sub(
        lambda match: (
            match["head"] + next(name for name in match.group("a", "b", "c", "d") if name)
        ),
        text,
    )
    text = _ARROW.sub(lambda match: f"{match['head']}{match['name']} - ", text)
    return _TIGHT.sub(_with_spaces, text)


def _with_spaces(match: re.Match[str]) -> str:
    """``Sky-Clear blue sky``: a dash behind a category's name and before a capital letter."""
    if not named(match["name"]):
        return match.group()
    return f"{match['head']}{match['name']} - "
