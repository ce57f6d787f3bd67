"""Takes statements and questions apart for the embedded judge: entities, stems, polarity.

No parser is asked: the statements of a content are short and of few forms. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annoengine.pancap.content import Content
from annoengine.pancap.judge_words import LIGHT, NOT, NUMBERS, SPATIAL, stem

_TOKEN = re.compile(r"\bentity\s+(\d+)(['’]s)?|[a-z][a-z-]*(?:n['’]t)?|\d+", re.IGNORECASE)
_FREE_OF = re.compile(r"\b(?:free|devoid|empty) of\b", re.IGNORECASE)
_HAVING = frozenset({"have", "with", "wear", "hold", "carry", "show", "featur", "dress"})
_COPULAS = frozenset(
    {"be", "locat", "position", "plac", "situat", "see", "visibl", "seen", "found"}
)
_THROUGH = frozenset({"on", "in", "of", "to", "the", "top", "front", "side"})


@dataclass(frozen=True)
class Said:
    """A statement or question: its entities in order, stems with relation words, and polarity.

    ``direct``: stems said of the subject itself; ``rest``: those of what it has, wears or stands
    in. ``part``: the part of the subject that all of it is about.
    """

    entities: tuple[int, ...]
    direct: frozenset[str]
    rest: frozenset[str]
    spatial: frozenset[str]
    passive: bool
    negated: bool
    part: str | None
    having: bool
    lead: frozenset[str] = frozenset()
    """Stems before the first entity: "steam rises from entity 3"."""


def statements_of(content: Content, tags: Mapping[int, str]) -> list[str]:
    """Every statement, those that follow from names, and those of parts said of their wholes."""
    texts = [f"entity {entity} is a {tag}" for entity, tag in tags.items() if tag]
    looks: dict[int, list[str]] = {}
    for attribute in content.attributes:
        texts.append(
            attribute.text
            if "entity" in attribute.text
            else f"entity {attribute.entity} {attribute.text}"
        )
        said = re.fullmatch(r"entity \d+ (?:is|are) (?:made of )?([\w -]+)", attribute.text)
        if said is not None and len(said[1].split()) <= 2:
            looks.setdefault(attribute.entity, []).append(said[1])
        counted = re.fullmatch(r"there (?:is|are) (\w+) of entity \d+", attribute.text)
        if counted is not None:
            looks.setdefault(attribute.entity, []).insert(0, counted[1])
    for relation in content.relations:
        texts.append(relation.text)
        a, b = relation.subject, relation.object
        name = " ".join([*looks.get(b, ()), tags.get(b, "")]).strip()
        texts.append(re.sub(rf"\bentity {b}\b", name, relation.text))
        if name and relation.text.startswith(f"entity {a} ") and tags.get(a):
            texts.append(re.sub(rf"^entity {a}\b", tags[a], relation.text))
        if re.search(r"\b(?:has|have|with)\b", relation.text):
            for attribute in content.attributes:
                if attribute.entity == b:
                    texts.append(
                        re.sub(
                            rf"\bentity {b}\b(?!['’]s)",
                            f"entity {a}'s {tags.get(b, '')}",
                            attribute.text,
                        )
                    )
    return list(dict.fromkeys(texts))


def read_statement(text: str) -> Said:
    """A statement or a question, taken apart."""
    text = _FREE_OF.sub("no", text)
    entities: list[int] = []
    stems: list[str] = []
    spatial: set[str] = set()
    direct: set[str] = set()
    rest: set[str] = set()
    part: str | None = None
    negated = having = passive = owning = False
    raw = list(_TOKEN.finditer(text))
    words = [match.group().lower() for match in raw]
    made = in_rest = False
    lead: frozenset[str] = frozenset()
    for n, (match, word) in enumerate(zip(raw, words, strict=True)):
        if match[1]:
            number = int(match[1])
            before = words[max(0, n - 3) : n]
            if "of" in before and not entities and stems and part is None:
                candidate = stems[-1]
                if candidate not in _COPULAS and candidate not in ("two", "three", "four", "five"):
                    part = candidate
                    direct.discard(part)
                    rest.discard(part)
                    in_rest = False
            if not entities:
                lead = frozenset(one for one in direct | rest if one not in NUMBERS.values())
            entities.append(number)
            owning = bool(match[2])
            continue
        if word in NOT or word.endswith(("n't", "n’t")):
            # What follows a comma gives a reason: "no shadows, so that it is not harsh".
            negated ^= "," not in text[: match.start()]
            continue
        one = stem(word)
        if owning and part is None and word not in LIGHT:
            part, owning = one, False
            continue
        owning = False
        if word in ("made", "covered", "painted", "built"):
            made = True
        if word == "made":
            continue
        if word == "by" and stems:
            passive = True
            continue
        if word in ("has", "have", "having", "had"):
            having = in_rest = True
            continue
        if word in ("left", "right", "front") and _is_plain(words, n):
            one = one if word == "front" else f"{one} side"
        elif word == "on" and _ends(text, match, words, n):
            pass
        elif word in SPATIAL and not (made and word in ("in", "with", "from")):
            spatial.add(SPATIAL[word])
            if word in ("left", "right"):
                direct.add(one)
            in_rest = in_rest or bool(stems) or bool(entities)
            having = having or word == "with"
            continue
        if word in LIGHT or one in LIGHT:
            continue
        stems.append(one)
        (rest if in_rest else direct).add(one)
        if one in _HAVING:
            having = in_rest = True
    if "front" in spatial:
        spatial.discard("in")
    return Said(
        tuple(entities),
        frozenset(direct),
        frozenset(rest),
        frozenset(spatial),
        passive,
        negated,
        part,
        having,
        lead,
    )


def _is_plain(words: Sequence[str], n: int) -> bool:
    """Is "left", "right" or "front" an adjective or a noun of its own: "the left hand"?"""
    if words[n] == "front" and n > 0 and words[n - 1] == "the":
        return True
    if n + 1 == len(words):
        return words[n] == "front"
    return words[n + 1] not in ("of", "and") and not words[n + 1].startswith("entity")


def _ends(text: str, match: re.Match[str], words: Sequence[str], n: int) -> bool:
    """Is "on" a state, "the lamp is switched on", and no preposition?"""
    return n + 1 == len(words) or words[n + 1] in ("and", "or") or text[match.end()] in ",.;"


def verbs_of(said: Said) -> frozenset[str]:
    """What relates two entities, apart from where they are."""
    return frozenset(
        one
        for one in said.direct | said.rest
        if one not in _COPULAS and one not in SPATIAL and one not in _THROUGH
    )
