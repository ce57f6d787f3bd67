"""A loaded model as the engine uses it: prompts in, logits out, whoever loaded it.

Two kinds differ in what is given to transformers: models that see get embedded tokens with the
pictures' features put in, and positions on three axes; all others get token numbers.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from annoengine.local.chat import Prompt
from annoengine.local.pictures import PictureRule, patches
from annoengine.local.positions import rope_positions
from annoengine.local.slots import Prefix, Shape, SlotCache

SEEING = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Model types that see, and whose positions have three axes."""


@dataclass
class LoadedModel:
    """A transformers model in eval mode on its device, with what it is asked through."""

    model: Any
    """A ``…ForConditionalGeneration`` of one of :data:`SEEING`, or any ``…ForCausalLM``."""

    device: str
    end_tokens: tuple[int, ...]
    tokenizer: Any = None
    """Its tokenizer; None where only ``generate_tokens`` is used: answers then have no text."""

    template: str | None = None
    """The chat template; None where only ``generate_tokens`` is used."""

    rule: PictureRule = field(default_factory=PictureRule)
    name: str = ""
    """How errors call it."""

    @property
    def config(self) -> Any:
        """The configuration of the part that writes."""
        return self.model.config.get_text_config()

    @property
    def sees(self) -> bool:
        """Whether it takes pictures."""
        return self.model.config.model_type in SEEING

    @property
    def image_token(self) -> int:
        """The token that stands for a piece of a picture; -1 where there is none."""
        return int(getattr(self.model.config, "image_token_id", None) or -1)

    @property
    def longest(self) -> int:
        """The most tokens of prompt and answer that it was made for."""
        return int(getattr(self.config, "max_position_embeddings", None) or 1 << 20)

    @property
    def dtype(self) -> Any:
        """What it computes with."""
        return self.model.dtype

    @property
    def shape(self) -> Shape:
        """What its keys and values look like."""
        config = self.config
        heads = config.num_attention_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // heads
        of_keys = getattr(config, "num_key_value_heads", None) or heads
        return Shape(config.num_hidden_layers, of_keys, width, self.dtype.itemsize)

    @property
    def weight_bytes(self) -> int:
        """Bytes of its weights and buffers."""
        tensors = (*self.model.parameters(), *self.model.buffers())
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    @cached_property
    def _colours(self) -> Any:
        torch: Any = importlib.import_module("torch")
        return torch.from_numpy(self.rule.colours()).to(self.device)

    def grids(self, prompt: Prompt) -> list[tuple[int, int]]:
        """Tokens down and across, of each picture of a prompt."""
        merge = self.rule.merge
        found = (self.rule.grid(pixels) for pixels in prompt.pictures)
        return [(down // merge, across // merge) for down, across in found]

    def shift(self, prompt: Prompt) -> int:
        """What an answer's places are behind its positions; 0 for models that do not see."""
        return rope_positions(prompt.tokens, self.image_token, self.grids(prompt))[1]

    # The three passes. All run under inference mode, in the worker's thread.

    def beginning(self, tokens: Sequence[int], cache: SlotCache) -> Prefix:
        """Keys and values of text that prompts share."""
        prompt = Prompt(tuple(tokens))
        self._pass([prompt], 0, cache.recording())
        return cache.recorded()

    def fill(
        self,
        prompts: Sequence[Prompt],
        slots: Sequence[int],
        cache: SlotCache,
        prefix: Prefix | None,
    ) -> Any:
        """Computes prompts into slots; gives the logits (prompts, vocabulary) of what follows."""
        start = prefix.tokens if prefix is not None else 0
        return self._pass(prompts, start, cache.filling(slots, prefix))

    def step(self, tokens: Any, places: Any, shifts: Any, cache: SlotCache, mask: Any) -> Any:
        """One token of each slot; gives the logits (slots, vocabulary). All arguments are tensors
        (slots), but for the mask (slots, 1, 1, reach), which is added."""
        positions = (places + shifts)[:, None]
        given = {"attention_mask": mask, "past_key_values": cache, "use_cache": True}
        if not self.sees:
            out = self.model(input_ids=tokens[:, None], position_ids=positions, **given)
            return out.logits[:, -1]
        inner = self.model.model
        out = inner.language_model(
            inputs_embeds=inner.get_input_embeddings()(tokens[:, None]),
            position_ids=positions[None].expand(3, -1, -1),
            **given,
        )
        return self.model.lm_head(out.last_hidden_state[:, -1])

    def _pass(self, prompts: Sequence[Prompt], start: int, cache: SlotCache) -> Any:
        """The logits after each prompt, of which the first ``start`` tokens are known already."""
        torch: Any = importlib.import_module("torch")
        rows, width = len(prompts), max(len(p.tokens) for p in prompts) - start
        tokens = np.zeros((rows, width), dtype=np.int64)
        positions = np.zeros((3, rows, width), dtype=np.int64)
        for row, prompt in enumerate(prompts):
            count = len(prompt.tokens) - start
            tokens[row, :count] = prompt.tokens[start:]
            found, _ = rope_positions(prompt.tokens, self.image_token, self.grids(prompt))
            positions[:, row, :count] = found[:, start:]
        last = torch.tensor([len(p.tokens) - start - 1 for p in prompts], device=self.device)
        ids = torch.from_numpy(tokens).to(self.device)
        places = torch.from_numpy(positions).to(self.device)
        # Padding stands behind a prompt, where a causal model does not look: no mask is needed,
        # and attention without one is faster; but for a beginning, which all tokens look at.
        mask = None
        if start:
            reach = torch.arange(start + width, device=self.device)
            mask = torch.zeros((width, start + width), dtype=self.dtype, device=self.device)
            mask.masked_fill_(reach[None] > reach[start:, None], torch.finfo(self.dtype).min)
            mask = mask[None, None].expand(rows, -1, -1, -1)
        given = {"attention_mask": mask, "past_key_values": cache, "use_cache": True}
        every = torch.arange(rows, device=self.device)
        if not self.sees:
            keep, back = torch.unique(last, return_inverse=True)
            out = self.model(input_ids=ids, position_ids=places[0], logits_to_keep=keep, **given)
            return out.logits[every, back]
        inner = self.model.model
        embedded = inner.get_input_embeddings()(ids)
        given |= self._look(prompts, ids, embedded)
        out = inner.language_model(inputs_embeds=embedded, position_ids=places, **given)
        return self.model.lm_head(out.last_hidden_state[every, last])

    def _look(self, prompts: Sequence[Prompt], ids: Any, embedded: Any) -> dict[str, Any]:
        """Puts the pictures' features among the embedded tokens; gives what a family also wants."""
        pictures = [pixels for prompt in prompts for pixels in prompt.pictures]
        if not pictures:
            return {}
        torch: Any = importlib.import_module("torch")
        values, grids = patches(pictures, self.rule, self.device, self._colours)
        found = self.model.model.get_image_features(values, grids, return_dict=True)
        features = torch.cat(tuple(found.pooler_output)).to(embedded.dtype)
        there = ids == self.image_token
        embedded[there] = features
        deep = getattr(found, "deepstack_features", None)
        if deep is None:
            return {}
        layers = [torch.cat(tuple(f)) if isinstance(f, tuple | list) else f for f in deep]
        return {"visual_pos_masks": there, "deepstack_visual_embeds": layers}
