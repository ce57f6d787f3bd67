"""Segment Anything by a tiny model of random weights, saved and loaded as a real one is.

Its masks mean nothing. What is tested is that photographs reach it as transformers prepares them,
and that what it says becomes masks of the photograph's size.
"""

from __future__ import annotations

import json
import os
import pickle
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from annoengine.errors import InputError
from annoengine.photo import ImageRgb, read_photo
from annoengine.segmenter import Found, find_segmenter
from annoengine.segmenters import sam

COFFEE = Path(__file__).parents[2] / "examples/photographs/images/coffee.jpg"
SIDE = 64
ANYTHING = {
    "least_iou": 0.0,
    "least_stability": 0.0,
    "least_area": 0.0,
    "most_overlap": 1.0,
    "points_per_side": 3,
}


def sizes(patch: int) -> Any:
    prompt = {"hidden_size": 16, "image_size": SIDE, "patch_size": patch, "mask_input_channels": 4}
    decoder = {"hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2}
    return {
        "prompt_encoder_config": prompt,
        "mask_decoder_config": {**decoder, "iou_head_hidden_dim": 16},
    }


VISION: dict[str, Any] = {
    "hidden_size": 16,
    "output_channels": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 8,
    "window_size": 4,
    "global_attn_indexes": [1],
    "mlp_dim": 32,
    "num_pos_feats": 8,
}
HIERA: dict[str, Any] = {
    "model_type": "sam2_hiera_det_model",
    "hidden_size": 8,
    "image_size": [SIDE, SIDE],
    "blocks_per_stage": [1, 2, 2, 1],
    "embed_dim_per_stage": [8, 16, 32, 64],
    "num_attention_heads_per_stage": [1, 1, 2, 2],
    "window_size_per_stage": [8, 4, 4, 2],
    "global_attention_blocks": [2],
    "window_positional_embedding_background_size": [4, 4],
}


def build(kind: str) -> Any:
    torch.manual_seed(0)
    if kind == "sam":
        config = transformers.SamConfig(vision_config=VISION, **sizes(8))
        return transformers.SamModel(config)
    if kind == "sam_hq":
        small = sizes(8)
        small["mask_decoder_config"]["vit_dim"] = 16
        return transformers.SamHQModel(transformers.SamHQConfig(vision_config=VISION, **small))
    vision: Any = {
        "backbone_config": HIERA,
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        "fpn_hidden_size": 16,
    }
    return transformers.Sam2Model(transformers.Sam2Config(vision_config=vision, **sizes(16)))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for kind in ("sam", "sam_hq", "sam2"):
        made[kind] = tmp_path_factory.mktemp(kind)
        build(kind).save_pretrained(made[kind])
    return made


def regions(folder: Path, photo: ImageRgb, most: int = 5, **options: Any) -> list[Found]:
    segmenter = find_segmenter(f"sam:{folder}", most, {**ANYTHING, **options})
    return list(segmenter.regions(photo))


def loaded(folder: Path) -> sam._Model:
    segmenter = find_segmenter(f"sam:{folder}")
    assert isinstance(segmenter, sam.Sam)
    return segmenter._model()


def same(one: list[Found], other: list[Found]) -> bool:
    return [r.score for r in one] == [r.score for r in other] and all(
        np.array_equal(a.mask, b.mask) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("kind", ["sam", "sam_hq", "sam2"])
def test_masks_have_the_photographs_size_and_come_again(
    folders: dict[str, Path], kind: str
) -> None:
    photo = read_photo(COFFEE)
    found = regions(folders[kind], photo)
    assert 1 <= len(found) <= 5
    for region in found:
        assert region.mask.shape == (400, 600)
        assert region.mask.dtype == np.bool_
        assert region.mask.any()
        assert region.score is not None
        assert 0 <= region.score <= 1
    assert same(found, regions(folders[kind], photo))
    sam._load.cache_clear()
    assert same(found, regions(folders[kind], photo, points_per_batch=9))


@pytest.mark.parametrize("shape_hw", [(1, 1), (1, 90), (90, 1), (50, 7), (200, 300)])
def test_a_photograph_of_any_shape_is_taken(
    folders: dict[str, Path], shape_hw: tuple[int, int]
) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*shape_hw, 3), dtype=np.uint8)
    for region in regions(folders["sam"], photo):
        assert region.mask.shape == shape_hw


def test_thresholds_choose(folders: dict[str, Path]) -> None:
    photo = read_photo(COFFEE)
    everything = regions(folders["sam"], photo, 100)
    # Three masks for each of nine points, less those that are the same to the pixel.
    assert 9 < len(everything) <= 27
    assert regions(folders["sam"], photo, 100, least_iou=1.0) == []
    assert regions(folders["sam"], photo, 100, stability_offset=1e6, least_stability=0.5) == []
    assert len(regions(folders["sam"], photo, 100, most_overlap=0.2)) < len(everything)
    large = regions(folders["sam"], photo, 100, least_area=0.4)
    assert 0 < len(large) < len(everything)
    assert min(region.mask.mean() for region in large) > 0.35
    assert len(regions(folders["sam"], photo, 2)) == 2


