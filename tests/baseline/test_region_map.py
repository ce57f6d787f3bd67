"""All segments of a map at one go, beside counting pixel by pixel and mask by mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from annoengine.baseline.region_cut import Cut
from annoengine.baseline.region_map import RegionMap
from annoengine.baseline.region_outline import moments_of
from annoengine.mask import IdMap, box_of

KEYS = (7, 70_000, 3)


@st.composite
def maps(draw: st.DrawFn) -> IdMap:
    """Small maps of the keys, of an id that is none of them, and of void."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 7)))
    drawn = draw(arrays.arrays(np.uint32, shape, elements=st.sampled_from([0, 9, *KEYS])))
    return np.ascontiguousarray(drawn)


def edges_of(ids: IdMap, key: int) -> tuple[int, int, dict[int, int]]:
    """Edges into the image, edges at its frame, and edges into each other key, one by one."""
    height, width = ids.shape
    inside, frame = 0, 0
    contacts: dict[int, int] = {}
    for y, x in np.argwhere(ids == key).tolist():
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= v < height and 0 <= u < width):
                frame += 1
            elif ids[v, u] != key:
                inside += 1
                other = int(ids[v, u])
                if other in KEYS:
                    contacts[other] = contacts.get(other, 0) + 1
    return inside, frame, contacts


@given(maps())
def test_a_map_measures_as_its_masks_do(ids: IdMap) -> None:
    present = [key for key in KEYS if (ids == key).any()]
    assert RegionMap(ids, KEYS).missing() == [key for key in KEYS if key not in present]
    regions = RegionMap(ids, present)
    for key, standing in regions.standings().items() if present else ():
        mask = ids == key
        x1, y1, x2, y2 = (int(side) for side in box_of(mask))
        moments = moments_of(mask[y1:y2, x1:x2].copy())
        assert standing.box_xyxy == (x1, y1, x2, y2)
        assert standing.area_px == moments.area == np.count_nonzero(mask)
        assert standing.centre_xy == (x1 + moments.x + 0.5, y1 + moments.y + 0.5)
        counted = edges_of(ids, key)
        assert (standing.edges, standing.frame_edges, standing.contacts) == counted
        cut = regions.cut(key, standing.box_xyxy)
        assert (cut.x, cut.y) == (x1, y1)
        assert np.array_equal(cut.mask, mask[y1:y2, x1:x2])


@pytest.mark.parametrize("count", [3, 300])
def test_many_keys_are_told_apart(count: int) -> None:
    """More than a byte can number as well: a chequered strip, each field beside the next."""
    ids = np.repeat(np.arange(1, count + 1, dtype=np.uint32) * 5, 2)[None, :].repeat(2, axis=0)
    keys = [5 * n for n in range(count, 0, -1)]
    standings = RegionMap(ids, keys).standings()
    assert list(standings) == keys
    assert standings[5].contacts == {10: 2}
    assert standings[10].contacts == {15: 2, 5: 2}
    assert standings[5 * count].box_xyxy == (2 * count - 2, 0, 2 * count, 2)
    assert isinstance(RegionMap(ids, keys).cut(5, (0, 0, 2, 2)), Cut)
