"""Captions as models write them when they look at marks, and what the rules make of each.

The picture holds ``THINGS``: two giraffes, trees above, a person, a bus, three cups in a row, and
grass below. Every new text was read for its English and its facts before it was written down here.
"""

from __future__ import annotations

from annoengine.box import BoxXyxy

THINGS: tuple[tuple[str, BoxXyxy], ...] = (
    ("giraffe", (5, 10, 35, 90)),
    ("giraffe", (60, 20, 90, 90)),
    ("tree-merged", (0, 0, 100, 30)),
    ("person", (40, 50, 50, 90)),
    ("bus", (52, 40, 70, 60)),
    ("cup", (5, 80, 10, 90)),
    ("cup", (20, 80, 25, 90)),
    ("cup", (50, 80, 55, 90)),
    ("grass-merged", (0, 70, 100, 100)),
)

WORKED: tuple[tuple[int | None, str, str], ...] = (
    (
        1,
        "Object 1 is a giraffe standing next to object 2.",
        "A giraffe standing next to the other giraffe.",
    ),
    (
        1,
        "Object 1 is a tall giraffe and is eating leaves from object 3.",
        "This is a tall giraffe and is eating leaves from the trees.",
    ),
    (
        1,
        "The giraffe labelled 1 stands near the person labelled 4.",
        "The giraffe stands near the person.",
    ),
    (1, "The giraffe, marked 1, has brown spots.", "The giraffe has brown spots."),
    (
        1,
        "The giraffe is marked with the number 1 and stands in the grass.",
        "The giraffe stands in the grass.",
    ),
    (
        1,
        "The giraffe is labelled with the number 1. It looks at objects 2 and 4.",
        "The giraffe looks at the other giraffe and the person.",
    ),
    (1, "A giraffe [1] beside a giraffe [2].", "A giraffe beside a giraffe."),
    (
        1,
        "This giraffe is outlined in red and stands on object 9.",
        "This giraffe stands on the grass.",
    ),
    (1, "The giraffe with a bright numeric ID at its center is eating.", "The giraffe is eating."),
    (
        1,
        "Another giraffe, similar in height to it, stands on the left.",
        "A giraffe, similar in height to the other giraffe, stands on the left.",
    ),
    (
        6,
        "Another cup, to the left of objects 7 and 8.",
        "A cup, to the left of the other two cups.",
    ),
    (
        6,
        "Object 6's handle touches object 7's rim.",
        "The cup's handle touches the second cup's rim.",
    ),
    (6, "The cup (6) is white, like object 8.", "The cup is white, like the rightmost cup."),
    (6, "Cup 6 stands next to cup 7 and cup 8.", "The cup stands next to the other two cups."),
    (
        3,
        "Object 3 is full of green leaves and covers the top of the image.",
        "The trees are full of green leaves and cover the top of the image.",
    ),
    (3, "Object 3 has green leaves.", "The trees have green leaves."),
    (
        1,
        "The person next to object 3 is looking up, and object 3 has green leaves.",
        "The person next to the trees is looking up, and the trees have green leaves.",
    ),
    (
        4,
        "The person labeled 4 is wearing a red shirt as indicated by the label.",
        "The person is wearing a red shirt.",
    ),
    (4, "The highlighted region shows a man in a blue jacket.", "A man in a blue jacket."),
    (
        4,
        "The marked object is a man wearing a blue jacket, standing beside #5.",
        "This is a man wearing a blue jacket, standing beside the bus.",
    ),
    (9, "The marked region is a patch of grass.", "A patch of grass."),
    (
        9,
        "In the segmented area, there is a patch of short grass.",
        "There is a patch of short grass.",
    ),
    (5, "A red bus with the number 32 on its side.", "A red bus with the number 32 on its side."),
    (5, "The bus is highlighted in red.", "The bus."),
    (5, "Marked with the number 5, the bus is yellow.", "The bus is yellow."),
    (4, "A man standing and marked 4.", "A man standing."),
    (4, "The person also wears a hat.", "The person wears a hat."),
    (1, "The other giraffe is taller.", "The giraffe is taller."),
    (
        1,
        "This smaller giraffe has similar coloring to it but is distinguished by its size "
        "and posture.",
        "This smaller giraffe has similar coloring to the other giraffe but is distinguished "
        "by its size and posture.",
    ),
    (
        None,
        "Object 1 and object 2 are giraffes that stand near object 5.",
        "These are giraffes that stand near the bus.",
    ),
    (
        None,
        "The scene shows a dog, grounded by the mask numbers for clarity and detail.",
        "The scene shows a dog.",
    ),
    (1, "Objects 1 and 2 are both eating.", "The two giraffes are both eating."),
    (4, "The man stands between objects 1 and 2.", "The man stands between the two giraffes."),
    (4, "4. Person: the person is wearing a hat.", "The person is wearing a hat."),
    (
        4,
        "<4:a man actively playing tennis>, dressed in a black top.",
        "a man actively playing tennis, dressed in a black top.",
    ),
    (1, "The number 1 is placed on its center. A giraffe eats.", "A giraffe eats."),
    (1, "The giraffe is enclosed in a red bounding box and looks left.", "The giraffe looks left."),
    (1, "It has brown spots.", "The giraffe has brown spots."),
    (
        8,
        "A cup that is smaller than objects 6, 7.",
        "A cup that is smaller than the other two cups.",
    ),
    (
        1,
        "Objects 2 to 4 are behind it.",
        "The giraffe on the right, the trees and the person are behind it.",
    ),
    (
        1,
        "Object 1, a tall giraffe with brown spots, stands near object 2, which is shorter.",
        "A tall giraffe with brown spots stands near the other giraffe, which is shorter.",
    ),
    (
        2,
        "Object 2 is shorter than object 1 and is positioned to its right, partially hidden "
        "by the trees (object 3).",
        "The giraffe is shorter than the other giraffe and is positioned to its right, "
        "partially hidden by the trees.",
    ),
    (
        1,
        "A giraffe labeled as 1 is looking at another giraffe labeled as 2.",
        "A giraffe is looking at another giraffe.",
    ),
    (
        1,
        "The giraffe (1) and the giraffe (2) are facing each other.",
        "The giraffe and the other giraffe are facing each other.",
    ),
    (
        4,
        "The person with ID 4 wears a red jacket and stands to the right of the giraffe with ID 1.",
        "The person wears a red jacket and stands to the right of the giraffe on the left.",
    ),
    (4, "Person 4 is walking toward bus 5.", "The person is walking toward the bus."),
    (5, "Bus number 5 is red and white.", "The bus is red and white."),
    (
        5,
        "The bus marked as number 5 has the route 42 displayed on its front.",
        "The bus has the route 42 displayed on its front.",
    ),
    (4, "A man wearing jersey number 5 is running.", "A man wearing jersey number 5 is running."),
    (
        4,
        "This person, identified as number 4, is holding a cup (6) in their right hand.",
        "This person is holding a cup in their right hand.",
    ),
    (6, "This is object 6, a white cup with a handle.", "This is a white cup with a handle."),
    (6, "The object labeled 6 is a white cup with a handle.", "A white cup with a handle."),
    (
        6,
        "The object marked with the number 6 appears to be a white cup.",
        "This appears to be a white cup.",
    ),
    (
        6,
        "The item with the label 6 is a ceramic mug, next to two other similar mugs labeled "
        "7 and 8.",
        "This is a ceramic mug, next to two other similar mugs.",
    ),
    (
        6,
        "A white mug, similar to objects 7 and 8, but slightly larger.",
        "A white mug, similar to the other two cups, but slightly larger.",
    ),
    (
        6,
        "Similar to object 7, this cup is white.",
        "Similar to the second cup from the left, this cup is white.",
    ),
    (
        6,
        "Like object 7, this cup is made of glass.",
        "Like the second cup from the left, this cup is made of glass.",
    ),
    (7, "The cup is identical to cup number 6.", "The cup is identical to the leftmost cup."),
    (
        9,
        "Region 9 consists of green grass that covers the ground beneath objects 1 and 2.",
        "Green grass that covers the ground beneath the two giraffes.",
    ),
    (9, "The area marked as 9 is a grassy field.", "A grassy field."),
    (
        9,
        "The region labeled with 9 is lush green grass, providing a natural base for objects "
        "1, 2, and 4.",
        "Lush green grass, providing a natural base for the two giraffes and the person.",
    ),
    (
        3,
        "The region outlined in red shows dense trees behind the giraffes.",
        "Dense trees behind the giraffes.",
    ),
    (
        3,
        "Highlighted in green, the trees form a backdrop for the two giraffes (1 and 2).",
        "The trees form a backdrop for the two giraffes.",
    ),
    (
        1,
        'The number "1" is marked on this giraffe. It has long legs.',
        "The giraffe has long legs.",
    ),
    (1, "The giraffe's label is 1. It is eating leaves.", "The giraffe is eating leaves."),
    (
        4,
        "The individual is highlighted with a bright blue outline and is wearing a hat.",
        "The individual is wearing a hat.",
    ),
    (
        4,
        "Person (ID: 4) in the center of the image wearing a black coat.",
        "The person in the center of the image wearing a black coat.",
    ),
    (4, "The labeled person is wearing a black coat.", "The person is wearing a black coat."),
    (5, "The labelled bus is red.", "The bus is red."),
    (5, "The numbered bus is red.", "The numbered bus is red."),
    (1, "Giraffe #1 is taller than giraffe #2.", "The giraffe is taller than the other giraffe."),
    (
        1,
        "The giraffe on the left, object 1, has its head up.",
        "The giraffe on the left has its head up.",
    ),
    (
        1,
        'The giraffe on the left (labeled as "1") has its head up.',
        "The giraffe on the left has its head up.",
    ),
    (
        1,
        "It's a giraffe with long legs, marked by the number 1 in the center.",
        "It's a giraffe with long legs.",
    ),
    (1, "A tall giraffe. Label: 1.", "A tall giraffe."),
    (1, "A tall giraffe (see object 1).", "A tall giraffe."),
    (4, "He is standing next to object 5.", "He is standing next to the bus."),
    (4, "The person in object 4 is smiling.", "The person is smiling."),
    (
        4,
        "Object 4's jacket is blue while object 5's roof is white.",
        "The person's jacket is blue while the bus's roof is white.",
    ),
    (8, "The rightmost cup among objects 6-8.", "The rightmost cup among the three cups."),
    (
        8,
        "Along with objects 6 and 7, this cup sits on the table.",
        "Along with the other two cups, this cup sits on the table.",
    ),
    (
        8,
        "Both objects 6 and 7 are to the left of it.",
        "Two of the other cups are to the left of it.",
    ),
    (
        None,
        "1 and 2 are standing next to each other.",
        "The two giraffes are standing next to each other.",
    ),
    (
        None,
        "The giraffe (1) is standing in front of the trees (3) while person 4 looks at it.",
        "The giraffe on the left is standing in front of the trees while the person looks at it.",
    ),
    (
        None,
        "The image shows several labeled objects, including a giraffe and a bus.",
        "The image shows several objects, including a giraffe and a bus.",
    ),
    (
        None,
        "The person labeled as 4 is standing on the grass labeled as 9.",
        "The person is standing on the grass.",
    ),
    (1, "The segmented giraffe stands tall; its mask is shown in red.", "The giraffe stands tall."),
    (1, "A giraffe, as annotated, stands tall.", "A giraffe stands tall."),
    (
        1,
        "The animal within the red boundary is a giraffe with a long neck.",
        "The animal is a giraffe with a long neck.",
    ),
    (1, "The giraffe inside the bounding box has a long neck.", "The giraffe has a long neck."),
    (3, "Trees (3) surround the giraffes (1, 2).", "Trees surround the giraffes."),
    (1, "A giraffe whose head is near marker 3.", "A giraffe whose head is near the trees."),
    (
        2,
        "The same as object 1, this giraffe has brown spots.",
        "The same as the other giraffe, this giraffe has brown spots.",
    ),
    (
        2,
        "It has the same color as object 1.",
        "The giraffe has the same color as the other giraffe.",
    ),
    (
        7,
        "Another cup with the same design as the previous one.",
        "A cup with the same design as another cup.",
    ),
    (7, "Behind it, there is a white cup with a blue rim.", "A white cup with a blue rim."),
    (
        7,
        "This cup is similar to the one mentioned above but has a handle.",
        "This cup is similar to another cup but has a handle.",
    ),
    (
        4,
        "The other person labeled as 4 is holding an umbrella too.",
        "The person is holding an umbrella.",
    ),
    (
        4,
        "A person wearing a black top, as well as blue jeans.",
        "A person wearing a black top, as well as blue jeans.",
    ),
    (4, "The highlighted area is a person with a hat.", "A person with a hat."),
    (
        5,
        "A large vehicle numbered 5, likely a bus, is parked.",
        "A large vehicle numbered 5, likely a bus, is parked.",
    ),
    (1, "The giraffe marked in red is eating.", "The giraffe marked in red is eating."),
    (1, "The giraffe is annotated with the number 1 and a red mask.", "A giraffe."),
    (1, "The center of the giraffe is marked with a numeric label.", "A giraffe."),
    (
        4,
        "The person (object 4) is holding onto the handle of cup 6 and looking at the "
        "giraffe (object 1).",
        "The person is holding onto the handle of the leftmost cup and looking at the "
        "giraffe on the left.",
    ),
    (
        4,
        "A person (labeled 4) with short hair, wearing a striped shirt, is walking between "
        "the bus (5) and the giraffes (1 & 2).",
        "A person with short hair, wearing a striped shirt, is walking between the bus and "
        "the giraffes.",
    ),
    (
        4,
        "The person's left hand, near object 6, is raised.",
        "The person's left hand, near the leftmost cup, is raised.",
    ),
    (
        5,
        "The bus, labeled as object 5, is parked behind the person labeled as object 4.",
        "The bus is parked behind the person.",
    ),
    (5, "A bus which has been labeled 5 is parked on the road.", "A bus is parked on the road."),
    (5, "The vehicle in the region labeled 5 is a bus.", "The vehicle is a bus."),
    (
        5,
        "Object 5 has a blue stripe, two doors and the number 77 on its roof.",
        "The bus has a blue stripe, two doors and the number 77 on its roof.",
    ),
    (
        1,
        "Object 1's neck is stretched toward object 3's leaves.",
        "The giraffe's neck is stretched toward the trees' leaves.",
    ),
    (
        1,
        "Giraffe 1's spots are darker than giraffe 2's.",
        "The giraffe's spots are darker than the other giraffe's.",
    ),
    (
        1,
        "The giraffe numbered 1 stands behind object 4 and in front of object 3.",
        "The giraffe stands behind the person and in front of the trees.",
    ),
    (
        2,
        "Object 2 seems to be a young giraffe, following object 1.",
        "This seems to be a young giraffe, following the other giraffe.",
    ),
    (
        2,
        "Object #2 - a young giraffe - follows Object #1.",
        "A young giraffe follows the other giraffe.",
    ),
    (2, "[2]: A young giraffe follows [1].", "A young giraffe follows the other giraffe."),
    (
        2,
        "A young giraffe [2] follows an adult giraffe [1] through the grass [9].",
        "A young giraffe follows an adult giraffe through the grass.",
    ),
    (2, "A young giraffe follows (1).", "A young giraffe follows the other giraffe."),
    (2, "In object 2, a young giraffe is eating.", "A young giraffe is eating."),
    (
        9,
        "Object 9 is the grassy ground on which objects 1, 2, 4, and 5 are standing.",
        "This is the grassy ground on which the two giraffes, the person and the bus are standing.",
    ),
    (9, "This region shows short grass (label 9).", "This region shows short grass."),
    (9, "The grass, represented by number 9, covers the ground.", "The grass covers the ground."),
    (
        9,
        "The grass is marked with the number 9 at the bottom of the image and is slightly dry.",
        "The grass is at the bottom of the image and is slightly dry.",
    ),
    (
        3,
        "The trees marked 3 are in the background and appear dense.",
        "The trees are in the background and appear dense.",
    ),
    (3, "Object 3 is tall and has many branches.", "The trees are tall and have many branches."),
    (6, "Cup 6 is empty.", "The cup is empty."),
    (
        6,
        "The cup marked with 6 is the leftmost of the three cups marked with 6, 7 and 8.",
        "This is the leftmost of the three cups.",
    ),
    (6, "Unlike cups 7 and 8, it has a handle.", "Unlike the other two cups, it has a handle."),
    (6, "The object is identified as a cup, marked by a red outline and the number 6.", "A cup."),
    (6, "A cup bounded by a red line.", "A cup."),
    (
        6,
        "The white cup with the red boundary line is on the left.",
        "The white cup is on the left.",
    ),
    (
        7,
        "The cup at the center, marked with a 7, is half full.",
        "The cup at the center is half full.",
    ),
    (
        7,
        "The cup in the middle of objects 6 and 8 is half full.",
        "The cup in the middle of the other two cups is half full.",
    ),
    (
        7,
        "It is the middle one of the three objects labelled 6, 7 and 8.",
        "It is the middle one of the three objects.",
    ),
    (4, "Person 4: a man in a black coat.", "A man in a black coat."),
    (4, "The man (person 4) is standing.", "The man is standing."),
    (
        4,
        "He is to the right of giraffe 1, to the left of bus 5.",
        "He is to the right of the giraffe on the left, to the left of the bus.",
    ),
    (
        4,
        "The man is positioned to the right of #1 and to the left of #2.",
        "The man is positioned to the right of the giraffe on the left and to the left of "
        "the giraffe on the right.",
    ),
    (4, "Standing next to 5, the man waits.", "Standing next to the bus, the man waits."),
    (
        4,
        "The man wearing a hat in the bounding box is smiling.",
        "The man wearing a hat is smiling.",
    ),
    (
        4,
        "The man is shown in the highlighted bounding box with a red outline, wearing a tie.",
        "The man is wearing a tie.",
    ),
    (
        None,
        "The person is feeding the giraffe labeled 1 while giraffe 2 watches.",
        "The person is feeding the giraffe on the left while the giraffe on the right watches.",
    ),
    (
        None,
        "object 4 and object 5: the person is waiting for the bus.",
        "the person is waiting for the bus.",
    ),
    (
        None,
        "1 is standing next to 2.",
        "The giraffe on the left is standing next to the giraffe on the right.",
    ),
    (4, "A man in region 4 wearing glasses and a tie.", "A man wearing glasses and a tie."),
    (4, "The annotated man has grey hair.", "The man has grey hair."),
    (4, "The target object is a man with grey hair.", "A man with grey hair."),
    (5, "The red bus highlighted by the box is turning left.", "The red bus is turning left."),
    (
        1,
        "The giraffe to the left, labeled as object 1, stands tall with its neck extended, "
        "while object 2 is slightly bent over.",
        "The giraffe to the left stands tall with its neck extended, while the other giraffe "
        "is slightly bent over.",
    ),
    (
        2,
        "Object 2: The giraffe is on the right side and is facing object 1; it has lighter spots.",
        "The giraffe is on the right side and is facing the other giraffe; it has lighter spots.",
    ),
    (
        4,
        "Person labeled 4 is in the middle of the scene, wearing khaki shorts and a white "
        "shirt, and seems to be photographing objects 1 and 2.",
        "The person is in the middle of the scene, wearing khaki shorts and a white shirt, "
        "and seems to be photographing the two giraffes.",
    ),
    (
        4,
        "A person wearing a cap. They are standing close to the giraffe marked 2, and their "
        "back is turned toward the bus marked 5.",
        "A person wearing a cap. They are standing close to the giraffe on the right, and "
        "their back is turned toward the bus.",
    ),
    (
        5,
        "Partially visible behind person 4, the bus is white with red stripes.",
        "Partially visible behind the person, the bus is white with red stripes.",
    ),
    (5, "The red bus, which is labeled as 5 in the image, is parked.", "The red bus is parked."),
    (
        5,
        "Bus (5) is a white bus with 6 windows and 2 doors.",
        "A white bus with 6 windows and 2 doors.",
    ),
    (
        6,
        "The smallest of the cups (6, 7, 8), it is on the far left.",
        "The smallest of the cups, it is on the far left.",
    ),
    (
        6,
        "Positioned to the left of 7, this cup has a blue rim.",
        "Positioned to the left of the second cup from the left, this cup has a blue rim.",
    ),
    (6, "This cup, labeled with a red 6, has a blue rim.", "This cup has a blue rim."),
    (
        7,
        "The middle cup. It is between the cups labeled 6 and 8, which are similar in shape to it.",
        "The middle cup. It is between the cups, which are similar in shape to it.",
    ),
    (8, "The cup highlighted by the label 8 has a chipped rim.", "The cup has a chipped rim."),
    (
        8,
        "Also a white cup, but it's located farther from the others.",
        "A white cup, but it's located farther from the others.",
    ),
    (
        9,
        "The ground is covered with grass, as highlighted by the area labeled 9.",
        "The ground is covered with grass.",
    ),
    (
        9,
        "The grass area marked with the number 9 surrounds giraffes 1 and 2 and extends "
        "beyond the bus.",
        "The grass area surrounds the two giraffes and extends beyond the bus.",
    ),
    (
        3,
        "The background is filled with trees (labeled as 3) which provide shade for the animals.",
        "The background is filled with trees which provide shade for the animals.",
    ),
    (
        3,
        "Object 3 represents the trees in the background.",
        "These are the trees in the background.",
    ),
    (
        3,
        "Object 3 refers to the trees that stand behind the giraffes.",
        "These are the trees that stand behind the giraffes.",
    ),
    (
        1,
        "In the image, object 1 is identified as a giraffe with its head raised.",
        "In the image, this is a giraffe with its head raised.",
    ),
    (
        1,
        "This object is a giraffe labeled with the number 1, and it's standing next to "
        "another giraffe.",
        "This object is a giraffe, and it's standing next to another giraffe.",
    ),
    (1, "This giraffe (ID 1) is the taller one.", "This is the taller one."),
    (1, "The larger of the two giraffes, labeled 1 and 2.", "The larger of the two giraffes."),
    (
        1,
        "The giraffe's body is outlined with a red line, and it has a long tail.",
        "The giraffe has a long tail.",
    ),
    (1, "A tall giraffe with its mark number 1 at the center of its body.", "A tall giraffe."),
    (
        4,
        "The man, who is marked as number 4, has a camera around his neck.",
        "The man has a camera around his neck.",
    ),
    (4, "The man (marked as #4) has a camera.", "The man has a camera."),
    (4, "Man #4 has a camera.", "The man has a camera."),
    (4, "The man wearing number 4 on his shirt.", "The man wearing number 4 on his shirt."),
    (
        4,
        "The person outlined in red and labeled with the number 4 is taking a photo of the "
        "giraffe labeled with the number 2.",
        "The person is taking a photo of the giraffe on the right.",
    ),
    (
        4,
        "The person is marked with the number 4, wearing a black hat and holding a camera "
        "with both hands.",
        "The person is wearing a black hat and holding a camera with both hands.",
    ),
    (
        4,
        "The person is seen holding a camera; object 5 is behind them.",
        "The person is seen holding a camera; the bus is behind them.",
    ),
    (5, "It's a bus labeled with the number 5, white and red.", "It's a bus, white and red."),
)
