# The front door. It only calls scripts/setup.sh, CMake and ctest; CMakeLists.txt is the truth.
#
#   make              set-up, then ./p2pchat ./p2pmeshd ./p2pmeshctl
#   make test         set-up, then every test
#   make demo         three people chat, the founder leaves in the middle
#   make install      PREFIX=/usr/local and DESTDIR= are honoured
#   make sim          SCENARIO=broadcast NODES=100 SEED=1: a whole mesh on a virtual network, one JSON object
#   make sim-sweep    SEEDS=1000: chaos, many seeds in parallel; the failing ones are kept in sim-failures.txt
#   make sim-bugs     SEEDS=1000: plants bugs one at a time and shows how soon chaos catches each
#   make sim-plots    QUICK=1: the pictures of man/images from the simulator's own output, half an hour; QUICK: of small
#                     meshes and into build/images, a few seconds
#   make bench        whole meshes, direct messages, the seen table and search, one JSON line a run
#   make attacks      a mesh against members that flood, replay, forge and lie, and links against those who knock: at
#                     full length, a quarter of an hour
#   make fuzz         SECONDS_EACH=60 TARGET=frames: every decoder and parser, or one, with libFuzzer, ASan and UBSan; a
#                     quarter of an hour for all
#   make fuzz-coverage  which lines and branches the corpora reach, and what `make fuzz` has found beyond them
#   make security-bench ROUNDS=5: the same mesh with and without TLS: handshakes, deliveries, memory of a link
#   make check-all    all tests under ASan and UBSan, the threaded layers under TSan
#   make check-clang  clang builds everything without a warning and without precompiled headers
#   make lint         the manual pages, the layers      make format   clang-format over the sources
#   make clean        removes the build directories and the three links

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
PROGRAMS := p2pchat p2pmeshd p2pmeshctl
SCENARIO ?= broadcast
NODES ?= 100
SEED ?= 1
SEEDS ?= 1000
ROUNDS ?= 5

GENERATOR = $(if $(shell command -v ninja 2>/dev/null),-G Ninja)
JOBS := $(shell nproc 2>/dev/null || echo 2)
CONFIGURE = cmake -S . $(GENERATOR) --log-level=WARNING -B
BUILD_IN = cmake --build
# Most of what a test of whole daemons takes is waiting.
CTEST = ctest --output-on-failure -j3 --test-dir
# TSan of g++ 12 wants addresses that newer kernels randomise too far.
WITHOUT_ASLR = $(shell setarch $$(uname -m) -R true 2>/dev/null && echo setarch $$(uname -m) -R)

.PHONY: attacks fuzz fuzz-coverage security-bench all setup configured programs test demo install sim sim-sweep sim-bugs sim-plots bench check-all check-asan check-tsan check-clang lint format clean
.DEFAULT_GOAL := all

all: programs

setup:
	@scripts/setup.sh

configured: setup
	@test -f $(BUILD)/CMakeCache.txt -a \( -f $(BUILD)/build.ninja -o -f $(BUILD)/Makefile \) || $(CONFIGURE) $(BUILD)

programs: configured
	@$(BUILD_IN) $(BUILD) --parallel $(JOBS) --target $(PROGRAMS) p2pmesh-sim
	@for program in $(PROGRAMS); do test -x ./$$program || ln -sfn $(BUILD)/$$program $$program; done

test: programs
	@$(BUILD_IN) $(BUILD) --parallel $(JOBS)
	@$(CTEST) $(BUILD)

demo: programs
	@P2PMESH_BIN_DIR=$(CURDIR)/$(BUILD) python3 -B scripts/demo.py

install: programs
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(PREFIX)"

sim: programs
	@$(BUILD)/p2pmesh-sim --scenario $(SCENARIO) --nodes $(NODES) --seed $(SEED) --json

sim-sweep: programs
	@$(BUILD)/p2pmesh-sim --scenario chaos --sweep 1:$(SEEDS) --jobs $(JOBS) --failures-file sim-failures.txt

sim-bugs: setup
	@$(CONFIGURE) build-bugs -DP2PMESH_PLANTED_BUGS=ON -DBUILD_TESTING=OFF
	@$(BUILD_IN) build-bugs --parallel $(JOBS) --target p2pmesh-sim
	@SEEDS=$(SEEDS) JOBS=$(JOBS) scripts/planted_bugs.sh build-bugs

sim-plots: programs
	@scripts/setup.sh plots
	@python3 -B scripts/sim_plots.py --sim $(BUILD)/p2pmesh-sim $(if $(QUICK),--out $(BUILD)/images --quick,--out man/images --large)

