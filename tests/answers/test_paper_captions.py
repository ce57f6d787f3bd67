"""The captions that the Pix2Cap-COCO paper prints must be readable, and fit their categories.

Source: arXiv 2501.13893, Tables 2, 7 and 8, in the form of the tables: ``1:text``, without a
summary. The categories are not printed; they are those of COCO panoptic that each text describes.
Left out, since the printed text itself is damaged there: Table 8 row 4 number 1 (its subject is
missing and it breaks off), and in Table 2 row 3 the end of number 1 and all of number 5, which
the print runs together with number 4. Table 8 row 2 lost its numbers 1 to 4, put back by order.
"""

from __future__ import annotations

import pytest

from annoengine.answer import Expected
from annoengine.answers.numbered import Numbered

# table and row, then (category, caption) in the order of the marks; None where left out.
ROWS: dict[str, list[tuple[str, str] | None]] = {
    "table 2 row 1": [
        ("pavement-merged", "the pavement is made of concrete slabs arranged in an orderly pattern beside the road where the bus is stationed."),
        ("bus", "a red and white bus with the displayed on the front, parked on the road. it has a rectangular shape and is located in the center of the image."),
        ("building-other-merged", "buildings are partially visible behind the trees ; they have a traditional architectural style with brick facades."),
        ("car", "a car is partially visible behind the bus ; it's white and seems to be of a compact size based on its proportion relative to other objects."),
        ("house", "a house-like structure can be seen behind the bus ; it's white and larger compared to other buildings but details are not clear due to distance."),
        ("car", "a car is partially visible behind the bus ; it's white and seems to be of a compact size based on its proportion relative to other objects."),
        ("wall-other-merged", "a wall or barrier is partially visible behind the bus, it's color and texture are not clearly distinguishable due to obstructions."),
        ("tree-merged", "a tree with green leaves is partially visible to the left of the image, its branches extending upwards and outwards."),
        ("sky-other-merged", "the sky is partly cloudy with a mix of white clouds and blue sky visible."),
        ("road", "the road is a flat, smooth surface with a greyish color, extending from the foreground to the background of the image."),
    ],
    "table 2 row 2": [
        ("dog", "a black dog with a shiny coat is in motion, its body language suggesting it's engaged in play or reacting to something."),
        ("dog", "a black dog with a shiny coat is in motion, its body language suggesting it's engaged in play."),
        ("frisbee", "a red frisbee is captured mid-air close to the dog's mouth, indicating that it might be caught by the dog."),
        ("fence-merged", "a chain-link fence is visible in the background, separating the grassy foreground from the tree-filled background."),
        ("grass-merged", "the grass is a lush green and appears well-maintained, covering the ground uniformly."),
        ("tree-merged", "trees in the background are tall with dense foliage, casting shadows below them."),
    ],
    "table 2 row 3": [
        ("playingfield", "field is a flat, smooth surface with a greenish hue, marked with white lines that define the boundaries and center of the tennis court."),
        ("person", "a person is captured mid-motion, wearing a blue top and dark shorts, holding a tennis racket."),
        ("tennis racket", "the person is holding a tennis racket in their right hand, ready to swing or having just swung."),
        ("fence-merged", "the fence is made of a dark, tightly woven mesh material, providing a barrier around the tennis court."),
        None,
        ("sports ball", "a small yellow tennis ball is captured in motion near the player's racket."),
    ],
    "table 7 row 1": [
        ("cup", "Another glass cup filled with orange jam or marmalade but slightly smaller in size."),
        ("cup", "A glass cup filled with orange jam or marmalade, it has an open top and is placed to the left side on the table."),
        ("knife", "A wooden-handled knife rests on the table close to a sliced piece of orange."),
        ("orange", "Positioned next to this whole uncut orange has a bright color indicating ripeness."),
        ("orange", "This is a half-sliced orange with juicy pulp visible, placed on the white cloth of the dining table."),
        ("orange", "A juicy slice of an orange that lies flat on the table near the knife."),
        ("orange", "A whole uncut orange sitting next to another one, both are positioned at the top right corner of the image."),
        ("dining table", "The dining table is covered with a white cloth, and various items are placed on it, including cups of orange jam, slices of oranges, and a knife."),
    ],
    "table 7 row 2": [
        ("grass-merged", "The grass is lush and green , covering the ground uniformly. It appears well-maintained and provides a natural base for the other objects in the image."),
        ("tree-merged", "The trees are in the background, their outlines slightly blurred but still visible. They stand tall and provide a contrasting dark green backdrop to the bright foreground."),
        ("cow", "This cow is larger, with a white body adorned with large black spots. It's standing upright and appears healthy and well-fed."),
        ("cow", "This smaller cow has similar coloring to it but is distinguished by its size and posture - it's head is down, suggesting it might be grazing."),
    ],
    "table 7 row 3": [
        ("person", "A child is visible from the chest up, wearing a light blue shirt. The child has curly hair and a cheerful expression, with eyes looking towards something interesting."),
        ("baseball glove", "The glove is tan and well-worn, with dark brown lacing. It's open and appears to be in the act of catching a ball."),
        ("grass-merged", "The background consists of vibrant green grass illuminated by natural light, providing a fresh and open atmosphere."),
        ("sports ball", "A white baseball with brown stitching is partially inside the baseball glove, appearing as if it has just been caught."),
    ],
    "table 7 row 4": [
        ("microwave", "The microwave is a SHARP brand, with a grey exterior and a dark interior visible through the glass door. It has a digital display."),
        ("wall-other-merged", "The wall behind the microwave is painted in a light color, possibly white or cream, with some items like clothes hanging on it."),
        ("counter", "A flat surface, possibly a countertop or table, in light color supports the microwave. It extends across the bottom of the image."),
        ("bottle", "A dark bottle with a label is visible to the right of the microwave, standing on the same surface as the microwave."),
    ],
    "table 8 row 1": [
        ("grass-merged", "green grass patches are visible near the pavement, adding natural elements to this urban setting."),
        ("person", "a person in a blue t-shirt and grey shorts is captured mid-motion, appearing to be throwing something with their right hand."),
        ("wall-brick", "a section of brick wall is visible to the left, with a reddish-brown color and rough texture."),
        ("frisbee", "a frisbee captured mid-air close to being caught by person."),
        ("potted plant", "a potted plant sits atop a ledge near the stairs. its leaves are vibrant green, and it adds a touch of nature to the urban setting."),
        ("door-stuff", "a closed door with a dark frame and light panels is visible on the left side of the image."),
        ("fence-merged", "a white picket fence runs along beside where people are standing separating them from grassy area."),
        ("floor-other-merged", "the floor is made of square, light-colored tiles that are neatly arranged and cover the entire room's base."),
        ("ceiling-merged", "the ceiling is white and appears smooth, extending across the top of the image."),
        ("person", "a person wearing a red top and black pants is standing on the pavement, facing away from the camera."),
        ("chair", "a chair made of metal and plastic material placed on pavement near stairs."),
        ("potted plant", "a potted plant sits atop a ledge near the stairs. its leaves are vibrant green, and it adds a touch of nature to the urban setting."),
        ("wall-other-merged", "the wall is a large, flat surface with a beige color and smooth texture. it extends across the background of the image, providing a backdrop for other objects."),
        ("tree-merged", "a tree with green leaves is visible behind the fence, partially obscured but adding natural elements to the urban setting."),
        ("person", "another person in blue attire appears engaged in an activity near the bench."),
    ],
    "table 8 row 2": [
        ("pavement-merged", "a grey pavement is visible at the bottom of the image, appearing solid and smooth."),
        ("person", "a person is captured mid-motion, wearing a red tank top and dark shorts, appearing to be throwing a frisbee."),
        ("frisbee", "a white frisbee is captured mid-air close to the person's outstretched hand."),
        ("fence-merged", "a white fence is visible in the background, appearing sturdy yet unobtrusive, marking the boundary of the yard."),
        ("grass-merged", "the grass is a vibrant green and appears well-maintained, covering the ground uniformly."),
        ("tree-merged", "the trees are lush and green, providing a natural backdrop to the scene. they are dense and appear healthy, indicating a well-maintained environment."),
    ],
    "table 8 row 3": [
        ("backpack", "the person wears a black backpack with white straps. the backpack rests comfortably on their back, suggesting it might be prepared for outdoor activities."),
        ("mountain-merged", "the mountains are covered in snow, with their peaks appearing rugged and majestic against the clear sky."),
        ("person", "a person is wearing a blue jacket, black pants, sunglasses, and a beanie. they are holding onto ski poles."),
        ("rock-merged", "rocks are visible in the background, partially covered by snow and appearing rugged and steep."),
        ("skis", "the skis are long and narrow, appearing light in color as they glide across the surface of the snow."),
        ("tree-merged", "a group of bare trees with thin, winding branches are visible in the background, their dark silhouettes contrasting against the lighter sky."),
        ("sky-other-merged", "the sky is overcast with grey clouds diffusing the natural light evenly across the landscape."),
        ("snow", "the ground is covered with a thick layer of white snow, which appears to be soft and powdery. the surface is uneven with visible footprints and ski tracks."),
    ],
    "table 8 row 4": [
        None,
        ("platform", "the platform is made of concrete and appears clean and well-maintained. it's where passengers would wait for the train."),
        ("railroad", "the railroad tracks are metallic and shiny, running horizontally across the image, supporting the train."),
        ("tree-merged", "trees with bare branches are visible in the background, their silhouettes contrasting against the sky."),
        ("sky-other-merged", "the sky is overcast, with a greyish hue indicating possibly cloudy weather conditions."),
    ],
    "table 8 row 5": [
        ("bench", "a bench is visible on the platform ; it's made of wood and metal supports for waiting passengers."),
        ("grass-merged", "patches of green grass are visible near the gravel and stone wall, adding a touch of nature to this industrial scene."),
        ("platform", "the platform is made of concrete and appears clean and well-maintained. it is where passengers wait for the train."),
        ("railroad", "the railroad tracks are metallic and shiny, running horizontally across the image, with wooden planks in between the metal rails."),
        ("wall-brick", "a brick wall is visible to the right of the image, showcasing an old architectural style with visible wear over time."),
        ("train", "a modern passenger train with a sleek design, painted in white and yellow colors, is captured in motion on the tracks."),
        ("ceiling-merged", "the ceiling is structured with green metal beams supporting it, extending over the platform to provide shelter."),
        ("tree-merged", "trees with bare branches are visible in the background, their silhouettes contrasting against the sky."),
        ("sky-other-merged", "the sky is clear with a bright blue hue, indicating a sunny day without any visible clouds."),
    ],
}  # fmt: skip


