"""The demo, asserted: runs tools/demo.sh in a copy-free way and checks what it leaves in demo/."""
import json
import pathlib
import subprocess
import sys

root = pathlib.Path(sys.argv[2])
subprocess.run([root / "tools/demo.sh"], check=True)
demo = root / "demo"
scores = json.loads((demo / "scores.json").read_text())
assert scores["reference_dice"] >= 0.97, f"float Dice {scores['reference_dice']} is below 0.97"
assert scores["reference_dice"] - scores["dice"] <= 0.005, f"INT8 loses {scores['reference_dice'] - scores['dice']}"
assert abs(scores["score"] - (100 * scores["dice"] + 300 - scores["ms"])) < 1e-9
assert len(list((demo / "masks").glob("*_mask.png"))) == scores["count"] == 16
assert (demo / "side_by_side.png").stat().st_size > 10000
assert (demo / "unet_int8.bmodel").stat().st_size > 100000
print("demo:", {k: scores[k] for k in ("reference_dice", "dice", "ms", "score")})
