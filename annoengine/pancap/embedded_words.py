"""Words by which the embedded extractor reads captions: what names no entity, what the whole image.

Short lists, singular and lower-case, and ours. Lists of parts, garments and views are those of
``annoengine.claims.mention_words``; here stands what only panoptic captions ask for.
"""

from __future__ import annotations

from annoengine.claims.mention_words import VIEW


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


PLACES = VIEW | _words(
    "side corner middle center centre top bottom part area edge half third portion section upper",
    "lower front rear surrounding midground horizon row column rest majority",
)
"""Where something is: a box behind such a word is that of whoever is there."""

NO_ENTITY = (PLACES - _words("shadow")) | _words(
    "hint touch color colour hue tone shade pattern shape size style look appearance texture",
    "detail focus effect variation number kind type sort form manner fashion way condition",
    "bloom life hand-side pose posture position focus emphasis element feature sense feeling",
    "impression arrangement distribution formation length width height depth amount level",
    "use work rest order line-up contrast quality view close-up angle crop harvest harvesting",
    "point orientation movement motion activity action time season summer winter autumn spring",
    "morning afternoon evening noon midday dusk dawn weather direction attention design glimpse",
    "daytime nighttime observation material source highlight curve base downwards downward upwards",
    "background standing existence reason example case fact possibility opening event moment",
    "front middle addition object box one ones thing something other others none",
)
"""Nouns that name no entity of their own where no box says that they do."""

AMOUNT = _words(
    "layer row patch hint group pair bunch line stack pile set number couple dozen series variety",
    "collection array cluster crowd herd flock stretch touch piece lot mix mixture assortment",
    "sheet section part sheen strip streak bit glimpse variation scattering ring",
)
"""*X of Y* names Y: "patches of vegetation". With a box of its own, X is an entity all the same."""

GLOBAL = _words(
    "lighting light image photo photograph picture scene mood atmosphere tone setting environment",
    "background foreground weather daylight sunlight shadow composition palette style perspective",
    "shot view feeling ambience ambiance air overall focus contrast camera sky day vibe exposure",
    "viewpoint season time backdrop illumination brightness",
)
"""A sentence about one of these is about the whole image."""

SHOWS = _words("show depict feature display capture present portray include contain reveal")
"""What an image does: the object is what the caption is about."""

INFERS = _words(
    "suggest indicate imply create add allow give appear seem emphasize emphasise highlight",
    "enhance make show include serve contribute evoke convey reveal cause lead help",
)
"""Verbs whose participle behind a comma draws a conclusion and describes no entity."""

MATERIALS = _words(
    "wood wooden metal metallic steel iron brass copper gold silver plastic glass ceramic clay",
    "porcelain stone brick concrete marble granite leather cotton wool silk denim linen fabric",
    "paper cardboard rubber wicker bamboo straw oak pine velvet canvas aluminium aluminum chrome",
    "tin bronze vinyl foam dirt mud sand gravel asphalt thatch tile nylon polyester lace fur",
)

ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth last another other next",
)
"""Words that number instances of one kind."""

SIDES = _words(
    "left right leftmost rightmost middle upper lower top bottom inner outer front rear back",
    "central main uppermost lowermost nearest farthest furthest far near foremost background",
    "foreground topmost centermost closest",
)
"""Words that tell instances of one kind apart by their place."""

NUMBERS = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}

FORMS_OF_BE = {
    "are": "is",
    "'re": "is",
    "'s": "is",
    "’s": "is",
    "were": "is",
    "was": "is",
    "be": "is",
}
"""Forms of "be" in statements, which are about one entity each."""

ADVERBS_UNSAID = frozenset(
    {
        "here",
        "also",
        "seemingly",
        "potentially",
        "possibly",
        "there",
        "further",
        "where",
        "when",
        "how",
        "why",
    }
)

MODALS = frozenset({"can", "could", "may", "might"})

STATES = frozenset({"on", "off", "up", "down", "open"})

LOCATING = frozenset("locate position situate place find see".split())

HOLLOW = frozenset("consist make attach cover fill have surround hang extend lean come".split())
"""Verbs that say nothing without what follows them."""

VAGUE = frozenset({"other", "same", "such", "own", "main", "overall", "rest", "entire", "several"})

SHINE = frozenset("silver gold copper bronze chrome".split())
"""Materials that are colours before a noun, more often than not."""

SHADE_WORDS = frozenset("dark light bright pale deep vivid soft dull".split())
