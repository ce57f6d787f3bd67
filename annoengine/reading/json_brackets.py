"""Finds the brackets of JSON text that do not stand inside of a text, without parsing it.

Chunks are looked at whole, as arrays, which takes a hundredth of the time of a parser: a file of
half a gigabyte takes some seconds. Whether the text is JSON at all is not seen here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_QUOTE, _OPEN, _CLOSE, _BACKSLASH = 1, 2, 3, 4
_KINDS = np.zeros(256, dtype=np.uint8)
_KINDS[list(b'"')] = _QUOTE
_KINDS[list(b"{[")] = _OPEN
_KINDS[list(b"}]")] = _CLOSE
_KINDS[list(b"\\")] = _BACKSLASH
_BACKSLASH_BYTE = ord("\\")


class BracketScan:
    """Brackets outside of texts, down to a depth, over the chunks of a file in their order.

    ``in_string`` says whether the last chunk ended inside of a text.
    """

    def __init__(self, deepest: int) -> None:
        self._deepest = deepest
        self._depth = 0
        self.in_string = False
        self._backslashes = 0
        """How many end the last chunk."""

    def brackets(self, chunk: bytes, chunk_at: int) -> Iterator[tuple[int, int, bool]]:
        """Place in the file, depth (outermost = 1), and whether it opens.

        ``chunk_at`` is where the chunk begins in the file.

        >>> list(BracketScan(2).brackets(b'{"a]": [[]]}', 0))
        [(0, 1, True), (7, 2, True), (10, 2, False), (11, 1, False)]
        """
        data = np.frombuffer(chunk, dtype=np.uint8)
        kinds = _KINDS[data]
        places = np.flatnonzero(kinds)
        kinds = kinds[places]
        if (kinds == _BACKSLASH).any() or self._backslashes:
            places, kinds = self._unescaped(chunk, data, places, kinds)
        quotes = kinds == _QUOTE
        inside = (np.cumsum(quotes) + self.in_string) & 1
        self.in_string = bool((np.count_nonzero(quotes) + self.in_string) & 1)
        seen = ~quotes & (inside == 0)
        places, opens = places[seen], kinds[seen] == _OPEN
        after = self._depth + np.cumsum(np.where(opens, 1, -1), dtype=np.int64)
        if len(after):
            self._depth = int(after[-1])
        depths = after + ~opens
        near = depths <= self._deepest
        yield from zip(
            (places[near] + chunk_at).tolist(),
            depths[near].tolist(),
            opens[near].tolist(),
            strict=True,
        )

    def _unescaped(
        self,
        chunk: bytes,
        data: NDArray[np.uint8],
        places: NDArray[np.int64],
        kinds: NDArray[np.uint8],
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Without backslashes, and without the quotation marks that an odd number of them mask."""
        quotes = places[kinds == _QUOTE]
        masked = []
        for place in quotes[(quotes == 0) | (data[quotes - 1] == _BACKSLASH_BYTE)].tolist():
            run = _run(chunk, place)
            if run == place:
                run += self._backslashes
            if run & 1:
                masked.append(place)
        ending = _run(chunk, len(chunk))
        self._backslashes = ending + (self._backslashes if ending == len(chunk) else 0)
        keep = (kinds != _BACKSLASH) & ~np.isin(places, np.array(masked, dtype=np.int64))
        return places[keep], kinds[keep]


def _run(chunk: bytes, end: int) -> int:
    """How many backslashes end just before a place."""
    start = end
    while start and chunk[start - 1] == _BACKSLASH_BYTE:
        start -= 1
    return end - start
