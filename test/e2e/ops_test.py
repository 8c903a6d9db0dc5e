#!/usr/bin/env python3
"""ops_test.py TESSERA SOURCE: ops of the importer in every precision, in one network of each: close to the float network, and
simulator and interpreter equal, tensor by tensor."""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

H, W = 48, 64
FULL, HALF = (1, 3, H, W), (1, 3, H // 2, W // 2)
CHANNELS, PLANE = (1, 3, 1, 1), (1, 1, H, W)
CONSTANTS = {"factor": (CHANNELS, [0.5, 1.5, -0.75]), "offset": (CHANNELS, [0.25, 0.0, -0.5]), "half": ((1, 1, 1, 1), [0.5]), "one": ((1,), [1.0]),
             "ramp": (PLANE, [(y * 3 + x) / 200 - 0.4 for y in range(H) for x in range(W)]),
             "steps": (PLANE, [0.25 + (y // 8 + x // 16) / 4 for y in range(H) for x in range(W)])}

KINDS = {"chance": "probability", "largest": "classes", "moved": "logits"}
# Least cosine and Euclidean similarity to the float network.
MODES = {"INT8": "0.99,0.9", "F32": "0.999999,0.9999", "F16": "0.9999,0.99", "BF16": "0.999,0.97"}


def tensor(shape):
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


class Graph:
    """Text of a top module."""

    def __init__(self):
        self.lines, self.shape, self.outputs = [], {}, []

    def add(self, name, op, inputs, shape, attributes="", output=False):
        types = ", ".join(tensor(self.shape[i]) for i in inputs)
        self.shape[name] = shape
        operands = ", ".join("%" + i for i in inputs)
        self.lines.append(f'  %{name} = top.{op} {operands} {{id = {len(self.lines)} : i64, {attributes}}} : ({types}) -> '
                          f'{tensor(shape)} loc("{name}")'.replace(", }", "}"))
        self.outputs += [name] * output

    def text(self):
        types = ", ".join(tensor(self.shape[o]) for o in self.outputs)
        returned = ", ".join("%" + o for o in self.outputs)
        return "\n".join(['module @ops attributes {top.state = "TOP_F32", top.weight_file = "weights.npz"} {',
                          f"func.func @main(%arg: {tensor(FULL)}) -> ({types}) {{", *self.lines,
                          f"  return {returned} : {types}", "}", "}", ""])


def graph():
    g = Graph()
    g.shape["arg"] = FULL
    g.add("image", "Input", ["arg"], FULL, "scale = array<f64: 0.0039216, 0.0039216, 0.0039216>")
    for name, (shape, _) in CONSTANTS.items():
        g.shape[name] = shape
        g.lines.append(f'  %{name} = top.Weight {{id = {len(g.lines)} : i64}} : () -> {tensor(shape)} loc("{name}")')
    array = lambda *v: f"array<i64: {', '.join(map(str, v))}>"
    window = lambda k, s, p: f"kernel_shape = {array(*k)}, strides = {array(*s)}, pads = {array(p, p, p, p)}"
    resize = lambda mode, coordinates: (f"out_size = {array(H, W)}, scale = array<f64: 2.0, 2.0>, mode = \"{mode}\", "
                                        f'coord_mode = "{coordinates}"')
    g.add("mean", "AvgPool", ["image"], HALF, window((2, 2), (2, 2), 0))
    g.add("smooth", "AvgPool", ["image"], FULL, window((3, 3), (1, 1), 1) + ", count_include_pad = true", output=True)
    g.add("all", "AvgPool", ["image"], (1, 3, 1, 1), window((H, W), (1, 1), 0))
    g.add("linear", "Interp", ["mean"], FULL, resize("linear", "half_pixel"), output=True)
    g.add("corners", "Interp", ["mean"], FULL, resize("linear", "align_corners"), output=True)
    g.add("cubic", "Interp", ["mean"], FULL, resize("cubic", "half_pixel"), output=True)
    g.add("detail", "Sub", ["image", "smooth"], FULL, output=True)
    g.add("centred", "Sub", ["image", "all"], FULL, output=True)
    g.add("product", "Mul", ["centred", "smooth"], FULL, output=True)
    g.add("gated", "Mul", ["all", "centred"], FULL, output=True)
    g.add("scaled", "Mul", ["image", "factor"], FULL, output=True)
    g.add("moved", "Add", ["offset", "scaled"], FULL, output=True)
    g.add("turned", "Sub", ["half", "image"], FULL, output=True)
    g.add("divided", "Div", ["centred", "factor"], FULL, output=True)
    g.add("red", "Slice", ["image"], (1, 1, H, W), f"offset = {array(0, 0, 0, 0)}, steps = {array(1, 1, 1, 1)}, "
          f"sizes = {array(1, 1, H, W)}")
    g.add("tinted", "Add", ["centred", "red"], FULL, "do_relu = true", output=True)
    g.add("bright", "Clip", ["centred"], FULL, "min = 0.0 : f64, max = 0.25 : f64", output=True)
    g.add("band", "Clip", ["centred"], FULL, "min = -0.1 : f64, max = 0.2 : f64", output=True)
    # Constants that differ within a channel.
    g.add("raised", "Add", ["image", "ramp"], FULL, "do_relu = true", output=True)
    g.add("spread", "Mul", ["steps", "centred"], FULL, output=True)
    g.add("below", "Sub", ["ramp", "all"], FULL, output=True)
    g.add("apart", "Add", ["image", "steps"], FULL)
    g.add("ratio", "Div", ["centred", "apart"], FULL, "do_relu = true", output=True)
    g.add("again", "Div", ["moved", "factor"], FULL, output=True)
    g.add("inverse", "Div", ["half", "apart"], FULL, output=True)
    g.add("joined", "Concat", ["ramp", "image", "steps"], (1, 5, H, W), "axis = 1 : i64", output=True)
    # Windows that see fewer cells at borders, and beyond the last one.
    g.add("edges", "AvgPool", ["centred"], FULL, window((3, 3), (1, 1), 1), output=True)
    g.add("over", "AvgPool", ["image"], (1, 3, 16, 21), window((5, 5), (3, 3), 0) + ", ceil_mode = true", output=True)
    g.add("both", "AvgPool", ["image"], (1, 3, 13, 17), window((5, 5), (4, 4), 1) + ", ceil_mode = true, "
          "count_include_pad = true", output=True)
    # Moves.
    g.add("swapped", "Gather", ["image"], FULL, f"indices = {array(2, 0, 1)}, axis = 1 : i64", output=True)
    g.add("thirds", "Gather", ["image"], (1, 3, H, 20), f"indices = {array(*range(1, 60, 3))}, axis = 3 : i64", output=True)
    g.add("green", "Gather", ["image"], (1, H, W), f"indices = {array(1)}, axis = 1 : i64, keepdims = false", output=True)
    g.add("last", "Permute", ["centred"], (1, H, W, 3), f"order = {array(0, 2, 3, 1)}", output=True)
    g.add("lying", "Permute", ["image"], (1, 3, W, H), f"order = {array(0, 1, 3, 2)}", output=True)
    g.add("flat", "Permute", ["red"], (1, H, W, 1), f"order = {array(0, 2, 3, 1)}", output=True)
    # Choices.
    g.add("mask", "Compare", ["image", "half"], FULL, 'mode = "Greater"')
    g.add("chosen", "Where", ["mask", "centred", "smooth"], FULL, output=True)
    g.add("filled", "Where", ["mask", "half", "image"], FULL, output=True)
    g.add("dark", "Compare", ["image", "turned"], FULL, 'mode = "LessOrEqual"', output=True)
    g.add("taken", "Where", ["dark", "ramp", "image"], FULL, output=True)
    # An island of F32.
    g.add("soft", "Softmax", ["moved"], FULL, "axis = 1 : i64")
    g.add("shares", "Mul", ["soft", "image"], FULL, output=True)
    g.add("chance", "Sigmoid", ["moved"], FULL, output=True)
    g.add("largest", "Arg", ["moved"], (1, 1, H, W), "axis = 1 : i64", output=True)
    g.add("second", "Compare", ["largest", "one"], (1, 1, H, W), 'mode = "Equal"', output=True)
    return g


def write_npz(path):
    with zipfile.ZipFile(path, "w") as z:
        for name, (shape, values) in CONSTANTS.items():
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
            header += " " * (-(len(header) + 11) % 64) + "\n"
            z.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                       + struct.pack(f"<{len(values)}f", *values))


def main():
    tessera = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        def run(*command):
            done = subprocess.run([str(c) for c in (tessera, *command)], cwd=work, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL)
            assert done.returncode == 0, done.stderr
            return done.stdout

        g = graph()
        pathlib.Path(work, "ops.mlir").write_text(g.text())
        write_npz(pathlib.Path(work, "weights.npz"))
        run("synth", "--output", "d", "--count", "3", "--size", f"{W}x{H}")
        picture = sorted(pathlib.Path(work, "d/images").iterdir())[0]
        run("calibrate", "ops.mlir", "--dataset", "d/images", "-o", "table")
        run("run", "--input", picture, "--model", "ops.mlir", "--output", "float.npz", "--dump_all_tensors")
        for mode, tolerance in MODES.items():
            report = json.loads(run("deploy", "--mlir", "ops.mlir", "--quantize", mode, "--calibration_table", "table",
                                    "--model", f"{mode}.bmodel", "--test_input", picture, "--test_reference", "float.npz",
                                    "--compare_all", "--tolerance", tolerance, "--json"))
            assert report["test"]["equal"], report
            about = run("info", f"{mode}.bmodel", "--json")
            for name, kind in KINDS.items(): # by which a mask is decided
                assert re.search(rf'"name": "{name}(_f32)?",\s*"kind": "{kind}"|"kind": "{kind}",\s*"name": "{name}(_f32)?"', about), \
                    (mode, name, about)
            print(mode, report["test"])


if __name__ == "__main__":
    main()