@pytest.mark.parametrize("shape_hw", [(400, 600), (600, 400), (37, 53), (640, 640), (30, 20)])
def test_a_photograph_is_prepared_as_transformers_does(
    folders: dict[str, Path], shape_hw: tuple[int, int]
) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (*shape_hw, 3), dtype=np.uint8)
    processor: Any = SamImageProcessorPil(
        size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE}
    )
    theirs = processor(photo, return_tensors="np")
    model = loaded(folders["sam"])
    frame = sam._framed(photo, model)
    assert frame.filled_wh == tuple(theirs["reshaped_input_sizes"][0][::-1])
    assert np.allclose(frame.pixels[0], theirs["pixel_values"][0], atol=1e-5)


def test_a_mask_is_brought_to_the_photographs_size_as_transformers_does(
    folders: dict[str, Path],
) -> None:
    model = loaded(folders["sam"])
    photo = np.zeros((300, 451, 3), dtype=np.uint8)
    frame = sam._framed(photo, model)
    logits = np.random.default_rng(2).normal(size=(32, 32)).astype(np.float32)
    processor: Any = SamImageProcessorPil()
    theirs = processor.post_process_masks(
        torch.from_numpy(logits)[None, None, None],
        [(300, 451)],
        reshaped_input_sizes=[frame.filled_wh[::-1]],
        pad_size={"height": SIDE, "width": SIDE},
    )[0][0, 0]
    rows = -(-32 * frame.filled_wh[1] // SIDE)
    ours = sam._at_photo(logits[:rows], (32, 32), frame, model, (300, 451))
    # Rows past the picture's edge are cut before scaling here, after it there.
    assert (ours == theirs.numpy()).mean() > 0.99


def test_sam_2_sees_the_photograph_stretched(folders: dict[str, Path]) -> None:
    model = loaded(folders["sam2"])
    frame = sam._framed(read_photo(COFFEE), model)
    assert frame.filled_wh == (SIDE, SIDE)


def test_the_models_own_colours_are_taken(folders: dict[str, Path], tmp_path: Path) -> None:
    assert sam._colours(folders["sam"])[0] == (0.485, 0.456, 0.406)
    said = {"image_processor": {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}}
    (tmp_path / "processor_config.json").write_text(json.dumps(said), encoding="utf-8")
    assert sam._colours(tmp_path) == ((0.5,) * 3, (0.25,) * 3)
    (tmp_path / "processor_config.json").write_text("[1", encoding="utf-8")
    assert sam._colours(tmp_path)[0] == (0.485, 0.456, 0.406)


def test_a_fingerprint_is_of_the_content_and_not_of_the_place(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    def fingerprint(folder: Path, **options: Any) -> Any:
        return find_segmenter(f"sam:{folder}", options=options).fingerprint()

    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in folders["sam"].iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    plain = fingerprint(folders["sam"])
    assert fingerprint(copy) == plain
    assert str(folders["sam"]) not in str(plain)
    assert fingerprint(copy, device="cpu", points_per_batch=3, threads=2) == plain
    assert fingerprint(copy, dtype="bfloat16") != plain
    assert fingerprint(copy, least_iou=0.5) != plain
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "model.safetensors").write_bytes(data)
    assert fingerprint(copy) != plain


def test_a_segmenter_travels_to_another_process_without_its_model(
    folders: dict[str, Path],
) -> None:
    segmenter = find_segmenter(f"sam:{folders['sam']}", 3, ANYTHING)
    photo = read_photo(COFFEE)
    before = list(segmenter.regions(photo))
    sent = pickle.dumps(segmenter)
    assert len(sent) < 2000
    assert same(before, list(pickle.loads(sent).regions(photo)))


def test_a_folder_that_holds_no_model_gets_a_sentence(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    def trouble(folder: Path) -> str:
        with pytest.raises(InputError) as caught:
            regions(folder, np.zeros((8, 8, 3), dtype=np.uint8))
        return str(caught.value).replace(str(tmp_path), "T")

    assert trouble(tmp_path / "none") == (
        "there is no folder T/none with a SAM model; give one that save_pretrained wrote, as "
        "sam:PATH"
    )
    assert trouble(tmp_path) == "T is no model that save_pretrained wrote: no config.json"
    config = (folders["sam"] / "config.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    assert trouble(tmp_path) == "T has no weights (*.safetensors, *.bin)"
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    assert trouble(tmp_path).startswith("the SAM model in T cannot be loaded: ")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    assert trouble(tmp_path).startswith("the SAM model in T cannot be loaded: ")


def test_weights_of_another_model_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((folders["sam_hq"] / "config.json").read_bytes())
    weights = (folders["sam"] / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match=r"lacks \d+ of its weights, .* config.json of another"):
        regions(tmp_path, np.zeros((8, 8, 3), dtype=np.uint8))


def test_a_missing_extra_gets_the_command_that_installs_it(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    # A Python that truly has no torch: its packages are all linked but that one.
    (packages,) = (p for p in map(Path, site.getsitepackages()) if (p / "torch").is_dir())
    for package in packages.iterdir():
        if not package.name.startswith(("torch", "functorch", "__pycache__")):
            (tmp_path / package.name).symlink_to(package)
    code = (
        "from annoengine.segmenter import find_segmenter\n"
        f"find_segmenter('sam:{folders['sam']}').check()"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-S", "-c", code]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.stderr.strip().splitlines()[-1] == (
        "annoengine.errors.SettingError: SAM needs torch and transformers, which are not "
        "installed: pip install 'annoengine[sam]'"
    )
