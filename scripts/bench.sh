#!/bin/sh
# Runs the benchmarks that `make bench` has built; one JSON line a run.
#
#   scripts/bench.sh [BUILD_DIR]     default: build-bench
set -eu
build=${1:-$(dirname "$0")/../build-bench}
status=0
for program in seen_table_bench search_bench mesh_bench; do
  if [ ! -x "$build/tests/bench/$program" ]; then
    echo "bench.sh: $build/tests/bench/$program is missing. Type: make bench" >&2
    exit 69
  fi
  P2PMESH_BIN_DIR="$build" "$build/tests/bench/$program" || status=$?
done
P2PMESH_BIN_DIR="$build" python3 -B "$(dirname "$0")/../tests/bench/direct_bench.py" || status=$?
exit "$status"
