#!/usr/bin/env bash
# Installs to a fresh prefix and uses the library from there as a stranger would: by CMake (shared, static) and by
# pkg-config. All three programs must print the same energy; the installed command must run.
#   tests/install/run.sh BUILD_DIR
set -euo pipefail
build=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >/dev/null
libdir=$(dirname "$(find "$work/prefix" -name 'libfrozentl.so' | head -n 1)")
potential=$work/prefix/share/frozentl/potentials/h2cu.ftl

cmake -S "$root/tests/install" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DEXAMPLE="$root/examples/c/energy.c" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
export PKG_CONFIG_PATH=$libdir/pkgconfig
# shellcheck disable=SC2046 # flags are separate words
cc "$root/examples/c/energy.c" $(pkg-config --cflags --libs frozentl) -o "$work/energy_pkgconfig"

export LD_LIBRARY_PATH=$libdir
"$work/build/energy_shared" "$potential" | tee "$work/shared.txt"
"$work/build/energy_static" "$potential" | cmp - "$work/shared.txt"
"$work/energy_pkgconfig" "$potential" | cmp - "$work/shared.txt"
grep -q '^energy -' "$work/shared.txt"

"$work/prefix/bin/frozentl" info "$potential" >/dev/null
[ -e "$libdir/frozentl/frozentlplugin.so" ] || { echo "the plugin was not installed"; exit 1; }
[ -e "$work/prefix/share/frozentl/python/frozentl/plot/command.py" ] || { echo "what plot draws with was not installed"; exit 1; }
[ -e "$work/prefix/share/bash-completion/completions/frozentl" ] || { echo "bash completion was not installed"; exit 1; }
if command -v help2man >/dev/null && [ -e "$build/man/man1/frozentl.1" ]; then
  grep -q distill "$work/prefix/share/man/man1/frozentl-distill.1" || { echo "man pages were not installed"; exit 1; }
fi
echo "installed and used: CMake shared, CMake static, pkg-config, the command"
