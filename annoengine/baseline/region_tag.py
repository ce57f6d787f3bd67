"""A tag for a region of which nothing is known, from its pixels: its colour, and nothing more."""

from __future__ import annotations

from annoengine import colour
from annoengine.baseline.region_facts import measure_record
from annoengine.baseline.region_looks import MOSTLY
from annoengine.mask import RecordFiles
from annoengine.record import Record


def tag_of_region(files: RecordFiles, record_json: bytes, id: int) -> str:
    """``green region`` where one colour covers most of it, else ``region``; runs in the CPU pool.

    A segment that has a category keeps its name. Raises InputError for files that cannot be read.
    """
    from annoengine.categories import is_known, words_of

    record = Record.from_line(record_json)
    name = record.segment(id).category.name
    if is_known(name):
        return words_of(name).show
    surface = measure_record(files, record.but(segments=(record.segment(id),))).region(id).surface
    if surface is None:
        return "region"
    families = sorted({colour.family_of(name) for name, _ in surface.colours})
    shares = [(colour.share_of(family, surface.colours), family) for family in families]
    share, family = max(shares, default=(0.0, ""))
    return f"{family} region" if share >= MOSTLY else "region"
