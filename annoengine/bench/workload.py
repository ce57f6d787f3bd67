"""The questions of a measurement, drawn by seed: photographs' sizes, a prompt, lengths of answers.

The pictures are noise of several grains, encoded as JPEG: as many bytes as a photograph of that
size has, so that decoding them costs as much. Nothing of them is any good to look at.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from annoengine.local.chat import Draw, Turn

SIZES = ((640, 480), (640, 427), (480, 640), (640, 425), (500, 375), (612, 612))
"""Width and height: the usual ones of COCO's photographs, 640 × 480 first."""

_SYSTEM = "You describe images for people who cannot see them. Say only what can be seen."
_ASKS = (
    "Each object in this image has an outline and a number. Describe each of them in a sentence "
    "or two, so that it could be told from all others of its kind: what it is, its colours and "
    "parts, where it is, what it does, and what is around it. "
)
_BYTES_A_TOKEN = 4
"""About, in English, of the vocabularies of LLaMA and Qwen."""


@dataclass(frozen=True)
class Job:
    """One question: its turns and how long its answer is to be."""

    turns: tuple[Turn, ...]
    answer: int

    def draw(self, number: int) -> Draw:
        """Greedy, without an end token: exactly as many tokens as were drawn."""
        return Draw(max_tokens=self.answer, never_ends=True, key=str(number))


def jobs(
    lengths: list[int],
    seed: int,
    *,
    pictures: bool,
    prompt_tokens: int = 300,
    bytes_a_token: int = _BYTES_A_TOKEN,
) -> list[Job]:
    """A question for each length; every second picture has the first of the sizes."""
    chance = random.Random(seed)
    made = []
    for number, length in enumerate(lengths):
        size = SIZES[0] if number % 2 == 0 else chance.choice(SIZES)
        room = prompt_tokens * bytes_a_token - len(_SYSTEM)
        words = f"The image has {number % 29 + 2} numbers. "
        text = (_ASKS * (room // len(_ASKS) + 1))[: max(0, room - len(words))] + words
        parts: tuple[str | bytes, ...] = (text,)
        if pictures:
            parts = (_picture(size, seed * 1_000_003 + number), text)
        made.append(Job((Turn("system", (_SYSTEM,)), Turn("user", parts)), length))
    return made


def _picture(size_wh: tuple[int, int], seed: int) -> bytes:
    """A JPEG of noise, about 150 KB at 640 × 480."""
    chance = np.random.Generator(np.random.PCG64(seed))
    width, height = size_wh
    picture = Image.new("RGB", size_wh)
    for grain, share in ((64, 1.0), (16, 0.5), (3, 0.3)):
        small = chance.integers(0, 256, (height // grain + 1, width // grain + 1, 3), np.uint8)
        layer = Image.fromarray(small).resize(size_wh, Image.Resampling.BILINEAR)
        picture = Image.blend(picture, layer, share)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()
