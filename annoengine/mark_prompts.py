"""What the prompts about marks are filled with: lists of numbers, categories and descriptions.

Each kind of prompt has variables that it may use. Lists of descriptions share a fixed number of
words, so that a prompt about hundreds of marks is still one that a model takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.answer import Expected, Fault, Region
from annoengine.categories import is_known, words_of
from annoengine.grounded.region_captions import CaptionedRegion
from annoengine.group_answers import Group
from annoengine.prompt import Prompt

OBJECTS = frozenset({"num_instances", "categories", "ids"})
LATER = OBJECTS | {"given"}
REPAIR = OBJECTS | {"faults"}
INTERACTIONS = frozenset({"num_pictures", "num_instances", "objects"})
MERGE = frozenset({"num_regions", "regions", "words"})
MERGE_REPAIR = MERGE | {"faults", "ids", "least_words", "most_words"}

_WORDS = 1_500
"""Words that all descriptions of a list may take together: about 2,000 tokens."""

_LEAST_WORDS = 8
"""What is left of each, however many there are: who it is, and a first thing about it."""


def fitting(prompts: Sequence[Prompt], expected: Sequence[Expected]) -> Sequence[Prompt]:
    """The prompts that suit these marks.

    Where any mark has a known category, those that tell categories; where none has, those that do
    not. Where there is no such prompt, all of them.
    """
    known = any(is_known(e.category) for e in expected)
    chosen = [p for p in prompts if ("categories" in p.head.variables) == known]
    return chosen or prompts


def fill(
    prompt: Prompt,
    expected: Sequence[Expected],
    faults: Sequence[Fault] = (),
    given: Sequence[tuple[Expected, Region]] = (),
) -> str:
    """A prompt about marks; of ``faults`` those that concern what is asked, one a line."""
    asked = {e.mark for e in expected}
    details = dict.fromkeys(fault.detail for fault in faults if asked.intersection(fault.marks))
    values = {
        "num_instances": str(len(expected)),
        "categories": ", ".join(f"{e.mark}: {words_of(e.category).show}" for e in expected),
        "ids": ", ".join(str(e.mark) for e in expected),
        "faults": "\n".join(f"- {detail}" for detail in details),
        "given": "\n".join(
            f"- {_name(e, region)}: {_cut(region.description, len(given))}" for e, region in given
        ),
    }
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})


def fill_interactions(prompt: Prompt, groups: Sequence[Group]) -> str:
    """A prompt about all described marks of several drawings."""
    total = sum(len(group.described) for group in groups)
    listed = []
    for picture, group in enumerate(groups, start=1):
        lines = [
            f"- {e.mark} ({_name(e, region)}): {_cut(region.description, total)}"
            for e in group.described
            for region in [group.regions[e.mark][0]]
        ]
        listed.append("\n".join([f"In picture {picture}:", *lines]))
    values = {
        "num_pictures": str(len(groups)),
        "num_instances": str(total),
        "objects": "\n\n".join(listed),
    }
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})


def fill_merge(
    prompt: Prompt,
    regions: Sequence[CaptionedRegion],
    words: int,
    bounds: tuple[int, int] = (0, 0),
    faults: Sequence[Fault] = (),
) -> str:
    """A prompt about the captions of regions, which are to become one paragraph.

    ``words`` are how many it should have, ``bounds`` the fewest and the most it may.
    """
    lines = []
    for r in regions:
        name = _name(Expected(r.number, r.segment.category.name), r.region)
        lines.append(f"{r.number}: {name[:1].upper()}{name[1:]} - {_cut(r.text, len(regions))}")
    values = {
        "num_regions": str(len(regions)),
        "regions": "\n".join(lines),
        "words": str(words),
        "least_words": str(bounds[0]),
        "most_words": str(bounds[1]),
        "ids": ", ".join(str(region.number) for region in regions),
        "faults": "\n".join(f"- {detail}" for detail in dict.fromkeys(f.detail for f in faults)),
    }
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})


def _name(expected: Expected, region: Region) -> str:
    """What a mark is called: its category, or what the model called it where there is none."""
    known = is_known(expected.category)
    return words_of(expected.category).show if known or not region.summary else region.summary


def _cut(text: str, shared_by: int) -> str:
    words = text.split()
    most = max(_LEAST_WORDS, _WORDS // max(1, shared_by))
    return " ".join(words) if len(words) <= most else f"{' '.join(words[:most])} …"
