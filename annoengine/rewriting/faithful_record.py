"""A record's captions, drafted by rules and judged: what the rephrasing stage computes in a worker.

Results are small and picklable. A caption without any word that a rule looks for is neither parsed
nor measured for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from annoengine.baseline.region_facts import measure_record
from annoengine.categories import words_of
from annoengine.language.parser import parser_of
from annoengine.language.wordnet import wordnet_of
from annoengine.mask import RecordFiles
from annoengine.record import Record
from annoengine.rewriting.annotation_talk import find_talk
from annoengine.rewriting.dangling import find_dangling
from annoengine.rewriting.draft import Edit
from annoengine.rewriting.faithful import RewriteFault, faults_of_rewrite, text_faults
from annoengine.rewriting.faithful_bare import Bare, bare_caption
from annoengine.rewriting.mark_references import Reference, find_references
from annoengine.rewriting.referring import Names, SceneOrMeasure
from annoengine.rewriting.rules import (
    Rewritten,
    rewrite_captions,
    rewrite_relations,
)

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Bounds:
    """How rewrites are judged: bounds on their words, the parser's model, WordNet's setting."""

    least: float
    most: float
    language: str
    wordnet: str


@dataclass(frozen=True)
class DraftOfCaption:
    """A caption as the rules rewrote it, and what an answer about it is compared with.

    ``faults`` are those of the rule-based ``text``. ``shown`` is what the caption is about, for a
    prompt, ``names`` what the marks in it are called ("3: the man on the left", or "none").
    """

    index: int
    text: str
    bare: Bare
    edits: tuple[Edit, ...] = ()
    unresolved: tuple[str, ...] = ()
    faults: tuple[RewriteFault, ...] = ()
    summary: str = ""
    category: str = ""
    shown: str = "whole image"
    names: str = "none"
    own: tuple[str, ...] = ()

    def unresolved_in(self, text: str) -> int:
        """How many words of a text lean on something outside of it."""
        return sum(one.new is None for one in find_dangling(text, self.category))


@dataclass(frozen=True)
class Drafts:
    """All captions and relations of a record, by index; ``numbers`` are those of its marks."""

    captions: tuple[DraftOfCaption, ...]
    relations: tuple[DraftOfCaption, ...]
    numbers: tuple[int, ...] = ()


def draft_captions(files: RecordFiles, line: bytes, bounds: Bounds) -> Drafts:
    """The drafts of a record, from its line. Raises what measuring its picture raises."""
    record = Record.from_line(line)
    # Most captions that speak of marks name what is the only one of its kind.
    measure = functools.cache(functools.partial(measure_record, files, record))
    return drafts_of(record, measure if record.segments else None, bounds)


def drafts_of(record: Record, scene: SceneOrMeasure, bounds: Bounds) -> Drafts:
    """The drafts of a record whose scene is measured, if it need be."""
    parse = parser_of(bounds.language).parse_all
    reader = _Marks(record, scene)
    captions = [
        reader.draft(index, caption.text, caption.segment, rewritten)
        for (index, rewritten), caption in zip(
            sorted(rewrite_captions(record, scene, parse).items()), record.captions, strict=True
        )
    ]
    relations = [
        reader.draft(index, relation.text, None, rewritten)
        for (index, rewritten), relation in zip(
            sorted(rewrite_relations(record, scene, parse).items()), record.relations, strict=True
        )
    ]
    old = [*(c.text for c in record.captions), *(r.text for r in record.relations)]
    drafts = [*captions, *relations]
    changed = [d for d, text in zip(drafts, old, strict=True) if d.text != text]
    judged = iter(judge_answers(reader.numbers, [(d, d.text) for d in changed], bounds))
    done = [
        _with_faults(d, next(judged)) if d.text != text else d
        for d, text in zip(drafts, old, strict=True)
    ]
    return Drafts(tuple(done[: len(captions)]), tuple(done[len(captions) :]), reader.numbers)


def judge_answers(
    numbers: Sequence[int], items: Sequence[tuple[DraftOfCaption, str]], bounds: Bounds
) -> list[tuple[RewriteFault, ...]]:
    """What is wrong with each text as a rewrite of its caption; all are parsed in one go.

    Raises InputError where the parser's model or WordNet is missing.
    """
    wordnet = wordnet_of(bounds.wordnet)
    found = [text_faults(text, draft.category, numbers) for draft, text in items]
    # The same words in the same order say the same, and most rewrites by rules have them.
    open_ = [
        n
        for n, (draft, text) in enumerate(items)
        if not found[n] and not same_text(draft.bare.text, text)
    ]
    texts = [text for n in open_ for text in (items[n][0].bare.text, items[n][1])]
    parsed = parser_of(bounds.language).parse_all(texts) if texts else []
    for place, n in enumerate(open_):
        draft = items[n][0]
        found[n] = faults_of_rewrite(
            parsed[2 * place],
            parsed[2 * place + 1],
            given=draft.bare.given,
            own=draft.own,
            category=draft.category,
            numbers=numbers,
            wordnet=wordnet,
            least=bounds.least,
            most=bounds.most,
        )
    return found


def same_text(one: str, other: str) -> bool:
    """Are two captions the same but for capitals and punctuation?

    >>> same_text("A red bus.", "a red bus"), same_text("A red bus.", "The red bus.")
    (True, False)
    """
    return _WORD.findall(one.casefold()) == _WORD.findall(other.casefold())


def _with_faults(draft: DraftOfCaption, faults: tuple[RewriteFault, ...]) -> DraftOfCaption:
    return DraftOfCaption(**{**vars(draft), "faults": faults})


class _Marks:
    """What the marks of a record are, and what a caption that speaks of them says without them."""

    def __init__(self, record: Record, scene: SceneOrMeasure) -> None:
        self.segments: Mapping[int, int] = {mark.number: mark.segment for mark in record.marks}
        self.numbers = tuple(sorted(self.segments))
        self._names = Names(record, scene)
        self._categories = {
            number: self._names.category(id) for number, id in self.segments.items()
        }

    def draft(
        self, index: int, text: str, segment: int | None, rewritten: Rewritten
    ) -> DraftOfCaption:
        """The draft of one caption or relation, its rule-based text not yet judged."""
        references = find_references(text, self.segments, self._categories)
        category = "" if segment is None else self._names.category(segment)
        bare = bare_caption(text, references, find_talk(text, category), self._namer(segment))
        own: tuple[str, ...] = ()
        if segment is not None:
            words = words_of(category)
            own = (words.show, words.plural)
        return DraftOfCaption(
            index=index,
            text=rewritten.text,
            bare=bare,
            edits=rewritten.edits,
            unresolved=rewritten.unresolved,
            summary=rewritten.summary,
            category=category,
            shown=words_of(category).show if category else "whole image",
            names=self._listed(references, segment),
            own=own,
        )

    def _namer(self, speaker: int | None) -> Callable[[Reference], tuple[str, bool]]:
        def name(reference: Reference) -> tuple[str, bool]:
            ids = [self.segments[number] for number in reference.numbers]
            if not ids:
                return ("other objects" if len(reference.unknown) > 1 else "another object"), False
            if len(ids) > 1:
                return self._names.several(ids, speaker, reference.noun).text, False
            phrase = self._names.one(ids[0], speaker, reference.noun, reference.possessive)
            return phrase.text, ids[0] == speaker

        return name

    def _listed(self, references: Sequence[Reference], speaker: int | None) -> str:
        """What the marks of a caption are called, for a prompt."""
        numbers = sorted({number for reference in references for number in reference.numbers})
        listed = [
            f"{number}: {self._names.one(self.segments[number], speaker).text}"
            for number in numbers
        ]
        return ", ".join(listed) or "none"
