"""What a spaCy model's embedding layer gives for a word, remembered from word to word.

The layer looks at one word at a time: at its spelling, its shape, whether a space follows. Captions
say the same words over and over, so nearly all of its work is a look into a table. A word is
embedded by itself, so that its numbers do not depend on what else was read with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT = 16384
"""Words whose numbers are kept; 6 MB at 96 numbers a word. A caption data set has about as many."""


@dataclass(frozen=True)
class _Values:
    """A document of one word, as far as the layer looks at it."""

    values: NDArray[np.uint64]

    def to_array(self, columns: Sequence[int]) -> NDArray[np.uint64]:
        """The attributes of its word, in the order in which the layer was made to ask."""
        return self.values


class WordEmbedding:
    """Vectors of words, by the embedding layer of a model."""

    def __init__(self, layer: Any, columns: Sequence[int]) -> None:
        """``layer`` gives the vectors of documents, from these attributes of each word alone."""
        self._layer = layer
        self._columns = list(columns)
        self._places: dict[bytes, int] = {}
        self._table: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)

    def of(self, docs: Sequence[Any]) -> list[NDArray[np.float32]]:
        """The vectors of each document's words, float32 (words, width)."""
        if len(self._places) > KEPT:
            self._places = {}
        found = [self._found(doc) for doc in docs]
        return [self._table[places] for places in found]

    def _found(self, doc: Any) -> list[int]:
        """The rows of the table that a document's words have; those of new words are made."""
        values = np.ascontiguousarray(doc.to_array(self._columns))
        keys = values.view(np.dtype((np.void, values.itemsize * values.shape[1])))[:, 0].tolist()
        try:
            return [self._places[key] for key in keys]
        except KeyError:
            pass
        for place, key in enumerate(keys):
            if key not in self._places:
                self._add(key, values[place : place + 1])
        return [self._places[key] for key in keys]

    def _add(self, key: bytes, values: NDArray[np.uint64]) -> None:
        vector = np.asarray(self._layer.predict([_Values(values)])[0][0], dtype=np.float32)
        place = len(self._places)
        if place >= len(self._table):
            grown = np.zeros((max(1024, 2 * len(self._table)), len(vector)), dtype=np.float32)
            if place:
                grown[:place] = self._table[:place]
            self._table = grown
        self._table[place] = vector
        self._places[key] = place
