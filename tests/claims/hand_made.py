"""Scenes and mentions written by hand, and the scenes of the example photographs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from annoengine.baseline.region_facts import RegionFacts, Scene, measure_record
from annoengine.box import BoxXyxy
from annoengine.claims.caption_claim import Mention, Statement, Who
from annoengine.language.parsed import Parsed
from annoengine.language.parser import parser_of
from annoengine.mask import RecordFiles
from annoengine.record import Record
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
_PRONOUNS = ("it", "this", "he", "she", "they")


def region(
    id: int, category: str, box_xyxy: BoxXyxy, crowd: bool = False, thing: bool = True
) -> RegionFacts:
    """A segment of which only a box is known."""
    x1, y1, x2, y2 = box_xyxy
    area = round((x2 - x1) * (y2 - y1))
    centre = ((x1 + x2) / 2, (y1 + y2) / 2)
    return RegionFacts(id, category, thing, crowd, box_xyxy, area, centre)


def scene(*regions: RegionFacts) -> Scene:
    """A scene of 100 × 100 pixels."""
    return Scene((100, 100), regions)


def parse(text: str) -> Parsed:
    """The caption, parsed by the default model."""
    return parser_of().parse(text)


def spoken(
    parsed: Parsed, own: int | None = None, **meant: int | tuple[int, ...] | str
) -> tuple[Mention, ...]:
    """Mentions by their head word (``it`` and the like: the own segment).

    A number is one segment, several are "several"; "part" is a part of the own one.
    """
    found = []
    for token in parsed.tokens:
        chunk = parsed.chunk_of(token.i)
        first, past = (token.i, token.i + 1) if chunk is None else (chunk.first, chunk.past)
        value = meant.get(token.lemma.lower(), meant.get(token.lower))
        if value is None and token.lower in _PRONOUNS and token.pos == "PRON" and own is not None:
            value = own
        if value is None or token.dep in ("compound", "amod"):
            continue
        plural = token.tag == "NNS"
        if value == "part":
            found.append(Mention(first, past, token.i, "part", (own,) if own else (), plural))
            continue
        ids = value if isinstance(value, tuple) else (value,)
        assert all(isinstance(id, int) for id in ids)
        numbers = tuple(int(id) for id in ids)
        who: Who = "several" if len(ids) > 1 else "self" if numbers == (own,) else "segment"
        found.append(Mention(first, past, token.i, who, numbers, plural))
    return tuple(found)


def truths(statements: list[Statement], kind: str | None = None) -> list[str]:
    """The verdicts, in the order of the text; of one kind only."""
    return [s.truth for s in statements if kind in (None, s.kind)]


@lru_cache(maxsize=1)
def _source() -> CocoPanoptic:
    inputs = {"images": PHOTOGRAPHS / "images", "annotations": PHOTOGRAPHS / "panoptic.json"}
    return CocoPanoptic(CocoPanopticParameters(), inputs, 0)


def files_of(record: Record) -> RecordFiles:
    """The photograph and masks of one of the example photographs."""
    return _source().files(record)


@lru_cache(maxsize=1)
def photographs() -> dict[str, tuple[Record, Scene]]:
    """The example photographs by name, each a record with its scene."""
    found = {}
    for entry in _source().entries():
        record = _source().open(entry).record
        assert record is not None
        found[Path(record.photo.file).stem] = (record, measure_record(files_of(record), record))
    return found
