# Every target sets itself up: nothing is needed but make and Python 3.11 or newer.

PYTHON ?= python3
# A package index with PyTorch's CPU wheels, for machines where the default one is large; empty uses pip's own settings.
TORCH_INDEX ?=
# How far `make quickstart` trains, in environment steps: one of the protocol's checkpoints.
STEPS ?= 1000000

# What is installed uncompiled must be compiled when it is first imported, not again by every process.
export PYTHONDONTWRITEBYTECODE =

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
# Not compiled: most of what PyTorch brings is never imported, and compiling it takes longer than all the rest.
PIP_INSTALL = $(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
SUITE := locomotion/cheetah-velocity-v1
TERRAIN := locomotion/terrain-cheetah-v1
DIRECTION := locomotion/cheetah-direction-v1
ML10 := manipulation/ml10-v1
VEHICLE := navigation/drive-vehicle-v1
CITY := navigation/drive-city-v2
ADAPTING := locomotion/ant-direction-v1 locomotion/cheetah-mass-v1 locomotion/cheetah-mass-v2 $(TERRAIN) $(VEHICLE) \
	navigation/drive-vehicle-v3 navigation/drive-weather-v1 navigation/drive-weather-v2
# Where the oracle has one seed: the expert reference, or what was tried as one.
REFERENCED := $(addprefix locomotion/,cheetah-velocity-wide-v1 cheetah-direction-h100-v1 cheetah-body-v1 cheetah-body-v2 \
	terrain-cheetah-sighted-v1 walker-params-v1 hopper-params-v1 \
	terrain-walker-v1 terrain-walker-sighted-v1 ant-goal-v1 ant-cripple-v1 terrain-ant-v1 terrain-ant-sighted-v1 humanoid-direction-v1)
GRADIENT := maml fo-maml e-maml meta-sgd promp reptile
RUN = $(BIN)/metarl-bench run --workers 2 --threads 1 --out results --keep-weights final
PUBLISHED = $(RUN) --seeds 0 1 2
BASELINE = $(PUBLISHED) --protocol lite-v1

# Packs, verifies and adds all runs of a baseline: agent, options of pack.
define VERIFIED
	rm -rf build/$(1)
	$(BIN)/metarl-bench pack $$(find results -mindepth 4 -type d -name $(1) | sort) --out build/$(1) \
		--authors "The metarl-bench authors" $(2)
	$(BIN)/metarl-bench add build/$(1) --evidence-by-hash
endef

.PHONY: help quickstart test lint bench results

help:
	@echo "make quickstart   train RL2 for $(STEPS) steps on $(SUITE), show the leaderboard and a figure"
	@echo "make test         static checks and tests"
	@echo "make lint         static checks only"
	@echo "make bench        benchmarks of speed and memory"
	@echo "make results      run the baselines again and rewrite their tables (hours)"

quickstart: $(RUNTIME)
	$(BIN)/metarl-bench run --protocol lite-v1 --suite $(SUITE) --agent random --seeds 0 --out runs
	$(BIN)/metarl-bench run --protocol lite-v1 --suite $(SUITE) --agent rl2 --seeds 0 --until $(STEPS) --out runs
	$(BIN)/metarl-bench leaderboard runs results --unverified --suite $(SUITE) --checkpoint $(STEPS)
	$(BIN)/metarl-bench plot runs results --unverified --suite $(SUITE) --checkpoint $(STEPS) --out runs/figures

# As many tests at once as there are cores: more threads would only wait for each other. Neighbours stay together, for
# what they share, until a core has nothing left.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m "not learning" --ignore=tests/benchmarks

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV)
	$(BIN)/pytest tests/benchmarks

