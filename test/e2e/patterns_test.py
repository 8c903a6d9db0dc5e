#!/usr/bin/env python3
"""patterns_test.py TESSERA SOURCE: a user's rewrites change the network that transform writes, are told and checked; one that
changes what the network computes, and files that hold none, are refused and leave nothing behind."""
import json
import pathlib
import subprocess
import sys
import tempfile

WRONG = """// Not so: a network without its ReLUs is another one.
pdl.pattern @no_relu : benefit(1) {
  %type = pdl.type
  %x = pdl.operand
  %relu = pdl.operation "top.Relu"(%x : !pdl.value) -> (%type : !pdl.type)
  pdl.rewrite %relu {
    pdl.replace %relu with (%x : !pdl.value)
  }
}
"""


def main():
    tessera, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    patterns = source / "docs/patterns"
    with tempfile.TemporaryDirectory() as work:
        def transform(mlir, *more):
            return subprocess.run([str(c) for c in (tessera, "transform", "--model_name", "u", "--model_def",
                                                    source / "models/unet8_synth_240x160.onnx", "--mlir", mlir, "--json", *more)],
                                  cwd=work, capture_output=True, text=True, stdin=subprocess.DEVNULL)

        def counts(done):
            assert done.returncode == 0, done.stderr
            return {p["pattern"]: p["rewrites"] for p in json.loads(done.stdout)["patterns"]}

        read = lambda name: pathlib.Path(work, name).read_text()
        assert transform("plain.mlir").returncode == 0
        done = transform("u.mlir", "--imported", "imported.mlir", "--patterns", patterns / "relu_into_pool.mlir",
                         patterns / "argmax_of_softmax.mlir")
        assert counts(done) == {"relu_into_pool": 4, "argmax_of_softmax": 0}, done.stdout
        assert "top.BatchNorm" not in read("u.mlir") and read("imported.mlir").count("top.Relu") == 18
        # The pools read what the convolutions leave, and have the ReLU in themselves.
        assert read("u.mlir") != read("plain.mlir")

        wrong = pathlib.Path(work, "wrong.mlir")
        wrong.write_text(WRONG)
        done = transform("w.mlir", "--patterns", wrong)
        assert done.returncode == 1 and "pattern-changes-result" in done.stderr, done.stderr
        assert "wrong.mlir" in done.stderr and "--unchecked_patterns" in done.stderr, done.stderr
        assert not pathlib.Path(work, "w.mlir").exists()
        assert counts(transform("w.mlir", "--patterns", wrong, "--unchecked_patterns")) == {"no_relu": 18}

        for text, said in ((WRONG.replace("top.Relu", "top.Rely"), "wrong.mlir:5:"), (WRONG[:150], "wrong.mlir:"),
                           ("no MLIR", "wrong.mlir:1:"), ("", "no pdl.pattern")):
            wrong.write_text(text)
            done = transform("x.mlir", "--patterns", wrong)
            assert done.returncode == 1 and "bad-pattern" in done.stderr and said in done.stderr, done.stderr
            assert not pathlib.Path(work, "x.mlir").exists()
        assert transform("x.mlir", "--patterns", "missing.mlir").returncode != 0
    print("patterns apply, are checked, and are refused where they should be")


if __name__ == "__main__":
    main()
