"""The answer format of Pix2Cap-COCO: numbered objects with a summary, then interactions.

::

    The objects include:
    1. Person: the person is wearing a pink jacket and holds ski poles.;
    2. Skis: the skis are long and narrow.;
    The interactions include:
    1 and 2: the person is skiing on the mountain using the skis.;

Models keep to it loosely: they set names in bold, use bullets, tables or JSON, group objects,
leave out the summary or the headings. ``parse`` reads all that is unambiguous and says what it
had to overlook; ``judge`` does the paper's *hard matching*, which the paper names and does not
define, so that its rules stand here.

What ``write`` changes: each text is put on one line by ``plain`` (markdown, bullets at the start,
semicolons at the end and numbers of marks in brackets go; what would read as another entry loses
its mark); a summary is cut
to 12 words without colon, dash or full stop; an interaction of fewer than two marks is left out;
an ampersand that would read as an entity is written as one. What needs none of this comes back
from ``parse`` exactly.

Source: arXiv 2501.13893, Fig. 2 (step 3), section 3.1 and Fig. 7 of the supplement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from annoengine.answer import Answer, Expected, Fault, Interaction, Judgement, Parsed, Region
from annoengine.categories import fit_of_text, fits, named, words_of
from annoengine.description_faults import declines, kind_of_fault
from annoengine.numbered.answer_text import lines_of, with_entities
from annoengine.numbered.json import answer_from_json
from annoengine.numbered.lines import read_lines
from annoengine.numbered.pieces import plain, plain_summary, split_summary
from annoengine.numbered.plain import read_plain

LEAST_CHARACTERS = 3
"""Shorter descriptions are dropped by the loaders of the published dataset.

