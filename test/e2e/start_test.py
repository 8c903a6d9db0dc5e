#!/usr/bin/env python3
"""start_test.py TESSERA SOURCE: what makes the program start at once stays so: `tessera` names no library of the
compiler rooms and none of OpenCV's codecs, hands compiler work over to the program beside it, and says what is
missing when that is not there."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def main():
    tessera, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    needed = re.findall(r"NEEDED.*\[(.*?)\]", run("readelf", "-d", tessera).stdout)
    assert needed, "readelf lists no library at all"
    slow = [n for n in needed if re.search("MLIR|LLVM|onnx|protobuf|dnnl|imgcodecs", n)]
    assert not slow, f"tessera loads {slow} at every start"
    model = source / "models/unet8_synth_240x160.onnx"
    with tempfile.TemporaryDirectory() as work:
        transform = ["transform", "--model_name", "u", "--model_def", model, "--mlir", "u.mlir"]
        done = run(tessera, *transform, cwd=work)
        assert done.returncode == 0 and pathlib.Path(work, "u.mlir").exists(), done.stderr
        # Alone it still reads bmodels and arrays, and names what it lacks for the rest.
        alone = pathlib.Path(work, "bin/tessera")
        alone.parent.mkdir()
        shutil.copy(tessera, alone)
        assert run(alone, "--version", cwd=work).returncode == 0
        refused = run(alone, *transform, cwd=work)
        assert refused.returncode == 1 and "bad-install" in refused.stderr and "tessera-compiler" in refused.stderr, \
            refused.stderr
        refused = run(alone, "synth", "--output", "e", "--count", "1", "--size", "240x160", cwd=work)
        assert refused.returncode == 1 and "tessera_codec.so" in refused.stderr, refused.stderr


if __name__ == "__main__":
    main()
