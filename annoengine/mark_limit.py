"""How many marks a model keeps apart on one picture: a small table of model names.

Strong models are shown all marks at once, as in the papers. Small ones answer for the wrong number
or break off, so an image with many segments is marked for them on several pictures. A model that
no row knows is trusted with all marks: a dataset must not change where it need not.
"""

from __future__ import annotations

import re

FEW_MARKS = 20
"""The most marks on one picture for a small model.

Chosen, not measured: two and a half times the 8.14 segments of an average image of Pix2Cap-COCO,
and with its 22.94 words a description about 500 words of an answer (arXiv 2501.13893, Table 1).
"""

SMALL_MAX_BILLIONS = 8.5
"""A model of a family below is small up to this many billions of parameters, by its own name."""

_SMALL = re.compile(r"smolvlm|moondream|phi-3(\.5)?-vision")
"""Small whatever else the name says: 0.3 to 2.2, under 2, and 4.2 billion parameters."""

_OPEN_FAMILIES = re.compile(r"qwen|llava|internvl|paligemma|gemma|minicpm|idefics|molmo|vlm?\b")
"""Families that write their size in their names: ``Qwen2-VL-2B-Instruct``, ``llava-1.5-7b``.

Why small ones cannot take many marks: models other than GPT-4V "struggle to understand these
visual tags" (List Items One by One, arXiv 2404.16375, abstract).
"""

_BILLIONS = re.compile(r"(?<![a-z0-9.])(\d{1,3}(?:\.\d+)?)b(?![a-z0-9])")
"""``7b``, ``2.2b``; not the ``a3b`` of a mixture of experts, which is only what is active."""


def most_marks(model: str) -> int | None:
    """The most marks on one picture for a model (``provider/model``); None for no limit.

    >>> most_marks("openai/gpt-4o"), most_marks("pixels"), most_marks("vllm/Qwen/Qwen2-VL-72B")
    (None, None, None)
    >>> most_marks("vllm/Qwen/Qwen2.5-VL-7B-Instruct"), most_marks("openai/SmolVLM-Instruct")
    (20, 20)
    """
    name = model.lower()
    if _SMALL.search(name):
        return FEW_MARKS
    sizes = [float(size) for size in _BILLIONS.findall(name)]
    if _OPEN_FAMILIES.search(name) and sizes and max(sizes) <= SMALL_MAX_BILLIONS:
        return FEW_MARKS
    return None
