"""One decode step over all slots that hold a sequence, and its CUDA graph where there is a GPU.

A step of a model of 28 layers is about a thousand small kernels; started one by one they take
longer than they run. A graph starts them all at once, for one number of rows and one reach, so
both are rounded up to few values, and each pair is recorded when it first comes.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annoengine.local.memory import is_lost_device, is_out_of_memory
from annoengine.local.model import LoadedModel
from annoengine.local.sampling import likeliest
from annoengine.local.slots import SlotCache

_REACH = 16
_GRAPH_REACH = 128
"""Reaches are multiples of this; ours."""


def rounded_rows(rows: int) -> int:
    """The number of rows that a graph is recorded for.

    >>> [rounded_rows(n) for n in (1, 3, 5, 9, 40)]
    [1, 4, 8, 16, 40]
    """
    return 1 << (rows - 1).bit_length() if rows <= 8 else -(-rows // 8) * 8


class Stepping:
    """Decode steps on one device. ``slots`` is the most rows there will be."""

    def __init__(self, model: LoadedModel, cache: SlotCache, slots: int, graphs: bool) -> None:
        self._torch: Any = importlib.import_module("torch")
        self._model, self._cache = model, cache
        self.graphs = graphs and model.device.startswith("cuda")
        self._recorded: dict[tuple[int, int], tuple[Any, Any, Any]] = {}
        self._pool: Any = None
        rows = rounded_rows(slots)
        torch, device = self._torch, model.device
        self._state = torch.zeros((4, rows), dtype=torch.int64, device=device)
        self._rows = torch.arange(rows, device=device)
        self._ends = torch.tensor(model.end_tokens, dtype=torch.int64, device=device)
        self._least = torch.finfo(model.dtype).min

    def forget(self) -> None:
        """Drops the recorded graphs: the cache lies elsewhere, or memory is needed."""
        self._recorded.clear()
        self._pool = None

    def rows(self, sequences: int) -> int:
        """Rows that a step over so many sequences computes."""
        most = min(self._cache.slots, self._state.shape[1])
        return min(rounded_rows(sequences), most) if self.graphs else sequences

    def step(self, state: NDArray[np.int64], reach: int) -> tuple[Any, list[float], list[float]]:
        """``state``: int64 (4, sequences): last token, its place, shift, 1 = may not end.

        Gives the logits (rows, vocabulary) on the device, and for each row the likeliest token and
        how far the second is behind.
        """
        torch = self._torch
        count = state.shape[1]
        rows = self.rows(count)
        multiple = _GRAPH_REACH if self.graphs else _REACH
        reach = min(-(-reach // multiple) * multiple, self._cache.length)
        # What a row without a sequence computes is thrown away; at place 0 it disturbs nobody.
        padded = np.zeros((4, rows), dtype=np.int64)
        padded[:, :count] = state
        self._state[:, :rows].copy_(torch.from_numpy(padded))
        logits, best = self._replayed(rows, reach) if self.graphs else self._computed(rows, reach)
        tokens, gaps = best.tolist()
        return logits, tokens, gaps

    def _computed(self, rows: int, reach: int) -> tuple[Any, Any]:
        torch = self._torch
        tokens, places, shifts, endless = self._state[:, :rows]
        beyond = self._rows_to(reach)[None] > places[:, None]
        mask = torch.zeros(beyond.shape, dtype=self._model.dtype, device=self._model.device)
        mask.masked_fill_(beyond, self._least)
        cache = self._cache.stepping(self._rows[:rows], places, reach)
        logits = self._model.step(tokens, places, shifts, cache, mask[:, None, None])
        return logits, self.best(logits, endless)

    def _rows_to(self, reach: int) -> Any:
        return self._torch.arange(reach, device=self._model.device)

    def best(self, logits: Any, endless: Any) -> Any:
        """(2, rows) in float64: the likeliest tokens, and how far the second ones are behind.

        Where ``endless`` is 1 the end tokens are struck out of ``logits``, in place.
        """
        torch = self._torch
        if len(self._ends):
            ends = logits[:, self._ends]
            logits[:, self._ends] = ends.masked_fill(endless[:, None] > 0, -torch.inf)
        tokens, gaps = likeliest(logits)
        return torch.stack([tokens.double(), gaps.double()])

    def _replayed(self, rows: int, reach: int) -> tuple[Any, Any]:
        found = self._recorded.get((rows, reach))
        if found is None:
            try:
                found = self._recorded[(rows, reach)] = self._record(rows, reach)
            except RuntimeError as error:
                if is_out_of_memory(error) or is_lost_device(error):
                    raise
                # A model that looks at its own numbers on the way cannot be recorded.
                self.graphs = False
                self.forget()
                return self._computed(rows, reach)
        graph, logits, best = found
        graph.replay()
        return logits, best

    def _record(self, rows: int, reach: int) -> tuple[Any, Any, Any]:
        torch = self._torch
        device = self._model.device
        # Libraries set themselves up in their first calls, which a graph must not hold.
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            self._computed(rows, reach)
        torch.cuda.current_stream(device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Other devices' workers go on allocating meanwhile, in threads of their own.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            logits, best = self._computed(rows, reach)
        if self._pool is None:
            self._pool = graph.pool()
        return graph, logits, best


def forbidden(flags: Sequence[bool], device: str) -> Any:
    """The flags of :meth:`Stepping.best` as a tensor."""
    torch: Any = importlib.import_module("torch")
    return torch.tensor([int(flag) for flag in flags], device=device)
