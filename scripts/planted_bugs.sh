#!/bin/sh
# Shows that the simulator finds bugs: plants those of include/p2pmesh/base/planted.h one at a time and runs the
# scenario `chaos` with seed after seed until a checker finds something, or SEEDS are through.
#
#   scripts/planted_bugs.sh [BUILD_DIR]      default build-bugs; configured with -DP2PMESH_PLANTED_BUGS=ON
#
# From the environment:
#   SEEDS=1000         seeds a bug, at most
#   JOBS=2             bugs at once
#   BUG_SECONDS=1200   time a bug, at most
#   SEED_SECONDS=120   a seed that takes longer does not come to an end: it counts as caught
#   BUGS="A B"         these alone
#
# What a seed finds without the bug as well does not count. Prints a table and the share caught; ends with 1 when
# that is below 95 %.
set -eu

build=${1:-build-bugs}
seeds=${SEEDS:-1000}
jobs=${JOBS:-2}
bug_seconds=${BUG_SECONDS:-1200}
seed_seconds=${SEED_SECONDS:-120}
sim=$build/p2pmesh-sim

# Prints the checks that failed in one run, one a line; nothing when all is well.
failed_checks() {
  log=$(mktemp)
  status=0
  timeout "$seed_seconds" "$sim" --scenario chaos --quiet --json "$@" >/dev/null 2>"$log" || status=$?
  case $status in
    0) ;;
    1) sed -n 's/^VIOLATION \([^:]*\):.*/\1/p' "$log" | sort -u ;;
    124) echo "no end within $seed_seconds s" ;;
    134 | 139) echo "abort" ;;
    *) echo "status $status" ;;
  esac
  rm -f "$log"
}

# Writes one line for one bug: name, seeds until caught or "-", the checks.
try_bug() {
  end=$(($(date +%s) + bug_seconds))
  seed=0
  while [ "$seed" -lt "$seeds" ] && [ "$(date +%s)" -lt "$end" ]; do
    seed=$((seed + 1))
    found=$(failed_checks --seed "$seed" --bug "$1")
    [ -n "$found" ] || continue
    without=$(failed_checks --seed "$seed")
    new=$(echo "$found" | while read -r check; do echo "$without" | grep -qxF "$check" || echo "$check"; done)
    [ -n "$new" ] || continue
    printf '%s|%s|%s\n' "$1" "$seed" "$(echo "$new" | paste -sd, - | sed 's/,/, /g')"
    return
  done
  printf '%s|-|not caught by %s seeds\n' "$1" "$seed"
}

if [ "${2:-}" = --one ]; then
  line=$(try_bug "$3")
  echo "$line" >>"$4"
  echo "$line" | sed 's/|/  /g' >&2
  exit 0
fi

[ -x "$sim" ] || {
  echo "planted_bugs.sh: there is no $sim. Type: make sim-bugs" >&2
  exit 69
}
if [ -n "${BUGS:-}" ]; then
  names=$BUGS
else
  names=$("$sim" --list-bugs | cut -d' ' -f1)
fi
results=$(mktemp)
trap 'rm -f "$results"' EXIT
echo $names | tr ' ' '\n' | xargs -P "$jobs" -I NAME "$0" "$build" --one NAME "$results"

printf '\n%-26s %6s  %s\n' bug seeds "caught by"
sort "$results" | while IFS='|' read -r bug count checks; do printf '%-26s %6s  %s\n' "$bug" "$count" "$checks"; done
awk -F'|' '{ total++; if ($2 != "-") caught++ }
  END { printf "\n%d of %d caught: %.1f %%\n", caught, total, 100 * caught / total; exit caught < 0.95 * total }' "$results"
