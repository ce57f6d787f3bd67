"""Keys and values of all sequences in one preallocated block: a row each, a slot.

A sequence's token number n has its key and value at place n of its slot, prompt and answer alike,
so nothing is padded on the left: a group of newcomers is padded on the right, and what stands
behind a sequence's last token is overwritten by its next ones. Sequences lie in the first slots
without a gap; when one ends, the last takes its place. A decode step therefore computes no more
rows than there are sequences, and reads no more places than the longest of them has.

It stands where transformers expects its own cache and has the methods that the models call. Its
static cache keeps one length for all rows, and its continuous batching (version 5) takes token
numbers alone, no pictures and no positions of three axes: neither could be used.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shape:
    """What keys and values look like; ``width`` is that of one head."""

    layers: int
    heads: int
    width: int
    bytes_a_number: int

    @property
    def bytes_a_token(self) -> int:
        """Bytes of one token's keys and values in all layers.

        >>> Shape(layers=28, heads=4, width=128, bytes_a_number=2).bytes_a_token  # Qwen2-VL-7B
        57344
        """
        return 2 * self.layers * self.heads * self.width * self.bytes_a_number


@dataclass(frozen=True)
class Prefix:
    """Keys and values of a beginning that prompts share: a (1, heads, tokens, width) a layer."""

    keys: tuple[Any, ...]
    values: tuple[Any, ...]
    tokens: int


class SlotCache:
    """``slots`` rows of ``length`` places. A forward pass is preceded by one of ``recording``,
    ``filling`` and ``stepping``, which say what becomes of the keys and values it makes."""

    is_compileable = False

    def __init__(self, shape: Shape, device: str, dtype: Any) -> None:
        self._torch: Any = importlib.import_module("torch")
        self.shape = shape
        self.device = device
        self.dtype = dtype
        self.slots = 0
        self.length = 0
        self._keys: list[Any] = []
        self._values: list[Any] = []
        self._mode = ""
        self._rows: Any = None
        self._places: Any = None
        self._reach = 0
        self._prefix: Prefix | None = None
        self._recorded: list[tuple[Any, Any]] = []

    def resize(self, slots: int, length: int, keep: int = 0) -> None:
        """Another size; the first ``keep`` slots keep what they hold. A layer at a time, so that
        old and new are never both there whole."""
        torch = self._torch
        size = (slots, self.shape.heads, length, self.shape.width)
        both = min(self.length, length)
        for layers in (self._keys, self._values):
            if not layers:
                layers.extend([None] * self.shape.layers)
            for number, old in enumerate(layers):
                if not keep:
                    layers[number] = old = None
                new = torch.zeros(size, dtype=self.dtype, device=self.device)
                if old is not None:
                    new[:keep, :, :both] = old[:keep, :, :both]
                layers[number] = new
        self.slots, self.length = slots, length

    def free(self) -> None:
        """Lets go of all memory."""
        self._keys, self._values = [], []
        self.slots = self.length = 0

    def move(self, source: int, target: int, length: int) -> None:
        """The sequence of one slot, of so many tokens, to another."""
        for layer in (*self._keys, *self._values):
            layer[target, :, :length] = layer[source, :, :length]

    # What the next forward pass is.

    def recording(self) -> SlotCache:
        """The pass computes a beginning; :meth:`recorded` gives it."""
        self._mode, self._prefix, self._recorded = "record", None, []
        return self

    def recorded(self) -> Prefix:
        """What the last pass computed."""
        keys, values = zip(*self._recorded, strict=True)
        self._recorded = []
        return Prefix(keys, values, keys[0].shape[2])

    def filling(self, slots: Sequence[int], prefix: Prefix | None) -> SlotCache:
        """The pass computes prompts, whose beginning is ``prefix``, into ``slots``."""
        self._mode, self._prefix = "fill", prefix
        self._rows = self._torch.tensor(slots, device=self.device)
        return self

    def stepping(self, rows: Any, places: Any, reach: int) -> SlotCache:
        """The pass computes one token of each of the slots ``rows``, for its place in ``places``
        (tensors); they look at the first ``reach`` places."""
        self._mode, self._prefix = "step", None
        self._rows, self._places, self._reach = rows, places, reach
        return self

    # What transformers' models call.

    def update(self, keys: Any, values: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Takes the keys and values of new tokens, gives those that they look at."""
        if self._mode == "record":
            self._recorded.append((keys, values))
            return keys, values
        if self._mode == "step":
            kept = (self._keys[layer], self._values[layer])
            count = keys.shape[0]
            for held, new in zip(kept, (keys, values), strict=True):
                held[self._rows, :, self._places] = new[:, :, 0]
            return kept[0][:count, :, : self._reach], kept[1][:count, :, : self._reach]
        prefix = self._prefix
        if prefix is not None:
            many = (keys.shape[0], -1, -1, -1)
            keys = self._torch.cat([prefix.keys[layer].expand(many), keys], dim=2)
            values = self._torch.cat([prefix.values[layer].expand(many), values], dim=2)
        width = keys.shape[2]
        self._keys[layer][self._rows, :, :width] = keys
        self._values[layer][self._rows, :, :width] = values
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """Tokens that stand before those of the pass."""
        return self._prefix.tokens if self._prefix is not None else 0

    def get_query_offset(self, layer: int = 0) -> int:
        """The same, by the name that masks are made with."""
        return self.get_seq_length(layer)

    def get_mask_sizes(self, query: int, layer: int = 0) -> tuple[int, int]:
        """Places that a pass of ``query`` tokens looks at, and the first of them."""
        return self.get_seq_length(layer) + query, 0
