"""The published rows, typed a second time from the papers' tables, by columns this time."""

from __future__ import annotations

import pytest

from annoengine.statistics.measures import MEASURES
from annoengine.statistics.published import of_level, published_rows

PIX2CAP = "Pix2Cap-COCO (arXiv 2501.13893)"
PANCAP = "COCONut-PanCap (arXiv 2502.02589)"

# Pix2Cap-COCO, Table 1, from the top: VisArgs, Visual Genome, RefCOCO, RefCOCO+, RefCOCOg, ours.
TABLE_1 = {
    "images": [1611, 108077, 19994, 19992, 25799, 20550],
    "captions": [5112, 5408689, 142210, 141564, 95010, 167254],
    "captions_per_image": [3.17, 50.04, 7.11, 7.08, 3.68, 8.14],
    "characters": [79.14, 25.51, 17.72, 18.41, 41.31, 138.13],
    "words": [14.11, 5.09, 3.50, 3.53, 8.46, 22.94],
    "sentences": [1.61, 1.00, 1.00, 1.00, 1.06, 2.73],
    "nouns": [4.89, 2.24, 1.76, 1.69, 3.03, 7.08],
    "adjectives": [1.12, 0.61, 0.55, 0.61, 0.99, 3.46],
    "adverbs": [0.16, 0.03, 0.13, 0.09, 0.08, 0.54],
    "verbs": [2.44, 0.47, 0.26, 0.26, 0.74, 3.42],
}

# COCONut-PanCap, Table 1: samples in thousands, words, masks.
TABLE_1_PANCAP: dict[str, list[float | None]] = {
    "samples": [558, 1059, 118, 23, 100, 1246, 246, 724, 214, 118, 8, 9.6, 8.5, 118],
    "words": [54, 191, 186, 105, 162, 144, None, None, 128, 11, 144, 136, 217, 203],
    "masks_per_image": [*[None] * 6, 3.7, None, 3.6, *[None] * 4, 13.2],
}


@pytest.mark.parametrize("measure", TABLE_1)
def test_table_1_of_pix2cap(measure: str) -> None:
    rows = [row for row in of_level("region") if row.paper == PIX2CAP]
    assert [row.value(measure) for row in rows] == TABLE_1[measure]


def test_captions_per_image_follow_from_the_other_columns() -> None:
    for row in of_level("region"):
        images, captions = row.value("images"), row.value("captions")
        assert images
        assert captions
        assert row.value("captions_per_image") == pytest.approx(captions / images, abs=0.006)


@pytest.mark.parametrize("measure", TABLE_1_PANCAP)
def test_table_1_of_pancap(measure: str) -> None:
    rows = [r for r in of_level("image") if "Table 1, training sets" in r.places]
    assert len(rows) == 14
    scale = 1000 if measure == "samples" else 1
    expected = [None if v is None else v * scale for v in TABLE_1_PANCAP[measure]]
    assert [row.value(measure) for row in rows] == expected


def test_what_the_papers_say_elsewhere() -> None:
    rows = {(row.paper, row.name): row for row in published_rows()}
    assert rows[PANCAP, "COCONut-PanCap"].value("sentences") == 11
    assert rows[PIX2CAP, "Pix2Cap-COCO"].value("more_than_one_attribute") == 0.92
    assert rows[PIX2CAP, "RefCOCO"].value("more_than_one_attribute") == 0.09
    val = rows[PANCAP, "COCONut-PanCap val"]
    assert (val.value("samples"), val.value("words")) == (25000, 233)
    table_2 = [row for row in published_rows() if "Table 2, evaluation sets" in row.places]
    found = [(row.value("samples"), row.value("words")) for row in table_2]
    assert found == [
        *((30000, 11), (5000, 136), (445, 217), (553, 8), (2400, 9), (2000, 128), (25000, 233))
    ]
    sa = [row for row in published_rows() if row.name.startswith("SA-Pancap")]
    assert [row.value("words") for row in sa] == [257.5, 275.9, 309.6]
    assert [row.value("samples") for row in sa] == [9000, 500, 130]


def test_every_published_column_is_a_measure() -> None:
    rows = published_rows()
    assert len(rows) == 6 + 14 + 7 + 3
    for row in rows:
        assert set(row.printed) <= set(MEASURES)
        assert row.places
        assert "arXiv" in row.paper
