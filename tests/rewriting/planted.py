"""Captions with planted marks and talk of the annotation: 66 natural ones, 62 ways to plant.

A natural caption is told in parts, its subject and what is said of it, so that a plant can stand
between them; the plant never says a thing of its own about the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from annoengine.box import BoxXyxy

THINGS: tuple[tuple[str, BoxXyxy], ...] = (
    ("dog", (4, 50, 24, 80)),
    ("dog", (60, 52, 84, 84)),
    ("person", (26, 20, 40, 80)),
    ("person", (42, 22, 56, 82)),
    ("person", (86, 30, 97, 75)),
    ("car", (5, 30, 24, 48)),
    ("bus", (60, 10, 95, 50)),
    ("cup", (30, 84, 38, 96)),
    ("cup", (70, 86, 78, 98)),
    ("dining table", (20, 82, 90, 99)),
    ("tree-merged", (0, 0, 100, 20)),
    ("grass-merged", (0, 60, 100, 100)),
    ("bench", (40, 60, 58, 80)),
    ("bicycle", (2, 10, 20, 30)),
    ("umbrella", (40, 4, 60, 20)),
)
"""What the marks 1, 2, 3 … stand on; boxes in a picture of 100 by 100 pixels."""


@dataclass(frozen=True)
class Natural:
    """``The subject`` + ``does something``, about the mark ``number``."""

    number: int
    subject: str
    does: str

    @property
    def text(self) -> str:
        """The caption without any plant."""
        return f"{self.subject} {self.does}."


@dataclass(frozen=True)
class Planted:
    """A natural caption with a plant in it."""

    natural: Natural
    plant: str
    text: str


NATURAL = tuple(
    Natural(number, subject, does)
    for number, subject, does in (
        (1, "A small brown dog with floppy ears", "is lying on the green grass with its head down"),
        (1, "A brown dog wearing a red collar", "sits beside two metal bowls"),
        (1, "The shaggy dog", "looks toward the camera with its tongue out"),
        (1, "A young dog with a white chest", "has one paw raised above a yellow ball"),
        (1, "A sleepy brown puppy", "rests its chin on a striped blanket"),
        (1, "The small dog on the left", "is chewing a wooden stick"),
        (2, "A large black dog with a white muzzle", "stands on the lawn and watches a squirrel"),
        (2, "A black dog with pointed ears", "is running across the field, its tail held high"),
        (2, "The taller dog", "carries a blue frisbee in its mouth"),
        (2, "A wet black dog", "shakes water from its thick fur"),
        (2, "The black dog with a silver chain", "is tied to a wooden post"),
        (3, "A man in a dark blue suit", "is reading a newspaper with his legs crossed"),
        (3, "A bearded man wearing round glasses", "holds a leather briefcase in his left hand"),
        (3, "The tall man in a grey coat", "walks quickly across the street"),
        (3, "A man with short dark hair", "has a green backpack on both shoulders"),
        (3, "An elderly man in a straw hat", "is feeding three pigeons"),
        (4, "A woman in a yellow dress", "is laughing and pointing at the sky"),
        (4, "A woman with long curly hair", "talks on a white phone"),
        (4, "The woman wearing black boots", "leans on a stone wall"),
        (4, "A woman in a striped sweater", "carries two paper bags full of fruit"),
        (4, "A smiling woman with sunglasses", "is pushing a stroller with a sleeping baby"),
        (5, "A boy in red shorts", "is kicking a soccer ball near the fence"),
        (5, "A little boy with blond hair", "eats an ice cream cone and wipes his chin"),
        (5, "The boy wearing a green cap", "has climbed halfway up a ladder"),
        (5, "A child in a puffy orange jacket", "is flying a kite shaped like a fish"),
        (6, "A silver car with tinted windows", "is parked along the curb"),
        (6, "A dusty red car", "has a surfboard tied to its roof with two straps"),
        (6, "An old car with round headlights", "stands in front of a brick garage"),
        (6, "The white car", "is turning right with its lights on"),
        (6, "A compact green car", "waits behind a yellow line at the crossing"),
        (7, "A double-decker red bus", "is stopping at the corner with its doors open"),
        (7, "A city bus with large windows", "carries eight passengers"),
        (7, "The long blue bus", "shows an advertisement for a museum on its side"),
        (7, "An orange school bus", "drives past a row of brick houses"),
        (7, "A bus covered in bright flowers", "is leaving the station"),
        (8, "A white ceramic cup with a blue rim", "is filled with black coffee"),
        (8, "A small glass cup", "holds three wooden spoons and a straw"),
        (8, "The cup with a cracked handle", "stands upside down to dry"),
        (8, "A steaming cup of tea", "sits on a round saucer with a slice of lemon"),
        (9, "A tall paper cup with a plastic lid", "stands near the edge of the table"),
        (9, "A red plastic cup", "has tipped over and spilled milk"),
        (9, "The striped cup", "contains five colored pencils"),
        (10, "A wooden table with carved legs", "is covered with a white lace cloth"),
        (10, "The round table", "holds four plates, a vase and a basket of bread"),
        (10, "A long dark table", "stretches across the lower half of the image"),
        (10, "A scratched pine table", "is surrounded by six metal chairs"),
        (11, "Tall trees with dense green leaves", "line the far edge of the field"),
        (11, "Bare winter trees", "rise behind the rooftops against a pale sky"),
        (11, "Several pine trees", "cast long shadows over the snow"),
        (11, "The trees in the background", "have turned yellow and orange"),
        (12, "Short green grass", "covers the ground and looks freshly cut"),
        (12, "The dry yellow grass", "is dotted with white daisies"),
        (12, "A patch of wet grass", "borders the gravel path on both sides"),
        (12, "Thick grass", "grows between the gray paving stones"),
        (13, "A wooden bench with iron armrests", "faces a small pond"),
        (13, "An empty bench", "is covered with fallen leaves and a little snow"),
        (13, "The green bench", "has peeling paint and two missing boards"),
        (13, "A stone bench", "stands under a street lamp beside a hedge"),
        (14, "A yellow bicycle with a basket", "leans against a lamp post"),
        (14, "A child's bicycle with training wheels", "lies on its side in the mud"),
        (14, "The rusty bicycle", "is chained to an iron railing"),
        (14, "A racing bicycle with thin tires", "hangs on a white wall"),
        (15, "A pink umbrella with a wooden handle", "is open above a small table"),
        (15, "A black umbrella", "drips water onto the tiled floor"),
        (15, "The striped beach umbrella", "throws a round shadow on the sand"),
        (15, "A transparent umbrella", "is resting against the door, half closed"),
    )
)

PLANTS = (
    "{S} marked {n} {D}.",
    "{S} labeled {n} {D}.",
    "{S}, labelled {n}, {D}.",
    "{S}, marked with the number {n}, {D}.",
    "{S} ({n}) {D}.",
    "{S} [{n}] {D}.",
    "{S} (object {n}) {D}.",
    "{S} (#{n}) {D}.",
    "{S} (marked {n}) {D}.",
    "{S} (labelled with the number {n}) {D}.",
    "{S}, tagged as {n}, {D}.",
    "{S} annotated as object {n} {D}.",
    "{S}, identified by the numeric ID {n}, {D}.",
    "{S} with the numeric ID {n} {D}.",
    "{S} with a bright numeric ID at its center {D}.",
    "{S}, which is marked with the number {n}, {D}.",
    "{S} {D}. It is marked with the number {n}.",
    "{S} {D}. The number {n} is placed on its centre.",
    "{S} {D}. The bounding box surrounds the whole object.",
    "{S} {D}. A red outline surrounds it.",
    "{S} {D}. This object is highlighted in red.",
    "The number {n} is placed at its center. {S} {D}.",
    "Marked with the number {n}, {s} {D}.",
    "Outlined in red, {s} {D}.",
    "As indicated by the label, {s} {D}.",
    "In the marked region, {s} {D}.",
    "Within the highlighted part of the image, {s} {D}.",
    "{n}. {S} {D}.",
    "{n}: {S} {D}.",
    "[{n}] {S} {D}.",
    "Object {n}: {S} {D}.",
    "Object {n} is {s} that {D}.",
    "The marked object is {s} that {D}.",
    "The highlighted region shows {s} that {D}.",
    "The bounding box contains {s} that {D}.",
    "The segmentation mask covers {s} that {D}.",
    "<{n}: {S} {D}>.",
    "{S}, outlined in red, {D}.",
    "{S}, highlighted in the image, {D}.",
    "{S} enclosed in a red bounding box {D}.",
    "{S}, surrounded by a thin red outline, {D}.",
    "{S} {D}, as shown by its bounding box.",
    "{S} {D}, grounded by the mask numbers for clarity.",
    "{S} {D}, as marked in the image.",
    "{S} {D}, according to the label.",
    "{S} {D} next to object {m}.",
    "{S} {D} beside object #{m}.",
    "{S} {D}, to the left of objects {m} and {k}.",
    "{S} {D} between objects {m}, {k} and {j}.",
    "{S} {D}, close to the {noun} labelled {m}.",
    "{S} {D}, behind the {noun} marked with the number {m}.",
    "{S} {D}, in front of the {noun} ({m}).",
    "{S} {D}, near the {noun} [{m}].",
    "{S} {D}, not far from {noun} {m}.",
    "{S} {D}, facing the one marked as {m}.",
    "{S} {D}, next to number {m}.",
    "{S} {D}, below No. {m}.",
    "{S} {D}, above #{m}.",
    "{S} {D}, in front of id {m}.",
    "{S} {D}, near object {m}'s left side.",
    "{S} {D}, opposite region {m} and segment {k}.",
    "{S} {D}, next to {m}.",
)
"""``S`` and ``s``: the subject with a large or small letter; ``D``: what it does; ``n``: its own
number, ``m``, ``k``, ``j``: others; ``noun``: the word for ``m``."""

NOUNS = dict(
    enumerate(
        (
            *("dog", "dog", "man", "woman", "boy", "car", "bus", "cup", "cup", "table", "tree"),
            *("grass", "bench", "bicycle", "umbrella"),
        ),
        1,
    )
)


def plant_all(count: int, seed: int = 5) -> Iterator[Planted]:
    """So many planted captions, always the same: every natural one and every plant many times."""
    rng = Random(seed)
    for turn in range(count):
        natural = NATURAL[turn % len(NATURAL)]
        # 66 and 62 share the factor 2; the shift lets every plant meet other captions each time.
        plant = PLANTS[(turn + turn // len(NATURAL)) % len(PLANTS)]
        others = [n for n in range(1, len(THINGS) + 1) if n != natural.number]
        m, k, j = rng.sample(others, 3)
        small = natural.subject[0].lower() + natural.subject[1:]
        text = plant.format(
            S=natural.subject,
            s=small,
            D=natural.does,
            n=natural.number,
            m=m,
            k=k,
            j=j,
            noun=NOUNS[m],
        )
        yield Planted(natural, plant, text)
