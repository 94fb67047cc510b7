#!/bin/sh
# How much of the code the corpora reach: every fuzz target over tests/fuzz/corpus, and over what earlier runs of
# `make fuzz` have grown where that is there, with clang's source-based coverage.
#
#   scripts/fuzz_coverage.sh BUILD-DIRECTORY [GROWN-DIRECTORY]
#
# BUILD-DIRECTORY was built with -fprofile-instr-generate -fcoverage-mapping. Prints the lines and branches reached of
# each file that decodes or parses what comes from others, or acts on it.
set -eu
build=$1
grown=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)
profiles=$build/profiles
rm -rf "$profiles"
mkdir -p "$profiles"
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
objects=
for program in "$build"/tests/fuzz/*_fuzz; do
  target=$(basename "$program" _fuzz)
  set -- "$root/tests/fuzz/corpus/$target"
  [ -z "$grown" ] || [ ! -d "$grown/$target" ] || [ -z "$(ls -A "$grown/$target")" ] || set -- "$@" "$grown/$target"
  echo "$target: $(LLVM_PROFILE_FILE="$profiles/$target.profraw" "$program" "$@")" >&2
  if [ -z "$objects" ]; then objects=$program; else objects="$objects -object $program"; fi
done
llvm-profdata merge -o "$profiles/all.profdata" "$profiles"/*.profraw
# shellcheck disable=SC2086  # a list of words
llvm-cov report $objects -instr-profile "$profiles/all.profdata" \
  "$root/src/wire" "$root/src/control" "$root/src/text" "$root/src/ingress" "$root/src/core" \
  "$root/src/daemon/daemon_config.cc" "$root/src/runtime/tls_stream.cc" \
  "$root/src/runtime/tls_context.cc" "$root/src/storage/mesh_store_load.cc"
