"""Colour words that are no colours where they stand: kinds, fruits, names, materials.

"A red onion" is purple, "white wine" yellow, "a blackboard" often green. Lists are ours and short;
a name that is missing may count a caption wrong that is right, so whatever came to mind is here.
"""

from __future__ import annotations

from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Parsed

_KINDS: tuple[tuple[str, str], ...] = (
    ("red", "onion light carpet cross wine cabbage panda squirrel deer pepper card tape kite"),
    ("red", "meat bean cedar oak maple fox clover tide planet alert"),
    ("white", "wine house board water noise bread rice pepper oak meat chocolate pine balance"),
    ("white", "tea bean coffee fish shark tiger rhino lie"),
    ("black", "board box bear tea pepper hole market bean coffee berry olive widow rhino cab"),
    ("black", "light friday sea forest currant walnut pudding"),
    ("brown", "bear rice sugar bread paper ale trout stone egg"),
    ("green", "house card light tea bean onion belt space screen salad room energy pepper party"),
    ("blue", "jay berry whale cheese print ray moon screen tit heron"),
    ("grey", "wolf whale heron area matter squirrel hound seal water"),
    ("gray", "wolf whale heron area matter squirrel hound seal water"),
    ("yellow", "light card pages page fever line"),
    ("orange", "juice tree slice peel zest segment light soda grove fruit wedge rind marmalade"),
    ("golden", "retriever gate hour eagle age rule labrador ratio temple bridge syrup goose"),
    ("gold", "medal fish mine rush finch card coin standard leaf"),
    ("silver", "medal ware fish birch screen lining coin fir fox"),
    ("bronze", "medal age statue sculpture star"),
    ("pink", "lady slip salmon"),
    ("purple", "heart onion martin"),
    ("olive", "oil tree branch grove"),
    ("cream", "cheese cake puff soda pie tea"),
    ("dark", "chocolate room horse side matter age corner meat"),
    ("pale", "ale"),
)
_KIND_NAMES = frozenset((colour, noun) for colour, line in _KINDS for noun in line.split())
_PLURAL_FRUIT = frozenset(
    {"orange", "lime", "plum", "peach", "lemon", "olive", "cherry", "apricot"}
)


def is_kind_name(colour: str, noun: str) -> bool:
    """Do a colour and the noun behind it name a kind, whatever its colour?

    >>> is_kind_name("red", "onions"), is_kind_name("red", "car")
    (True, False)
    """
    return (colour, noun) in _KIND_NAMES or (colour, singular(noun)) in _KIND_NAMES


def is_no_colour(parsed: Parsed, at: int) -> bool:
    """Is a colour's word the name of a fruit, a person or a place, or part of a fixed phrase?"""
    tokens = parsed.tokens
    token = tokens[at]
    after = tokens[at + 1].lower if at + 1 < len(tokens) else ""
    before = tokens[at - 1].lower if at else ""
    if after in ("'s", "’s") or before in ("mr", "mr.", "mrs", "mrs.", "ms", "ms.", "dr", "dr."):
        return True
    # "An orange on the table", "slices of orange": a thing, not a look.
    if token.lower in _PLURAL_FRUIT and token.pos == "NOUN":
        article = any(c.lower in ("a", "an", "the", "this") for c in parsed.children(at, "det"))
        if token.dep in ("nsubj", "nsubjpass", "dobj", "pobj", "ROOT", "attr") and (
            article or before == "of"
        ):
            return True
    # "The green" of a golf course, "the white" of an eye, "the blue".
    articled = any(child.lower == "the" for child in parsed.children(at, "det"))
    return token.pos == "NOUN" and articled and token.dep in ("nsubj", "dobj", "pobj")
