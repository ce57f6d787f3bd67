"""Reads the lines of an answer into entries: regions, interactions, and what could not be used.

One pass, line by line, with the section that it is in and the entry that is open. A line opens an
entry, ends the answer (a closing remark), or goes on with the entry before. Where a number could
open an entry or belong to a sentence ("his shirt reads / 10. in white"), what speaks for an entry
is a summary with a colon, the next number in the row, or a finished sentence before it.
"""

from __future__ import annotations

import re

from annoengine.numbered.answer_text import Line, bare
from annoengine.numbered.entries import ENDED, Entry, Reading
from annoengine.numbered.heads import Head, head_of, names_numbers
from annoengine.numbered.pieces import (
    INLINE_ENTRY,
    TEXT_LABEL,
    split_summary,
    without_label,
)
from annoengine.numbered.remarks import CLOSING, INLINE_SECTION, NO_INTERACTIONS, SECTION

_SUMMARY_WORDS = ("summary", "summary of the object", "category", "class", "object", "name", "type")
_SUMMARY_LABEL = re.compile(
    rf"(?:{'|'.join(_SUMMARY_WORDS)})\s*[:–—-]\s*(?P<summary>[^;:]{{1,80}}?)\s*;?$", re.IGNORECASE
)
_BOTH_LABELS = re.compile(
    rf"(?:{'|'.join(_SUMMARY_WORDS)})\s*[:–—-]\s*(?P<summary>[^;:]{{1,80}}?)\s*[;,.]\s*"
    rf"(?={TEXT_LABEL.pattern})",
    re.IGNORECASE,
)
_INTERACTION_LABEL = re.compile(
    r"interact(?:ions?|s|ing)\b(?P<with>[^:]{0,60}?):\s*(?P<text>.*)$", re.I
)
_ATTRIBUTE_LABEL = re.compile(
    r"(?:relative |overall |visual |physical )?(?:appearance|positions?|location|placement"
    r"|colou?rs?|shape|texture|emotion|motion|intention|details?|clothing|attire|action|activity|pose"
    r"|posture|expression|size|material|context|setting)(?: (?:and|&|in) \w+)*\s*:\s*"
    r"(?=(?:\S+\s+){4})",
    re.IGNORECASE,
)
"""A label before a whole sentence ("Appearance: The man wears …"), not before a mere word."""
_NAMED_MARK = re.compile(r"(?:[(\[]\s*(?:object|id|mark)?|object)\s*#?(\d{1,4})\b", re.IGNORECASE)
_IS = re.compile(r"(?:is|are|shows)\s+(?=(?:a|an|the|two|three|some|another)\b)", re.IGNORECASE)
_ONLY_A_NUMBER = re.compile(r"(?:(?:object|id|mark)\s*)?[#\[(]?\d{0,4}\Z", re.IGNORECASE)
_WINDOW = 400
"""How far a line is looked at for the opening of an entry, in characters."""


