"""The example photographs, ready for statements about their colours."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from annoengine.baseline.region_facts import Scene, measure_record
from annoengine.claims.caption_claim import Statement
from annoengine.claims.colour_claims import colour_statements
from annoengine.claims.colour_evidence import PhotoColours
from annoengine.claims.mentions import mentions_of
from annoengine.language.parser import parser_of
from annoengine.mask import RecordFiles
from annoengine.record import Record
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters

FOLDER = Path(__file__).parents[2] / "examples" / "photographs"


@lru_cache(maxsize=1)
def photographs() -> dict[str, tuple[Record, RecordFiles, Scene, PhotoColours]]:
    """Record, files, scene and colours of each photograph, by its file's name without suffix."""
    source = CocoPanoptic(
        CocoPanopticParameters(split="all"),
        {"images": FOLDER / "images", "annotations": FOLDER / "panoptic.json"},
        0,
    )
    found = {}
    for entry in source.entries():
        record = source.open(entry).record
        assert record is not None
        files = source.files(record)
        found[Path(record.photo.file).stem] = (
            record,
            files,
            measure_record(files, record),
            PhotoColours(files, record),
        )
    return found


def segment_of(photo: str, category: str, number: int = 0) -> int:
    """The id of a photograph's segment, by its category and its place among those."""
    record = photographs()[photo][0]
    return [s.id for s in record.segments if s.category.name == category][number]


def statements(photo: str, category: str | None, text: str) -> list[Statement]:
    """What a caption of a segment, or of the image, says of colours."""
    _, _, scene, colours = photographs()[photo]
    own = None if category is None else segment_of(photo, category)
    parsed = parser_of().parse(text)
    return colour_statements(parsed, mentions_of(parsed, scene, own), scene, colours)
