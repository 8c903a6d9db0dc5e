#!/usr/bin/env python3
"""quant_io_test.py TESSERA SOURCE: with --quant_input and --quant_output the bmodel holds 8-bit inputs and outputs, takes
fewer cycles, and gives the same masks and scores on the same pictures."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    tessera, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as work:
        def run(*command, code=0):
            done = subprocess.run([str(c) for c in (tessera, *command)], cwd=work, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL)
            assert done.returncode == code, done.stderr
            return done.stdout if code == 0 else done.stderr

        read = lambda name: pathlib.Path(work, name).read_bytes()
        deploy = ("deploy", "--mlir", "u.mlir", "--calibration_table", "table", "--json")
        run("synth", "--output", "d", "--count", "3", "--size", "240x160")
        run("transform", "--model_name", "u", "--model_def", source / "models/unet8_synth_240x160.onnx", "--mlir", "u.mlir",
            "--scale", "0.0039216,0.0039216,0.0039216")
        run("calibrate", "u.mlir", "--dataset", "d/images", "-o", "table")
        picture = sorted(pathlib.Path(work, "d/images").iterdir())[0]
        plain = json.loads(run(*deploy, "--model", "plain.bmodel"))
        both = json.loads(run(*deploy, "--model", "both.bmodel", "--quant_input", "--quant_output", "--test_input", picture))
        assert both["test"]["equal"] and both["ms"] < plain["ms"], (both, plain["ms"])
        about = run("info", "both.bmodel")
        assert re.search(r"input +\S+: u8 ", about) and re.search(r"output +\S+: [iu]8 ", about), about
        for model in ("plain", "both"):
            run("run", "--input", picture, "--model", f"{model}.bmodel", "--output", f"{model}.npz", "--mask", f"{model}.png",
                "--save_input", f"{model}_in.npz")
            run("run", "--input", f"{model}_in.npz", "--model", f"{model}.bmodel", "--output", f"{model}_again.npz")
            assert read(f"{model}_again.npz") == read(f"{model}.npz"), model
        assert read("both.png") == read("plain.png")
        score = lambda model: {k: v for k, v in json.loads(
            run("eval", "--model", f"{model}.bmodel", "--images", "d/images", "--masks", "d/masks", "--json")).items()
            if "dice" in k.lower()}
        assert score("both") == score("plain") != {}, score("both")
        # One of the two alone; and neither where nothing is quantized.
        assert json.loads(run(*deploy, "--model", "in.bmodel", "--quant_input"))["ms"] < plain["ms"]
        assert re.search(r"output +\S+: f32 ", run("info", "in.bmodel"))
        refused = run("deploy", "--mlir", "u.mlir", "--quantize", "F32", "--quant_output", code=1)
        assert "--quant_output: error[bad-option]: has no meaning for F32" in refused, refused


if __name__ == "__main__":
    main()
