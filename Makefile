# Each target makes .venv when it is needed, and then does its job.
PYTHON ?= python3
BIN := .venv/bin
# READY has the development tools; RUNNABLE only what the bot needs.
READY := .venv/.ready
RUNNABLE := .venv/.ready-run
# Python compiles each file once, even where a container says that it writes nothing: the tests start hundreds of bots.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo run test test-deep coverage mutants check format lock messages bench presses chaos rush storm screenshots clean

demo: $(READY)
	@$(BIN)/python -m fileflare_bot.demo

# It also names the tests that are skipped, and why.
test: $(READY)
	$(BIN)/python -m pytest -rs

# Tries thousands of inputs for each property, lets every Discord call of every operation fail in every way, and several
# processes end, stop and wake with the real times; takes about an hour on two cores.
test-deep: $(READY)
	DEEP=1 $(BIN)/python -m pytest -m hypothesis
	DEEP=1 $(BIN)/python -m pytest tests/operations/test_fault_table.py tests/clusters tests/test_load.py

# Says which lines and branches no test reaches, be it in the tests' process or in the bot's own.
coverage: $(READY)
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

# Changes the code in small ways, and lists the changes that no test notices; takes hours.
mutants: $(READY)
	$(BIN)/mutmut run
	$(BIN)/mutmut results

run: $(RUNNABLE)
	@$(BIN)/python bot.py

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet deploy/kubernetes/*.yaml deploy/kubernetes/*.yaml.example

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pins every dependency for every platform; needs uv.
lock:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

# Brings new sentences into every catalog; translate what comes out empty. A new language begins with
#   .venv/bin/pybabel init -D fileflare -i .venv/fileflare.pot -d fileflare_bot/locales -l fr
messages: $(READY)
	$(BIN)/pybabel -q extract --no-location --sort-output --no-wrap -k locale_str -k ngettext_noop:1,2 -o .venv/fileflare.pot fileflare_bot cogs
	$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --no-wrap -D fileflare -i .venv/fileflare.pot -d fileflare_bot/locales

# Lets 200 people ask at once, in real time; takes about six minutes.
rush: $(READY)
	@PYTHONPATH=.:tests $(BIN)/python tools/rush.py

# Prints what the bot costs, each figure beside another of the same run.
bench: $(READY)
	@PYTHONPATH=.:tests $(BIN)/python tools/bench.py

# Prints how many presses it is to a file of orders of many sizes.
presses: $(READY)
	@PYTHONPATH=.:tests $(BIN)/python tools/press_table.py

# Shows how the bot stands a minute of every fault under a steady load.
chaos: $(READY)
	@PYTHONPATH=.:tests $(BIN)/python tools/chaos.py

# Lets everything fail at once and compares what people were told with what is there, such as
#   make storm STORM="--seed 1 --seeds 3 --lookups 2000 --tickets 60 --database postgresql"
storm: $(READY)
	@PYTHONPATH=.:tests $(BIN)/python -u tools/storm.py $(STORM)

# Draws the pictures of the README from the demo; needs Chromium.
screenshots: $(READY)
	PYTHONPATH=.:tests $(BIN)/python tools/screenshots.py

clean:
	rm -rf .venv .coverage* mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The dev lock includes requirements.lock, so it sets both markers.
$(READY): requirements-dev.lock
	$(install)
	@touch $(READY) $(RUNNABLE)

$(RUNNABLE): requirements.lock
	$(install)
	@touch $(RUNNABLE)

define install
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
endef
