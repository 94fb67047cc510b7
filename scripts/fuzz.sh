#!/bin/sh
# Runs every fuzz target for a while over its corpus; what it finds new goes into the build directory, a crash ends it.
#
#   SECONDS_EACH=60 scripts/fuzz.sh BUILD-DIRECTORY
#
# Prints one line a target: executions, coverage (edges), inputs kept. Ends with 1 when a target crashed; the input lies
# in BUILD-DIRECTORY/crashes then, and belongs into tests/fuzz/corpus/ with the repair.
set -eu
build=$1
corpus=$(dirname "$0")/../tests/fuzz/corpus
mkdir -p "$build/crashes" "$build/grown"
status=0
for program in "$build"/tests/fuzz/*_fuzz; do
  target=$(basename "$program" _fuzz)
  mkdir -p "$build/grown/$target"
  log=$build/$target.log
  echo "fuzzing $target for ${SECONDS_EACH:-60} s" >&2
  if ! "$program" -max_total_time="${SECONDS_EACH:-60}" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "$build/grown/$target" "$corpus/$target" \
    >"$log" 2>&1; then
    status=1
    echo "$target CRASHED, see $log and $build/crashes" >&2
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  echo "$target: ${executions:-?} executions, ${coverage:-?} edges, $(find "$build/grown/$target" -type f | wc -l) inputs kept"
done
exit $status
