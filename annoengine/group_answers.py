"""The marks of each drawing, and what the answers about them came to.

Numbers only mean something together with a drawing, so answers are gathered drawing by drawing,
and mapped to segments at the very end, by the record's own marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from annoengine.answer import Expected, Fault, Interaction, Region
from annoengine.record import Caption, Drawing, Gap, Mark, Origin, Record, Relation, Score

FAILED = "parse.failed"
"""The share of an image's marks that ended without a description."""

REPAIRED = "parse.repaired"
"""The share of its marks that only a repair described."""

DOUBTFUL = "parse.doubtful"
"""The share of its marks whose description has a fault, for want of a better one."""


@dataclass
class Group:
    """The marks of one drawing and their descriptions so far, by number.

    ``turn`` names the question about it. ``doubtful`` descriptions are used where nothing better
    comes; ``faults`` are those of the last answer. A ``closed`` group is asked nothing more.
    """

    turn: str
    drawing: Drawing
    marks: dict[int, Mark]
    expected: tuple[Expected, ...]
    regions: dict[int, tuple[Region, Origin]] = field(default_factory=dict)
    doubtful: dict[int, tuple[Region, Origin]] = field(default_factory=dict)
    interactions: list[tuple[Interaction, Origin]] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()
    closed: bool = False

    @property
    def wanted(self) -> tuple[Expected, ...]:
        """The marks that no answer has described yet."""
        return tuple(e for e in self.expected if e.mark not in self.regions)

    @property
    def described(self) -> tuple[Expected, ...]:
        """The marks that have a description, in the order of ``expected``."""
        return tuple(e for e in self.expected if e.mark in self.regions)

    @property
    def categories(self) -> frozenset[str]:
        """What its marks are."""
        return frozenset(e.category for e in self.expected)

    def faults_of(self, mark: int) -> list[Fault]:
        """What the last answer had wrong about a mark."""
        return [fault for fault in self.faults if mark in fault.marks]

    def settle(self) -> None:
        """Nothing better came: a caption that speaks of the marks can still be rewritten."""
        for e in self.wanted:
            if e.mark in self.doubtful:
                self.regions[e.mark] = self.doubtful[e.mark]


def groups_of(record: Record) -> list[Group]:
    """The drawings that carry marks; the first is the turn ``objects``, then ``objects 2`` …"""
    categories = {segment.id: segment.category.name for segment in record.segments}
    groups: list[Group] = []
    for index, drawing in enumerate(record.drawings):
        marks = {mark.number: mark for mark in record.marks if mark.drawing == index}
        if not marks:
            continue
        turn = f"objects {len(groups) + 1}" if groups else "objects"
        expected = tuple(
            Expected(number, categories[mark.segment]) for number, mark in marks.items()
        )
        groups.append(Group(turn, drawing, marks, expected))
    return groups


def rounds_of(groups: Sequence[Group], apart: bool = False) -> list[list[Group]]:
    """Groups that may be asked at the same time, round after round.

    A group comes after every earlier one that shares a category with it, for it is told what was
    said there; ``apart``: it is told nothing, and all may be asked at once.
    """
    rounds: list[list[Group]] = []
    for group in groups:
        place = 0
        for number, earlier in enumerate(rounds, start=1):
            if not apart and any(group.categories & other.categories for other in earlier):
                place = number
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(group)
    return rounds


def earlier_alike(group: Group, groups: Sequence[Group]) -> list[tuple[Expected, Region]]:
    """What is said of marks of its categories on the drawings before it."""
    before = groups[: next(i for i, other in enumerate(groups) if other is group)]
    return [
        (e, other.regions[e.mark][0])
        for other in before
        for e in other.described
        if e.category in group.categories
    ]


def what_is_missing(groups: Sequence[Group]) -> str:
    """Which marks have no caption, and what was wrong with the last answer about each."""
    numbers = ", ".join(str(e.mark) for group in groups for e in group.wanted)
    details = dict.fromkeys(
        fault.detail for group in groups for e in group.wanted for fault in group.faults_of(e.mark)
    )
    return f"no usable description of mark {numbers}: {' '.join(details)}".rstrip(": ")


def reading_scores(groups: Sequence[Group]) -> dict[str, float]:
    """How well the answers about an image could be read; nothing for one without marks."""
    marks = sum(len(group.expected) for group in groups)
    if not marks:
        return {}
    given = [group.regions.get(e.mark) for group in groups for e in group.expected]
    described = [region for region in given if region is not None]
    doubtful = sum(
        group.regions.get(mark) is region
        for group in groups
        for mark, region in group.doubtful.items()
    )
    counts = {
        FAILED: marks - len(described),
        REPAIRED: sum(origin.repairs > 0 for _, origin in described),
        DOUBTFUL: doubtful,
    }
    return {name: round(count / marks, 4) for name, count in counts.items()}


def with_answers(
    record: Record,
    groups: Sequence[Group],
    between: Sequence[tuple[Interaction, Origin]],
    stage: str,
    scores: Mapping[str, float],
) -> Record:
    """The record with captions and gaps in segment order, and relations in the order asked.

    ``between``: interactions between marks of different groups, whose numbers are then all
    different. What is said of a mark that ended without a caption was said of a doubtful thing:
    its interactions are not kept.
    """
    order = {segment.id: place for place, segment in enumerate(record.segments)}
    captions: list[Caption] = []
    relations: list[Relation] = []
    gaps: list[Gap] = []
    for group in groups:
        segments = {number: group.marks[number].segment for number in group.regions}
        for mark, (region, origin) in group.regions.items():
            captions.append(
                Caption(
                    text=region.description,
                    segment=segments[mark],
                    summary=region.summary,
                    origin=origin,
                )
            )
        relations += _relations(group.interactions, segments)
        for e in group.wanted:
            faults = group.faults_of(e.mark)
            gaps.append(
                Gap(
                    segment=group.marks[e.mark].segment,
                    reason=faults[0].kind if faults else "missing",
                    detail=" ".join(fault.detail for fault in faults),
                    stage=stage,
                )
            )
    everywhere = {
        number: group.marks[number].segment for group in groups for number in group.regions
    }
    relations += _relations(between, everywhere)
    captions.sort(key=lambda caption: order[caption.segment or 0])
    gaps.sort(key=lambda gap: order[gap.segment])
    return record.but(
        captions=(*record.captions, *captions),
        relations=(*record.relations, *relations),
        gaps=(*record.gaps, *gaps),
        scores=(
            *record.scores,
            *(Score(name=name, value=value, by=stage) for name, value in scores.items()),
        ),
    )


def _relations(
    interactions: Sequence[tuple[Interaction, Origin]], segments: dict[int, int]
) -> list[Relation]:
    return [
        Relation(
            segments=tuple(segments[mark] for mark in interaction.marks),
            text=interaction.text,
            origin=origin,
        )
        for interaction, origin in interactions
        if all(mark in segments for mark in interaction.marks)
    ]
