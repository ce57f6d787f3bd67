"""Rewrites captions by rule: marks become referring phrases, talk of the annotation goes.

The finders of this package tell what stands where; here it is decided what takes its place, in an
order that matters: clauses about nothing but the drawing, then marks, then other talk of the
annotation, then what leans on another caption. Each acts on what the last one left, round by round,
until nothing is found, so that rewriting twice is rewriting once. A text without any trigger is
never touched and never parsed; one parse of the result, for all texts of a record at once, mends
verbs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from annoengine.baseline.english import noun_of, with_article
from annoengine.categories import fits
from annoengine.language.parsed import Parsed
from annoengine.record import Record
from annoengine.rewriting.agreement import agree, trim_opening
from annoengine.rewriting.annotation_talk import Talk, find_talk, may_talk
from annoengine.rewriting.dangling import find_dangling, may_dangle
from annoengine.rewriting.draft import Draft, Edit
from annoengine.rewriting.drawn_colours import names_of_drawn
from annoengine.rewriting.mark_references import Reference, find_references, may_refer
from annoengine.rewriting.mending import begins_large, cut_out, sentence_start, tidy
from annoengine.rewriting.referring import Names, Phrase, SceneOrMeasure
from annoengine.rewriting.rule_patterns import (
    ARE,
    FUNCTION_WORD,
    IN_IMAGE,
    INSIDE,
    IS_KIND,
    SAYS,
)

VERSION = 1
"""Raised with every change to what the rules give, for fingerprints."""

_ROUNDS = 4
Parse = Callable[[Sequence[str]], list[Parsed]]


@dataclass(frozen=True)
class Rewritten:
    """A caption after the rules.

    ``edits`` and ``summary_edits`` are against the old text and summary (``draft.moved`` carries
    spans over). ``unresolved`` are words that lean on something outside the caption, which no rule
    could replace: each is told in a few words.
    """

    text: str
    edits: tuple[Edit, ...] = ()
    unresolved: tuple[str, ...] = ()
    summary: str = ""
    summary_edits: tuple[Edit, ...] = ()

    @property
    def changed(self) -> bool:
        """Is anything other than it was?"""
        return bool(self.edits or self.summary_edits)


def rewrite_captions(record: Record, scene: SceneOrMeasure, parse: Parse) -> dict[int, Rewritten]:
    """All captions of a record, texts and summaries, by their index; unchanged ones as well.

    Without a ``scene`` segments are told apart by their categories alone. ``parse`` is called at
    most once, with the texts whose verbs may have to be mended.
    """
    context = Context(record, scene)
    texts = [context.begin(caption.text, caption.segment) for caption in record.captions]
    summaries = [
        context.begin(caption.summary, caption.segment, title=True) for caption in record.captions
    ]
    _finish([*texts, *summaries], parse)
    return {
        index: Rewritten(
            text.draft.text,
            text.draft.edits(),
            tuple(dict.fromkeys([*text.unresolved, *summary.unresolved])),
            summary.draft.text,
            summary.draft.edits(),
        )
        for index, (text, summary) in enumerate(zip(texts, summaries, strict=True))
    }


def rewrite_relations(record: Record, scene: SceneOrMeasure, parse: Parse) -> dict[int, Rewritten]:
    """The texts of a record's relations, by their index, in the same way."""
    context = Context(record, scene)
    texts = [context.begin(relation.text, None) for relation in record.relations]
    _finish(texts, parse)
    return {
        index: Rewritten(text.draft.text, text.draft.edits(), tuple(text.unresolved))
        for index, text in enumerate(texts)
    }


def may_change(record: Record) -> bool:
    """Has any text of a record a trigger? Where none has, no scene need be measured."""
    texts = [text for caption in record.captions for text in (caption.text, caption.summary)]
    texts += [relation.text for relation in record.relations]
    return any(has_trigger(text) for text in texts)


def has_trigger(text: str) -> bool:
    """Is there a word or digit without which no rule applies?"""
    lower = text.lower()
    return may_refer(text) or may_talk(lower) or may_dangle(lower)


@dataclass
class _Work:
    """A text on its way. ``opening``: it was made to begin with "This is"."""

    draft: Draft
    unresolved: list[str] = field(default_factory=list)
    opening: bool = False
    seen: tuple[str, list[Talk]] = ("", [])


