"""``select_diverse`` in real runs: photographs, their copies, the ``pixels`` view of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from annoengine.errors import RecipeError
from annoengine.events import Note, RecordDone, SourceRead
from annoengine.providers.pixels import Pixels
from annoengine.recipe import Recipe, load_recipe
from annoengine.runner import finished_records
from annoengine.shard import read_set_aside, shard_name
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, result_bytes

UNLIKE = 12


def photograph(number: int) -> np.ndarray[Any, Any]:
    """A picture of its own kind: large patches of colour, drawn by its number."""
    draw = np.random.default_rng(number)
    small = draw.integers(0, 256, size=(5, 6, 3), dtype=np.uint8)
    return cv2.resize(small, (96, 80), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve unlike pictures, and a paler, coarser copy of the first five."""
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(UNLIKE):
        cv2.imwrite(str(folder / f"{number:02d}.png"), photograph(number))
    for number in range(5):
        paler = cv2.convertScaleAbs(photograph(number), alpha=0.8, beta=40)
        coarse = [cv2.IMWRITE_JPEG_QUALITY, 60]
        cv2.imwrite(str(folder / f"{number:02d}_copy.jpg"), paler, coarse)
    return folder


def recipe_of(folder: Path, photographs: Path, size: int, **settings: Any) -> Recipe:
    data = {
        "name": "diverse",
        "seed": 3,
        "inputs": {"images": str(photographs)},
        "source": {"images": {"segmenter": "none"}},
        "models": {"features": "pixels"},
        "stages": [{"select_diverse": {"train": 9, "val": 2, "test": 1, **settings}}],
        "run": {"shard_size": size, "workers": 0},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_recipe(path)


def splits(recipe: Recipe, workspace: Workspace) -> dict[str, str]:
    return {r.image_id: r.assigned_split for _, r in finished_records(recipe, workspace)}


def test_copies_of_evaluation_images_leave(
    tmp_path: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    embed = Pixels.embed

    async def counting(self: Pixels, items: Any) -> Any:
        seen.append(len(items))
        return await embed(self, items)

    monkeypatch.setattr(Pixels, "embed", counting)
    recipe = recipe_of(tmp_path, photographs, 5)
    workspace = Workspace(tmp_path / "run")
    notes: list[str] = []
    carry(
        recipe,
        workspace,
        on_event=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
    )
    account_of(recipe, workspace)
    found = splits(recipe, workspace)
    held = [id for id, split in found.items() if split != "train"]
    assert sorted(found.values()) == ["test", *["train"] * 9, "val", "val"]
    dropped = [
        aside
        for shard in range(4)
        for aside in read_set_aside(
            workspace.storage, "01-select_diverse", shard_name(shard), "dropped"
        )
    ]
    assert len(found) + len(dropped) == UNLIKE + 5
    near = [aside for aside in dropped if aside.reason == "near evaluation"]
    assert near
    for aside in near:
        stem = aside.id.split("/")[-1].split("_")[0]
        assert any(stem in id for id in held)
        assert aside.detail.startswith("its cosine to ")
    assert notes == ["select_diverse: 9 of 9 train, 2 of 2 val, 1 of 1 test"]
    scores = [r.scores[0] for _, r in finished_records(recipe, workspace)]
    assert {score.name for score in scores} == {"diverse.nearest"}
    assert max(score.value for score in scores) <= 0.5
    # Nothing is seen twice, not when a stage's shards are made again either.
    assert sum(seen) == UNLIKE + 5
    for name in (tmp_path / "run" / "01-select_diverse").glob("*.done.json"):
        name.unlink()
    (tmp_path / "run" / "01-select_diverse" / "decision.json").unlink()
    before = result_bytes_of_folder(tmp_path / "run")
    carry(recipe, workspace)
    assert sum(seen) == UNLIKE + 5
    assert result_bytes_of_folder(tmp_path / "run") == before


def result_bytes_of_folder(run: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted((run / "01-select_diverse").glob("?????.jsonl")))


def test_the_size_of_shards_does_not_matter(tmp_path: Path, photographs: Path) -> None:
    found = []
    for size in (3, 100):
        folder = tmp_path / str(size)
        folder.mkdir()
        recipe = recipe_of(folder, photographs, size)
        workspace = Workspace(folder / "run")
        carry(recipe, workspace)
        found.append(result_bytes(recipe, workspace))
    assert found[0] == found[1]


def test_a_shortfall_is_said(tmp_path: Path, photographs: Path) -> None:
    recipe = recipe_of(tmp_path, photographs, 8, val=6, test=3, apart=-0.1, fraction=1.0)
    notes: list[str] = []
    carry(
        recipe,
        Workspace(tmp_path / "run"),
        on_event=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
    )
    first, *others = notes
    assert first.startswith("select_diverse: 9 of 9 train, ")
    assert first.endswith(" test")
    assert " 0 of " not in first
    assert others == [
        "select_diverse: val and test fall short: every other image has a cosine above -0.1 to "
        "one of them"
    ]


def test_a_changed_photograph_is_set_aside(tmp_path: Path, photographs: Path) -> None:
    own = tmp_path / "photographs"
    own.mkdir()
    for path in photographs.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    recipe = recipe_of(tmp_path, own, 6)
    workspace = Workspace(tmp_path / "run")
    failed: list[tuple[str, str]] = []

    def watch(event: object) -> None:
        spoil(own, event)
        if isinstance(event, RecordDone) and event.outcome == "failed":
            failed.append((event.record.split("/")[-1], event.reason))

    # Changed after the source was read, before anybody looked at it.
    carry(recipe, workspace, on_event=watch)
    assert failed == [("11.png", "input")]


def spoil(folder: Path, event: object) -> None:
    if isinstance(event, SourceRead) and event.entries == UNLIKE + 5:
        path = folder / "11.png"
        path.write_bytes(path.read_bytes()[:-40])


def test_a_score_that_nobody_stores_is_refused(tmp_path: Path, photographs: Path) -> None:
    with pytest.raises(RecipeError, match="no earlier stage stores a score 'consistency'"):
        recipe_of(tmp_path, photographs, 8, score="consistency")
