"""Tells how large a part is at least, beside what it is a part of, so that it can be seen at all.

Parts have no masks; a word's class (a garment, an eye, a label) gives the least patch of pixels
that it may be. All shares are ours, set on photographs whose parts were looked at by eye.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How large a part's patch is at least, where it can be seen at all.

    ``share`` of its owner and ``least_px`` pixels; ``owner_px``: the least area of an owner on
    which it can be seen. ``surely``: the share from which a patch tells that the part has it.
    ``scarce``: the largest patches of what surely has the colour, likely has it and may pass for
    it, as shares of the owner, that together are still too small for the part. ``vivid``: the same
    for colours with a hue of their own, which shade and sheen turn into no other.
    """

    share: float
    least_px: int
    owner_px: int
    surely: float
    scarce: tuple[float, float, float] = (0, 0, 0)
    vivid: tuple[float, float, float] = (0, 0, 0)


VIVID_PX = 1000
"""The least area of an owner for ``vivid``: on a small one the colours about it mix in. Ours."""

GARMENT = Size(0.01, 40, 300, 0.05, (0.02, 0.05, 0.14), (0.025, 0.07, 0.2))
MASSIVE = Size(0.01, 40, 300, 0.05, (0.005, 0.01, 0.03))
BIG = Size(0.01, 40, 300, 0.05)
HEADWEAR = Size(0.003, 25, 900, 0.03, (0.002, 0.006, 0.03))
_SOLID = Size(0.003, 25, 900, 0.01, (0.001, 0.003, 0.03))
_MEDIUM = Size(0.003, 25, 900, 0.01, vivid=(0.0006, 0.0015, 0.008))
_WALLS = Size(0.01, 40, 300, 0.05, (0.01, 0.03, 0.08))
_SMALL = Size(0.001, 12, 1500, 0.004)
TINY = Size(0.0004, 8, 9000, 0.001)

UPPER = frozenset(
    "shirt tshirt tee sweater sweatshirt hoodie jersey blouse tunic jumper top cardigan vest "
    "dress".split()
)
LOWER = frozenset("trouser trousers jean jeans pant pants short shorts skirt legging".split())
OUTER = frozenset(
    "suit spacesuit jumpsuit jacket coat uniform robe gown wetsuit costume outfit attire clothing "
    "clothe clothes garment cloak cape blazer parka overalls poncho raincoat kimono".split()
)
COVERING = OUTER | frozenset("cardigan vest sweater hoodie apron jumper scarf shawl tie".split())
"""What may leave little to be seen of a garment below it."""

_MASSIVE_PARTS = frozenset("mane hull fuselage petal cab body torso".split())
_BIG_PARTS = frozenset(
    "fur hide fleece wool plumage hair roof leaf foliage upholstery frame facade".split()
)
_SOLID_PARTS = frozenset("handle lid visor door seat saddle sleeve wing sail hood bonnet".split())
HAIRY = frozenset("hair beard moustache mustache fur mane coat pelt ponytail braid eyebrow".split())
_HATS = frozenset("hat cap helmet beanie turban".split())
_SMALL_PARTS = frozenset(
    "ear label sticker stripe band line trim seam stitching string lace lacing bill beak horn hoof "
    "badge patch emblem insignia tie bowtie belt strap ribbon bow collar cuff pocket "
    "sock headband tip rim edge border hem center centre middle core stem mark marking accent "
    "detail light headlight taillight mirror spot streak leash lanyard lettering text logo number "
    "inscription glove antenna crest comb".split()
)
_TINY_PARTS = frozenset(
    "eye nose nostril mouth lip tongue tooth whisker button knob earring ring watch wristwatch "
    "bracelet necklace letter tag zipper buckle dot freckle speck speckle claw eyebrow eyelash "
    "brow nail fingernail toe finger thumb headlamp vein anther highlight armband wristband "
    "stamen pistil bulb glasses sunglasses sunglass goggle lens".split()
)


def size_of(head: str) -> Size:
    """The size of a part by its noun, singular; of one that is not listed, a middling one."""
    if head in _MASSIVE_PARTS:
        return MASSIVE
    if head in _HATS:
        return HEADWEAR
    if head == "wall":
        return _WALLS
    if head in _BIG_PARTS:
        return BIG
    if head in _SOLID_PARTS:
        return _SOLID
    if head in _TINY_PARTS:
        return TINY
    return _SMALL if head in _SMALL_PARTS else _MEDIUM
