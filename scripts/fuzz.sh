#!/bin/sh
# Runs every fuzz target for a while over its corpus; what it finds new goes into the build directory, a crash ends it.
#
#   SECONDS_EACH=60 scripts/fuzz.sh BUILD-DIRECTORY [TARGET ...]
#
# Prints a table at its end: of each target the inputs tried, in all and a second, the edges and features (libFuzzer's
# words for what was reached) and the crashes. Ends with 1 when a target crashed; the input lies in
# BUILD-DIRECTORY/crashes then, and belongs into tests/fuzz/corpus/ with the repair.
set -eu
build=$1
shift
corpus=$(dirname "$0")/../tests/fuzz/corpus
[ $# -gt 0 ] || set -- $(cd "$build/tests/fuzz" && ls | sed -n 's/_fuzz$//p')
mkdir -p "$build/crashes" "$build/grown"
table=$build/fuzz.table
printf '%-14s %12s %10s %8s %9s %8s\n' target executions each_second edges features crashes >"$table"
# In memory where there is such a place: the store's target writes a database for each input.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
status=0
for target in "$@"; do
  mkdir -p "$build/grown/$target"
  log=$build/$target.log
  crashes=0
  echo "fuzzing $target for ${SECONDS_EACH:-60} s" >&2
  if ! "$build/tests/fuzz/${target}_fuzz" -max_total_time="${SECONDS_EACH:-60}" -max_len=8192 -timeout=10 -len_control=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "$build/grown/$target" \
    "$corpus/$target" >"$log" 2>&1; then
    status=1
    crashes=1
    echo "$target CRASHED, see $log and $build/crashes" >&2
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  each_second=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-14s %12s %10s %8s %9s %8s\n' "$target" "${executions:-?}" "${each_second:-?}" "${edges:-?}" \
    "${features:-?}" "$crashes" >>"$table"
done
cat "$table"
exit $status
