"""Words that a rewrite may neither lose nor add, by kind, and those that say nothing alone."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "colour",
    "number",
    "noun",
    "adjective",
    "verb",
    "adverb",
    "position",
    "relation",
    "negation",
    "hedge",
    "word",
]


def _word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


COLOURS = _word_set(
    "red orange yellow green blue purple violet pink brown black white gray beige tan cream olive",
    "maroon navy teal turquoise cyan magenta lime gold golden silver khaki ivory bronze crimson",
    "scarlet lavender lilac indigo peach amber blond blonde auburn burgundy rust charcoal mustard",
    "reddish greenish bluish yellowish brownish whitish blackish grayish pinkish purplish orangish",
    "multicolored colorful transparent translucent",
)
POSITIONS = _word_set(
    "left right top bottom upper lower center middle central front back rear foreground background",
    "leftmost rightmost topmost bottommost corner edge side above below north south",
)
NUMBERS = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
}
ORDINALS = {
    f"{n}{ending}": word
    for n, (word, ending) in enumerate(
        (
            ("first", "st"),
            ("second", "nd"),
            ("third", "rd"),
            *((word, "th") for word in "fourth fifth sixth seventh eighth ninth tenth".split()),
        ),
        start=1,
    )
}
QUANTITIES = _word_set("several many few all both multiple numerous dozens every each single")
NEGATIONS = _word_set("no not n't n’t never none neither nor nobody nothing hardly barely cannot")
HEDGES = {
    **dict.fromkeys("possibly perhaps maybe may might could potentially".split(), "possibly"),
    **dict.fromkeys("probably likely presumably".split(), "probably"),
    **dict.fromkeys("appear seem apparently seemingly".split(), "seem"),
    **dict.fromkeys(("if", "though"), "if"),
    "or": "or",
}
SPELLINGS = {
    "grey": "gray",
    "greyish": "grayish",
    "colour": "color",
    "coloured": "colored",
    "colourful": "colorful",
    "coloring": "color",
    "colouring": "color",
    "colored": "color",
    "centre": "center",
    "tshirt": "t-shirt",
    "airplane": "plane",
    "aeroplane": "plane",
    "bike": "bicycle",
    "individual": "person",
    "human": "person",
    "photograph": "photo",
    "tv": "television",
    "o'clock": "clock",
}
"""Spellings and words that are the same to anyone; everything else is WordNet's."""

RELATIONS = {
    "next to": "beside",
    "adjacent to": "beside",
    "alongside": "beside",
    "beside": "beside",
    "besides": "beside",
    "close to": "near",
    "nearby": "near",
    "near to": "near",
    "near": "near",
    "in front of": "in front of",
    "on top of": "on",
    "upon": "on",
    "atop": "on",
    "onto": "on",
    "on": "on",
    "in back of": "behind",
    "behind": "behind",
    "inside of": "in",
    "inside": "in",
    "within": "in",
    "in": "in",
    "into": "into",
    "out of": "out of",
    "underneath": "under",
    "beneath": "under",
    "below": "under",
    "under": "under",
    "above": "above",
    "over": "above",
    "amid": "among",
    "amidst": "among",
    "amongst": "among",
    "among": "among",
    "in between": "between",
    "between": "between",
    "toward": "towards",
    "towards": "towards",
    "round": "around",
    "around": "around",
    "outside of": "outside",
    "with": "with",
    "having": "with",
    "has": "with",
    "have": "with",
    "wearing": "wear",
    "wears": "wear",
    "worn": "wear",
    "dressed in": "wear",
    "clad in": "wear",
    "by": "by",
    "at": "at",
    "from": "from",
    "for": "for",
    "without": "with",
    "along": "along",
    "across": "across",
    "against": "against",
    "through": "through",
    "throughout": "throughout",
    "opposite": "opposite",
    "beyond": "beyond",
    "past": "past",
    "off": "off",
    "up": "up",
    "down": "down",
    "away from": "away from",
    "away": "away",
    "than": "than",
    "like": "like",
    "outside": "outside",
}
LONGEST_RELATION = max(len(phrase.split()) for phrase in RELATIONS)
STILL = _word_set(
    # articles, pronouns, conjunctions, auxiliaries, and adverbs that only point
    "a an the this that these those it its itself he him his himself she her hers herself they",
    "them their theirs themselves one ones which who whom whose what where when while as and but",
    "there here be is are was were been being am do does did can will would to of so also too thus",
    "just now 's ’s i we you my our your us me another other others else such",
    "then because since until whereas although how why let however currently respectively",
)
GENERIC = _word_set(
    "object item thing element entity instance image picture photo scene frame view"
)
"""Nouns that stand for whatever is meant: their going or coming says nothing."""
PLACED = _word_set("locate situate position place see show visible depict present")
"""Verbs and adjectives that say only that something is where it is, or that it can be seen."""
GENDERS = {
    **dict.fromkeys("he him his himself".split(), "he"),
    **dict.fromkeys("she her hers herself".split(), "she"),
}
MALE = _word_set("man boy guy gentleman male father son brother king husband groom")
FEMALE = _word_set("woman girl lady female mother daughter sister queen wife bride")
KINDS: dict[str, Kind] = {
    "NOUN": "noun",
    "PROPN": "noun",
    "ADJ": "adjective",
    "VERB": "verb",
    "AUX": "verb",
    "ADV": "adverb",
}
