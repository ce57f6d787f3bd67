"""How far colours are from each other, measured without the package's own palette: WCAG 2 for
lightness, CIEDE2000 for all of a colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

Floats = NDArray[np.float64]


def luminance(colours: NDArray[np.integer] | tuple[int, int, int]) -> Floats:
    """The relative luminance of RGB colours along the last axis, 0 to 1."""
    coded = np.asarray(colours, dtype=np.float64) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    result: Floats = linear @ np.array([0.2126, 0.7152, 0.0722])
    return result


def contrast(
    a: NDArray[np.integer] | tuple[int, int, int], b: NDArray[np.integer] | tuple[int, int, int]
) -> Floats:
    """The contrast ratio of colours, 1 to 21.

    >>> round(float(contrast((0, 0, 0), (255, 255, 255))), 2)
    21.0
    """
    first, second = luminance(a), luminance(b)
    ratio: Floats = (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)
    return ratio


def ciede2000(
    a: NDArray[np.integer] | tuple[int, int, int], b: NDArray[np.integer] | tuple[int, int, int]
) -> Floats:
    """The distance of RGB colours along the last axis; about 2 is just seen, 20 is plain."""
    both = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    labs = [rgb2lab(colours / 255) for colours in both]
    distance: Floats = np.asarray(deltaE_ciede2000(*labs))  # type: ignore[no-untyped-call]
    return distance
