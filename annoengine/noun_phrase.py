"""Finds the head of an English noun phrase, and the subject of a sentence, by rule.

A summary such as "two young women riding a horse" must be read as being about women. Rules and
short word lists do that here, with a lexicon of known heads given by the caller, because the
phrases are short and formulaic and the verdict must be the same on every machine and in every
run; a tagger would bring a model, its version and its download.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_BREAK = re.compile(r"[,;:.!?()\[\]|\n\"“”]|\s[-–—]+\s|—")

_IRREGULAR = {
    "tvs": "tv",
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "oxen": "ox",
    "calves": "calf",
    "halves": "half",
    "hooves": "hoof",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "lives": "life",
    "scarves": "scarf",
    "shelves": "shelf",
    "wolves": "wolf",
    "elves": "elf",
    "buses": "bus",
    "gases": "gas",
    "lenses": "lens",
    "canvases": "canvas",
    "cacti": "cactus",
    "skis": "ski",
    "taxis": "taxi",
    "kiwis": "kiwi",
    "menus": "menu",
    "emus": "emu",
    "shoes": "shoe",
    "toes": "toe",
    "canoes": "canoe",
    "horseshoes": "horseshoe",
    "snowshoes": "snowshoe",
    "cookies": "cookie",
    "brownies": "brownie",
    "movies": "movie",
    "birdies": "birdie",
    "veggies": "veggie",
    "smoothies": "smoothie",
    "hoodies": "hoodie",
    "doggies": "doggie",
    "kiddies": "kiddie",
    "walkie": "walkie",
    "bookcases": "bookcase",
    "buddies": "buddy",
}
_NO_PLURAL_ENDING = ("ss", "us", "is", "’s", "'s")
_NOT_PLURAL = frozenset({"gas", "lens", "canvas", "atlas", "christmas", "pancreas", "texas"})


def _word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_DETERMINERS = _word_set(
    "a an the this that these those another other some any each every one its his her their my",
    "our your several many few various both all no what",
)
_ENDS = _word_set(
    # prepositions and particles
    "with in on at from near behind beside besides between by for to into onto over under",
    "underneath above below across along around against among amid amidst atop inside outside",
    "within without next opposite toward towards through throughout down off out about upon",
    "like beyond past during via per as close mid midair adjacent",
    # pronouns and conjunctions
    "who which whose whom where when while that because but so it they he she there then than",
    # auxiliaries and verbs that follow a subject, unless they are nouns as well
    "is are was were be been being has have had having can could will would may might must",
    "should do does did appears appear seems seem stands sits sit lies lie rests hangs extends",
    "extend stretches covers wears wear holds hold carries carry looks faces features feature",
    "consists consist provides provide supports walks rides shows displays depicts contains",
    "contain fills surrounds separates serves adds creates forms occupies dominates leans grows",
    "rises towers flies floats glides moves plays eats drinks grazes flows reflects casts spans",
    "runs swings remains made seen held worn shown taken",
)
_TRANSPARENT = _word_set(
    # "a ... of trees" is about trees
    "group pair bunch row line stack pile set piece slice part portion section segment patch bed",
    "stretch body area region side front back rear top bottom edge end corner half quarter view",
    "layer blanket sheet carpet coat cover covering expanse strip cluster crowd herd flock pack",
    "team series collection array variety assortment number couple lot lots dozen bit type kind",
    "sort form mass mound heap clump tuft band range chain plate tray platter basket crate",
    "assembly selection handful mixture glimpse image picture photo interior exterior surface",
    "face head trunk flight swath block chunk scoop serving square roll loaf stand grove spread",
    "field background foreground scene silhouette outline reflection stalk sprig",
)
_TRAILING = _word_set(
    # "tree ..." may name but a part of the tree, or where it is
    "group section segment part portion patch area region side front back rear top bottom edge end",
    "corner half piece slice surface background foreground body head face row line pile stack set",
    "pair bunch cluster herd flock crowd left right center centre middle view space expanse",
    "covering texture structure object item element instance figure scene ground field trunk",
    "branch foliage silhouette facade tail leg neck torso ear material stuff",
)
_GENERIC = _word_set(
    "background foreground backdrop ground area surface region object item thing scene image",
    "picture photo element section part mark",
)
_NOT_ADVERB = frozenset({"family", "butterfly", "fly", "lily", "jelly", "belly", "bully", "ply"})
_NOT_GERUND = frozenset({"king", "ring", "string", "wing", "spring", "sling", "swing", "thing"})
_NOT_PARTICIPLE = frozenset({"bed", "shed", "sled", "red", "weed", "seed", "reed", "steed", "feed"})
_AND = frozenset({"and", "or", "&", "plus"})
_COPULA = (
    r"(?:is|are|was|were|shows?|features?|consists? of|includes?|contains?|depicts?|displays?"
    r"|appears? to be|seems? to be|seems? like|looks? like|can be seen|reveals?)"
)
_COMPLEMENT = re.compile(
    rf"\b{_COPULA}\s+(?:(?:mostly|mainly|entirely|largely|partly|partially|completely|fully"
    r"|filled|covered|made up|composed|dominated|of|with|by|in|likely|possibly|probably)\s+)*",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"^(?:in|on|at|to|near|behind|beside|along|across|above|below|under|beneath|around)\b"
    r"[^,.;]{0,60},\s*",
    re.IGNORECASE,
)
_POSSESSES = re.compile(
    r"\b(?:wears?|wearing|holds?|holding|carr(?:y|ies|ying)|rid(?:es?|ing)|us(?:es?|ing)"
    r"|swing(?:s|ing)?|grips?|gripping|grasps?|grasping|has|have|having|play(?:s|ing)? with)\s+"
    r"(?:(?:up|onto|on|out|with)\s+)?",
    re.IGNORECASE,
)


_LONGEST_PART = 240
"""How much of a text between two commas is looked at, in characters."""


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """The singular of one lower-case English word, by rule; other words come back as they are.

    >>> [singular(word) for word in ("people", "buses", "grass", "knives", "ties", "cherries")]
    ['person', 'bus', 'grass', 'knife', 'tie', 'cherry']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for many, one in (("women", "woman"), ("men", "man"), ("people", "person")):
        if word.endswith(many) and len(word) > len(many) and word != "specimen":
            return word[: -len(many)] + one
    if not word.endswith("s") or len(word) < 4 or word in _NOT_PLURAL:
        return word
    if word.endswith(_NO_PLURAL_ENDING):
        return word
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def plural(phrase: str) -> str:
    """The regular plural of a noun phrase: that of its last word.

    >>> plural("brick wall"), plural("bus"), plural("cherry"), plural("fireman")
    ('brick walls', 'buses', 'cherries', 'firemen')
    """
    *before, last = phrase.split() or [""]
    lower = last.lower()
    back = {one: many for many, one in _IRREGULAR.items() if one != many}
    if lower in back:
        many = back[lower]
    elif lower.endswith("man") and lower not in ("human", "german", "roman", "ottoman", "talisman"):
        many = last[:-2] + "en"
    elif lower.endswith(("s", "x", "ch", "sh", "z")):
        many = last if singular(lower) != lower else last + "es"
    elif lower.endswith("y") and lower[-2:-1] not in "aeiou":
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return " ".join([*before, many])


