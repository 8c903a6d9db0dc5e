"""The stages on the demo network beyond the demo: every stage's file runs and agrees with the one before it, F32
goes through, inner tensors can be dumped, the same inputs give the same bytes, an installed program works."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
onnx = root / "models/unet8_synth_240x160.onnx"
unit = ["--scale", "0.0039216,0.0039216,0.0039216", "--pixel_format", "rgb"]


def run(*arguments, program=tessera):
    result = subprocess.run([str(a) for a in (program, *arguments)], cwd=work, text=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, f"$ tessera {' '.join(map(str, arguments))}\n{result.stdout}{result.stderr}"
    return result.stdout


work = pathlib.Path(tempfile.mkdtemp())
try:
    run("synth", "--output", "d", "--count", 3, "--seed", 5000, "--size", "300x200")
    picture = "d/images/0000.png"
    run("transform", "--model_name", "n", "--model_def", onnx, "--mlir", "n.mlir", *unit, "--test_input", picture, "--test_result", "top.npz")
    for attempt in ("a", "b"):
        run("calibrate", "n.mlir", "--dataset", "d/images", "-o", f"{attempt}.table", "--threads", 1 if attempt == "a" else 2)
        (work / attempt).mkdir()
        run("deploy", "--mlir", "n.mlir", "--calibration_table", f"{attempt}.table", "--model", f"{attempt}/n.bmodel",
            "--test_input", "n_in_f32.npz", "--test_reference", "top.npz", "--compare_all", "--tolerance", "0.9,0.5")
    for name in ("a.table b.table", "a/n.bmodel b/n.bmodel", "a/n_bm1684x_int8_sym_tpu.mlir b/n_bm1684x_int8_sym_tpu.mlir"):
        first, second = ((work / n).read_bytes() for n in name.split())
        assert first == second, f"not the same bytes: {name}"
    # Each stage's answer to one picture.
    for name, model in (("onnx", onnx), ("top", "n.mlir"), ("tpu", "a/n_bm1684x_int8_sym_tpu.mlir"), ("bmodel", "a/n.bmodel")):
        flags = unit if name == "onnx" else []
        run("run", "--input", picture, "--model", model, "--output", f"{name}.npz", "--mask", f"{name}.png", "--save_input", f"{name}_in.npz", *flags)
        run("compare", f"{name}_in.npz", "n_in_f32.npz", "--exact")
    run("compare", "onnx.npz", "top.npz", "--tolerance", "0.999999,0.9999")
    run("compare", "tpu.npz", "bmodel.npz", "--exact")
    # Inner tensors: those the bmodel stores equal the interpreter's.
    run("run", "--input", picture, "--model", "a/n.bmodel", "--output", "inner.npz", "--dump_all_tensors")
    inner = json.loads(run("run", "--input", picture, "--model", "a/n.bmodel", "--output", "inner.npz", "--dump_all_tensors", "--json"))
    assert len(inner["tensors"]) > 10, inner["tensors"].keys()
    # F32 through the same stages, on the interpreter.
    run("deploy", "--mlir", "n.mlir", "--quantize", "F32")
    run("run", "--input", picture, "--model", "n_bm1684x_f32_tpu.mlir", "--output", "f32.npz")
    run("compare", "f32.npz", "top.npz", "--tolerance", "0.9999999,0.99999")
    # A folder, and scores against masks and against another network's masks.
    run("run", "--input", "d/images", "--model", "a/n.bmodel", "--mask", "masks")
    assert sorted(p.name for p in (work / "masks").iterdir()) == [f"000{i}_mask.png" for i in range(3)] + ["run.journal"]
    scores = json.loads(run("eval", "--model", "a/n.bmodel", "--images", "d/images", "--masks", "masks", "--json"))
    assert scores["dice"] == 1.0 and scores["iou"] == 1.0, "a network agrees with its own masks"
    against = json.loads(run("eval", "--model", "a/n.bmodel", "--images", "d/images", "--reference", "n.mlir", "--json"))
    assert against["dice"] > 0.97 and abs(against["score"] - (100 * against["dice"] + 300 - against["ms"])) < 1e-9
    cleaned = json.loads(run("eval", "--model", "a/n.bmodel", "--images", "d/images", "--masks", "d/masks", "--largest_component",
                             "--fill_holes", "--opening", 3, "--median", 5, "--threshold", "0.1", "--json"))
    assert cleaned["dice"] > 0.9
    info = json.loads(run("info", "a/n.bmodel", "--json"))
    assert info["ms"] == scores["ms"] > 0
    assert run("dis", "a/n.bmodel").count("\n") > 100
    # Installed elsewhere it still runs.
    if shutil.which("cmake"):
        build = tessera.parent.parent
        subprocess.run(["cmake", "--install", build, "--prefix", work / "prefix"], check=True, capture_output=True)
        version = run("--version", program=work / "prefix/bin/tessera").strip()
        assert version == "tessera " + (root / "VERSION").read_text().strip(), version
    print("stages agree; F32, dumps, folders, scores and the installed program work")
finally:
    shutil.rmtree(work)
