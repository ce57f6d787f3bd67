"""Whether the local models of a recipe fit this machine: a sentence each, before any is loaded.

Those are the models of the local engine, and of any provider whose class says ``ON_CARDS = True``;
the part of its name after the provider's is the model's: a folder, a GGUF file or a name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annoengine.card_fit import USED, cpu_sentence, fit_sentence, room, shape_of_model
from annoengine.cards import Card, listed_cards, torch_sees
from annoengine.errors import InputError
from annoengine.local.provider import LocalProvider
from annoengine.provider import Provider
from annoengine.recipe import Recipe


def fits_of_recipe(recipe: Recipe, *, ask_torch: bool = True) -> list[str]:
    """What fits, and what would; nothing for a recipe without a local model.

    ``ask_torch``: also whether torch can compute on the cards that are there. It is imported for
    that, and only where the recipe has a local model.
    """
    found = {
        provider.name: model.options
        for role in recipe.roles.values()
        for model, provider in zip(role.text.models, role.providers, strict=True)
        if _is_here(provider)
    }
    if not found:
        return []
    cards = listed_cards().cards
    lines = list(_fits(found, cards))
    if ask_torch:
        seen = torch_sees()
        if cards and seen is not None and not seen:
            lines.append(
                "torch computes on no GPU although nvidia-smi lists one: install a torch built "
                "for it (this one may be for the CPU alone, or CUDA_VISIBLE_DEVICES hides it)"
            )
    return lines


def _is_here(provider: Provider) -> bool:
    """Does it compute on this machine's cards, and not at an address of its own?"""
    local = getattr(provider, "ON_CARDS", isinstance(provider, LocalProvider))
    return bool(local) and not getattr(provider, "base_url", None)


def _fits(found: Mapping[str, Mapping[str, Any]], cards: Sequence[Card]) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    together = 0
    for name, options in found.items():
        try:
            shape = shape_of_model(name.partition("/")[2])
        except InputError as error:
            yield str(error)
            continue
        if shape is None:
            yield f"{name}: its shape is not known, so that nobody can say what it takes"
            continue
        told_cpu = set(options.get("devices") or ()) == {"cpu"}
        dtype = _dtype(options, bool(cards) and not told_cpu)
        if told_cpu or not cards:
            why = "its devices say so" if told_cpu else "no GPU was found"
            yield cpu_sentence(name, shape, memory, dtype, why)
            continue
        split = int(options.get("tensor_parallel") or 1)
        yield fit_sentence(name, shape, cards, dtype, split)
        together += room(shape, dtype, cards[0].memory_bytes).weight_bytes // split
    if len(found) > 1 and cards:
        least = min(card.memory_bytes for card in cards)
        if together > least * USED:
            yield "its models do not fit one card together; give each cards of its own (devices)"


def _dtype(options: Mapping[str, Any], on_card: bool) -> str:
    """The numbers that it computes with; ``auto`` is what the engine takes."""
    given = str(options.get("dtype", "auto"))
    if given in ("float32", "float16", "bfloat16"):
        return given
    return "bfloat16" if on_card else "float32"
