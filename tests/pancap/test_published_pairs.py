"""The folder of published files: found, scored in both ways, written and read again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annoengine.errors import InputError
from annoengine.pancap.embedded_score import judge_contents, score_judged, texts_of
from annoengine.pancap.file_score import score_folder
from annoengine.pancap.published_pairs import FILES, PairFolder, PairTexts, SideTexts, write_pairs
from annoengine.pancap.scoring import DIMENSIONS, PairScore
from annoengine.pancap.ways import PaperWay, PublishedWay, Way
from tests.pancap.released_files import TEXTS, released
from tests.pancap.test_scoring import FULL, OTHER

PUBLISHED = PublishedWay(lambda word: frozenset({word}))
WAYS: tuple[Way, ...] = (PaperWay(), PUBLISHED)


def scores(way: Way, *folders: Path) -> list[PairScore]:
    with PairFolder(folders) as pairs:
        return [one.score for one in score_folder(pairs, way)]


def f1(score: PairScore) -> list[float]:
    return [score.dimensions[name].f1 for name in DIMENSIONS]


def test_the_files_of_the_authors_scripts_are_scored_as_they_are_by_their_code(
    tmp_path: Path,
) -> None:
    first, second = scores(PUBLISHED, released(tmp_path))
    # tag: 2 matches of 2 and of 3: P 2/3, R 1. Boxes: the ball's is the same, the dog's has an IoU
    # of 0.4/0.7: P 1, R 1. Attributes: R (1 + 0.5)/2, P (1 + 0.5)/2 of the two that were asked.
    # Relation: R 0/1, none predicted. Global: R 1, P 0.5: 2 · 0.5/1.5.
    assert f1(first) == pytest.approx([0.8, 1, 0.75, 0, 2 / 3])
    assert first.overall == pytest.approx(0.8 + 1 + 0.75 + 0.1 * 2 / 3)
    assert f1(second) == pytest.approx([0.8, 1, 0, 0, 0])


def test_and_as_the_paper_has_it(tmp_path: Path) -> None:
    first, second = scores(PaperWay(), released(tmp_path))
    # Attributes: R 1/2 (red: No, No), P 1/3 (asleep: No, No; the tail's was not asked):
    # 2 · (1/6)/(5/6). Global: R 1, P 0 (Yes, Yes).
    assert f1(first) == pytest.approx([0.8, 1, 0.4, 0, 0])
    assert first.failures == 0
    # 4 and 3 questions without an answer
    assert f1(second) == pytest.approx([0.8, 1, 0, 0, 0])
    assert second.failures == 7


def test_the_four_files_of_their_last_step_are_enough(tmp_path: Path) -> None:
    whole, part = released(tmp_path / "whole"), tmp_path / "part"
    unneeded = ("4pred_question.json", "4gt_question.json", "pred_question.json", "GT/content/*")
    released(part, *unneeded)
    (part / "GT/content/sapancap_test_content.json").unlink()
    assert scores(PUBLISHED, part) == scores(PUBLISHED, whole)
    # Without the questions' numbers, answers are taken by order.
    assert [f1(score) for score in scores(PaperWay(), part)] == [
        f1(score) for score in scores(PaperWay(), whole)
    ]


def test_where_nobody_answered_rules_do(tmp_path: Path) -> None:
    folder = released(tmp_path, "answer.json")
    with PairFolder([folder]) as pairs:
        (one, _) = score_folder(pairs, PaperWay())
    assert one.judged
    # By rules: brown is found both ways; red is not said, and neither is asleep nor next to.
    # R 1/2, P 1/3 for attributes; calm is found both ways.
    assert f1(one.score) == pytest.approx([0.8, 1, 0.4, 0, 1])
    (folder / "GT/content/sapancap_test_content.json").unlink()
    with pytest.raises(InputError, match=r"neither answers to the prediction's questions \(gt_ans"):
        scores(PaperWay(), folder)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_is_written_gives_the_same_score_again(tmp_path: Path, way: Way) -> None:
    pairs, expected = [], []
    for n, (reference, prediction) in enumerate(((FULL, FULL), (FULL, OTHER), (OTHER, FULL))):
        judged = judge_contents(way, reference, prediction)
        pairs.append(texts_of(f"sam/sa_0/{n}.jpg", judged))
        expected.append(score_judged(way, judged))
    write_pairs(tmp_path, pairs, "ref.json", "pred.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f.ending for f in FILES)
    assert scores(way, tmp_path) == expected
    with PairFolder([tmp_path]) as folder:
        assert [folder.get(image) for image in folder.images] == pairs
    answers = json.loads((tmp_path / "pred_answer.json").read_text())[0]
    assert list(answers) == ["image_path", "original_file", "answers"]
    # FULL has two entities with a box each: the questions about the other come behind.
    assert answers["answers"].splitlines()[0] == '5 | attribute -->> (entity 1, "Yes", "No")'


def test_an_image_without_a_prediction_scores_0_and_is_told(tmp_path: Path) -> None:
    said = SideTexts(TEXTS["GT/content/sapancap_test_content.json"])
    write_pairs(tmp_path, [PairTexts("a.jpg", said, SideTexts())], "", "")
    with PairFolder([tmp_path]) as pairs:
        (one,) = score_folder(pairs, PaperWay())
    assert (one.missing, one.score.overall) == (True, 0)


def test_a_wrong_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none does not exist; a folder of PancapScore's files"):
        PairFolder([tmp_path / "none"])
    with pytest.raises(InputError, match="there is no content of references"):
        PairFolder([tmp_path])
    released(tmp_path)
    with pytest.raises(InputError, match="there is no content of predictions"):
        PairFolder([tmp_path / "GT"])
    other = tmp_path / "theirs/content/sapancap_test_content.json"
    other.parent.mkdir(parents=True)
    other.write_text("[]")
    with pytest.raises(InputError, match=r"are both the content of predictions; name the folders"):
        PairFolder([tmp_path])
    with PairFolder([tmp_path / "GT", tmp_path / "mine"]) as pairs:
        assert (len(pairs.images), pairs.strangers, len(pairs.files)) == (2, 0, 8)
