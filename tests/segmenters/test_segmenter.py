"""Segmenters by their spec: which one, with what settings, and what is said when it is none."""

from __future__ import annotations

from typing import Any

import pytest

from annoengine import registry
from annoengine.errors import RecipeError
from annoengine.segmenter import MAX_REGIONS, Segmenter, SegmenterParameters, find_segmenter
from annoengine.segmenters.graph import Graph, GraphParameters
from annoengine.segmenters.sam import Sam, SamParameters


@pytest.mark.parametrize("name", registry.names("segmenter"))
def test_a_segmenter_says_what_it_is(name: str) -> None:
    kind = registry.find("segmenter", name)
    assert issubclass(kind, Segmenter)
    assert isinstance(vars(kind)["VERSION"], int)
    assert kind.ABOUT
    assert issubclass(kind.Parameters, SegmenterParameters)
    assert all(field.description for field in kind.Parameters.model_fields.values())


def test_both_are_found_by_the_name_of_their_file() -> None:
    assert registry.names("segmenter") == ["graph", "sam"]


def test_a_spec_names_the_segmenter_and_its_settings() -> None:
    graph = find_segmenter("graph", 7, {"least_area": 0.01})
    assert isinstance(graph, Graph)
    assert graph.parameters == GraphParameters(max_regions=7, least_area=0.01)
    assert find_segmenter("graph").parameters.max_regions == MAX_REGIONS
    sam = find_segmenter("sam:models/a:b", options={"points_per_side": 8})
    assert isinstance(sam, Sam)
    assert sam.where == "models/a:b"
    assert sam.parameters == SamParameters(points_per_side=8)


def test_a_dotted_name_is_somebody_elses_segmenter() -> None:
    assert isinstance(find_segmenter("annoengine.segmenters.graph.Graph"), Graph)


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        ("grapf", {}, "no segmenter called 'grapf'. Did you mean 'graph'?"),
        ("sam", {}, "the segmenter 'sam' lacks the folder with the model: write sam:PATH"),
        ("sam:", {}, "the segmenter 'sam:' lacks the folder with the model: write sam:PATH"),
        ("graph:x", {}, "the segmenter 'graph' takes nothing after a colon (got 'graph:x')"),
        (
            "graph",
            {"least_aera": 1},
            "the segmenter 'graph' has no option 'least_aera'. Did you mean 'least_area'?",
        ),
        (
            "graph",
            {"least_area": 3},
            "the segmenter 'graph': least_area: Input should be less than 1 (got 3)",
        ),
        (
            "graph",
            {"max_regions": 3},
            "the segmenter 'graph' has no option 'max_regions'. Known: least_area.",
        ),
    ],
)
def test_a_wrong_spec_gets_a_sentence(spec: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        find_segmenter(spec, options=options)
    assert str(caught.value) == words


def test_a_fingerprint_holds_what_may_move_a_region() -> None:
    plain = find_segmenter("graph").fingerprint()
    assert plain == {
        "segmenter": "graph",
        "version": Graph.VERSION,
        "parameters": {"max_regions": 25, "least_area": 0.003},
    }
    assert find_segmenter("graph", 24).fingerprint() != plain
    assert find_segmenter("graph", options={"least_area": 0.1}).fingerprint() != plain
