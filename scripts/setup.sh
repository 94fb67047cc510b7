#!/bin/sh
# Sees to it that the Debian packages are there that p2pmesh is built and tested with.
#
#   scripts/setup.sh            what `make` and `make test` need
#   scripts/setup.sh bench      the benchmarks' packages as well
#   scripts/setup.sh check      the packages of `make check-clang` and `make format` as well
#   scripts/setup.sh plots      what `make sim-plots` draws with as well
#
# Names what is missing and installs it as root or through sudo. Ends with 77 when it has neither, with the command to
# type, and with 69 when the installation failed.
set -eu

packages="g++ make cmake ninja-build pkg-config python3 mandoc nftables iproute2
  openssl libssl-dev libsqlite3-dev libxxhash-dev libsodium-dev libutf8proc-dev libicu-dev libexpected-dev libjemalloc-dev libqrencode-dev
  libnatpmp-dev libminiupnpc-dev miniupnpd-nftables
  nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libspdlog-dev libfmt-dev doctest-dev"

for extra in "$@"; do
  case $extra in
    bench) packages="$packages libtbb-dev libbenchmark-dev" ;;
    check) packages="$packages clang clang-format clang-tidy libclang-rt-14-dev llvm" ;;
    plots) packages="$packages gnuplot-nox" ;;
    *)
      echo "setup.sh: unknown list '$extra'. Type: scripts/setup.sh [bench] [check] [plots]" >&2
      exit 64
      ;;
  esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "setup.sh: this is no Debian system, so nothing is installed here. The build needs what these packages hold:" >&2
  echo "  "$packages >&2
  exit 0
fi

# dpkg-query prints one line for each package it knows, and complains about the others on stderr.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null | sed -n 's/ installed$//p' || true)
missing=
for package in $packages; do
  case "
$installed
" in
    *"
$package
"*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0
missing=${missing# }

echo "Missing packages: $missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
  # Without a terminal nobody could type a password.
  if [ -t 0 ] && command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    echo "Installing them takes root, and there is no sudo to ask here. Type as root, then call make again:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
    exit 77
  fi
fi

echo "Installing them with apt-get."
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q"
if $apt update && $apt install -y --no-install-recommends $missing; then
  exit 0
fi
echo "The installation failed; apt-get says why above. When that is mended, call make again, or type as root:" >&2
echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
exit 69