# On one line a number that is missing leaves it open whether the next one begins an entry.
FORMS = [(row, "\n") for row in ROWS] + [(row, " ") for row in ROWS if None not in ROWS[row]]


@pytest.mark.parametrize(("row", "separator"), FORMS)
def test_the_printed_captions_are_read_and_accepted(row: str, separator: str) -> None:
    captions = {mark: given for mark, given in enumerate(ROWS[row], 1) if given is not None}
    text = separator.join(f"{mark}:{caption}" for mark, (_, caption) in captions.items())
    expected = tuple(Expected(mark, category) for mark, (category, _) in captions.items())
    grammar = Numbered()
    judged = grammar.judge(grammar.parse(text), expected)
    assert judged.faults == ()
    assert {mark: region.description for mark, region in judged.accepted.items()} == {
        mark: caption for mark, (_, caption) in captions.items()
    }


def test_all_printed_captions_are_here() -> None:
    assert sum(given is not None for row in ROWS.values() for given in row) == 83


FAR_FROM = {"person": "dog", "dog": "person", "car": "person", "tree-merged": "car"}


@pytest.mark.parametrize("row", ROWS)
def test_a_printed_caption_of_another_thing_is_not_accepted(row: str) -> None:
    grammar = Numbered()
    for given in ROWS[row]:
        if given is None or given[0] not in FAR_FROM:
            continue
        judged = grammar.judge(grammar.parse(f"1:{given[1]}"), (Expected(1, FAR_FROM[given[0]]),))
        assert judged.accepted == {}
        assert [fault.kind for fault in judged.faults] == ["category"]
