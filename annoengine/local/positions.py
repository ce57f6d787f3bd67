"""Positions of tokens as Qwen2-VL counts them: on three axes, and a picture takes few.

Text counts 1, 2, 3 on all axes alike. A picture's tokens share one time, and count its rows and
columns; text goes on after the longer of its sides. So the position of an answer's token is its
place plus a constant of the prompt, the shift (0 or less).

Source: Qwen2-VL (arXiv 2409.12191), section 2.1, "Multimodal Rotary Position Embedding"; still
pictures only, for which Qwen2.5-VL and Qwen3-VL count alike (``get_rope_index`` of each in
transformers).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def rope_positions(
    tokens: Sequence[int], image_token: int, grids: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.int64], int]:
    """int64 (3, tokens): time, row and column of each token; and the shift.

    ``grids``: tokens down and across, of each picture.

    >>> positions, shift = rope_positions([5, 9, 9, 9, 9, 9, 9, 7], 9, [(2, 3)])
    >>> positions.tolist()
    [[0, 1, 1, 1, 1, 1, 1, 4], [0, 1, 1, 1, 2, 2, 2, 4], [0, 1, 2, 3, 1, 2, 3, 4]]
    >>> shift
    -3

    Raises ValueError where image tokens and pictures do not match.
    """
    are_image = np.asarray(tokens) == image_token
    total = sum(down * across for down, across in grids)
    if int(are_image.sum()) != total:
        raise ValueError(f"{int(are_image.sum())} image tokens for pictures of {total}")
    positions = np.zeros((3, len(tokens)), dtype=np.int64)
    place = position = 0
    for down, across in grids:
        first = place + int(np.argmax(are_image[place:]))
        text = np.arange(first - place) + position
        positions[:, place:first] = text
        position += first - place
        end = first + down * across
        rows, columns = np.divmod(np.arange(down * across), across)
        positions[0, first:end] = position
        positions[1, first:end] = position + rows
        positions[2, first:end] = position + columns
        position += max(down, across)
        place = end
    positions[:, place:] = np.arange(len(tokens) - place) + position
    return positions, position - place
