"""Names and numbers are exchangeable with TPU-MLIR: with its calibration table, our quantizer gives every tensor of
the width-8 UNet the name, scale, multipliers and shifts of its own tpu module. Known differences are listed below."""
import pathlib
import re
import sys
import tempfile

import oracle

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
shared = oracle.find_shared(root)
case = shared / "oracle/cases/unet8_int8"
theirs = (case / "u8_bm1684x_int8_sym_tpu.mlir").read_text()
locations = dict(re.findall(r'^(#loc\d+) = loc\("([^"]*)"\)', theirs, re.M))
vendor = {}
for op, attributes, element, loc in re.findall(
        r'"tpu\.(\w+)"\([^)]*\) \{(.*?)\} : .*-> tensor<[\dx]*x([^ ].*?)> loc\((#loc\d+)\)', theirs):
    vendor[locations[loc]] = (op, attributes, element)
with tempfile.TemporaryDirectory() as work:
    oracle.run(tessera, "transform", "--model_name", "u8", "--model_def", shared / "models/unet8_carvana_240x160.onnx",
               "--input_shapes", "[[1,3,160,240]]", "--pixel_format", "rgb", "--scale", "0.0039216,0.0039216,0.0039216",
               "--mlir", "u8.mlir", "--compose", "never", cwd=work)
    oracle.run(tessera, "deploy", "--mlir", "u8.mlir", "--calibration_table", case / "cali_table", "--model", "u8.bmodel",
               "--without", "tie_scales", cwd=work)
    text = pathlib.Path(work, "u8_bm1684x_int8_sym_tpu.mlir").read_text()
ours = {}
for line in text.splitlines():
    if match := re.search(r'= tpu\.(\w+) .*?\{(.*)\} : .*-> tensor<[\dx]*x([^ ].*?)> loc\("([^"]*)"\)', line):
        ours[match.group(4)] = match.group(1, 2, 3)


def numbers(attributes, key):
    match = re.search(rf"{key} = (?:array<i32: ([^>]*)>|\[([^\]]*)\]|(-?\d+) : s?i32)", attributes)
    return [int(n) for n in re.split(r",\s*", next(g for g in match.groups() if g))] if match else None


# Ours requantizes inside Deconv; theirs has a RequantIntAxis of the same name behind it.
compared, problems = 0, []
for name, (op, attributes, element) in vendor.items():
    if op in ("Cast", "Deconv"):
        continue
    if name not in ours:
        problems.append(f"{name} ({op}) is missing")
        continue
    scale = re.search(r"[iu]8:f32, ([\d.e+-]+)", element)
    ourScale = re.search(r"([iu]8):f32, ([\d.e+-]+)", ours[name][2])
    if scale and abs(float(scale.group(1)) / float(ourScale.group(2)) - 1) > 1e-6:
        problems.append(f"{name}: scale {ourScale.group(2)}, theirs {scale.group(1)}")
    for key in ("multiplier", "rshift"):
        a, b = numbers(attributes, key), numbers(ours[name][1], key)
        if a and a != b:
            different = sum(x != y for x, y in zip(a, b or []))
            problems.append(f"{name}: {key} differs in {different} of {len(a)}: {(b or [])[:4]}..., theirs {a[:4]}...")
    compared += 1
print(f"{compared} tensors compared")
if problems or compared < 30:
    sys.exit("\n".join(problems))
