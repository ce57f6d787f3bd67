"""Runs the encoder of a spaCy model: four layers in which each word looks at its neighbours.

The sums are those of spaCy's ``MaxoutWindowEncoder`` with the model's own weights, laid out so that
NumPy's matrix library does nearly all of the work. Sums in another order differ in their last
digits, which decides nothing but a tie: that the parses are the same is tested.

Source: spaCy's documentation of ``spacy.MaxoutWindowEncoder.v2`` and thinc's of ``Maxout``,
``LayerNorm`` and ``residual``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_TINY = np.float32(1e-8)
"""What thinc adds to a variance, so that it is never divided by zero."""


@dataclass(frozen=True)
class _Layer:
    """Weights (3 width, pieces · width), piece by piece, with their bias; scale and shift."""

    weights: Floats
    bias: Floats
    scale: Floats
    shift: Floats


class WindowEncoder:
    """The encoder with its weights taken out of a model."""

    def __init__(self, model: Any) -> None:
        """``model``: spaCy's encoder, of which :func:`is_window_encoder` holds."""
        maxouts = [layer for layer in model.walk() if layer.name == "maxout"]
        norms = [layer for layer in model.walk() if layer.name == "layernorm"]
        self._layers = [
            _Layer(
                np.ascontiguousarray(_turned(maxout.get_param("W"))),
                np.ascontiguousarray(maxout.get_param("b").T.reshape(-1)),
                norm.get_param("G"),
                norm.get_param("b"),
            )
            for maxout, norm in zip(maxouts, norms, strict=True)
        ]
        self._width = int(model.get_dim("nO"))
        self._pieces = int(maxouts[0].get_dim("nP"))

    def encode(self, texts: Sequence[Floats]) -> list[Floats]:
        """The encoded words of texts, each (words, width), given as their words' embeddings."""
        width = self._width
        # Beyond a text's ends are as many zeros as layers can see, and one row for the last.
        gap = len(self._layers)
        count = gap + sum(len(text) + gap for text in texts)
        rows = np.zeros((count + 2, width), dtype=np.float32)
        first = gap + 1
        places = []
        for text in texts:
            rows[first : first + len(text)] = text
            places.append((first, first + len(text)))
            first += len(text) + gap
        windows = np.empty((count, 3 * width), dtype=np.float32)
        for layer in self._layers:
            for place in range(3):
                windows[:, place * width : (place + 1) * width] = rows[place : place + count]
            rows[1:-1] += self._normed(self._largest(windows @ layer.weights + layer.bias), layer)
        return [rows[start:end] for start, end in places]

    def _largest(self, pieces: Floats) -> Floats:
        width = self._width
        best = np.maximum(pieces[:, :width], pieces[:, width : 2 * width])
        for piece in range(2, self._pieces):
            np.maximum(best, pieces[:, piece * width : (piece + 1) * width], out=best)
        return best

    def _normed(self, rows: Floats, layer: _Layer) -> Floats:
        """Rows with mean 0 and variance 1, scaled and shifted. Overwrites them."""
        share = np.float32(1 / self._width)
        rows -= np.add.reduce(rows, axis=1, keepdims=True) * share
        spread = np.einsum("ij,ij->i", rows, rows)
        rows /= np.sqrt(spread * share + _TINY)[:, None]
        rows *= layer.scale
        rows += layer.shift
        return rows


def _turned(weights: Floats) -> Floats:
    """Weights (width, pieces, inputs) as (inputs, pieces · width)."""
    return weights.transpose(2, 1, 0).reshape(weights.shape[2], -1)


def is_window_encoder(model: Any) -> bool:
    """Is this spaCy's encoder with a window of one word to each side and several pieces?"""
    names = [layer.name for layer in model.walk()]
    maxouts = [layer for layer in model.walk() if layer.name == "maxout"]
    depth = len(maxouts)
    return (
        depth > 0
        and names.count("expand_window") == names.count("layernorm") == depth
        and sum(name.startswith("residual(") and ">>residual(" not in name for name in names)
        == depth
        and model.attrs.get("pad") == depth
        and not any(name in ("mish", "relu", "pytorch", "with_padded") for name in names)
        and all(
            layer.get_dim("nI") == 3 * layer.get_dim("nO") and layer.get_dim("nP") > 1
            for layer in maxouts
        )
    )
