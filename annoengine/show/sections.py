"""What there is to say of a record, in the order in which a person reads it.

The terminal and the picture tell the same; here it is put together once, as plain texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from annoengine.record import Caption, Gap, Mark, Origin, Record, Score, Segment, Verdict
from annoengine.show.find import Found, LostCaption


@dataclass(frozen=True)
class Said:
    """A caption with what was found of it; ``lost`` says which stage took it out, and why."""

    text: str
    verdicts: tuple[Verdict, ...]
    origin: str
    lost: str = ""


@dataclass(frozen=True)
class Section:
    """All about one segment, or about the whole image (``segment`` None)."""

    segment: Segment | None
    mark: Mark | None
    said: tuple[Said, ...]
    scores: str
    missing: str

    @property
    def title(self) -> str:
        """``person, segment 7798``."""
        if self.segment is None:
            return "whole image"
        crowd = ", a crowd" if self.segment.iscrowd else ""
        return f"{self.segment.category.name}, segment {self.segment.id}{crowd}"


def head_lines(found: Found) -> list[str]:
    """Which record it is, and how far it has got."""
    first = found.id
    if found.record is not None:
        photo = found.record.photo
        first += f"   {photo.file}, {photo.width} × {photo.height}"
    lines = [first]
    if found.outcome == "given":
        lines.append(f"after the stage {found.stage}, shard {found.shard}")
    else:
        detail = f" ({found.detail})" if found.detail else ""
        lines.append(
            f"{found.outcome} at the stage {found.stage}, shard {found.shard}: "
            f"{found.reason}{detail}"
        )
        if found.record is not None:
            lines.append("below: as it came into that stage")
    if found.waits_for:
        lines.append(f"the stage {found.waits_for} has not run for it yet")
    if found.older:
        lines.append("this step is of an older recipe or input; run it again to renew it")
    return lines


def sections_of(found: Found) -> list[Section]:
    """The whole image where anything was said of it, marked segments by number, the others."""
    record = found.record
    if record is None:
        return []
    whole = _section(found, record, None)
    sections = [whole] if whole.said or whole.scores else []
    marks = {mark.segment: mark for mark in record.marks}
    places = {segment.id: place for place, segment in enumerate(record.segments)}
    for segment in sorted(
        record.segments,
        key=lambda s: (s.id not in marks, marks[s.id].number if s.id in marks else places[s.id]),
    ):
        sections.append(_section(found, record, segment, marks.get(segment.id)))
    return sections


def relation_lines(record: Record) -> list[str]:
    """What goes on between segments, by their marks."""
    marks = {mark.segment: mark.number for mark in record.marks}
    lines = []
    for relation in record.relations:
        names = " and ".join(str(marks.get(id, f"segment {id}")) for id in relation.segments)
        lines.append(f"{names}: {relation.text}")
    return lines


def _section(
    found: Found, record: Record, segment: Segment | None, mark: Mark | None = None
) -> Section:
    id = None if segment is None else segment.id
    said = [
        Said(c.text, tuple(v for v in record.verdicts if v.segment == id), origin_line(c.origin))
        for c in record.captions
        if c.segment == id
    ]
    said += [_lost(one) for one in found.lost if one.dropped.caption.segment == id]
    return Section(
        segment,
        mark,
        tuple(said),
        score_line(score for score in record.scores if score.segment == id),
        "" if said or segment is None else _missing(record, segment),
    )


def _lost(one: LostCaption) -> Said:
    caption: Caption = one.dropped.caption
    why = f"dropped at {one.stage}: {one.dropped.reason}"
    return Said(caption.text, one.verdicts, origin_line(caption.origin), why)


def _missing(record: Record, segment: Segment) -> str:
    """Why a segment has no caption."""
    gap: Gap | None = next((g for g in record.gaps if g.segment == segment.id), None)
    if gap is not None:
        detail = f" ({gap.detail})" if gap.detail else ""
        by = f" at {gap.stage}" if gap.stage else ""
        return f"no caption{by}: {gap.reason}{detail}"
    if segment.iscrowd:
        return "no caption: crowds are not marked"
    return "no caption yet" if not record.captions else "no caption"


def score_line(scores: Iterable[Score]) -> str:
    """``clip 0.31, facts.contradicted 1``: the last of each name."""
    last = {score.name: score.value for score in scores}
    return ", ".join(f"{name} {value:.6g}" for name, value in last.items())


def origin_line(origin: Origin) -> str:
    """``annotate: gpt-4o-2024-11-20, prompt pix2cap/prompt1.v1, call 4f0c21d8a3b7, 1 repair``.

    Of a person ``review: Ann, 2025-06-01T10:20:00Z``.
    """
    if origin.who:
        return f"{origin.stage}: {origin.who}, {origin.when}"
    parts = [origin.model]
    if origin.prompt:
        parts.append(f"prompt {origin.prompt}")
    if origin.call:
        parts.append(f"call {origin.call[:12]}")
    if origin.turn:
        parts.append(f"turn {origin.turn}")
    if origin.repairs:
        parts.append(f"{origin.repairs} repair{'s' if origin.repairs > 1 else ''}")
    return f"{origin.stage}: {', '.join(parts)}"
