#!/usr/bin/env bash
# ./dev demo: from ONNX to scored masks on synthetic pictures; everything lands in demo/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tessera=$PWD/build/bin/tessera
model=$PWD/models/unet8_synth_240x160.onnx
mkdir -p demo && cd demo
say() { printf '\n== %s\n' "$*"; }

say "draw 16 pictures to calibrate on, 16 others to judge by (960x640, with exact masks)"
"$tessera" synth --output calib --count 16 --seed 700001 --size 960x640
"$tessera" synth --output held_out --count 16 --seed 900001 --size 960x640
say "import the ONNX network, fold BatchNorm and ReLU"
"$tessera" transform --model_name unet --model_def "$model" --input_shapes "[[1,3,160,240]]" \
  --scale 0.0039216,0.0039216,0.0039216 --pixel_format rgb --mlir unet.mlir \
  --test_input held_out/images/0000.png --test_result unet_top_outputs.npz
say "calibrate"
"$tessera" calibrate unet.mlir --dataset calib/images -o unet_cali_table
say "quantize to INT8, compile, prove interpreter and simulator equal"
"$tessera" deploy --mlir unet.mlir --quantize INT8 --calibration_table unet_cali_table --chip bm1684x \
  --model unet_int8.bmodel --test_input unet_in_f32.npz --test_reference unet_top_outputs.npz
say "simulate the bmodel over the held-out pictures and score its masks"
"$tessera" eval --model unet_int8.bmodel --reference unet.mlir --images held_out/images --masks held_out/masks \
  --output masks --picture side_by_side.png --json > scores.json
python3 - <<'P'
import json
s = json.load(open("scores.json"))
print(f"""
| network | Dice | estimated ms | score |
|---|---|---|---|
| float, interpreter | {s['reference_dice']:.6f} | | |
| INT8, simulated bmodel | {s['dice']:.6f} | {s['ms']:.3f} | {s['score']:.3f} |

masks: demo/masks/, picture: demo/side_by_side.png, binary: demo/unet_int8.bmodel""")
P