def words_of_text(text: str) -> list[str]:
    """The lower-case words; hyphens and slashes part words, a possessive ending is dropped."""
    found = (match.group().lower() for match in _WORD.finditer(text))
    return [re.sub(r"['’]s?$", "", word) for word in found]


def _bound_words(text: str) -> frozenset[int]:
    """The positions of words that a hyphen binds to a neighbour: adjectives, as in "carry-on"."""
    return frozenset(
        position
        for position, match in enumerate(_WORD.finditer(text))
        if text[match.end() : match.end() + 1] == "-"
        or text[match.start() - 1 : match.start()] == "-"
    )


def singular_words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case and singular, articles and numerals left out.

    >>> singular_words("The two Tennis-Rackets")
    ('two', 'tennis', 'racket')
    """
    return tuple(singular(word) for word in words_of_text(text) if word not in ("a", "an", "the"))


def noun_phrases(text: str, known: Collection[str]) -> list[tuple[str, ...]]:
    """The noun phrases that a title is about, singular, each ending in its head.

    ``known`` are heads (singular, several words joined by a space); they decide where a
    participle follows its noun ("man riding a horse") and where it comes before ("riding boots").
    Of a list by commas the first part that names a known head counts.

    >>> noun_phrases("a slice of pizza on a plate", {"pizza", "plate"})
    [('slice',), ('pizza',)]
    """
    first: list[tuple[str, ...]] = []
    for part in _BREAK.split(text.replace("/", " or ")):
        found = _phrases_of_part(part, known)
        if _any_known(found, known):
            return found
        first = first or found
    return first


def subject_phrases(text: str, known: Collection[str]) -> list[tuple[str, ...]]:
    """The noun phrases that a description is about: its subject, or what "it is".

    An opening such as "In the background," is passed over. Where the subject is a pronoun or a
    word such as *background*, the complement counts as well ("the background consists of grass").
    """
    sentence = _first_sentence(text)
    first = next((part for part in _BREAK.split(sentence) if part.strip()), "")
    found = noun_phrases(first, known)
    if not found or found[0][-1] in _GENERIC:
        complement = _COMPLEMENT.search(sentence)
        if complement:
            return [*found, *noun_phrases(sentence[complement.end() :], known)]
    if not _ENDS.isdisjoint(words_of_text(first)):
        return found
    # No verb yet: "Large, red bus", "a flat surface, possibly a table".
    return found if _any_known(found, known) else noun_phrases(sentence, known)


def possessed_phrases(text: str, known: Collection[str]) -> list[tuple[str, ...]]:
    """The noun phrases that the subject of a description has, holds, wears, rides or uses."""
    sentence = _first_sentence(text)
    found = []
    for match in _POSSESSES.finditer(sentence):
        found += noun_phrases(sentence[match.end() :], known)
    return found


def drop_part_words(phrase: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The phrase, and where its head may only name a part or a place of it, the phrase without.

    >>> drop_part_words(("brick", "wall", "section")), drop_part_words(("dog", "house"))
    ((('brick', 'wall', 'section'), ('brick', 'wall')), (('dog', 'house'),))
    """
    found = [phrase]
    while len(phrase) > 1:
        last = phrase[-1]
        if last not in _TRAILING and not last.isdigit() and len(last) > 1:
            break
        phrase = phrase[:-1]
        found.append(phrase)
    return tuple(found)