def _finish(works: Sequence[_Work], parse: Parse) -> None:
    """Mends the verbs of the texts that need it, with one parse of all of them."""
    todo = [work for work in works if work.opening or work.draft.held()]
    if not todo:
        return
    parsed = parse([work.draft.text for work in todo])
    for work, one in zip(todo, parsed, strict=True):
        edits = trim_opening(one) if work.opening else []
        for start, end, plural in work.draft.held():
            edits += agree(one, start, end, plural)
        work.draft.apply(edits)


class Context:
    """What the rules know of a record: its marks, its segments' names, the colours drawn."""

    def __init__(self, record: Record, scene: SceneOrMeasure) -> None:
        self.record = record
        self.names = Names(record, scene)
        self.segments = {mark.number: mark.segment for mark in record.marks}
        self.categories: Mapping[int, str] = {
            number: self.names.category(id) for number, id in self.segments.items()
        }
        self._drawn: dict[int, frozenset[str]] = {}

    def begin(self, text: str, speaker: int | None, title: bool = False) -> _Work:
        """A text with all done that needs no parse. ``speaker`` is the segment it is about."""
        work = _Work(Draft(text))
        if not has_trigger(text):
            return work
        for number in range(_ROUNDS):
            before = work.draft.text
            self._cut_sentences(work, speaker)
            self._replace_marks(work, speaker, title)
            self._cut_talk(work, speaker, title)
            if speaker is not None:
                self._stand_alone(work, speaker, title, report=number == 0)
            if not work.draft.text.strip():
                self._say_category(work, speaker, title)
            if work.draft.text == before:
                break
        return work

    def _say_category(self, work: _Work, speaker: int | None, title: bool) -> None:
        """What is left where everything was talk: the name of the segment."""
        if speaker is None:
            work.draft.apply([Edit(0, len(work.draft.text), work.draft.old)])
            work.unresolved.append("nothing but talk of the annotation")
            return
        noun = noun_of(self.names.category(speaker))
        show = (
            noun.show if title or noun.is_plural or not noun.countable else with_article(noun.show)
        )
        show = show[0].upper() + show[1:] if begins_large(work.draft.old) else show
        final = "." if work.draft.old.rstrip().endswith(".") else ""
        work.draft.apply([Edit(0, len(work.draft.text), show + final)])

    def _cut_sentences(self, work: _Work, speaker: int | None) -> None:
        for talk in self._talk(work, speaker, "sentence"):
            work.draft.apply([Edit(talk.start, talk.end, "")])
        tidy(work.draft)

    def _replace_marks(self, work: _Work, speaker: int | None, title: bool) -> None:
        text = work.draft.text
        references = find_references(text, self.segments, self.categories)
        # From the last to the first: what stands before is still where it was found.
        for reference in reversed(references):
            if reference.kind in ("name", "note"):
                work.unresolved += [
                    f"mark {number}, which the image does not have" for number in reference.unknown
                ]
            if reference.kind == "note":
                work.draft.apply([cut_out(work.draft.text, reference.start, reference.end)])
            elif reference.kind == "name":
                self._name(work, reference, speaker, title)
            else:
                work.draft.apply([Edit(reference.start, self._past(work, reference), "")])
        tidy(work.draft)

    def _past(self, work: _Work, reference: Reference) -> int:
        """The end of a leading number, with a title after it that says the category."""
        if reference.kind == "lead":
            title = re.match(r"([A-Za-z][\w -]{0,30}):\s+(?=\S)", work.draft.text[reference.end :])
            category = self.categories.get(reference.numbers[0], "")
            if title and category and fits(title.group(1), category):
                return reference.end + title.end()
        return reference.end

    def _name(self, work: _Work, reference: Reference, speaker: int | None, title: bool) -> None:
        text = work.draft.text
        ids = [self.segments[number] for number in reference.numbers]
        if not ids:
            many = len(reference.unknown) > 1
            found = "other objects" if many else "another object"
            self._put(work, reference.start, reference.end, Phrase(found), reference.possessive)
            return
        titled = re.match(r"\s*:\s+(?=\S)", text[reference.end :])
        if titled and not text[: reference.start].strip():
            work.draft.apply([Edit(reference.start, reference.end + titled.end(), "")])
            return
        if len(ids) == 1 and self._is_apposed(text, reference, ids[0], speaker):
            work.draft.apply([cut_out(text, reference.start, reference.end)])
            return
        if ids == [speaker]:
            self._name_own(work, reference, ids[0], title)
            return
        opens = not text[: reference.start].strip()
        kinds = ARE.match(text, reference.end)
        named = kinds.group(1).split() if kinds else []
        starts = sentence_start(text, reference.start) == reference.start
        if starts and any(fits(word, self.names.category(ids[0])) for word in named):
            these = _as_before(text, reference.start, "these")
            work.draft.apply([Edit(reference.start, reference.end, these)])
            return
        if len(ids) == 1:
            phrase = self.names.one(ids[0], speaker, reference.noun, reference.possessive, opens)
            self._put(work, reference.start, reference.end, phrase, was_plural=False)
            return
        phrase = self.names.several(ids, speaker, reference.noun, opens)
        self._put(work, reference.start, reference.end, phrase, reference.possessive, True)

    def _is_apposed(self, text: str, reference: Reference, id: int, speaker: int | None) -> bool:
        """Does it only stand beside words for the same: "the cup on the left, object 1,"?"""
        before = re.search(r"((?:[\w'-]+\s+){0,7}[\w'-]+),\s*$", text[: reference.start])
        if before is None or reference.noun or reference.possessive:
            return False
        if not re.match(r"\s*(?:[,.;)]|$)", text[reference.end :]):
            return False
        words = before.group(1).split()
        return id == speaker or any(fits(word, self.names.category(id)) for word in words[-1:])

    def _name_own(self, work: _Work, span: Reference | Talk, id: int, title: bool) -> None:
        """The caption's own segment: its noun, "it", or nothing where "Object 4 is a cup"."""
        text = work.draft.text
        noun = span.noun if isinstance(span, Reference) else ""
        possessive = span.possessive if isinstance(span, Reference) else False
        phrase = self.names.one(id, id, noun, possessive)
        if title:
            bare = phrase.text.removeprefix("the ")
            work.draft.apply([Edit(span.start, span.end, _as_before(text, span.start, bare))])
            return
        inside = INSIDE.search(text[: span.start])
        if inside and not possessive:
            work.draft.apply([cut_out(text, inside.start(), span.end)])
            return
        opens = sentence_start(text, span.start) == span.start
        opens = opens or bool(IN_IMAGE.fullmatch(text[: span.start]))
        if not possessive and self._name_apposition(work, span, opens):
            return
        if opens and not possessive and self._name_kind(work, span, id):
            return
        person = noun_of(self.names.category(id)).is_person
        says = SAYS.match(text, span.end)
        if opens and not possessive and says:
            first = not text[: span.start].strip() or not text[span.start].isupper()
            if first or person or phrase.plural:
                the = re.match(r"\s*the\s", text[says.end() :])
                many = says.group("are") or (phrase.plural and the)
                verb = "are" if many else "is"
                this = "These" if many else "This"
                hedge = says.group("seems")
                new = f"{this} {hedge}" if hedge else f"{this} {verb}"
                new = new if text[span.start].isupper() else new[0].lower() + new[1:]
                work.draft.apply([Edit(span.start, says.end(), new)])
                work.opening = work.opening or (not span.start and not hedge)
                return
        if opens and text[: span.start].strip() and not (possessive or person or phrase.plural):
            phrase = Phrase("it")
        self._put(work, span.start, span.end, phrase, was_plural=False)

    def _name_apposition(self, work: _Work, span: Reference | Talk, opens: bool) -> bool:
        """ "Object 1, a tall cup, stands" is "A tall cup stands"; "This is object 1, a cup"."""
        text = work.draft.text
        follows = re.match(r"(?:\s*,\s*|\s+[-–—]\s+)(?=(?:an?|the|one)\s)", text[span.end :])
        said = re.search(r"\b(?:is|shows)\s+$", text[: span.start])
        if follows is None or not (opens or said):
            return False
        edits = []
        closed = re.match(
            r"[^,.;–—]*?(,|\s[-–—])\s+(?=\w+(?:s|ed)\b|has\b|can\b|are\b)",
            text[span.end + follows.end() :],
        )
        if opens and closed:
            comma = span.end + follows.end() + closed.start(1)
            edits.append(Edit(comma, comma + len(closed.group(1)), ""))
        first = span.end + follows.end()
        letter = text[first].upper() if opens and text[span.start].isupper() else text[first]
        work.draft.apply([Edit(span.start, first + 1, letter), *edits])
        return True

    def _name_kind(self, work: _Work, span: Reference | Talk, id: int) -> bool:
        """ "Object 9 is lush green grass …", "Region 9 shows dense trees": the kind itself."""
        text = work.draft.text
        says = IS_KIND.match(text, span.end)
        if says is None or text[: span.start].strip():
            return False
        for word in says.group("kind").split():
            if FUNCTION_WORD.fullmatch(word):
                return False
            if fits(word.strip(","), self.names.category(id)):
                first = says.start("kind")
                letter = text[first].upper() if text[span.start].isupper() else text[first]
                work.draft.apply([Edit(span.start, first + 1, letter)])
                return True
        return False

    def _put(
        self,
        work: _Work,
        start: int,
        end: int,
        phrase: Phrase,
        possessive: bool = False,
        was_plural: bool | None = None,
    ) -> None:
        new = phrase.text + ("'s" if possessive and not phrase.text.endswith("'s") else "")
        work.draft.apply([Edit(start, end, _as_before(work.draft.text, start, new))])
        if was_plural is not None and was_plural != phrase.plural and "'" not in new[-2:]:
            work.draft.hold(start, start + len(new), phrase.plural)

    def _cut_talk(self, work: _Work, speaker: int | None, title: bool) -> None:
        for talk in reversed(self._talk(work, speaker, "note", "own", "swap")):
            text = work.draft.text
            if talk.kind == "note":
                work.draft.apply([cut_out(text, talk.start, talk.end)])
            elif talk.kind == "swap":
                work.draft.apply([Edit(talk.start, talk.end, talk.new)])
            elif speaker is None:
                place = re.search(
                    r"region|area|section|part|portion|zone|space|segment|spot",
                    text[talk.start : talk.end],
                )
                new = "the area" if place else "the object"
                work.draft.apply([Edit(talk.start, talk.end, _as_before(text, talk.start, new))])
            else:
                self._name_own(work, talk, speaker, title)
        tidy(work.draft)

    def _talk(self, work: _Work, speaker: int | None, *kinds: str) -> list[Talk]:
        category = "" if speaker is None else self.names.category(speaker)

        def is_drawn(name: str) -> bool:
            drawn = self._colours(speaker)
            return not drawn or name in drawn or name in ("colored", "coloured")

        if work.seen[0] != work.draft.text:
            work.seen = work.draft.text, find_talk(work.draft.text, category, is_drawn)
        return [talk for talk in work.seen[1] if talk.kind in kinds]

    def _colours(self, speaker: int | None) -> frozenset[str]:
        """What the drawn marks may be called: that of the segment, or any for the whole image."""
        key = speaker or 0
        if key not in self._drawn:
            marks = [m for m in self.record.marks if speaker is None or m.segment == speaker]
            self._drawn[key] = frozenset().union(*(names_of_drawn(mark.colour) for mark in marks))
        return self._drawn[key]

    def _stand_alone(self, work: _Work, speaker: int, title: bool, report: bool) -> None:
        names = self.names
        other = names.other_of(speaker).text if len(names.kin(speaker)) > 1 else ""
        own = "" if title else names.one(speaker, speaker).text
        found = find_dangling(work.draft.text, names.category(speaker), other, own)
        work.draft.apply([Edit(d.start, d.end, d.new) for d in found if d.new is not None])
        if report:
            work.unresolved += [f"{d.why}" for d in found if d.new is None]
        tidy(work.draft)


def _as_before(text: str, start: int, new: str) -> str:
    """The words that take another's place, with a capital where there was one."""
    opens = sentence_start(text, start) == start
    large = text[start : start + 1].isupper() or not text[start : start + 1].isalpha()
    return new[0].upper() + new[1:] if opens and large else new
