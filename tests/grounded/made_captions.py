"""Images and right grounded captions for them, made by a seeded generator.

An image has runs of segments of one category, as annotations have (things sorted by category,
stuff first); a caption names them by any head noun of their category, in groups or one by one, at
times by a word that names nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random

from annoengine.categories import words_of
from annoengine.grounded.known_segments import KnownSegment
from annoengine.grounded.phrase_fit import phrase_fit
from annoengine.grounded.tags import Tagged
from annoengine.noun_phrase import plural
from annoengine.record import Span

LOOKS = ("", "", "red ", "large ", "weathered ", "brightly lit ", "small, dark ")
ENDS = ("", "", " with a shadow", " in the back", ", partly hidden", " on the left side")
FRAMES = (
    "There is {}, which stands out.",
    "To one side, {} can be seen.",
    "Next to it is {}.",
    "{} takes up much of the view.",
)
NAMELESS = ("another one", "the other", "one more", "the last of them")


@cache
def categories() -> tuple[tuple[str, bool], ...]:
    """The name of each panoptic category of COCO, and whether it is a thing."""
    text = resources.files("annoengine").joinpath("coco_panoptic_categories.json").read_text()
    return tuple((entry["name"], bool(entry["isthing"])) for entry in json.loads(text))


@dataclass(frozen=True)
class Made:
    """An image's segments with ids from 1, and a right caption."""

    known: dict[int, KnownSegment]
    tagged: Tagged


def made(seed: int, leave_out: float = 0.0, kinds: int | None = None, shown: bool = False) -> Made:
    """The image and caption of a seed.

    ``leave_out``: the share of segments that are not mentioned; ``kinds``: how many categories
    there are; ``shown``: each is called by its plain name, and none by a word that names nothing.
    """
    rng = Random(seed)
    count = rng.randint(2, 22)
    drawn = rng.sample(categories(), kinds or rng.randint(1, max(1, count // 2)))
    of = sorted((rng.choice(drawn) for _ in range(count)), key=lambda entry: entry[1])
    known = {
        id: KnownSegment(id, name, isthing, area_share=rng.choice((0.001, 0.01, 0.1)))
        for id, (name, isthing) in enumerate(of, start=1)
    }
    text, spans = "", []
    for ids in _groups(rng, known):
        if rng.random() < leave_out:
            continue
        phrase = _phrase(rng, known[ids[0]].category, len(ids), shown)
        before, after = rng.choice(FRAMES).split("{}")
        text += (" " if text else "") + before
        spans.append(Span(start=len(text), end=len(text) + len(phrase), segments=ids))
        text += phrase + after
    return Made(known, Tagged(text, tuple(spans)))


def shifted(tagged: Tagged, by: int) -> Tagged:
    """The caption with all its ids changed."""
    spans = tuple(
        Span(start=s.start, end=s.end, segments=tuple(id + by for id in s.segments))
        for s in tagged.spans
    )
    return Tagged(tagged.text, spans)


def _groups(rng: Random, known: dict[int, KnownSegment]) -> list[tuple[int, ...]]:
    """Segments that are named together: neighbours of one category, in any order of groups."""
    groups: list[list[int]] = []
    for id, segment in known.items():
        alike = groups and known[groups[-1][0]].category == segment.category
        if alike and rng.random() < 0.3:
            groups[-1].append(id)
        else:
            groups.append([id])
    rng.shuffle(groups)
    return [tuple(group) for group in groups]


def _phrase(rng: Random, category: str, count: int, shown: bool) -> str:
    words = words_of(category)
    if not shown and rng.random() < 0.08:
        return rng.choice(NAMELESS)
    head = words.show if shown or rng.random() < 0.5 else rng.choice(words.heads)
    name = plural(head) if count > 1 else head
    phrase = f"{'several' if count > 1 else 'the'} {rng.choice(LOOKS)}{name}{rng.choice(ENDS)}"
    return phrase if phrase_fit(phrase, category) == "fits" else f"the {words.show}"