def read_lines(lines: list[Line]) -> Reading:
    """All entries of the lines, in the order in which they stand."""
    reader = _Reader()
    for line in lines:
        for part, text in enumerate(INLINE_SECTION.split(line.text)):
            reader.take(Line(text, line.bulleted and not part, line.after_gap, line.after_rule))
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self.section = "objects"
        self.heading_seen = False
        self.reading = Reading()
        self.open: Entry | None = None
        self.entries: list[Entry] = []
        self.closed = False
        self.last_id = 0
        self.known: set[int] = set()
        self.cut_number = False

    def take(self, line: Line) -> None:
        """One line: its entries, or a piece of the one before."""
        text = self._after_section(line)
        if not text:
            return
        head = self._head(text, line)
        if head is None:
            named = tuple(dict.fromkeys(map(int, _NAMED_MARK.findall(text))))
            if self.section == "interactions" and len(named) > 1 and not CLOSING.match(text):
                # "The man (1) walks the dog (2)."
                self._start(Head(named, False, "", text))
                return
            self._go_on(text, line)
            return
        for part in self._split_inline(text):
            inner = self._head(part, line)
            if inner is None:
                self._go_on(part, Line(part))
            else:
                self._start(inner)

    def finish(self) -> Reading:
        """Closes what is open, and gives the reading."""
        self.reading.add(self.entries, ended=self.closed or self.cut_number)
        return self.reading

    def _after_section(self, line: Line) -> str:
        """The text behind a section's heading, which is taken note of."""
        match = SECTION.match(line.text)
        if match is None:
            return line.text
        what, rest = match["what"].lower(), match["rest"] or ""
        if self.open and what.startswith(("description", "object", "instance", "region")):
            if len(line.text.split()) < 2 or what.startswith("description"):
                return line.text
            if rest and not head_of(rest):
                return line.text
        to_interactions = what.startswith(("interaction", "relation"))
        if to_interactions and rest and not self._names_ids(rest):
            return line.text
        if to_interactions and self.open and line.bulleted and rest:
            return line.text
        self.section = "interactions" if to_interactions else "objects"
        self.heading_seen = True
        self.open = None
        self.closed = False
        return rest

    def _names_ids(self, text: str) -> bool:
        head = head_of(text)
        return bool(NO_INTERACTIONS.match(text)) or (head is not None and bool(head.ids))

    def _head(self, text: str, line: Line) -> Head | None:
        """The opening of an entry, where the line may open one here."""
        if self.section == "interactions":
            found = self._interaction_head(text)
            if found is not None:
                return found
        head = head_of(text)
        if head is None and self.section == "objects":
            loose = re.match(r"(\d{1,4})\s+(?=[A-Za-z])(.*)$", text)
            if loose and int(loose[1]) == self.last_id + 1:
                summary, rest = split_summary(loose[2], 4, bare_name=True)
                if summary and rest:
                    return Head((int(loose[1]),), False, ".", loose[2])
        if head is None or not head.ids:
            return None
        return None if self._is_of_the_sentence(head, line) else head

    def _is_of_the_sentence(self, head: Head, line: Line) -> bool:
        """Does the number belong to the sentence of the entry before?"""
        if self.open is None or line.bulleted or head.lead or not head.single:
            return False
        before = self.open.end
        if not before or before.endswith((*ENDED, ":")) or head.ids[0] == self.last_id + 1:
            return False
        return not split_summary(head.rest)[0] and not head.rest[:1].isupper()

    def _interaction_head(self, text: str) -> Head | None:
        """``1. Person (1) and dog (2): …`` and the like: two marks named before the colon."""
        head = head_of(text)
        if head is not None and not head.single:
            return head
        match = re.match(r"(?P<before>[^:]{1,100}?)\s*(?::(?!\d)|\s[-–—]\s)\s*(?P<text>.+)$", text)
        if match:
            before = re.sub(r"^\d{1,3}[.)]\s+(?=.*\d)", "", match["before"])
            ids = names_numbers(before)
            if len(ids) > 1 and len(before.split()) <= 16:
                return Head(ids, False, ":", match["text"])
        if head is not None and head.single:
            inner = head_of(head.rest)
            if inner is not None and not inner.single:
                return inner
        return None

    def _start(self, head: Head) -> None:
        self.closed = False
        section = self.section
        known = self.known
        if section == "objects" and not head.single and set(head.ids) <= known:
            section = "interactions"
            if not self.heading_seen:
                self.reading.tolerated["no_headings"] = None
        if section == "interactions" and head.single:
            loose = bare(head.rest)
            linked = tuple(
                int(n) for n in re.findall(r"(?:object |mark |\(|#|\[)(\d{1,4})\b", loose, re.I)
            )
            if head.ids[0] not in known and split_summary(head.rest)[0] and not linked:
                section = "objects"
            elif linked:
                named = linked if len(set(linked)) > 1 else (head.ids[0], *linked)
                head = Head(tuple(dict.fromkeys(named)), False, ":", head.rest)
        entry = Entry(head.ids, section)
        if section == "objects":
            self._note_form(head)
            entry.summary, rest = self._summary_of(head)
            entry.pieces.append(rest)
            if head.single:
                self.last_id = head.ids[0]
            self.known.add(head.ids[0])
        else:
            entry.pieces.append(head.rest)
        self.entries.append(entry)
        self.open = entry

    def _note_form(self, head: Head) -> None:
        if head.lead:
            self.reading.tolerated["object_word"] = None
        elif head.delimiter != ".":
            self.reading.tolerated["other_number"] = None

    def _summary_of(self, head: Head) -> tuple[str, str]:
        labelled = _BOTH_LABELS.match(head.rest)
        if labelled:
            self.reading.tolerated["labels"] = None
            return labelled["summary"], without_label(head.rest[labelled.end() :].strip())
        if head.summary:
            return head.summary, head.rest
        sentence = _IS.match(head.rest)
        if sentence and not head.delimiter:
            rest = head.rest[sentence.end() :]
            return "", rest[:1].upper() + rest[1:]
        if head.delimiter == ":" and not head.rest.startswith(":"):
            return split_summary(head.rest, 4, bare_name=True)
        summary, rest = split_summary(head.rest)
        return summary, without_label(rest)

    def _go_on(self, text: str, line: Line) -> None:
        """A line that opens nothing: a piece of the open entry, or outside of all."""
        of_its_own = line.bulleted and self.section == "interactions"
        if self.open is None or self.closed or of_its_own:
            self._outside(text)
            return
        if CLOSING.match(text) and (line.after_gap or not line.bulleted):
            self.closed = True
            self.reading.tolerated["closing"] = None
            return
        if line.after_rule and self.open.end.endswith(ENDED):
            self.closed = True
            self.reading.tolerated["closing"] = None
            return
        if _ONLY_A_NUMBER.match(text):
            self.cut_number = True
            return
        if self.open.section == "objects":
            self._go_on_with_region(text, line, self.open)
        else:
            self.open.pieces.append(text)

    def _go_on_with_region(self, text: str, line: Line, entry: Entry) -> None:
        self.reading.tolerated["several_lines"] = None
        interaction = _INTERACTION_LABEL.match(text)
        if interaction:
            ids = [i for i in names_numbers(interaction["with"]) if i != entry.marks[0]]
            inner = head_of(interaction["text"])
            if not ids and inner is not None:
                ids = [i for i in inner.ids if i != entry.marks[0]]
            words = inner.rest if inner is not None and inner.ids else interaction["text"]
            if ids and entry.marks:
                found = Entry((entry.marks[0], *ids), "interactions", pieces=[words])
                self.entries.insert(self.entries.index(entry), found)
                self.reading.tolerated["interaction_in_object"] = None
                return
            text = interaction["text"]
        labelled = _SUMMARY_LABEL.match(text)
        if labelled and (not entry.end or (len(entry.pieces) == 1 and _is_a_name(entry.end))):
            entry.summary, entry.pieces = labelled["summary"], []
            return
        if TEXT_LABEL.match(text) and entry.summary.lower() in _SUMMARY_WORDS:
            entry.summary, entry.pieces = entry.text, []
        text = _ATTRIBUTE_LABEL.sub("", without_label(text), count=1)
        if not entry.summary and len(entry.pieces) == 1 and _is_a_name(entry.pieces[0]):
            entry.summary, entry.pieces = entry.pieces[0].rstrip(":.;"), []
        before = entry.end
        if line.bulleted and before and not before.endswith((*ENDED, ",", ":")):
            entry.pieces[-1] += ";"
        entry.pieces.append(text)

    def _outside(self, text: str) -> None:
        self.reading.outside.append(text)
        if self.section == "interactions" and self.heading_seen and not self.closed:
            if not NO_INTERACTIONS.match(text):
                self.reading.add_unreadable("An interaction names no objects", text)
            return
        self.reading.tolerated["closing" if self.entries else "preamble"] = None

    def _split_inline(self, text: str) -> list[str]:
        """Several entries on one line, each with its own number."""
        parts: list[str] = []
        start, last = 0, None
        first = head_of(text)
        last = first.ids[0] if first is not None and first.single else None
        for match in INLINE_ENTRY.finditer(text):
            head = head_of(text[match.end() : match.end() + _WINDOW])
            if (
                head is None
                or not head.ids
                or (match.start() < 8 and re.match(r"\W*\d+\W*$", text[: match.start()]))
            ):
                continue
            if self._opens_inline(head, last, text[match.start() - 1] == ";"):
                parts.append(text[start : match.start()])
                start, last = match.end(), head.ids[0]
                self.reading.tolerated["one_line"] = None
        return [*parts, text[start:]]

    def _opens_inline(self, head: Head, last: int | None, after_semicolon: bool) -> bool:
        if not head.delimiter:
            return False
        if not head.single:
            return head.delimiter == ":" and (self.section == "interactions" or after_semicolon)
        if self.section == "interactions":
            return False
        if last is not None and head.ids[0] == last + 1:
            return head.rest[:1].isalpha() or not head.rest
        return after_semicolon and (head.lead or bool(split_summary(head.rest, 6)[0]))


def _is_a_name(text: str) -> bool:
    """Could a first line be a summary whose description stands below?"""
    return bool(text) and len(text.split()) <= 5 and not text.endswith((".", ";", ","))
