"""Chooses the next token of each row of a batch: the likeliest, or one drawn by chance.

The chance is the request's own: a generator seeded from its seed and key gives one number a
token, and the token is where that number falls in the sorted probabilities. So a request's answer
is the same whatever shares its batch, up to the last digits of the logits themselves.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from annoengine.fingerprint import sha256_hex
from annoengine.local.chat import Draw


def generator_of(draw: Draw) -> np.random.Generator:
    """The numbers of one request, from their beginning."""
    digest = sha256_hex(f"{draw.seed} {draw.key}".encode())
    return np.random.Generator(np.random.Philox(key=int(digest[:32], 16)))


def likeliest(logits: Any) -> tuple[Any, Any]:
    """Of each row of (rows, vocabulary): the likeliest token, the first of equals, and how far the
    second is behind it."""
    torch: Any = importlib.import_module("torch")
    tokens = torch.argmax(logits, dim=-1)
    best = logits.gather(1, tokens[:, None])
    others = logits.scatter(1, tokens[:, None], -torch.inf)
    return tokens, (best[:, 0] - others.amax(dim=-1)).float()


def drawn(logits: Any, draws: Sequence[Draw], numbers: Sequence[float]) -> Any:
    """Of each row of (rows, vocabulary) a token, by its draw and its number in [0, 1).

    Tokens are sorted by probability, equals by their number; kept are the likeliest, until they
    hold ``top_p``.
    """
    torch: Any = importlib.import_module("torch")
    device = logits.device
    heat = torch.tensor([d.temperature or 1.0 for d in draws], device=device)[:, None]
    top = torch.tensor([1.0 if d.top_p is None else d.top_p for d in draws], device=device)[:, None]
    number = torch.tensor(numbers, dtype=torch.float64, device=device)[:, None]
    ordered, tokens = torch.sort(logits.float() / heat, dim=-1, descending=True, stable=True)
    share = torch.softmax(ordered.double(), dim=-1)
    before = torch.cumsum(share, dim=-1) - share
    kept = torch.where(before < top, share, 0.0)
    kept[:, 0] = share[:, 0]
    reached = torch.cumsum(kept, dim=-1)
    place = torch.searchsorted(reached, number * reached[:, -1:], right=True)
    last = (kept > 0).sum(dim=-1, keepdim=True) - 1
    return tokens.gather(1, torch.minimum(place, last))[:, 0]