Source: geshang777/pix2cap, register_pix2cap_coco.py.
"""


_NO_INTERACTION = re.compile(
    r"(?:there is )?(?:none|n/?a|no\b[^.,]{0,40}\binteract\w*)[^.,]{0,40}\.?\s*$", re.IGNORECASE
)


class Numbered:
    """The grammar ``numbered``; see the module for the format and its rules."""

    VERSION: ClassVar[int] = 1

    def write(self, answer: Answer) -> str:
        """The answer in the paper's own form, each text made plain (see the module)."""
        answer = self.plain(answer)
        lines = ["The objects include:"]
        for region in answer.regions:
            summary, text = with_entities(region.summary), with_entities(region.description)
            if summary:
                lines.append(f"{region.mark}. {summary}: {text};")
            elif split_summary(region.description, 4, bare_name=True)[0] or not text:
                lines.append(f"{region.mark}. : {text};")
            else:
                lines.append(f"{region.mark}: {text};")
        if answer.interactions:
            lines.append("The interactions include:")
        for interaction in answer.interactions:
            *first, last = map(str, interaction.marks)
            lines.append(f"{', '.join(first)} and {last}: {with_entities(interaction.text)};")
        return "\n".join(lines)

    def plain(self, answer: Answer) -> Answer:
        """The answer as ``write`` keeps it: ``parse(write(x)).answer == plain(x)``."""
        regions = (
            Region(region.mark, plain_summary(region.summary), plain(region.description))
            for region in answer.regions
        )
        interactions = (
            Interaction(tuple(dict.fromkeys(interaction.marks)), plain(interaction.text))
            for interaction in answer.interactions
        )
        return Answer(tuple(regions), tuple(i for i in interactions if len(i.marks) > 1))

    def parse(self, text: str) -> Parsed:
        """The content of a model's text. Never raises; what cannot be read is a fault."""
        plain_answer = read_plain(text)
        return self.parse_tolerantly(text) if plain_answer is None else Parsed(plain_answer)

    def parse_tolerantly(self, text: str) -> Parsed:
        """Like ``parse``, without the short cut for answers that keep to the form exactly."""
        if not text.strip():
            return Parsed(Answer(), (Fault("empty", (), "The answer was empty."),))
        answer = answer_from_json(text)
        if answer is not None:
            return Parsed(self.plain(answer), (), ("json",))
        lines, tolerated = lines_of(text)
        reading = read_lines(lines)
        faults = reading.faults
        if not (reading.regions or reading.interactions or faults):
            said = " ".join(line.text for line in lines)
            kind = "refusal" if declines(said) else "unreadable"
            detail = {
                "refusal": "The answer declined to describe the objects.",
                "unreadable": "The answer has no entry of the form “object_id. summary: …”.",
            }[kind]
            faults = [Fault(kind, (), detail)]
        return Parsed(
            Answer(tuple(reading.regions), tuple(reading.interactions)),
            tuple(faults),
            tuple(dict.fromkeys([*tolerated, *reading.tolerated])),
        )

    def parse_interactions(self, text: str) -> Parsed:
        """Like ``parse``, where only interactions were asked for: their heading may be missing.

        Without it the line "1 and 2: …" would be a group of objects, which says nothing of either.
        """
        readings = self.parse(text), self.parse(f"The interactions include:\n{text}")
        return max(readings, key=lambda parsed: len(parsed.answer.interactions))

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        """Hard matching: each expected mark gets exactly one description, which fits it.

        - A summary must fit the category by the table of category words; one that names nothing
          known is read together with the description, which must then name the category.
        - Without a summary the description's first clause decides: its subject, or what the
          subject holds, wears, rides or uses, fits; a subject that is no category of the table is
          let pass, one that is another category is a fault.
        - Marks of a group get nothing from it. Marks described twice get the text where both say
          the same, else nothing. Marks that were not asked for spoil nothing.
        - Refusals, leaks of the prompt or the marks, other languages, broken off and too short
          descriptions are faults of their mark. A leak that fits its category is doubtful: a
          later rewriting can mend it, so it is not lost where nothing better comes.
        - Interactions stay where every mark was asked for and none was described as another
          category; those that speak of the marks stay too, with a fault that says so.
        """
        asked = {e.mark for e in expected}
        accepted: dict[int, Region] = {}
        doubtful: dict[int, Region] = {}
        faults: list[Fault] = []
        other_category: set[int] = set()
        whole = [f for f in parsed.faults if not f.marks]
        about_marks = [f for f in parsed.faults if f.marks]
        for e in expected:
            regions = _that_say_something([r for r in parsed.answer.regions if r.mark == e.mark])
            earlier = [f for f in about_marks if e.mark in f.marks]
            if any(f.kind == "truncated" for f in earlier):
                continue
            if not regions:
                if not earlier:
                    faults.append(_why_missing(e, parsed, whole))
                continue
            fault = _fault_of(e, regions)
            if fault is None:
                accepted[e.mark] = regions[0]
            else:
                faults.append(fault)
                if fault.kind == "category":
                    other_category.add(e.mark)
                elif fault.kind == "leak" and not _other_category(e.category, regions[0]):
                    doubtful[e.mark] = regions[0]
        kept = [f for f in (_still_true(f, asked, accepted) for f in about_marks) if f]
        strange = sorted({r.mark for r in parsed.answer.regions} - asked)
        out_of_range = [
            Fault("out_of_range", (), f"Object {mark} was described, but it was not asked for.")
            for mark in strange
        ]
        interactions, dropped = _usable(parsed.answer.interactions, asked, other_category)
        return Judgement(
            accepted,
            interactions,
            (*_merged(faults), *kept, *whole, *out_of_range, *dropped),
            parsed.tolerated,
            doubtful,
        )


def _that_say_something(regions: list[Region]) -> list[Region]:
    """Without empty entries and mere names ("2. Dog"), where the mark has another entry."""
    if len(regions) < 2:
        return regions
    names = {"", *(_same(region.summary) for region in regions)}
    saying = [r for r in regions if _same(r.description) not in names]
    return saying or regions[:1]