bench:
	@scripts/setup.sh bench
	@$(CONFIGURE) build-bench -DP2PMESH_BENCH=ON -DBUILD_TESTING=ON
	@$(BUILD_IN) build-bench --parallel $(JOBS) --target $(PROGRAMS) mesh_bench search_bench seen_table_bench
	@scripts/bench.sh build-bench

security-bench:
	@scripts/setup.sh bench
	@$(CONFIGURE) build-bench -DP2PMESH_BENCH=ON -DBUILD_TESTING=ON
	@$(BUILD_IN) build-bench --parallel $(JOBS) --target $(PROGRAMS) p2pmeshd_plain hostile_member hostile_member_plain
	@P2PMESH_BIN_DIR=$(CURDIR)/build-bench python3 -B tests/bench/security_bench.py $(ROUNDS)

# `make test` has a few seconds of each. What the replay captures, the door gets with every bit of it changed.
attacks: export P2PMESH_BIN_DIR = $(CURDIR)/$(BUILD)
attacks: export P2PMESH_CAPTURED = $(CURDIR)/$(BUILD)/captured-frames
attacks: programs
	@$(BUILD_IN) $(BUILD) --parallel $(JOBS) --target hostile_member unit_ingress
	@P2PMESH_ATTACK_S=60 python3 -B tests/cluster/test_links.py
	@python3 -B tests/cluster/test_links_deadlines.py
	@P2PMESH_ATTACK_S=30 python3 -B tests/cluster/test_attacks_flood.py
	@P2PMESH_ATTACK_S=30 python3 -B tests/cluster/test_attacks_repair.py
	@P2PMESH_ATTACK_S=60 python3 -B tests/cluster/test_attacks_stopped.py
	@P2PMESH_ATTACK_S=30 python3 -B tests/cluster/test_attacks_replay.py
	@P2PMESH_ATTACK_ENVELOPES=1000 $(BUILD)/tests/unit_ingress -tc='*whichever of its bits'
	@P2PMESH_ATTACK_S=60 python3 -B tests/cluster/test_attacks_naughty.py
	@P2PMESH_ATTACK_S=5 python3 -B tests/cluster/test_attacks_handshakes.py
	@P2PMESH_ATTACK_S=5 python3 -B tests/cluster/test_attacks_misbehave.py
	@P2PMESH_ATTACK_S=300 python3 -B tests/cluster/test_attacks_together.py

fuzz:
	@scripts/setup.sh check
	@$(CONFIGURE) build-fuzz -DCMAKE_CXX_COMPILER=clang++ -DP2PMESH_FUZZ=ON -DP2PMESH_SANITIZE=address,undefined
	@$(BUILD_IN) build-fuzz --parallel $(JOBS) --target fuzz_targets
	@SECONDS_EACH=$(SECONDS_EACH) scripts/fuzz.sh build-fuzz $(TARGET)

fuzz-coverage:
	@scripts/setup.sh check
	@$(CONFIGURE) build-coverage -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug \
	  -DCMAKE_CXX_FLAGS="-O1 -fprofile-instr-generate -fcoverage-mapping" -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
	@$(BUILD_IN) build-coverage --parallel $(JOBS) --target fuzz_targets
	@scripts/fuzz_coverage.sh build-coverage build-fuzz/grown

check-all: check-asan check-tsan

# Ten times slower than the plain build: the cluster tests stretch their deadlines by P2PMESH_TIME_FACTOR.
check-asan: setup
	@$(CONFIGURE) build-asan -DP2PMESH_SANITIZE=address,undefined
	@$(BUILD_IN) build-asan --parallel $(JOBS)
	@P2PMESH_TIME_FACTOR=4 $(CTEST) build-asan

check-tsan: setup
	@$(CONFIGURE) build-tsan -DP2PMESH_SANITIZE=thread
	@$(BUILD_IN) build-tsan --parallel $(JOBS) --target unit_dedup unit_runtime
	@$(WITHOUT_ASLR) $(CTEST) build-tsan -R '^unit_(dedup|runtime)$$'

check-clang:
	@scripts/setup.sh check
	@$(CONFIGURE) build-clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_FLAGS=-Werror -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
	@$(BUILD_IN) build-clang --parallel $(JOBS)

lint: setup
	@cd man && mandoc -T lint *.[1-8]
	@python3 -B scripts/check_layers.py .

format:
	@scripts/setup.sh check
	@find include src tests -name '*.h' -o -name '*.cc' | xargs clang-format -i

clean:
	rm -rf build build-*
	rm -f $(PROGRAMS)
