"""Nouns by what they can be in a caption: a part of a body, a garment, a part of a thing, a view.

Short lists, singular and lower-case, and ours: no table of parts covers what captions speak of. A
word that is missing makes a statement "cannot tell", a word too many may make it wrong; so a word
that may as well be a thing of its own is left out.
"""

from __future__ import annotations

from functools import lru_cache

from annoengine import noun_phrase
from annoengine.categories import named

singular = lru_cache(maxsize=1 << 14)(noun_phrase.singular)
"""``annoengine.noun_phrase.singular``, which the rules ask some fifty times a caption."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


BODY = _words(
    "face head hair ear eye nose mouth beak bill snout muzzle whisker neck mane chest belly",
    "stomach abdomen back arm hand finger thumb leg foot paw hoof tail wing feather fur coat",
    "horn antler tusk trunk shoulder knee elbow wrist ankle thigh hip waist skin beard",
    "moustache mustache tongue tooth lip cheek chin forehead brow eyebrow eyelash throat",
    "underside torso body claw fin gill wool fleece hide plumage crest toe palm nostril flank",
    "rump hump nail fingernail bang ponytail braid bun curl smile jaw underbelly forelock pelt",
)
"""Parts of people and animals."""

WORN = _words(
    "shirt tshirt tee blouse sweater sweatshirt jumper jacket suit spacesuit jumpsuit uniform",
    "jersey dress skirt pants trouser trousers jeans jean short shorts legging leggings sock",
    "shoe boot sneaker sandal heel hat cap beanie helmet glove mitten scarf tie bowtie necktie",
    "belt glasses spectacles sunglasses sunglass goggles goggle watch wristwatch bracelet",
    "necklace earring vest hoodie robe gown apron sleeve cuff pocket zipper blazer cardigan",
    "overalls parka headband bandana costume outfit attire clothing clothes garment wetsuit",
    "swimsuit bikini headset earpiece headphone headphones cape cloak turban crown ring",
    "stocking shawl poncho tunic sari kimono armband wristband lanyard tuxedo raincoat",
    "windbreaker visor pant lapel harness leash bridle halter blindfold undershirt turtleneck",
    "polo trunks top",
)
"""What is worn, by people mostly."""

PARTS = _words(
    "wheel tire tyre hubcap rim window windshield windscreen windowpane door hood bonnet bumper",
    "headlight taillight headlamp grille mirror fender mudguard handle handlebar seat frame lid",
    "edge border base leg armrest backrest cushion back bottom side front rear surface panel",
    "pane stripe band line pattern logo text lettering letter inscription writing number screen",
    "button knob spout interior inside exterior outside corner tip stem petal leaf center",
    "centre middle core bark branch twig trunk foliage crown label sticker nose fuselage",
    "propeller cockpit livery body paint paintwork trim detail accent marking mark spot dot",
    "patch section part portion area lining fringe seam fold wrinkle texture crust topping",
    "filling sauce frosting icing peel rind flesh stalk mortar beam pillar column railing",
    "balcony chimney eave arch sail mast hull deck string grip dial shade bulb cord blade shaft",
    "bristle tint hue colour color tone coloration colouration colouring coloring finish",
    "upholstery fabric material print design emblem insignia crest collar tag ribbon bow buckle",
    "strap hem ring half tail wing nozzle booster cone tank engine roof freckle tassel anther",
    "stamen pistil sepal vein undercarriage chassis pedal chain spoke saddle layer sheen gloss",
    "foam froth crema rosette ridge cover tarp tarpaulin canopy awning field canton gable tile",
    "shingle facade top lens clasp rung rail truss girder crossbar antenna speckle streak",
    "highlight reflection shadow pole ladder cab blossom bloom shell booster column wall",
)
"""Parts of things, and what is seen on them."""

WHOLE = _words(
    "body colour color coloration colouration colouring coloring tone tint hue paint paintwork",
    "livery exterior surface coat fur hide pelt plumage fleece wool skin finish appearance",
    "shade upholstery material fabric foliage facade",
)
"""Parts that are most of the thing, or a word for its look."""

VIEW = _words(
    "image photo photograph picture scene frame view background foreground backdrop shot left",
    "right distance lighting light shadow camera viewer atmosphere mood composition setting",
    "perspective environment day night daylight sunlight angle moment contrast effect vicinity",
    "direction place position way time presence addition front proximity midground sense touch",
    "air context",
)
"""What belongs to the picture or to nothing that could be segmented."""

SPOTS = frozenset({"corner", "edge", "side", "end", "border", "margin"})
SIDES = frozenset({"left", "right", "top", "bottom", "upper", "lower", "far"})
"""Words for places in the picture: "the upper left corner"."""

GENERIC = _words("object item thing subject segment region element entity piece")
"""What a caption calls whatever it describes."""

LOOSE = _words(
    "structure device plant animal creature pet vehicle container utensil furniture machine",
    "tool figure accessory instrument vessel appliance product feline canine specimen",
)
"""Names so wide that a caption uses them, with *the* or *this*, for what it has named before."""

CONTENTS = _words("coffee tea drink beverage soup juice water milk beer wine liquid espresso")
"""What may be called like the vessel that holds it."""

MATERIAL = _words(
    "cloth fabric rock stone wood timber brick metal glass leather plastic paper cotton wool silk",
    "denim velvet marble granite concrete steel iron clay ceramic porcelain straw felt nylon",
    "canvas linen satin suede rubber bamboo wicker tile sandstone",
)
"""What things are made of: *a patch of yellow cloth* is yellow itself."""

VESSELS = frozenset({"cup", "bowl", "bottle", "wine glass", "vase"})
"""Categories of COCO that hold something. Source: cocodataset.org, the list of categories."""

QUANTITY = _words(
    "group pair bunch row line stack pile set slice lot number couple dozen series collection",
    "array variety assortment cluster crowd herd flock pack team type kind sort form piece",
    "stretch expanse bed image picture photo photograph handful mixture plenty majority range",
    "sheet body sea field mass string glimpse view swath trio quartet loaf bouquet bit clump",
    "tuft",
)
"""*X of Y* is about Y."""

SHARE = _words("patch section part portion area segment layer half quarter bit streak strip edge")
"""*X of Y* is a part of Y."""

HAVE = _words(
    "have feature display wear sport bear show include possess boast contain exhibit don reveal",
    "consist comprise present clothe",
)
"""Verbs whose object is a part of their subject, or on it."""

SHE = frozenset({"he", "him", "himself", "she", "her", "herself", "his", "hers"})
THEY = frozenset({"they", "them", "themselves", "their", "theirs"})
IT = frozenset({"it", "its", "itself"})
THIS = frozenset({"this", "that", "these", "those"})
"""Pronouns."""

OTHER = _words("another other others different neighbouring neighboring adjacent nearby else")
"""Words that make a noun one that is not the one spoken of so far."""

PEOPLE = _words(
    "astronaut cosmonaut pianist violinist cellist drummer magician juggler carpenter plumber",
    "jumper lifter supporter parader hooker",
    "welder electrician librarian lawyer cameraperson toreador matador gymnast boxer wrestler",
)
"""Names of people that the table of categories does not have."""

_ALSO_THINGS = _words(
    "model figure silhouette mannequin fan coach server reader catcher conductor monitor judge",
    "official head hand face body subject arm leg foot hair finger thumb palm chest lap native",
    "local senior minor general cleaner cooker speaker player cruiser walker runner driver",
    "guard",
)
"""Names of people that name things, or parts, as well."""

ANIMALS = frozenset(
    ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
)
"""The animals among the categories of COCO. Source: cocodataset.org, the list of categories."""


@lru_cache(maxsize=4096)
def is_person(category: str) -> bool:
    """Is it a category of people?

    >>> is_person("person"), is_person("astronaut"), is_person("dog")
    (True, True, False)
    """
    if category.split(" ")[-1].split("-")[0] in _ALSO_THINGS:
        return False
    return category == "person" or category in PEOPLE or "person" in named(category)


@lru_cache(maxsize=4096)
def is_animal(category: str) -> bool:
    """Is it a category of animals?

    >>> is_animal("giraffe"), is_animal("teddy bear")
    (True, False)
    """
    return category in ANIMALS or not ANIMALS.isdisjoint(named(category))
