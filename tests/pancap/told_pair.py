"""Two captions of one image, what a model says about them, and the score worked out by hand.

Tag: dog and sofa match, the lamp is invented: recall 2/2, precision 2/3, F 0.8. Location: the dogs'
IoU is 0.24/0.28 = 0.857, the sofas' 0.2/0.5 = 0.4 and too low: 1/2 either way, F 0.5. Attribute:
brown and red are not found, white is wrong: F 0. Relation: the reference's one is found (recall 1);
of the prediction's two one is right, and the lamp's is not asked: precision 1/2, F 2/3. Global: the
evening is not found, and the prediction says nothing: F 0. In all 0.8 + 0.5 + 2/3 = 1.966667.
"""

from __future__ import annotations

from annoengine.record import Caption, Origin, Photo, Record

REFERENCE = (
    "A brown dog [[0.100, 0.200, 0.500, 0.900]] sits on a red sofa "
    "[[0.000, 0.500, 1.000, 1.000]]. It is evening."
)
PREDICTION = (
    "A white dog [[0.100, 0.200, 0.500, 0.800]] lies on a sofa "
    "[[0.600, 0.500, 1.000, 1.000]] beside a lamp."
)
CONTENT = {
    "reference": """\
1 | entity -->> (whole, dog)
2 | entity -->> (whole, sofa)
3 | location -->> (entity 1, [0.100, 0.200, 0.500, 0.900])
4 | location -->> (entity 2, [0.000, 0.500, 1.000, 1.000])
5 | attribute -->> (entity 1, "entity 1 is brown")
6 | attribute -->> (entity 2, "entity 2 is red")
7 | relation -->> (entity 1, entity 2, "entity 1 sits on entity 2")
8 | global -->> ("it is evening")""",
    "prediction": """\
1 | entity -->> (whole, sofa)
2 | entity -->> (whole, dog)
3 | entity -->> (whole, lamp)
4 | location -->> (entity 1, [0.600, 0.500, 1.000, 1.000])
5 | location -->> (entity 2, [0.100, 0.200, 0.500, 0.800])
6 | attribute -->> (entity 2, "entity 2 is white")
7 | relation -->> (entity 2, entity 1, "entity 2 lies on entity 1")
8 | relation -->> (entity 1, entity 3, "entity 1 is beside entity 3")""",
}
QUESTIONS = {
    "reference": """\
5 | attribute -->> (entity 1, "Is entity 1 brown?", "Is entity 1 black?")
6 | attribute -->> (entity 2, "Is entity 2 red?", "Is entity 2 green?")
7 | relation -->> (entity 1, entity 2, "Is entity 1 on entity 2?", "Is entity 1 off entity 2?")
8 | global -->> ("Is it evening?", "Is it noon?")""",
    "prediction": """\
6 | attribute -->> (entity 2, "Is entity 2 white?", "Is entity 2 black?")
7 | relation -->> (entity 2, entity 1, "Is entity 2 on entity 1?", "Is entity 2 off entity 1?")
8 | relation -->> (entity 1, entity 3, "Is entity 1 near entity 3?", "Is entity 1 on entity 3?")""",
}
MAPPED = {
    "reference": """\
5 | attribute -->> (entity 2, "Is entity 2 brown?", "Is entity 2 black?")
6 | attribute -->> (entity 1, "Is entity 1 red?", "Is entity 1 green?")
7 | relation -->> (entity 2, entity 1, "Is entity 2 on entity 1?", "Is entity 2 off entity 1?")
8 | global -->> ("Is it evening?", "Is it noon?")""",
    "prediction": """\
6 | attribute -->> (entity 1, "Is entity 1 white?", "Is entity 1 black?")
7 | relation -->> (entity 1, entity 2, "Is entity 1 on entity 2?", "Is entity 1 off entity 2?")""",
}
"""The questions that are asked, with the ids of the caption that the judge reads."""

ANSWERS = {
    "reference": """\
5 | attribute -->> (entity 2, "No", "No")
6 | attribute -->> (entity 1, "No", "No")
7 | relation -->> (entity 2, entity 1, "Yes", "No")
8 | global -->> ("No", "No")""",
    "prediction": """\
6 | attribute -->> (entity 1, "No", "No")
7 | relation -->> (entity 1, entity 2, "Yes", "No")""",
}
SCORES = {
    "pancap": 1.966667,
    "pancap.tag": 0.8,
    "pancap.location": 0.5,
    "pancap.attribute": 0.0,
    "pancap.relation": 0.666667,
    "pancap.global": 0.0,
    "pancap.tag.precision": 0.666667,
    "pancap.tag.recall": 1.0,
    "pancap.relation.precision": 0.5,
    "pancap.relation.recall": 1.0,
    "pancap.failures": 0.0,
    "pancap.plain": 0.0,
    "pancap.missing": 0.0,
}
REPLIES = {
    f"{text}/{side}": lines[side]
    for text, lines in (("content", CONTENT), ("questions", QUESTIONS), ("answers", ANSWERS))
    for side in ("reference", "prediction")
}
"""What a model says, by the turn."""


def pair_record(
    reference: str | None = REFERENCE,
    prediction: str | None = PREDICTION,
    names: tuple[str, str] = ("reference", "prediction"),
) -> Record:
    """A record with the captions that are given, each by the stage of its name."""
    captions = tuple(
        Caption(text=text, origin=Origin(stage=name, model="m"))
        for name, text in zip(names, (reference, prediction), strict=True)
        if text is not None
    )
    photo = Photo(file="sam/a/1.jpg", width=1, height=1, sha256="")
    return Record(id="captions/all/sam/a/1.jpg", photo=photo, captions=captions)


def own_scores(record: Record) -> dict[str, float]:
    """The scores of the image by name."""
    return {score.name: score.value for score in record.scores}
