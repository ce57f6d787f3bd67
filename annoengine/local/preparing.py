"""Turns conversations into prompts ahead of the model: template, tokens, pictures.

Pictures are decoded and resized in worker processes (:mod:`annoengine.compute`: a dead one is
replaced and its picture sent again once, then its request fails alone), text is tokenised in one
thread, for a tokenizer's cutting and padding are its own state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from annoengine.compute import Pool
from annoengine.local.chat import Pixels, Prompt, Turn
from annoengine.local.model import LoadedModel
from annoengine.local.pictures import resized_picture
from annoengine.local.prefixes import Beginnings


class Preparing:
    """Makes prompts for one model. ``workers`` processes; 0 is a thread here."""

    def __init__(self, model: LoadedModel, workers: int, shared_prefix: int) -> None:
        self._model = model
        self.pool = Pool(workers)
        self._beginnings = Beginnings(shared_prefix)
        self._tokenising = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")

    async def prompt(self, turns: Sequence[Turn]) -> Prompt:
        """The prompt of a conversation.

        Raises RecordFailed for a picture that cannot be read, ValueError for pictures that the
        model does not take, or a text that holds its own mark of a picture.
        """
        model = self._model
        encoded = [part for turn in turns for part in turn.parts if isinstance(part, bytes)]
        if encoded and not model.sees:
            raise ValueError(f"{model.name} takes no pictures")
        jobs = (self.pool.run(resized_picture, data, model.rule) for data in encoded)
        pictures: list[Pixels] = await asyncio.gather(*jobs)
        loop = asyncio.get_running_loop()
        tokens = await loop.run_in_executor(self._tokenising, self._tokens, turns, pictures)
        first = tokens.index(model.image_token) if pictures else len(tokens) - 1
        return Prompt(tokens, tuple(pictures), self._beginnings.shared(tokens[:first]))

    def _tokens(self, turns: Sequence[Turn], pictures: Sequence[Pixels]) -> tuple[int, ...]:
        model = self._model
        text = model.tokenizer.apply_chat_template(
            [_message(turn, model.sees) for turn in turns],
            chat_template=model.template,
            tokenize=False,
            add_generation_prompt=True,
        )
        short: list[int] = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        if not model.sees:
            return tuple(short)
        marks = short.count(model.image_token)
        if marks != len(pictures):
            mark = model.tokenizer.convert_ids_to_tokens(model.image_token)
            raise ValueError(
                f"the text has {marks} marks {mark!r} for {len(pictures)} pictures: does a prompt "
                "or a caption hold one?"
            )
        sizes = iter(model.rule.tokens(pixels) for pixels in pictures)
        long: list[int] = []
        for token in short:
            long += [token] * next(sizes) if token == model.image_token else [token]
        return tuple(long)

    def text(self, tokens: Sequence[int]) -> str:
        """The words of an answer, without special tokens."""
        if self._model.tokenizer is None:
            return ""
        decoded: str = self._model.tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return decoded

    async def words(self, tokens: Sequence[int]) -> str:
        """:meth:`text`, in the tokenizer's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._tokenising, self.text, tokens)

    def close(self) -> None:
        """Ends processes and thread; may be called twice."""
        self.pool.close()
        self._tokenising.shutdown(wait=True, cancel_futures=True)


def _message(turn: Turn, sees: bool) -> dict[str, Any]:
    """A message as chat templates want it: of models that see, pictures by their places."""
    texts = [part for part in turn.parts if isinstance(part, str)]
    if not sees or len(texts) == len(turn.parts) == 1:
        return {"role": turn.role, "content": "\n".join(texts)}
    parts = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}
        for part in turn.parts
    ]
    return {"role": turn.role, "content": parts}
