"""The letters of labels: their size is what is promised, and no two numbers look alike."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.som.lettering import label_padding_px, label_size_wh, text_coverage


@pytest.mark.parametrize("height_px", [12, 13, 14, 16, 20, 28, 40])
@pytest.mark.parametrize("digit", list("0123456789"))
def test_digits_are_as_high_as_asked(digit: str, height_px: int) -> None:
    inked = text_coverage(digit, height_px).max(axis=1) >= 100
    assert inked.sum() >= height_px


def test_coverage_is_cut_to_the_ink() -> None:
    coverage = text_coverage("168", 12)
    assert coverage[:, 0].any()
    assert coverage[:, -1].any()
    assert coverage.max() == 255


def test_what_hangs_below_the_line_gets_rows_of_its_own() -> None:
    assert text_coverage("g", 20).shape[0] > text_coverage("1", 20).shape[0]


def test_numbers_of_one_height_share_their_rows() -> None:
    assert {text_coverage(str(n), 12).shape[0] for n in range(1, 300)} == {12}


def test_digits_differ_clearly_at_the_least_height() -> None:
    """Any two digits differ in at least 8 of about 100 pixels by half the range or more."""
    widest = max(text_coverage(digit, 12).shape[1] for digit in "0123456789")
    padded = {
        digit: np.pad(c, ((0, 0), (0, widest - c.shape[1]))).astype(int)
        for digit in "0123456789"
        for c in [text_coverage(digit, 12)]
    }
    for a in padded:
        for b in padded:
            if a < b:
                assert (abs(padded[a] - padded[b]) > 127).sum() >= 8, (a, b)


def test_a_label_is_its_text_and_padding() -> None:
    rows, columns = text_coverage("42", 12).shape
    padding = label_padding_px(12)
    assert padding == 2
    assert label_size_wh("42", 12) == (columns + 4, rows + 4)


def test_a_cached_coverage_cannot_be_spoilt() -> None:
    with pytest.raises(ValueError, match="read-only"):
        text_coverage("5", 12)[0, 0] = 7
