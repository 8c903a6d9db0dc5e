#!/usr/bin/env bash
# Rewrites the pages that are made from data; tests compare them with what is checked in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python3 tools/generate_isa.py docs tessera/isa/instructions.csv > docs/isa.md.new
mv docs/isa.md.new docs/isa.md
