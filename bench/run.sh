#!/usr/bin/env bash
# Runs every benchmark of a build folder: bench/run.sh BUILD [google-benchmark flags]; names the host first.
set -euo pipefail
build=$1; shift
grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-; nproc | sed 's/$/ cores/'
for b in "$build"/bin/*_bench; do "$b" "$@"; done
"$build/bin/measure_unet" 64 208 304
