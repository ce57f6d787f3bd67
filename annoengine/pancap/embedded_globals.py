"""Finds the sentences of a caption that are about the whole image: light, mood, setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annoengine.language.parsed import Parsed, Token
from annoengine.pancap.content import GlobalState
from annoengine.pancap.embedded_words import GLOBAL, SHOWS

_SCENE = frozenset(
    "setting day night daytime nighttime morning evening afternoon dusk dawn sunset sunrise city "
    "environment weather light summer winter autumn spring sunlight room".split()
)
"""Places and times that make "the image shows …" a statement about all of it."""


def global_states(parsed: Parsed, ids: Mapping[int, Sequence[int]]) -> tuple[GlobalState, ...]:
    """One state for each sentence whose subject is no entity but the image, or nothing at all.

    ``ids``: the entities that a word stands for.
    """
    sentences: dict[int, list[Token]] = {}
    for token in parsed.tokens:
        sentences.setdefault(token.sentence, []).append(token)
    states: dict[GlobalState, None] = {}
    for words in sentences.values():
        root = next((t for t in words if t.dep == "ROOT"), words[0])
        subjects = parsed.children(root.i, "nsubj", "nsubjpass", "expl")
        if not subjects:
            continue
        subject = subjects[-1]
        if subject.lower == "there":
            below = parsed.children(root.i, "attr", "dobj")
            subject = below[0] if below else subject
        none = any(c.lower == "no" for c in parsed.children(subject.i, "det"))
        if ids.get(subject.i) or not (subject.lemma.lower() in GLOBAL or none):
            continue
        said = " ".join(parsed.text[words[0].start : words[-1].end].split()).rstrip(".! ")
        shows = root.lemma.lower() in SHOWS and not none
        if _names_setting(parsed, root) if shows else not _is_of_entity(parsed, subject, ids):
            states[GlobalState(said)] = None
    return tuple(states)


def _is_of_entity(parsed: Parsed, subject: Token, ids: Mapping[int, Sequence[int]]) -> bool:
    """ "The tone of the kettle" is the kettle's."""
    owners = list(parsed.children(subject.i, "poss"))
    for prep in parsed.children(subject.i, "prep"):
        owners += parsed.children(prep.i, "pobj") if prep.lower == "of" else []
    return any(ids.get(owner.i) for owner in owners)


def _names_setting(parsed: Parsed, root: Token) -> bool:
    """Does "the image shows a street in a city at night" say where or when?"""
    names = [t for t in parsed.subtree(root.i) if t.lemma.lower() in _SCENE]
    return any(t.dep in ("pobj", "dobj", "conj") for t in names)
