"""Exports of a finished run, as a person asks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from annoengine.errors import RecipeError
from annoengine.export_run import replacement_settings
from tests.cli.process import annoengine, data_options
from tests.reading.test_llava_file import talk
from tests.scenes import make_dataset
from tests.short_recipe import short_recipe


def test_an_instruction_file_is_written_with_other_answers(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 1)
    recipe = yaml.safe_load(short_recipe().read_text("utf-8"))
    recipe["exports"] = [{"llava": {"kinds": ["detailed_caption"]}}]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    done = annoengine("run", str(path), *data_options(data), "-w", "run", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    mix = tmp_path / "a mix: of all.json"
    entries = [
        talk("1", "000000000001.jpg", "Describe the following image.\n<image>", "Old."),
        talk("2", "000000000001.jpg", "<image>\nWhy?", "So."),
    ]
    mix.write_text(json.dumps(entries), encoding="utf-8")
    command = ["export", "run", "llava", "--replace", mix.name, "--subset", "detail_23k"]
    done = annoengine(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # The pixels' captions are of segments: nobody wrote a paragraph.
    assert "1 answers left for lack of a caption, 1 entries not of the subset" in done.stdout
    assert "1 images are not in detailed_caption: 1 with no paragraph" in done.stdout
    assert "val: no image has a text of the whole image" in done.stdout
    written = tmp_path / "run/export/llava/a mix: of all_replaced.json"
    assert written.read_bytes() == mix.read_bytes()


def test_settings_that_replace_need_the_export(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("exports:\n- pix2cap: {}\n", encoding="utf-8")
    assert replacement_settings(recipe, None, None) == []
    with pytest.raises(RecipeError) as caught:
        replacement_settings(recipe, Path("mix.json"), None)
    assert str(caught.value) == (
        f"--replace is for the export 'llava', which {recipe} does not have; add '- llava: {{}}' "
        "to the exports of the recipe that was run and run it again: nothing that is done is "
        "asked again"
    )
    recipe.write_text("exports:\n- llava: {}\n", encoding="utf-8")
    assert replacement_settings(recipe, Path("/a/mix.json"), "ids.txt") == [
        'exports.llava.replace="/a/mix.json"',
        'exports.llava.subset="ids.txt"',
    ]
