"""CONTRIBUTING's recipes, walked: for every op of the dialects the files that the recipe names exist under the op's
one file name, for every instruction class its body; a missing room is named. Exceptions carry their reason."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[2])
source = root / "tessera"
ops = {d: re.findall(r'^def \w+ : (?:Top|Tpu)_\w+<"(\w+)">', (source / f"ir/{d}/Ops.td").read_text(), re.M) for d in ("top", "tpu")}

# The op's file name where it is not its mnemonic in snake case: one file for ops that are one thing.
FILE = {"Conv": "conv2d", "Conv2D": "conv2d", "MaxPool": "pool2d", "AvgPool": "pool2d", "Pool2D": "pool2d",
        "UpConv": "upconv"}
# Not a computation: made by the importer or the quantizer themselves, without a file in each room.
NO_OP = {"Input", "Weight", "Float"}
# (room, op): why that room has no file of this name.
EXCEPT = {
    ("interpret/kernels", "Sub"): "arith.cpp holds the four float binary ops",
    ("interpret/kernels", "Div"): "arith.cpp holds the four float binary ops",
    ("quantize", "MulShift"): "made by concat.cpp's rescaling",
    ("quantize", "Lut"): "made by the ops that are a function of one value: sigmoid.cpp, clip.cpp",
    ("codegen", "Concat"): "moves only: the scheduler stores inputs in place",
    ("codegen", "Pad"): "moves only: the scheduler fills and stores",
    ("codegen", "Slice"): "moves only: the scheduler loads a part",
    ("codegen", "Reshape"): "no command at all",
    ("import/onnx", "UpConv"): "no ONNX op: optimize composes it",
    ("import/onnx", "Scale"): "no ONNX op: optimize makes it of BatchNorm",
}


def snake(op):
    return FILE.get(op) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", op).lower()


problems, walked = [], 0
for dialect, rooms in (("top", ["ir/top", "import/onnx", "interpret/kernels"]),
                       ("tpu", ["ir/tpu", "interpret/kernels", "quantize", "codegen"])):
    for op in ops[dialect]:
        if op in NO_OP:
            continue
        for room in rooms:
            walked += 1
            exists = (source / room / f"{snake(op)}.cpp").exists()
            if exists and (room, op) in EXCEPT:
                problems.append(f"{room}/{snake(op)}.cpp exists: drop its exception ({EXCEPT[room, op]})")
            if not exists and (room, op) not in EXCEPT:
                problems.append(f"{dialect}.{op}: {room}/{snake(op)}.cpp is missing")

classes = {"CONV": "conv", "PorD": "pord", "AR": "ar", "RQDQ": "rqdq", "TRANSBC": "transbc", "SG": "sg", "SFU": "sfu",
           "LIN": "lin", "CMP": "cmp", "MM2": "mm2"}
forms = set(re.findall(r"^s(\w+),", (source / "isa/instructions.csv").read_text(), re.M))
for form, body in classes.items():
    walked += 1
    if form not in forms:
        problems.append(f"isa/instructions.csv has no form s{form}")
    if not list((source / "sim/exec").glob(f"{body}*.cpp")):
        problems.append(f"s{form}: sim/exec/{body}.cpp is missing")

# Every path that the recipes name exists; <op>, <class>, <pass> stand for the names walked above.
for path in re.findall(r"`((?:tessera|tools|test|docs)/[^`]*)`", (root / "CONTRIBUTING.md").read_text()):
    walked += 1
    if "<" not in path and not (root / path).exists():
        problems.append(f"CONTRIBUTING.md names {path}, which does not exist")
print(f"{walked} steps walked over {len(ops['top'])} top and {len(ops['tpu'])} tpu ops")
if problems:
    sys.exit("\n".join(problems))
