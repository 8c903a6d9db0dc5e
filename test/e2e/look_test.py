"""Looking inside a run of the demo network: every inner tensor equals the interpreter's, the profile's forms agree
with each other, traces part where runs do, the debugger finds a planted difference."""
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def run(*arguments, code=0, feed=""):
    result = subprocess.run([str(a) for a in (tessera, *arguments)], cwd=work, text=True, capture_output=True, input=feed)
    assert result.returncode == code, f"$ tessera {' '.join(map(str, arguments))}\n{result.stdout}{result.stderr}"
    return result.stdout


def plant(source, target, tensor, index):
    """A copy of an npz with one float of one tensor changed."""
    with zipfile.ZipFile(work / source) as old, zipfile.ZipFile(work / target, "w") as new:
        for name in old.namelist():
            data = bytearray(old.read(name))
            if name == tensor + ".npy":
                start = 10 + struct.unpack_from("<H", data, 8)[0]
                value, = struct.unpack_from("<f", data, start + 4 * index)
                struct.pack_into("<f", data, start + 4 * index, value + 1000)
            new.writestr(name, bytes(data))


work = pathlib.Path(tempfile.mkdtemp())
try:
    run("synth", "--output", "d", "--count", 3, "--seed", 5000, "--size", "300x200")
    run("transform", "--model_name", "n", "--model_def", root / "models/unet8_synth_240x160.onnx", "--mlir", "n.mlir", "--scale",
        "0.0039216,0.0039216,0.0039216", "--pixel_format", "rgb", "--test_input", "d/images/0000.png")
    run("calibrate", "n.mlir", "--dataset", "d/images", "-o", "table")
    run("deploy", "--mlir", "n.mlir", "--calibration_table", "table", "--model", "n.bmodel", "--profile")

    # Every tensor of the interpreter, those that only local memory holds included.
    dump = lambda model, file: json.loads(run("run", "--input", "n_in_f32.npz", "--model", model, "--output", file, "--dump_all_tensors", "--json"))
    inner, interpreted = dump("n.bmodel", "sim.npz"), dump("n_bm1684x_int8_sym_tpu.mlir", "tpu.npz")
    assert set(inner["tensors"]) == set(interpreted["tensors"]), set(inner["tensors"]) ^ set(interpreted["tensors"])
    run("compare", "sim.npz", "tpu.npz", "--exact")
    listed = run("debug", "n.bmodel", "--input", "n_in_f32.npz", "-c", "tensors")
    assert listed.count("local memory only") >= 4, listed

    # The profile: one truth in four forms.
    text = run("profile", "n.bmodel", "--format", "text")
    assert text == (work / "compiler_profile_0.txt").read_text()
    full = json.loads(run("profile", "n.bmodel", "--format", "json"))
    trace = json.loads(run("profile", "n.bmodel", "--format", "chrome"))
    commands = [c for c in full["commands"] if c["unit"] != "none"]
    rows = re.findall(r"(\S+)\|(\w+)\|s:(\d+)\|b:\d+\|g:\d+\|e:(\d+)\|t:(\d+)", text)
    assert len(rows) == len(commands)
    assert sorted((int(s), int(e) + 1) for _, _, s, e, _ in rows) == sorted((c["start"], c["end"]) for c in commands)
    assert f"TCYC : {full['cycles']}\n" in text
    assert sum(int(t) for *_, t in rows) == full["total"]["tiu_cycles"] + full["total"]["gdma_cycles"]
    for key in ("tiu_cycles", "gdma_cycles", "load_bytes", "store_bytes", "tiu_stall_cycles", "gdma_stall_cycles"):
        assert sum(o[key] for o in full["ops"]) == full["total"][key] == sum(k[key] for k in full["kinds"].values()), key
    assert all(0 <= c["use"] <= 1.02 for c in commands), [c for c in commands if c["use"] > 1.02]
    assert any(o["onnx"] for o in full["ops"] if o["type"] == "Conv2D") and all(c["op"] >= 0 for c in commands)
    last = {"tiu": 0, "gdma": 0}
    for c in full["commands"]:  # stalls are the gaps
        assert c["start"] - last[c["engine"]] == c["stall"] and (c["stall"] == 0) == ("waited_for" not in c)
        last[c["engine"]] = c["end"]
    events = trace["traceEvents"]
    for tid in (1, 2):  # slices of a track nest: each lies inside the one that is open
        stack = []
        for e in (e for e in events if e["ph"] == "X" and e["tid"] == tid):
            begin, end = round(1000 * e["ts"]), round(1000 * (e["ts"] + e["dur"]))
            while stack and stack[-1] <= begin:
                stack.pop()
            assert not stack or end <= stack[-1], e
            stack.append(end)
    arrows = [e["id"] for e in events if e["ph"] == "s"]
    assert arrows and arrows == [e["id"] for e in events if e["ph"] == "f"]
    assert len([e for e in events if e["ph"] == "X" and e["cat"] == "command"]) == len(commands)
    assert {e["name"] for e in events if e["ph"] == "C"} == {"DRAM GB/s", "cube use %"}
    summary = run("profile", "n.bmodel")
    assert "Conv2D_" in summary and "longest waits" in summary, summary

    # Traces: the same run gives the same text, another picture parts at the first load's result.
    run("run", "--input", "n_in_f32.npz", "--model", "n.bmodel", "--trace", "a.trace")
    run("run", "--input", "n_in_f32.npz", "--model", "n.bmodel", "--trace", "again.trace", "--output", "o.npz", "--threads", 1)
    run("run", "--input", "d/images/0001.png", "--model", "n.bmodel", "--trace", "b.trace")
    a, b = ((work / f).read_text().splitlines() for f in ("a.trace", "b.trace"))
    assert (work / "a.trace").read_text() == (work / "again.trace").read_text()
    assert len(a) == len(b) == len(commands)
    assert all(re.match(r"(tiu|gdma):\d+ g\d+ dep=\d+ \S+ op=\w+_\d+ slice=\d+ .*=.*#[0-9a-f]{16}", line) for line in a), a[0]
    assert [line.split("#")[0] for line in a] == [line.split("#")[0] for line in b] and a != b

    # The debugger.
    tensor = "/first/first.5/Relu_output_0_Relu"  # lives in local memory only, in slices
    plant("tpu.npz", "wrong.npz", tensor, (3 * 160 + 50) * 240 + 7)
    said = run("debug", "n.bmodel", "--input", "n_in_f32.npz", "-c", "compare wrong.npz")
    assert f"part of '{tensor}' that differs" in said and "element [0,3,50,7]" in said and "1 of the part's" in said, said
    said = run("debug", "n.bmodel", "--input", "n_in_f32.npz", "-c", "compare tpu.npz")
    assert re.search(r"no difference: \d\d tensors compared", said), said
    script = ["break tiu:20", "continue", "info", "step gdma 2", "delete", "watch l0+0x0+16", "continue", "last", "delete",
              "break write l5+0x0+64", "continue", "delete", "break Pool2D", "continue", "next", f"print {tensor}[0, 3, 48:52, 0:8]",
              f"picture {tensor} t.png", f"save {tensor}[0,0] t.npz", "print l0+0x0 i8 1x1x4x8", "print 0x100000000 u8 8", "restart", "quit"]
    said = run("debug", "n.bmodel", "--input", "n_in_f32.npz", feed="\n".join(script))
    for text in ("before tiu:20", "  op      ", "  cycles  ", "changed l0+0x0+16", " old ", " new ", "wrote to l5+0x0+64",
                 "break 4 at Pool2D", "f32 4x8", "t.png:", "t.npz:", "before tiu:1 "):
        assert text in said, f"{text}\n{said}"
    assert (work / "t.png").read_bytes().startswith(b"\x89PNG")
    wrong = run("debug", "n.bmodel", "--input", "n_in_f32.npz", feed="brake\nprint nothing\n", code=1)
    assert "did you mean 'break'" in wrong and "is no tensor" in wrong
    print(f"look: {len(inner['tensors'])} tensors equal, {len(commands)} commands profiled and traced")
finally:
    shutil.rmtree(work)
