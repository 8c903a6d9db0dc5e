#!/usr/bin/env python3
"""batch_test.py TESSERA SOURCE: many inputs on one loaded bmodel. A run that is killed with SIGKILL in the middle and
resumed ends with the bytes of a run that nobody disturbed; what belongs to another run is refused; an input that
cannot be read is named and counted while the rest goes on."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

tessera, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
work = pathlib.Path(tempfile.mkdtemp())


def run(*arguments, code=0):
    done = subprocess.run([str(a) for a in (tessera, *arguments)], cwd=work, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"$ tessera {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def files(folder):
    return {p.name: p.read_bytes() for p in (work / folder).iterdir() if p.name != "run.journal"}


def main():
    run("synth", "--output", "d", "--count", 12, "--seed", 77, "--size", "240x160")
    run("transform", "--model_name", "n", "--model_def", root / "models/unet8_synth_240x160.onnx", "--mlir", "n.mlir",
        "--scale", "0.0039216,0.0039216,0.0039216", "--pixel_format", "rgb")
    run("calibrate", "n.mlir", "--dataset", "d/images", "--input_num", 2, "-o", "table")
    run("deploy", "--mlir", "n.mlir", "--calibration_table", "table", "--model", "n.bmodel")
    # One array among the pictures, taken as it is.
    run("run", "--input", "d/images/0003.png", "--model", "n.bmodel", "--output", "x.npz", "--save_input", "in.npz")
    shutil.copytree(work / "d/images", work / "in")
    shutil.move(work / "in.npz", work / "in/array.npz")
    batch = ["run", "--input", "in", "--model", "n.bmodel"]
    whole = [*batch, "--output", "whole", "--mask", "whole_masks"]
    assert "13 inputs: 13 done" in run(*whole)
    expected, masks = files("whole"), files("whole_masks")
    assert len(expected) == 13 and len(masks) == 13, sorted(expected)
    assert expected["array.npz"] == expected["0003.npz"] == (work / "x.npz").read_bytes()
    run(*batch, "--output", "serial", "--threads", 1)
    assert files("serial") == expected, "the outputs depend on the number of threads"

    # Killed in the middle, as often as it takes to hit the middle; then resumed.
    for attempt in range(20):
        shutil.rmtree(work / "out", ignore_errors=True)
        process = subprocess.Popen([str(tessera), *batch, "--output", "out", "--threads", "1"], cwd=work,
                                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and len(list(work.glob("out/*.npz"))) < 1 + attempt % 8:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if 0 < len(list(work.glob("out/*.npz"))) < 13:
            break
    else:
        raise AssertionError("no attempt was killed in the middle")
    there = len(list(work.glob("out/*.npz")))
    (work / "out/.0011.tmp99-0.npz").write_bytes(b"left behind")
    with open(work / "out/run.journal", "a") as journal:
        journal.write('{"input":"cut o')
    assert "not-empty" in run(*batch, "--output", "out", code=1)
    answer = json.loads(subprocess.run([str(tessera), *batch, "--output", "out", "--resume", "--json"], cwd=work,
                                       text=True, capture_output=True, check=True).stdout)
    # The last output may have been renamed into place before its line was written.
    assert there - 1 <= answer["already"] <= there and answer["done"] == 13 - answer["already"], answer
    assert files("out") == expected, "resumed outputs differ, or something was left behind"
    assert "13 already there" in run(*batch, "--output", "out", "--resume")

    # A changed output or input is made again; other options and other networks are refused.
    (work / "out/0001.npz").write_bytes(b"x")
    os.utime(work / "in/0002.png")
    assert "2 done, 11 already there" in run(*batch, "--output", "out", "--resume")
    assert files("out") == expected
    text = run(*batch, "--output", "out", "--resume", "--mean", "1,1,1", code=1)
    assert "other-run" in text and "preprocess" in text, text
    shutil.copy(work / "n.bmodel", work / "m.bmodel")
    run("run", "--input", "in", "--model", "m.bmodel", "--output", "out", "--resume")  # the same bytes
    with open(work / "m.bmodel", "ab") as other:
        other.write(b"\0")
    assert "model was" in run("run", "--input", "in", "--model", "m.bmodel", "--output", "out", "--resume", code=1)
    assert "13 done" in run(*batch, "--output", "out", "--overwrite")

    # Unreadable ones are named, the rest is done; a list of files; two of one name.
    (work / "in/0005.png").write_bytes(b"no picture")
    (work / "in/bad.npz").write_bytes(b"no archive")
    text = run(*batch, "--output", "some", code=1)
    assert "0005.png" in text and "bad.npz" in text and "12 done, 2 failed" in text, text
    shutil.copy(work / "d/images/0005.png", work / "in/0005.png")
    (work / "in/bad.npz").unlink()
    run(*batch, "--output", "some", "--resume")
    assert files("some") == expected
    (work / "list").write_text("in/0001.png\n\nin/array.npz\n")
    assert "2 inputs: 2 done" in run("run", "--data_list", "list", "--model", "n.bmodel", "--output", "listed")
    assert files("listed") == {k: expected[k] for k in ("0001.npz", "array.npz")}
    assert "same-output" in run("run", "--input", "in/0001.png", "d/images/0001.png", "--model", "n.bmodel", "--output",
                                "twice", code=1)


try:
    main()
finally:
    shutil.rmtree(work, ignore_errors=True)