def _first_sentence(text: str) -> str:
    sentence = re.split(r"(?<=[a-z\)\"”’'])[.!?](?:\s|$)|[;\n]", text.strip(), maxsplit=1)[0]
    return _LEAD_IN.sub("", sentence)


def _any_known(phrases: list[tuple[str, ...]], known: Collection[str]) -> bool:
    return any(_has_known_tail(phrase, known) for phrase in phrases)


def _has_known_tail(phrase: tuple[str, ...], known: Collection[str]) -> bool:
    return any(
        " ".join(phrase[start:]) in known for start in range(max(0, len(phrase) - 4), len(phrase))
    )


def _phrases_of_part(text: str, known: Collection[str]) -> list[tuple[str, ...]]:
    text = text[:_LONGEST_PART]
    words, bound = words_of_text(text), _bound_words(text)
    found: list[tuple[str, ...]] = []
    current: list[str] = []

    def close() -> None:
        if current:
            found.append(tuple(current))
            current.clear()

    passed = 0
    for position, word in enumerate(words):
        if position < passed:
            continue
        compound = _compound_at(words, position, known)
        if compound:
            current += compound
            passed = position + len(compound)
            continue
        following = words[position + 1] if position + 1 < len(words) else ""
        one = singular(word)
        if word in _DETERMINERS and not (word == "that" and current):
            continue
        if word == "of":
            transparent = bool(current) and current[-1] in _TRANSPARENT
            close()
            if not transparent:
                break
            continue
        if word in _AND:
            close()
            continue
        if word in _ENDS and (position not in bound or word == "mid"):
            break
        is_known = one in known
        if word.endswith("ly") and word not in _NOT_ADVERB and not is_known:
            continue
        if _follows_its_noun(word, following, current, known, is_known):
            break
        current.append(one)
    close()
    return found


def _compound_at(words: list[str], position: int, known: Collection[str]) -> list[str]:
    """The known head of several words that begins here ("pick up truck", "glass of water")."""
    for length in range(4, 1, -1):
        found = [singular(word) for word in words[position : position + length]]
        if len(found) == length and " ".join(found) in known:
            return found
    return []


def _follows_its_noun(
    word: str, following: str, current: list[str], known: Collection[str], is_known: bool
) -> bool:
    """Is this a participle that comes after its noun, so that the noun phrase has ended?"""
    if not current or is_known:
        return False
    if word.endswith("ing") and word not in _NOT_GERUND:
        if f"{word} {singular(following)}" in known:
            return False
        return any(noun in known for noun in current) or _has_known_tail(tuple(current), known)
    if word.endswith("ed") and word not in _NOT_PARTICIPLE:
        return not following or following in _ENDS or following == "of"
    return False
