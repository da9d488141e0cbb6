# Every target sets up what it needs: a virtual environment in .venv, installed once and again only when
# pyproject.toml or constraints.txt change.
PYTHON ?= python3
READY := .venv/.ready

.PHONY: saddle test verify check figures page docs docs-links bench gpu dist format clean

saddle: $(READY)          ## the main job: when and why SAM stays at a saddle that GD leaves
	.venv/bin/python experiments/saddle_escape.py

test: $(READY)            ## the whole test suite
	PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n 2  # its many processes share the compiled modules

verify: $(READY)          ## every claim of the literature measured, and every wrong formula caught
	.venv/bin/samdyn verify --mutate

check: $(READY)           ## formatter, linter, types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

figures: $(READY)         ## the papers' figures and our own, redrawn into paper_figs/
	.venv/bin/samdyn figures

# The one target that needs Node. The built page is in the repository, so that nothing else does.
page:                     ## the explorer's page, from web/ into samdyn/explorer/page
	cd web && npm ci --no-audit --no-fund && npm run build

docs: $(READY)            ## these pages, in docs/_build/html; it runs the tutorials, and a warning is an error
	.venv/bin/sphinx-build --fail-on-warning --keep-going --quiet -j auto -b html -d docs/_build/doctrees docs docs/_build/html

docs-links: $(READY)      ## whether what the pages link to on the network is there
	.venv/bin/sphinx-build --fail-on-warning --keep-going --quiet -b linkcheck -d docs/_build/doctrees docs docs/_build/linkcheck

bench: $(READY)           ## every workload beside what people would use instead; benchmarks/run.py --help
	.venv/bin/python benchmarks/run.py

# No virtual environment: constraints.txt pins a torch for processors, and machines with a GPU bring one of their own.
gpu:                      ## on a machine with a GPU: the tests marked gpu, and rates beside eager torch
	PYTHONPATH=$(CURDIR) $(PYTHON) benchmarks/gpu.py

dist: $(READY)            ## the source distribution, and the wheel built from it, into dist/
	rm -rf dist
	.venv/bin/python -m build --no-isolation

format: $(READY)
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "samdyn needs Python 3.11 or newer; $$($(PYTHON) --version) was found. Run: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf .venv results dist
