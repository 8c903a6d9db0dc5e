#!/usr/bin/env python3
"""floats_test.py TESSERA SOURCE: F16, BF16, F32 and mixed deployments of the demo network: interpreter and simulator equal
in every bit, close to the float network, composed and as single ops."""
import json
import pathlib
import subprocess
import sys
import tempfile


def main():
    tessera, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as work:
        def run(*command, code=0):
            done = subprocess.run([str(c) for c in (tessera, *command)], cwd=work, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL)
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout if code == 0 else done.stderr

        run("synth", "--output", "d", "--count", "2", "--size", "240x160")
        picture = sorted(pathlib.Path(work, "d/images").iterdir())[0]
        for compose in ("never", "always"):
            run("transform", "--model_name", compose, "--model_def", source / "models/unet8_synth_240x160.onnx", "--mlir",
                f"{compose}.mlir", "--scale", "0.0039216,0.0039216,0.0039216", "--compose", compose, "--test_input", picture,
                "--test_result", f"{compose}_top.npz")

        def deploy(name, mode, *more):
            made = json.loads(run("deploy", "--mlir", f"{name}.mlir", "--quantize", mode, "--model", f"{name}_{mode}.bmodel",
                                  "--test_input", picture, "--test_reference", f"{name}_top.npz", "--json", *more))
            assert made["test"]["equal"], made
            assert f"_bm1684x_{'int8_sym' if mode == 'INT8' else mode.lower()}_tpu.mlir" in made["tpu"], made
            return made["ms"], made["test"]["cosine"]

        halves = {mode: deploy("never", mode) for mode in ("F16", "BF16")}
        composed = {mode: deploy("always", mode) for mode in ("F16", "F32")}
        assert halves["F16"][1] > 0.99999 and halves["BF16"][1] > 0.999, halves
        assert composed["F16"][1] > 0.99999 and composed["F32"][1] > 0.999999, composed
        assert composed["F16"][0] < composed["F32"][0], composed
        # The bmodel takes real values and gives the interpreter's, inner tensors too.
        for model, name in (("never_BF16.bmodel", "sim"), ("never_bm1684x_bf16_tpu.mlir", "tpu")):
            run("run", "--input", picture, "--model", model, "--output", f"{name}.npz", "--dump_all_tensors")
        tensors = json.loads(run("compare", "sim.npz", "tpu.npz", "--json"))["tensors"]
        assert len(tensors) > 20 and all(t["equal"] for t in tensors), tensors
        # Some ops in another precision: casts stand between.
        run("calibrate", "never.mlir", "--dataset", "d/images", "-o", "table")
        text = pathlib.Path(work, "never.mlir").read_text()
        convs = [line.rsplit('loc("', 1)[1].split('"')[0] for line in text.splitlines() if "top.Conv" in line]
        pathlib.Path(work, "qtable").write_text(f"# op_name quantize_mode\n{convs[0]} F16\n\n{convs[-1]} F32\n")
        int8 = deploy("never", "INT8", "--calibration_table", "table")
        mixed = deploy("never", "INT8", "--calibration_table", "table", "--quantize_table", "qtable")
        assert min(mixed[1], int8[1]) > 0.99 and mixed[0] > int8[0], (mixed, int8)
        module = pathlib.Path(work, "never_bm1684x_int8_sym_tpu.mlir").read_text()
        assert "xf16>" in module and "!quant.uniform" in module
        pathlib.Path(work, "qtable").write_text("nothing F16\nconv F17\n")
        refused = run("deploy", "--mlir", "never.mlir", "--quantize", "F32", "--quantize_table", "qtable", code=1)
        assert "qtable:2: error[bad-qtable]: 'F17' is no precision" in refused, refused
        pathlib.Path(work, "qtable").write_text("nothing F16\n")
        refused = run("deploy", "--mlir", "never.mlir", "--quantize", "F32", "--quantize_table", "qtable", code=1)
        assert "never.mlir: error[bad-qtable]: has no op 'nothing', which should be F16" in refused, refused


if __name__ == "__main__":
    main()
