"""Checks that a rewritten caption says what the caption said: everything of it, and nothing new.

Two looks. First the words: each unit of the caption must be found again in the rewrite, and each of
the rewrite must come from the caption; where all are there in the old order, little can have
changed. Then what belongs to what: where words have moved, every binding of the parse must be the
same; where a noun is said once more, no binding may have passed to another; and where all is in
its place, none may contradict the caption ("a red bus and a white car" and "a white bus
and a red car" have the same words). In doubt a rewrite is refused: the rule-based one is there.

The caption comes without its marks and talk of the annotation (``faithful_bare``), which are no
facts, and with names in place of marks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from annoengine.description_faults import kind_of_fault
from annoengine.language.parsed import Parsed
from annoengine.language.wordnet import WordNet
from annoengine.rewriting.annotation_talk import find_talk
from annoengine.rewriting.faithful_bindings import Binding, bindings_of
from annoengine.rewriting.faithful_likeness import Likeness
from annoengine.rewriting.faithful_words import (
    Given,
    Unit,
    genders_of,
    neuter_of,
    own_forms,
    units_of,
)
from annoengine.rewriting.mark_references import find_references

LEAST_WORDS = 0.5
MOST_WORDS = 1.5
"""Bounds on the words of a rewrite, as parts of those of the caption without its marks. Ours: a
rewrite may drop phrases that say nothing ("can be seen in the image") and finish a sentence."""

_SLACK = 4
"""Words by which a short caption may grow all the same: an article, a verb, a noun for "it"."""

_META = re.compile(
    r"\b(?:rewritten|rephrased|revised|corrected|original|given|provided|above|following)\s+"
    r"(?:caption|version|sentence|text|description)\b|\b(?:the|this|your|my|new|a) caption\b"
    r"|^\s*(?:sure|certainly|of course|okay|here(?:'s| is| are| you))\b|\bcaption\s*:"
    r"|^\s*(?:rewritten|reply|answer|object|names|output|note)\s*:|\bas requested\b"
    r"|\bI(?:'ve|'m| have| am| will| can| removed| rewrote)\b|\bhope this\b|\blet me\b"
    r"|\bstands? alone\b.*\bcaption|\bassistant\b|\{\{|```|^\s*[-*#]\s",
    re.IGNORECASE,
)
_MANNER = re.compile(r"\n\s*\S")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?]+")


@dataclass(frozen=True)
class RewriteFault:
    """One thing wrong with a rewrite: a slug, the words concerned, a sentence to quote."""

    kind: str
    words: tuple[str, ...]
    detail: str


def faults_of_rewrite(
    before: Parsed,
    after: Parsed,
    *,
    given: Sequence[Given] = (),
    own: Collection[str] = (),
    category: str = "",
    numbers: Collection[int] = (),
    wordnet: WordNet | None = None,
    least: float = LEAST_WORDS,
    most: float = MOST_WORDS,
) -> tuple[RewriteFault, ...]:
    """What is wrong with ``after`` as a rewrite of ``before``, the bare caption; () for nothing.

    ``given`` are the names in ``before`` that stand for marks; ``own`` nouns for what the caption
    is about, which may be added ("it" becomes "the bus"); ``category`` its dataset category;
    ``numbers`` those of the record's marks; ``least`` and ``most`` bound the words, as parts of
    those before.
    """
    said = text_faults(after.text, category, numbers)
    if said:
        return said
    if after.text == before.text:
        return ()
    long = _length_fault(before.text, after.text, least, most)
    return long + _Comparison(before, after, given, own, Likeness(wordnet)).faults()


def text_faults(text: str, category: str, numbers: Collection[int]) -> tuple[RewriteFault, ...]:
    """What is wrong with a rewritten text in itself."""
    words = _WORD.findall(text)
    if not words:
        return (RewriteFault("empty", (), "The answer has no words."),)
    stripped = text.strip()
    if stripped[0] in "\"“'`" and stripped[-1] in "\"”'`" and len(words) > 1:
        return (RewriteFault("meta", (), "The caption stands in quotation marks; leave them out."),)
    meta = _META.search(text)
    if meta or _MANNER.search(stripped):
        found = meta.group().strip() if meta else "several paragraphs"
        detail = f'The answer has more than the caption ("{found}"); write the caption alone.'
        return (RewriteFault("meta", (found,), detail),)
    for reference in find_references(text, numbers):
        found = text[reference.start : reference.end].strip()
        return (RewriteFault("leak", (found,), f'"{found}" is a number of a mark; leave it out.'),)
    for talk in find_talk(text, category):
        found = text[talk.start : talk.end].strip()
        detail = f'"{found}" speaks of the annotation; leave it out.'
        return (RewriteFault("leak", (found,), detail),)
    kind = kind_of_fault(text)
    if kind is not None:
        details = {
            "refusal": "The answer declines to give a caption.",
            "leak": "The caption speaks of marks, labels or the annotation; leave that out.",
            "language": "The caption is not in English.",
        }
        return (RewriteFault(kind, (), details[kind]),)
    if text.rstrip().endswith("?"):
        return (RewriteFault("meta", (), "A caption states; it does not ask."),)
    sentences = [s.strip().casefold() for s in _SENTENCE.findall(text) if len(s.split()) > 2]
    if len(set(sentences)) < len(sentences):
        return (RewriteFault("repetition", (), "The caption says the same sentence twice."),)
    return ()


def _length_fault(before: str, after: str, least: float, most: float) -> tuple[RewriteFault, ...]:
    old, new = len(_WORD.findall(before)), len(_WORD.findall(after))
    if least * old - _SLACK <= new <= most * old + _SLACK:
        return ()
    detail = f"The caption has {new} words and the original {old}; keep to about as many."
    return (RewriteFault("length", (), detail),)


class _Comparison:
    """A caption and its rewrite, unit by unit."""

    def __init__(
        self,
        before: Parsed,
        after: Parsed,
        given: Sequence[Given],
        own: Collection[str],
        likeness: Likeness,
    ) -> None:
        self.before, self.after = before, after
        self.likeness = likeness
        self.own = own_forms(own)
        self.old = units_of(before, given)
        self.new = units_of(after)
        self.pairs = _in_order(self.old, self.new, likeness)
        self.moved = self._match_the_rest()
        self.repeated: list[int] = []
        """Units of the rewrite that repeat one of the caption's."""

    def faults(self) -> tuple[RewriteFault, ...]:
        if not self.old:
            return ()
        lost = [i for i in range(len(self.old)) if self._is_lost(i)]
        invented = [j for j in range(len(self.new)) if self._is_invented(j)]
        found = self._said(lost, invented)
        found += self._plurals() + self._genders()
        if not found:
            found = self._bindings()
        return tuple(found)

    def _match_the_rest(self) -> dict[int, int]:
        """Old to new, of units that have moved."""
        old = [i for i in range(len(self.old)) if i not in self.pairs]
        taken = set(self.pairs.values())
        moved: dict[int, int] = {}
        for i in old:
            for j, unit in enumerate(self.new):
                if j not in taken and self.likeness.stands_for(self.old[i], unit):
                    moved[i] = j
                    taken.add(j)
                    break
        return moved

    def _is_lost(self, i: int) -> bool:
        unit = self.old[i]
        if i in self.pairs or i in self.moved or unit.free:
            return False
        alike = [
            k
            for k, other in enumerate(self.old)
            if k != i and (k in self.pairs or k in self.moved) and self.likeness.same(unit, other)
        ]
        if unit.kind == "noun":
            return not alike
        return not any(self._heads_alike(self.before, i, k) for k in alike)

    def _is_invented(self, j: int) -> bool:
        unit = self.new[j]
        if j in self.pairs.values() or j in self.moved.values() or unit.free:
            return False
        alike = [k for k, old in enumerate(self.old) if self.likeness.stands_for(old, unit)]
        if unit.kind == "noun":
            if alike:
                self.repeated.append(j)
            return not alike and self.own.isdisjoint(unit.forms)
        if not alike or unit.kind in ("relation", "negation", "number"):
            return True
        self.repeated.append(j)
        return False

    def _heads_alike(self, parsed: Parsed, i: int, k: int) -> bool:
        """Do two units of the caption depend on words that are alike? Then one may go."""
        one, other = (parsed.tokens[parsed.tokens[self.old[n].i].head] for n in (i, k))
        return one.lemma.lower() == other.lemma.lower() and one.dep != "ROOT"

    def _said(self, lost: Sequence[int], invented: Sequence[int]) -> list[RewriteFault]:
        """Words that are missing or new; a colour or number for another is told as a change."""
        found: list[RewriteFault] = []
        gone, come = list(lost), list(invented)
        for i in lost:
            for j in come:
                old, new = self.old[i], self.new[j]
                if old.kind == new.kind and old.kind in (
                    "colour",
                    "number",
                    "position",
                    "relation",
                ):
                    of = self._of(self.before, old)
                    detail = f'"{new.text}" was "{old.text}"{of}; keep "{old.text}".'
                    found.append(RewriteFault(f"changed {old.kind}", (old.text, new.text), detail))
                    gone.remove(i)
                    come.remove(j)
                    break
        for i in gone:
            unit = self.old[i]
            detail = f'"{unit.text}"{self._of(self.before, unit)} is missing; keep it.'
            found.append(RewriteFault(f"lost {unit.kind}", (unit.text,), detail))
        for j in come:
            unit = self.new[j]
            detail = (
                f'"{unit.text}"{self._of(self.after, unit)} is new; the original does not say it.'
            )
            found.append(RewriteFault(f"invented {unit.kind}", (unit.text,), detail))
        return found

    def _of(self, parsed: Parsed, unit: Unit) -> str:
        """The noun that a unit is said of, for people."""
        head = parsed.tokens[parsed.tokens[unit.i].head]
        if unit.kind in ("noun", "verb") or head.i == unit.i or head.pos not in ("NOUN", "PROPN"):
            return ""
        return f' of "{head.text}"'

    def _plurals(self) -> list[RewriteFault]:
        """One thing made several, or several made one."""
        found = []
        for i, j in {**self.pairs, **self.moved}.items():
            old, new = self.old[i], self.new[j]
            if old.kind != "noun" or new.kind != "noun" or old.plural == new.plural or old.free:
                continue
            if old.text.lower() != new.text.lower():
                detail = f'"{new.text}" was "{old.text}"; keep the number of things.'
                found.append(RewriteFault("changed number", (old.text, new.text), detail))
        return found

    def _genders(self) -> list[RewriteFault]:
        before, after = genders_of(self.before)[0], genders_of(self.after)[0]
        if before - after and neuter_of(self.after) > neuter_of(self.before):
            word = min(before - after)
            detail = f'"{word}" has become "it"; keep "{word}".'
            return [RewriteFault("changed gender", (word,), detail)]
        said = after - genders_of(self.before)[1]
        return [
            RewriteFault("invented gender", (word,), f'The original does not say "{word}".')
            for word in sorted(said)
        ]

    def _bindings(self) -> list[RewriteFault]:
        """What belongs to something else now. Where words moved or repeat, all must agree."""
        classes = self._classes()
        at_old = {self.old[i].i: c for i, c in enumerate(classes)}
        at_new: dict[int, int] = {}
        for i, j in {**self.pairs, **self.moved}.items():
            at_new[self.new[j].i] = classes[i]
        for j in self.repeated:
            same = [
                i for i, old in enumerate(self.old) if self.likeness.stands_for(old, self.new[j])
            ]
            at_new[self.new[j].i] = classes[same[0]]
        kept = {classes[i] for i in (*self.pairs, *self.moved)}
        old = {b for b in bindings_of(self.before, at_old) if kept.issuperset(b.parts)}
        new = bindings_of(self.after, at_new)
        fresh = sorted(new - old, key=lambda b: (b.kind, b.parts))
        if self.moved:
            wrong = fresh + sorted(old - new, key=lambda b: (b.kind, b.parts))
            wrong = wrong or self._of_twins(new, classes)
            if not wrong and not _told_apart(self.moved, new, classes):
                wrong = [Binding("order", (classes[i],)) for i in sorted(self.moved)]
        elif self.repeated:
            wrong = [b for b in fresh if _is_another(b, old - new)]
        else:
            wrong = [b for b in fresh if _contradicts(b, old, new)]
        return [self._binding_fault(wrong[0])] if wrong else []

    def _of_twins(self, bindings: set[Binding], classes: Sequence[int]) -> list[Binding]:
        """Bindings of moved words to a noun that is said twice: nobody knows to which of both."""
        twins = {c for c in classes if classes.count(c) > 1 and self.old[c].kind == "noun"}
        moved = {classes[i] for i in self.moved}
        found = [b for b in bindings if moved & set(b.parts) and twins & set(b.parts)]
        return sorted(found, key=lambda b: (b.kind, b.parts))

    def _classes(self) -> list[int]:
        """For each unit of the caption the first that is the same word."""
        classes: list[int] = []
        for i, unit in enumerate(self.old):
            first = next((k for k in range(i) if self.likeness.same(self.old[k], unit)), i)
            classes.append(first)
        return classes

    def _binding_fault(self, binding: Binding) -> RewriteFault:
        words = tuple(self.old[part].text for part in binding.parts)
        quoted = " and ".join(f'"{word}"' for word in words)
        detail = f"What is said of {quoted} is not what the original says of it; keep its order."
        return RewriteFault("changed binding", words, detail)


