"""Words by which the embedded judge compares statements: stems, synonyms, opposites, relations.

Lists are short and ours. A pair that is missing makes the judge say No where a person says Yes;
WordNet, where it is on, knows more.
"""

from __future__ import annotations

from functools import lru_cache

from annoengine.claims.colour_terms import is_colour_word

_IRREGULAR = {
    word: stem
    for stem, forms in {
        "wear": "worn wore wearing wears",
        "hold": "held",
        "carry": "carries carried",
        "sit": "sat sits sitting",
        "stand": "stood",
        "lie": "lies lying lay laid laying lays",
        "run": "ran running",
        "hang": "hung",
        "ride": "riding rides rode ridden",
        "light": "lit lighting lighted lights illuminated illuminate illumination",
        "shine": "shining shone shines",
        "rise": "rising rose rises risen",
        "make": "made making",
        "eat": "eating ate eaten",
        "bend": "bent",
        "build": "built",
        "throw": "thrown threw",
        "sleep": "asleep slept",
        "people": "person persons",
        "child": "children",
        "tooth": "teeth",
        "foot": "feet",
        "leaf": "leaves",
        "man": "men",
        "woman": "women",
        "shape": "shaped",
        "have": "has having had",
        "freeze": "frozen",
        "break": "broken",
        "grow": "grown grew",
        "water": "waters",
        "glass": "glass",
        "grass": "grass",
        "dress": "dress dressed",
        "wood": "wooden",
        "metal": "metallic",
        "fog": "foggy",
        "sun": "sunny sunlit",
        "cloud": "cloudy",
        "gray": "grey",
        "colour": "color colors colours coloured colored",
        "center": "centre middle central",
        "cozy": "cosy",
    }.items()
    for word in [stem, *forms.split()]
}

_ALIKE = tuple(
    frozenset(group.split())
    for group in (
        "small little tiny",
        "large big huge",
        "old elderly aged",
        "young youthful",
        "round circular",
        "tall high",
        "dim dark",
        "shiny glossy",
        "calm peaceful tranquil serene quiet",
        "lively vibrant busy",
        "cheerful happy",
        "warm cozy",
        "overcast cloud",
        "night nighttime",
        "day daytime daylight",
        "stripe striped",
        "ride mount",
        "carry hold",
        "grip hold grasp",
        "shine light",
        "locate position place situate",
        "look gaze stare",
        "park parked",
        "visible seen see",
        "transparent see-through clear",
        "modern new",
        "mood atmosphere tone feel feeling ambience scene",
        "photo photograph image picture",
        "edge border",
        "pile stack",
        "lean rest",
        "spot dot",
        "couch sofa",
        "fill full contain",
        "repair fix mend",
        "bike bicycle",
    )
)

_OPPOSITE = tuple(
    tuple(frozenset(side.split()) for side in pair.split("|"))
    for pair in (
        "small little tiny|large big huge",
        "old elderly|young new modern",
        "tall high long|short low",
        "round circular|square rectangular",
        "wet|dry",
        "open|close shut",
        "on|off",
        "empty|full crowd fill",
        "bright|dim dark",
        "light|dark",
        "clear|cloud overcast fog",
        "calm peaceful quiet|rough wild noisy tense lively busy",
        "smooth|rough uneven textured",
        "day|night",
        "morning|evening",
        "summer|winter",
        "warm|cold cool",
        "soft|harsh hard",
        "left|right",
        "foreground|background",
        "upper|lower",
        "top|bottom",
        "transparent|opaque",
        "shiny|dull matte",
        "ripe|rotten unripe",
        "clean|dirty",
        "straight|curved bent",
        "thick|thin",
        "wide|narrow",
        "sit|stand lie",
        "sleep|awake run walk",
        "moving move|park stop",
        "man boy|woman girl",
        "larger bigger|smaller",
        "taller higher|shorter lower",
        "older|younger",
        "brighter lighter|darker",
        "wider|narrower",
        "longer|shorter",
        "intact|damage break",
    )
)

