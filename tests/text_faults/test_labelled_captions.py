"""Sound and faulty captions for each kind of fault, labelled by hand.

A kind must find nothing, or next to nothing, in a sound caption, and enough in a faulty one to be
told apart. The rules were made on these cases: they say nothing of the rate on captions unseen.
"""

from __future__ import annotations

import pytest

from annoengine.text_faults.completeness import is_incomplete
from annoengine.text_faults.declining import refusal_share
from annoengine.text_faults.foreign import foreign_share
from annoengine.text_faults.hedging import hedge_share
from annoengine.text_faults.repetition import repetition_share
from annoengine.text_faults.task_talk import leaks_task
from tests.text_faults.paper_captions import (
    BROKEN_OFF,
    CLOSE_UP,
    GUESSES,
    HEDGED,
    PRINTED,
    SURE,
    TASK_TALK,
)

REFUSALS = """
I'm sorry, but I can't describe this object.
I cannot identify the person in this image.
Sorry, the object is too small to describe.
As an AI language model, I can't describe faces.
The object is not visible in the image.
The dog is not visible in this picture.
Not visible.
It is not clearly visible.
There is no object with this number in the image.
There is no visible cat.
Unable to identify the object.
I am unable to see what is in this region.
The mark cannot be seen.
N/A
None.
Unknown.
Same as above.
No description available.
description of the object
We can't make out what this is.
Unfortunately, this part is hidden.
Cannot be determined from the image.
I can't help with identifying people.
I don't know what this is.
A man in a coat. I cannot describe his face in more detail.
A red sign. Sorry, I am unable to read it.
A crowd of people. I'm not able to identify any of them.
The region is white. We cannot describe it further.
A woman with long hair. As an AI, I do not identify persons.
A blurry shape. I could not identify it.
The picture is dark. It is not possible to describe the object.
A small dot. No further description can be given.
""".strip().splitlines()

NO_REFUSALS = """
Her face cannot be seen, for she looks away.
A person stands with their back to the camera; their face is not visible.
A wall whose color and texture are not clearly distinguishable due to obstructions.
None of the windows of this building is open.
There is no snow on the roof of this small house.
The man is unable to hold the kite, which pulls him forward.
A sign that says "SORRY, WE ARE CLOSED".
A dog that is not moving, lying on the rug.
The shirt reads "I can't even", in white letters.
No wind moves the sail, which is blue and white.
A sign with the words "I don't know" on a wall.
The boy looks sorry, his head bent.
A bowl of unknown fruit beside the bread.
""".strip().splitlines()

LEAKS = [
    *TASK_TALK,
    CLOSE_UP,
    *"""
The person labelled 4 holds a cup.
The person labeled with the number 4 holds a cup.
A man marked 5 stands by the door.
A dog, marked with a bright numeric ID, runs.
Object 3 leans on the wall.
A chair next to object 12.
The cup [2] stands on a table.
The man (3) looks at the woman.
Next to #5 is a chair.
The bounding box contains a red car.
The bounding-box of the car is large.
The highlighted object is a person in blue.
The marked region is a lawn.
The annotated area is covered with grass.
A cup outlined in magenta.
A cup with handle, highlighted in yellow.
A car enclosed by a thin green outline.
A cat surrounded by a bright pink contour.
The region 4 shows a wall.
A woman [[0.31, 0.348, 0.438, 0.504]] is in the center.
The man <region2> wears a hat.
The object's segmentation mask covers the roof.
Here is the description: a red car.
The objects include: a cup.
In the given image, a man runs.
The queried object is a cup.
A tree, as requested.
Category: person. A man in a suit.
The number is placed on the left of the bus.
A person identified as number 7.
The numeric label is on the roof.
The item 9 is made of wood.
""".strip().splitlines(),
]

NO_LEAKS = """
A jersey with number 10 on the back.
The bottle is labeled with a brand name.
The field is marked with white lines.
A box marked with a red arrow.
A sign that says "speed limit 30".
The horizon is outlined by the light of the evening.
A player whose shirt has a large 7.
A bus with the number 12 above its window.
An object that looks like a kite, with a long tail.
A mask covers the face of the man.
A road sign for the region of Brittany.
The house is surrounded by a white fence.
The plate is outlined with a golden rim.
A clock that shows a quarter past 3.
A man in a highlighted role on stage, under a lamp.
The highlighted hair of the woman falls to her shoulders.
A package tagged for delivery lies at the door.
The bread is cut into 5 slices.
A tree about 20 years old.
The mountains are outlined against the sky.
A soldier with a numbered helmet.
A boundary of stones runs along the field.
""".strip().splitlines()

