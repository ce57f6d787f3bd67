"""Panoptic quality by hand, and its rules for void and crowds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from annoengine.errors import InputError
from annoengine.match import Match, PanopticQuality, Tally, overlaps
from annoengine.record import Category, Segment


def segment(id: int, name: str = "person", isthing: bool = True, iscrowd: bool = False) -> Segment:
    return Segment(
        id=id,
        category=Category(id=1 if name == "person" else 2, name=name),
        isthing=isthing,
        iscrowd=iscrowd,
        box_xyxy=(0, 0, 1, 1),
        area_px=1,
        mask=id,
    )


def row(*ids: int) -> np.ndarray:
    return np.array([ids], dtype=np.uint32)


def test_quality_by_hand() -> None:
    quality = PanopticQuality()
    # person: 1 is found with 3 of 4 pixels (IoU 3/4), 2 is missed, 8 is invented;
    # sky: 3 is found whole.
    matches = quality.add(
        row(1, 1, 1, 1, 2, 2, 3, 3),
        [segment(1), segment(2), segment(3, "sky", isthing=False)],
        row(5, 5, 5, 8, 8, 8, 6, 6),
        [segment(5), segment(8), segment(6, "sky", isthing=False)],
    )
    # 8 shares 2 pixels with segment 2; the union is 3, so that 2/3 is a match after all.
    assert matches == [Match(1, 5, 0.75), Match(2, 8, 2 / 3), Match(3, 6, 1.0)]
    assert quality.tallies == {
        "person": Tally(matched=2, iou_sum=0.75 + 2 / 3),
        "sky": Tally(matched=1, iou_sum=1.0),
    }
    assert quality.quality(isthing=True) == pytest.approx((0.75 + 2 / 3) / 2)
    assert quality.quality(isthing=False) == 1.0
    assert quality.quality() == pytest.approx(((0.75 + 2 / 3) / 2 + 1) / 2)


def test_an_iou_of_exactly_a_half_is_no_match() -> None:
    quality = PanopticQuality()
    assert quality.add(row(1, 1), [segment(1)], row(5, 0), [segment(5)]) == []
    assert quality.tallies == {"person": Tally(missed=1, invented=1)}
    assert quality.quality() == 0


def test_another_category_is_no_match() -> None:
    quality = PanopticQuality()
    quality.add(row(1, 1), [segment(1)], row(5, 5), [segment(5, "sky")])
    assert quality.tallies == {"person": Tally(missed=1), "sky": Tally(invented=1)}


def test_void_of_the_truth_counts_for_no_union_and_excuses_inventions() -> None:
    quality = PanopticQuality()
    # 5 covers its 2 pixels and 3 of void: IoU 2/2. 6 lies in void alone: no invention.
    matches = quality.add(
        row(1, 1, 0, 0, 0, 0, 0),
        [segment(1)],
        row(5, 5, 5, 5, 5, 6, 6),
        [segment(5), segment(6)],
    )
    assert matches == [Match(1, 5, 1.0)]
    assert quality.tallies == {"person": Tally(matched=1, iou_sum=1.0)}


def test_crowds_are_neither_found_nor_missed_and_excuse_their_own_category() -> None:
    crowd = segment(1, iscrowd=True)
    quality = PanopticQuality()
    assert quality.add(row(1, 1, 1), [crowd], row(5, 5, 5), [segment(5)]) == []
    assert quality.tallies == {}
    quality = PanopticQuality()
    quality.add(row(1, 1, 1), [crowd], row(5, 5, 5), [segment(5, "sky")])
    assert quality.tallies == {"sky": Tally(invented=1)}
    # Half in the crowd is not more than half: invented; two crowds add up.
    quality = PanopticQuality()
    true = row(1, 1, 2, 2)
    quality.add(true, [crowd, segment(2, "sky")], row(5, 5, 5, 5), [segment(5)])
    assert quality.tallies["person"].invented == 1
    quality = PanopticQuality()
    both = [crowd, segment(2, iscrowd=True)]
    quality.add(row(1, 1, 2, 3, 3), [*both, segment(3, "sky")], row(5, 5, 5, 5, 5), [segment(5)])
    assert "person" not in quality.tallies


def test_a_map_and_its_segments_must_name_the_same_ids() -> None:
    with pytest.raises(InputError, match="the map of the prediction has the id 5"):
        PanopticQuality().add(row(1), [segment(1)], row(5), [])
    with pytest.raises(InputError, match="the map of the truth has no pixel of segment 2"):
        PanopticQuality().add(row(1), [segment(1), segment(2)], row(0), [])


def test_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        overlaps(row(1), row(1, 2))


@given(arrays.arrays(np.uint32, (5, 6), elements=st.integers(0, 4)), st.integers(0, 15))
def test_a_map_against_itself_is_perfect(ids: np.ndarray, crowds: int) -> None:
    present = [int(id) for id in np.unique(ids) if id]
    segments = [
        segment(id, "sky" if id % 2 else "person", iscrowd=bool(crowds >> id & 1)) for id in present
    ]
    quality = PanopticQuality()
    matches = quality.add(ids, segments, ids, segments)
    assert [m.truth for m in matches] == [s.id for s in segments if not s.iscrowd]
    assert all(m.iou == 1.0 for m in matches)
    assert all(t.quality == 1.0 for t in quality.tallies.values())


@given(
    arrays.arrays(np.uint32, (4, 5), elements=st.integers(0, 3)),
    arrays.arrays(np.uint32, (4, 5), elements=st.integers(0, 3)),
)
def test_overlaps_are_those_of_the_masks(a: np.ndarray, b: np.ndarray) -> None:
    shared = overlaps(a, b)
    assert sum(shared.values()) == a.size
    for (i, j), count in shared.items():
        assert count == int(((a == i) & (b == j)).sum())