_SHADES = {
    shade: base
    for base, shades in {
        "red": "crimson scarlet maroon ruby",
        "blue": "navy azure turquoise teal cobalt",
        "green": "olive emerald lime verdant",
        "yellow": "golden lemon mustard",
        "brown": "tan chestnut auburn",
        "purple": "violet lavender mauve",
        "white": "ivory cream snowy",
        "gray": "charcoal slate ashen",
        "wood": "oak pine bamboo walnut birch",
        "metal": "steel iron brass copper aluminum aluminium",
        "stone": "marble granite slate",
        "car": "taxi",
        "man": "fisherman",
        "hat": "cap helmet",
        "coat": "raincoat",
        "large": "largest",
    }.items()
    for shade in shades.split()
}
"""A word that says more than another: what is crimson is red, but not the other way about."""

SPATIAL: dict[str, str] = {
    word: relation
    for relation, words in {
        "left": "left",
        "right": "right",
        "above": "above over",
        "below": "below under beneath underneath",
        "front": "front",
        "behind": "behind",
        "on": "on atop upon onto",
        "in": "in inside within into",
        "outside": "outside",
        "near": "near next beside by close adjacent alongside nearby",
        "far": "far away",
        "between": "between",
        "against": "against",
        "around": "around surrounding",
        "across": "across",
        "through": "through",
        "along": "along",
        "from": "from",
        "at": "at",
        "with": "with",
    }.items()
    for word in words.split()
}

INVERSE = {
    "left": "right",
    "right": "left",
    "above": "below",
    "below": "above",
    "front": "behind",
    "behind": "front",
    "on": "below",
    "near": "near",
    "far": "far",
    "against": "against",
}
"""What b is to a where a is so to b."""

IMPLIED: dict[str, frozenset[str]] = {
    "on": frozenset({"above"}),
    "against": frozenset({"near"}),
}
"""What follows from a relation in the same direction."""

LIGHT = frozenset(
    "is are was were be been being am do does did has have having had the a an of it its there "
    "this that these those and or also entity to some any very quite his her their he she they "
    "what true image overall can seem appear as photograph s take".split()
)
"""Words that ask for nothing by themselves."""

NOT = frozenset("not no n't never without none nor cannot".split())

NUMBERS = {
    **{
        word: word
        for word in "one two three four five six seven eight nine ten eleven twelve".split()
    },
    **{str(n): word for n, word in enumerate("two three four five six seven eight".split(), 2)},
    "both": "two",
    "pair": "two",
}


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word without its ending, so that its forms meet: not always a word itself.

    >>> stem("floating") == stem("floats"), stem("carried"), stem("bus")
    (True, 'carry', 'bus')
    """
    word = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in NUMBERS:
        return NUMBERS[word]
    if len(word) <= 3 or word.endswith(("ss", "us", "is")) or is_colour_word(word):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    if word.endswith("s"):
        return _bare(word[:-1])
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and word not in _WHOLE:
            return _bare(word[: -len(ending)])
    return _bare(word)


_WHOLE = frozenset("building ceiling evening morning red bed ring spring wing king during".split())


def _bare(word: str) -> str:
    """One stem for "graze", "graz" and for "stop", "stopp"."""
    if len(word) > 3 and word[-1] == word[-2] and word[-1] in "bdgmnprt":
        return word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


_STEMMED_ALIKE = tuple(frozenset(stem(word) for word in group) for group in _ALIKE)
_STEMMED_OPPOSITE = tuple(
    tuple(frozenset(stem(word) for word in side) for side in pair) for pair in _OPPOSITE
)
_STEMMED_SHADES = {stem(shade): stem(base) for shade, base in _SHADES.items()}
_NUMBER_WORDS = frozenset(NUMBERS.values()) | {"one"}


def alike(asked: str, said: str) -> bool:
    """Does a stem that is said support one that is asked about?"""
    if asked == said or _STEMMED_SHADES.get(said) == asked:
        return True
    return any(asked in group and said in group for group in _STEMMED_ALIKE)


def opposite(one: str, other: str) -> bool:
    """Can two stems not be true of one thing at once: opposites, colours, numbers?"""
    if one == other:
        return False
    if one in _NUMBER_WORDS and other in _NUMBER_WORDS:
        return True
    if is_colour_word(one) and is_colour_word(other):
        return not alike(one, other) and not alike(other, one)
    return any(
        (one in first and other in second) or (one in second and other in first)
        for first, second in _STEMMED_OPPOSITE
    )