results: $(DEV)
	$(BASELINE) --suite $(SUITE) $(DIRECTION) --agent random rl2 rl2-transformer varibad pearl metric
	$(BASELINE) --suite $(SUITE) --agent multitask-ppo oracle
	$(BASELINE) --suite $(DIRECTION) --agent multitask-ppo
	$(BASELINE) --suite $(SUITE) $(DIRECTION) --agent $(GRADIENT) finetune-ppo
	$(BASELINE) --suite toy/point-robot-v1 toy/sparse-point-robot-v1 --agent random rl2
	$(BASELINE) --suite toy/sparse-point-robot-v1 --agent varibad pearl
	$(BASELINE) --suite $(ADAPTING) --agent random rl2 multitask-ppo oracle
	$(RUN) --seeds 0 --protocol lite-v1 --suite $(REFERENCED) --agent oracle
	$(RUN) --seeds 0 --protocol lite-v1 --suite locomotion/terrain-ant-v1 --agent multitask-ppo
	$(BASELINE) --suite manipulation/ml1-reach-v1 manipulation/ml1-push-v1 --agent random rl2 multitask-ppo
	$(PUBLISHED) --protocol lite-k20-v1 --suite $(DIRECTION) --agent random multitask-ppo rl2 finetune-ppo $(GRADIENT)
	$(PUBLISHED) --protocol scratch-v1 --suite $(DIRECTION) --agent sb3-ppo sb3-sac
	$(PUBLISHED) --protocol paper/learn2learn-cheetah-direction-v1 --suite locomotion/cheetah-direction-h100-v1 --agent random maml
	$(PUBLISHED) --protocol paper/roml-cheetah-velocity-v1 --suite locomotion/cheetah-velocity-wide-obs20-v1 --agent random varibad
	$(RUN) --seeds 0 --protocol paper/metaworld-ml10-v1 --suite $(ML10) --agent rl2
	$(RUN) --seeds 0 --protocol paper/roml-cheetah-velocity-30m-v1 --suite locomotion/cheetah-velocity-wide-obs20-v1 --agent varibad
	$(call VERIFIED,random,--name Random --configurations-tried 1)
	$(call VERIFIED,oracle,--name Oracle --configurations-tried 1 --division privileged)
	$(call VERIFIED,multitask-ppo,--name "Multi-task PPO" --configurations-tried 1)
	$(call VERIFIED,rl2,--name RL2 --configurations-tried 51 --paper https://arxiv.org/abs/1611.02779)
	$(call VERIFIED,rl2-transformer,--name "RL2 with a transformer" --configurations-tried 1 --paper https://arxiv.org/abs/2206.06614)
	$(call VERIFIED,varibad,--name VariBAD --configurations-tried 20 --paper https://arxiv.org/abs/1910.08348)
	$(call VERIFIED,pearl,--name PEARL --configurations-tried 4 --paper https://arxiv.org/abs/1903.08254)
	$(call VERIFIED,metric,--name "Metric agent" --configurations-tried 8)
	$(call VERIFIED,maml,--name MAML --configurations-tried 8 --paper https://arxiv.org/abs/1703.03400)
	$(call VERIFIED,promp,--name ProMP --configurations-tried 4 --paper https://arxiv.org/abs/1810.06784)
	$(call VERIFIED,fo-maml,--name "First-order MAML" --configurations-tried 1 --paper https://arxiv.org/abs/1703.03400)
	$(call VERIFIED,e-maml,--name E-MAML --configurations-tried 1 --paper https://arxiv.org/abs/1803.01118)
	$(call VERIFIED,meta-sgd,--name Meta-SGD --configurations-tried 1 --paper https://arxiv.org/abs/1707.09835)
	$(call VERIFIED,reptile,--name Reptile --configurations-tried 1 --paper https://arxiv.org/abs/1803.02999)
	$(call VERIFIED,finetune-ppo,--name "Fine-tuned PPO" --configurations-tried 8 --paper https://arxiv.org/abs/1707.06347)
	$(call VERIFIED,sb3-ppo,--name "PPO from scratch (Stable-Baselines3)" --configurations-tried 2 --paper https://arxiv.org/abs/1707.06347)
	$(call VERIFIED,sb3-sac,--name "SAC from scratch (Stable-Baselines3)" --configurations-tried 3 --paper https://arxiv.org/abs/1801.01290)
	$(BIN)/python -m metarl_agents.metric.distances results/lite-v1/$(SUITE)/metric/seed-* --out results/metric
	$(BIN)/python -m metarl_suites.manipulation.legacy \
		results/paper/metaworld-ml10-v1/$(ML10)/rl2/seed-0/checkpoints/20000000 --out results/manipulation
	$(BIN)/pytest -m learning
	$(BIN)/metarl-bench leaderboard results --format markdown --into results/README.md
	$(BIN)/metarl-bench leaderboard results --suite $(SUITE) --format markdown --into README.md
	for page in $$(grep -l leaderboard:begin agents/metarl_agents/*/README.md); do \
		agent=$$(basename $$(dirname $$page) _policy | tr _ -); \
		$(BIN)/metarl-bench leaderboard results --agent $$agent --format markdown --into $$page || exit 1; \
	done
	$(BIN)/metarl-bench plot results --out results/figures
	$(BIN)/metarl-bench render $(TERRAIN) --sheet --out docs
	$(BIN)/metarl-bench render $(TERRAIN) --sheet --split test_ood --out docs
	$(BIN)/metarl-bench render $(VEHICLE) --paths --task 26 --run results/lite-v1/$(VEHICLE)/rl2/seed-0 --out docs
	$(BIN)/metarl-bench render $(CITY) --sheet --out docs
	$(BIN)/metarl-bench render $(CITY) --sheet --split test_ood --out docs

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "metarl-bench needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." \
			"Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what metarl-bench needs into .venv (a minute or two) ..."
	@$(PIP_INSTALL) -e .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what metarl-bench and its tests need into .venv (a minute or two) ..."
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@ $(RUNTIME)