def _fault_of(expected: Expected, regions: Sequence[Region]) -> Fault | None:
    """What is wrong with the description of a mark; the first of equal ones stands for all."""
    mark, region = expected.mark, regions[0]
    if len(regions) > 1 and len({_same(r.description) for r in regions}) > 1:
        detail = f"Object {mark} was described {len(regions)} times, each time differently."
        return Fault("doubled", (mark,), detail)
    text = region.description
    if len(text) < LEAST_CHARACTERS:
        detail = (
            f'The description of object {mark} is too short: "{text}".'
            if text
            else f"The description of object {mark} is empty."
        )
        return Fault("empty", (mark,), detail)
    kind = kind_of_fault(text)
    if kind is None and not fits(region.summary, expected.category) and declines(region.summary):
        kind = "refusal"
    if kind is not None:
        detail = {
            "refusal": f'Object {mark} was not described, but refused: "{_quote(text)}".',
            "leak": f"The description of object {mark} speaks of the marks or of the task, not "
            f'of what the image shows: "{_quote(text)}".',
            "language": f'The description of object {mark} is not in English: "{_quote(text)}".',
        }[kind]
        return Fault(kind, (mark,), detail)
    described_as = _other_category(expected.category, region)
    if described_as:
        show = words_of(expected.category).show
        detail = f"Object {mark} was described as {described_as}, but its category is {show}."
        return Fault("category", (mark,), detail)
    return None


def _other_category(category: str, region: Region) -> str:
    """What a region is described as, where that is not its category; else nothing."""
    if region.summary:
        if fits(region.summary, category):
            return ""
        if not named(region.summary) and fit_of_text(region.description, category) == "fits":
            return ""
        return f'"{region.summary}"'
    if fit_of_text(region.description, category) != "other":
        return ""
    return f'something else ("{_quote(region.description)}")'


def _why_missing(expected: Expected, parsed: Parsed, whole: Sequence[Fault]) -> Fault:
    """A mark without a description, for the reason that the whole answer gives, if it does."""
    if not parsed.answer.regions:
        for fault in whole:
            if fault.kind in ("refusal", "unreadable", "empty"):
                return Fault(fault.kind, (expected.mark,), fault.detail)
    return Fault("missing", (expected.mark,), f"Object {expected.mark} was not described.")


def _still_true(fault: Fault, asked: set[int], accepted: dict[int, Region]) -> Fault | None:
    """A fault of form, for the marks that were asked for and got nothing elsewhere."""
    marks = tuple(mark for mark in fault.marks if mark in asked and mark not in accepted)
    return Fault(fault.kind, marks, fault.detail) if marks else None


def _merged(faults: Sequence[Fault]) -> list[Fault]:
    """Faults that say the same of several marks as one."""
    merged: dict[tuple[str, str], tuple[int, ...]] = {}
    for fault in faults:
        merged[fault.kind, fault.detail] = merged.get((fault.kind, fault.detail), ()) + fault.marks
    return [Fault(kind, marks, detail) for (kind, detail), marks in merged.items()]


def _usable(
    interactions: Sequence[Interaction], asked: set[int], other_category: set[int]
) -> tuple[tuple[Interaction, ...], list[Fault]]:
    kept: list[Interaction] = []
    faults: list[Fault] = []
    for interaction in interactions:
        which = " and ".join(map(str, interaction.marks))
        strange = [mark for mark in interaction.marks if mark not in asked]
        text = interaction.text
        if strange:
            detail = (
                f"The interaction of {which} names object {strange[0]}, which was not asked for."
            )
            faults.append(Fault("out_of_range", (), detail))
        elif len(text) < LEAST_CHARACTERS or _NO_INTERACTION.match(text):
            faults.append(Fault("empty", (), f"The interaction of {which} says nothing."))
        elif other_category & set(interaction.marks):
            detail = f"The interaction of {which} is about an object described as another category."
            faults.append(Fault("category", (), detail))
        elif kind := kind_of_fault(text):
            detail = f'The interaction of {which} is no good ({kind}): "{_quote(text)}".'
            faults.append(Fault(kind, (), detail))
            if kind == "leak":  # "object 1 leans on object 2" says something all the same
                kept.append(interaction)
        else:
            kept.append(interaction)
    return tuple(kept), faults


def _same(text: str) -> str:
    """A text for comparison: letters and digits only, in lower case."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _quote(text: str) -> str:
    return text.rstrip(".") if len(text) <= 80 else text[:77] + "..."