def _told_apart(moved: dict[int, int], bindings: set[Binding], classes: Sequence[int]) -> bool:
    """Is each moved word held by a binding, so that its new place was compared?"""
    held = {part for binding in bindings for part in binding.parts}
    return all(classes[i] in held for i in moved)


def _is_another(binding: Binding, gone: set[Binding]) -> bool:
    """Does a binding stand where one was that differs in a single part?"""
    return any(
        other.kind == binding.kind
        and sum(a != b for a, b in zip(other.parts, binding.parts, strict=True)) == 1
        for other in gone
    )


def _contradicts(binding: Binding, old: set[Binding], new: set[Binding]) -> bool:
    """Was this said of something else before, of which it is said no more?"""
    if binding.kind == "rel":
        governor, relation, place = binding.parts
        return Binding("rel", (place, relation, governor)) in old
    if binding.kind in ("agent", "patient"):
        other = "patient" if binding.kind == "agent" else "agent"
        turned = Binding(other, binding.parts)
        return turned in old and turned not in new
    word = binding.parts[1]
    return any(
        b.kind == "mod" and b.parts[1] == word and b not in new for b in old if b != binding
    ) and any(b.kind == "mod" and b.parts[0] == binding.parts[0] for b in old)


def _in_order(old: Sequence[Unit], new: Sequence[Unit], likeness: Likeness) -> dict[int, int]:
    """The longest run of units that both texts have in the same order: old to new."""
    start = 0
    while start < min(len(old), len(new)) and likeness.same(old[start], new[start]):
        start += 1
    found = {i: i for i in range(start)}
    rows, columns = old[start:], new[start:]
    best = [[0] * (len(columns) + 1) for _ in range(len(rows) + 1)]
    like = [[likeness.stands_for(a, b) for b in columns] for a in rows]
    for i in range(len(rows) - 1, -1, -1):
        for j in range(len(columns) - 1, -1, -1):
            if like[i][j]:
                best[i][j] = best[i + 1][j + 1] + 1
            else:
                best[i][j] = max(best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(rows) and j < len(columns):
        if like[i][j]:
            found[start + i] = start + j
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return found