HEDGES = [
    *(PRINTED[place] for place in sorted(HEDGED)),
    *GUESSES,
    *"""
Perhaps a dog, lying in the grass.
It might be a bird or a kite.
A container that may hold water.
A device, probably a radio.
It looks like a boat.
Some sort of machine stands on the table.
It is hard to tell whether the animal is a dog.
The shape is indistinct.
A person, presumably a guard, stands at the door.
The object could be a lamp.
It resembles a small tower.
I think this is a lamp.
""".strip().splitlines(),
]

NO_HEDGES = """
A sign with the words "MAY BE WET".
The man looks at the bird.
A star appears in the upper left corner.
The seam of the coat is red.
The festival in May fills the street.
A boat appears behind the bridge.
The dog is the likeness of its mother.
The might of the sea throws up spray.
The man looks to the left.
A clear sky over the sea.
The bread is partially covered by a cloth.
Her face cannot be seen, for she looks away.
Two people appear on the left.
A man in a hat, whose face is not visible.
No wheel can be seen.
The roof appears midway between the sides of the image.
The hill appears to the left of the tree.
""".strip().splitlines()

LOOPS = """
the cat and the cat and the cat and the cat sits on the mat
A red car. A red car is parked. A red car is parked. A red car is parked.
A man in a hat. A man in a hat.
a dog is running on the grass and a dog is running on the grass
the the sky is blue
A red red car.
A wall with a window with a window with a window with a window.
It is a cup. It is a cup. It is a cup.
white, white, white, white, white, white
The tree is tall. The tree is tall.
A bus on the road, a bus on the road, a bus on the road.
The image shows a cat. The image shows a cat sitting. The image shows a cat.
on the left on the left on the left of the image
a woman holding a bag, holding a bag, holding a bag
The grass is lush. The grass is green. The grass is lush. The grass is green.
very small small small small bird
The boat is white and blue and white and blue and white and blue.
the man the man the man the man
A plate of food on a table. A plate of food on a table with a fork.
and and and a dog
He wears a hat. He wears a coat. He wears a hat.
A chair next to a table next to a chair next to a table next to a chair
leaves leaves leaves on a tree
The clock shows the time. The clock shows the time of the day. The clock shows the time.
a a a a a
A tall tower stands by the sea. A tall tower stands by the sea.
the horse runs, the horse runs, the horse runs over the field
This is a dog. this is a dog.
A road with cars and cars and cars and cars.
A bench in the park in the park in the park.
yes yes yes it is red
""".strip().splitlines()

NO_LOOPS = """
A man in a red shirt and a woman in a blue shirt.
A very, very tall tree.
The bus that had had an accident.
A black and white cat beside a black and white dog.
A big, big dog.
A row of houses, house after house, each with a red roof.
She knew that that door was red.
A pizza, half eaten, on a plate.
A bird above the sea, and a boat on the sea.
""".strip().splitlines()

FOREIGN = """
El perro está en la hierba y corre con una pelota.
Una mujer con un vestido rojo en la calle.
Los niños están en el parque con una pelota.
El cielo es azul y está sin nubes.
Der Hund läuft auf der Wiese und ist braun.
Die Frau mit dem Hut ist im Garten.
Ein Auto und ein Bus auf der Straße.
Das Haus ist rot und mit einem Dach.
Un homme avec une veste rouge dans la rue.
Le chat est sur la table avec une tasse.
La voiture est rouge et blanche dans la rue.
Les arbres sont dans le jardin et sur la colline.
Um homem com uma jaqueta e os sapatos.
A menina está com um cachorro no parque e uma bola.
Il cane è nel giardino con una palla.
Una donna con il cappello e la borsa nella strada.
Een man met een hoed en het paard.
De kat is op het dak van een huis.
En hund är på gräset och med en boll.
Pies jest na trawie i się bawi z piłką.
一个穿着红色夹克的男人。
一只狗在草地上跑。
赤いジャケットを着た人。
犬が芝生の上を走っている。
빨간 재킷을 입은 남자.
Человек в красной куртке.
Собака бежит по траве.
Μια γυναίκα με κόκκινο φόρεμα.
رجل يرتدي سترة حمراء.
אישה בשמלה אדומה.
एक आदमी लाल कमीज में।
A red car. Der Wagen ist rot und steht auf der Straße.
""".strip().splitlines()

