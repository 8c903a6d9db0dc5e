#!/usr/bin/env python3
"""explain_test.py TESSERA SOURCE: explain accounts for every cycle of the bmodel; choices written as pins and given back
make the same bytes; a choice changed by hand is kept, costs what explain said, and is found in what deploy leaves."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    tessera, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as work:
        def run(*command, code=0, cache="off"):
            done = subprocess.run([str(c) for c in (tessera, *command)], cwd=work, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, env={**os.environ, "TESSERA_CACHE": str(cache)})
            assert done.returncode == code, done.stderr
            return done.stdout

        def deploy(model, *more):
            return json.loads(run("deploy", "--mlir", "u.mlir", "--calibration_table", "table", "--model", model, "--json",
                                  *more))

        def explain(*more):
            return json.loads(run("explain", "u_bm1684x_int8_sym_final.mlir", "--json", *more))

        read = lambda name: pathlib.Path(work, name).read_bytes()
        run("synth", "--output", "d", "--count", "2", "--size", "240x160")
        run("transform", "--model_name", "u", "--model_def", source / "models/unet8_synth_240x160.onnx", "--mlir", "u.mlir",
            "--scale", "0.0039216,0.0039216,0.0039216")
        run("calibrate", "u.mlir", "--dataset", "d/images", "-o", "table")
        first = deploy("u.bmodel")
        said = explain("--write_pins", "pins.json")
        assert abs(said["ms"] - first["ms"]) < 1e-9, (said["ms"], first["ms"])
        profile = json.loads(run("profile", "u.bmodel", "--format", "json", "--json"))
        ops = json.loads(profile["text"])["ops"]
        layers = [layer for choice in said["choices"] for layer in choice["layers"]]
        for engine, name in (("tiu_cycles", "compute_cycles"), ("gdma_cycles", "transfer_cycles")):
            assert sum(op[engine] for op in ops) == sum(layer[name] for layer in layers), name
        assert any(choice["group"] and len(choice["layers"]) > 1 for choice in said["choices"])
        assert all(o["cycles_more"] >= 0 for choice in said["choices"] for o in choice["others"])
        text = run("explain", "u_bm1684x_int8_sym_final.mlir", "--others", "1")
        assert "else" in text and "idle" in text and "channels fill" in text, text

        # The same choices again: the same bytes.
        deploy("again.bmodel", "--pins", "pins.json")
        assert read("again.bmodel") == read("u.bmodel")

        # What a search found is kept by content: the same bytes from there, and where that is damaged.
        cache = pathlib.Path(work, "cache")
        again = ("deploy", "--mlir", "u.mlir", "--calibration_table", "table", "--model", "again.bmodel")
        for damage in (None, None, "{", '{"pins": [{"layers": ["nothing"]}]}'):
            if damage:
                kept.write_text(damage)
            run(*again, cache=cache)
            assert read("again.bmodel") == read("u.bmodel"), damage
            kept, = cache.iterdir()
        pathlib.Path(kept).write_text(json.dumps({"pins": []}))  # from now on the program could tell
        run(*again, "--no_cache", cache=cache)
        assert json.loads(kept.read_text()) == {"pins": []}

        # One group taken apart: no faster, and kept by what deploy leaves for explain.
        pins = json.loads(read("pins.json"))["pins"]
        group = next(pin for pin in pins if len(pin["layers"]) > 1)
        pathlib.Path(work, "changed.json").write_text(json.dumps({"pins": [{"layers": group["layers"][:1]}]}))
        changed = deploy("u.bmodel", "--pins", "changed.json")
        assert changed["ms"] > first["ms"], (changed["ms"], first["ms"])
        again = explain()
        assert abs(again["ms"] - changed["ms"]) < 1e-9, (again["ms"], changed["ms"])
        taken = next(c for c in again["choices"] if c["layers"][0]["tensor"] == group["layers"][0])
        assert len(taken["layers"]) == 1 or not taken["group"], taken

        # Another cut of a group.
        name = lambda layer: layer["tensor"]
        choice, other = next((c, o) for c in said["choices"] for o in c["others"]
                             if c["group"] and o["group"] and o["cycles_more"] and o["last"] == group["layers"][-1]
                             and name(c["layers"][0]) == group["layers"][0] and o["cut"] != c["cut"])
        pathlib.Path(work, "changed.json").write_text(
            json.dumps({"pins": [{"layers": group["layers"], "cut": other["cut"]}]}))
        deploy("cut.bmodel", "--pins", "changed.json")
        assert read("cut.bmodel") != read("again.bmodel")
        assert any(c["cut"] == other["cut"] for c in explain()["choices"])

        # Less memory, more cycles; a faster memory, fewer.
        assert explain("--what-if", "local_bytes=16384")["what_if"]["ms"] > again["ms"]
        assert explain("--what-if", "bandwidth=2")["what_if"]["ms"] < again["ms"]


if __name__ == "__main__":
    main()
