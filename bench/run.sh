#!/usr/bin/env bash
# Runs the benchmarks of a build folder: bench/run.sh BUILD [X.bmodel IN.npz [options of bench/net.py]]; names the host first.
set -euo pipefail
build=$1; shift
grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-; nproc | sed 's/$/ cores/'
"$build/bin/conv_bench"
"$build/bin/measure_unet" 64 208 304
if [ $# -gt 0 ]; then
  "$(dirname "$0")/net.py" "$build" "$@"
else
  echo "no network timed: give ./dev bench a bmodel and its inputs, and what bench/net.py --help names"
fi