ENGLISH = """
A café table by the façade, with a crème brûlée.
A plate of spaghetti alla carbonara with parsley.
A sign that says "la casa de los abuelos" in white letters.
Le Creuset pot, orange, with a lid.
A man in a sombrero and a poncho.
The restaurant “El Toro” has a red door.
red
A Citroën parked beside a Škoda.
A signpost with «Zürich» and «Genève» on it.
A naïve painting of São Paulo.
""".strip().splitlines()

BROKEN = [
    BROKEN_OFF,
    *"""
A man wearing a
A dog and
The cup is
A woman with a hat and the.
A red car,
The table is covered with
A sign that says "STOP
A bus (red and white
A chair [made of wood
A tree whose
The bird is flying over the
A house -
The boat is white, blue and
The wall consists of
A cat sitting on
The person holds:
A man who
The sky is blue because
He stands near the...
A field of…
The bottle is on the left, next to the
It has been
A picture of a
A “large house with a garden
Her
The street is lined with trees, while
A dog that runs towards
The kite is as
The cake is covered in
A woman in a blue dress whose
The tower (a lattice tower is tall.
""".strip().splitlines(),
    "",
    " . ",
]

WHOLE = """
red
A dog
The bench he sits on.
The rocket, as tall as the tower is.
A sign that says "DO NOT"
The wall that it is made of.
A 12" record on a shelf.
A man (in red) beside a "closed" sign.
He waits for what there is.
The clock shows 3:15
The man whom she looks up to.
A cat it is.
'Stop!' says the sign.
The car that she gets out of.
""".strip().splitlines()


def test_there_are_enough_of_each_kind() -> None:
    faulty = (REFUSALS, LEAKS, HEDGES, LOOPS, FOREIGN, BROKEN)
    sound = (NO_REFUSALS, NO_LEAKS, NO_HEDGES, NO_LOOPS, ENGLISH, WHOLE)
    assert [len(set(texts)) >= 30 for texts in faulty] == [True] * 6
    assert [len({*texts, *SURE}) >= 30 for texts in sound] == [True] * 6
    assert len(HEDGED) == 31
    assert len(PRINTED) == 83


@pytest.mark.parametrize("text", REFUSALS)
def test_refused(text: str) -> None:
    assert refusal_share(text) >= 0.5


@pytest.mark.parametrize("text", [*NO_REFUSALS[2:], *SURE, *(PRINTED[p] for p in sorted(HEDGED))])
def test_not_refused(text: str) -> None:
    assert refusal_share(text) == 0


@pytest.mark.parametrize("text", LEAKS)
def test_leaking(text: str) -> None:
    assert leaks_task(text)


@pytest.mark.parametrize("text", [*NO_LEAKS, *PRINTED.values()])
def test_not_leaking(text: str) -> None:
    assert not leaks_task(text)


@pytest.mark.parametrize("text", HEDGES)
def test_hedging(text: str) -> None:
    assert hedge_share(text) >= 0.25


@pytest.mark.parametrize("text", [*NO_HEDGES, *SURE])
def test_not_hedging(text: str) -> None:
    assert hedge_share(text) == 0


@pytest.mark.parametrize("text", LOOPS)
def test_repeating(text: str) -> None:
    assert repetition_share(text) >= 0.2


@pytest.mark.parametrize("text", [*NO_LOOPS, *PRINTED.values()])
def test_not_repeating(text: str) -> None:
    assert repetition_share(text) < 0.15


@pytest.mark.parametrize("text", FOREIGN)
def test_foreign(text: str) -> None:
    assert foreign_share(text) >= 0.5


@pytest.mark.parametrize("text", [*ENGLISH, *PRINTED.values()])
def test_english(text: str) -> None:
    assert foreign_share(text) <= 0.05


@pytest.mark.parametrize("text", BROKEN)
def test_broken_off(text: str) -> None:
    assert is_incomplete(text)


@pytest.mark.parametrize("text", [*WHOLE, *PRINTED.values()])
def test_whole(text: str) -> None:
    assert not is_incomplete(text)
