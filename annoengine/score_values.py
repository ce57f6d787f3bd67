"""The scores of an image as conditions see them: one value a name, for the image and each segment.

A stage may store a score again (facts, checked once more after a repair): the last one counts. A
caption of a segment is judged by the segment's scores and the record's; where both have one of a
name, the segment's own counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annoengine.quantiles import Histogram
from annoengine.record import Caption, Record

Place = int | None
"""What a caption is about: a segment by its id, or the whole image."""


@dataclass
class Values:
    """The scores of an image: its own, and those of each segment, by name."""

    own: dict[str, float] = field(default_factory=dict)
    segments: dict[int, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, scores: Iterable[tuple[str, float, Place]]) -> Values:
        """Those of some scores (name, value, segment), in the order in which they were stored.

        >>> values = Values.of([("clip", 0.2, None), ("clip", 0.3, 7), ("facts", 1.0, 7)])
        >>> values.of_caption(7), values.of_caption(8)
        ({'clip': 0.3, 'facts': 1.0}, {'clip': 0.2})
        """
        values = cls()
        for name, value, segment in scores:
            if segment is None:
                values.own[name] = value
            else:
                values.segments.setdefault(segment, {})[name] = value
        return values

    @classmethod
    def of_record(cls, record: Record) -> Values:
        """Those of a record."""
        return cls.of((score.name, score.value, score.segment) for score in record.scores)

    def of_caption(self, place: Place) -> Mapping[str, float]:
        """The scores by which a caption is judged."""
        inner = None if place is None else self.segments.get(place)
        if not inner:
            return self.own
        return {**self.own, **inner} if self.own else inner


def described(captions: Iterable[Caption]) -> tuple[int, ...]:
    """The segments that have a caption, each once, in order."""
    return tuple(dict.fromkeys(c.segment for c in captions if c.segment is not None))


def survey(
    images: Iterable[tuple[Values, Sequence[int]]], names: Iterable[str]
) -> dict[str, Histogram]:
    """How the values of some scores lie in images, given with their segments that have a caption.

    Each value counts once: that of a segment, unless its caption is not there, and that of an
    image.
    """
    found = {name: Histogram() for name in sorted(set(names))}
    for values, segments in images:
        each = (values.own, *(values.segments.get(id, {}) for id in segments))
        for name, histogram in found.items():
            histogram.extend(one[name] for one in each if name in one)
    return found


def quantiles_of(
    lie: Mapping[str, Histogram], wanted: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], float]:
    """The value of each wanted quantile (score, percent); none of a score that nothing has."""
    return {
        (name, percent): lie[name].quantile(percent)
        for name, percent in sorted(wanted)
        if name in lie and lie[name].total
    }
