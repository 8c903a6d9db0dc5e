#!/usr/bin/env python3
"""One network on the simulator: net.py BUILD X.bmodel IN.npz [options]. Prints the seconds of our command
and of the loaded network, with one thread and with all, each kernel's share of the host's dot-product limit
(measured here, in the same run), and ratios to the vendor's simulator (DIR/venv/bin/model_runner; outputs are
compared) and to onnxruntime INT8 (a Python with onnxruntime: DIR/venv, else this one). What is not installed is
named and left out."""
import argparse, json, os, subprocess, sys, tempfile, time

p = argparse.ArgumentParser(description=__doc__)
p.add_argument("build"), p.add_argument("bmodel"), p.add_argument("input")
p.add_argument("--macs", type=float, help="the network's multiply-accumulates in 1e9, inserted zeros not counted")
p.add_argument("--oracle", help="where the vendor's tools are set up")
p.add_argument("--vendor-seconds", type=float, help="the vendor's time, where its run takes too long to repeat")
p.add_argument("--onnx", help="the float network, quantized to INT8 with random calibration for onnxruntime")
p.add_argument("--runs", type=int, default=5)
a = p.parse_args()


def best(command, runs, **kw):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
        times.append(time.perf_counter() - start)
    return min(times)


def limits():
    """MAC/s of each instruction on registers only, all cores at once."""
    cores = os.cpu_count()
    command = [f"{a.build}/bin/conv_bench", "--benchmark_filter=registers only", "--benchmark_format=json",
               "--benchmark_min_time=0.5"]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(cores)]
    total = {}
    for job in jobs:
        for b in json.loads(job.communicate()[0])["benchmarks"]:
            name = b["name"].split("/")[0]
            total[name] = total.get(name, 0) + b["MAC"] / 1e9
    return total


def differing(x, y):
    """Values of two npz files that are not equal in every bit."""
    try:
        import numpy as np
    except ImportError:
        return "unknown, without numpy, how many"
    x, y = np.load(x), np.load(y)
    names = set(x.files) & set(y.files)
    return sum(int((x[n].view(np.uint32) != y[n].view(np.uint32)).sum()) for n in names) if names else None


ORT = r"""
import sys, time, numpy as np, onnx, onnxruntime as ort
from onnxruntime.quantization import quantize_static, CalibrationDataReader, QuantFormat, QuantType
from onnxruntime.quantization.shape_inference import quant_pre_process
source, folder, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
quant_pre_process(source, folder + '/p.onnx', skip_symbolic_shape=True)
model = onnx.load(folder + '/p.onnx')
inputs = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input
          if i.name not in {t.name for t in model.graph.initializer}}
rng = np.random.default_rng(1)
class Reader(CalibrationDataReader):
    left = 1
    def get_next(self):
        self.left -= 1
        return {n: rng.random(s, dtype=np.float32) for n, s in inputs.items()} if self.left >= 0 else None
# Of its forms and types the fastest. Scales per channel of transposed convolutions end in an error.
quantize_static(folder + '/p.onnx', folder + '/q.onnx', Reader(), quant_format=QuantFormat.QOperator,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
                op_types_to_quantize=sorted({n.op_type for n in model.graph.node} - {'ConvTranspose'}))
session = ort.InferenceSession(folder + '/q.onnx', providers=['CPUExecutionProvider'])
feed, best = Reader().get_next(), 1e9
for _ in range(runs + 1):
    start = time.perf_counter(); session.run(None, feed); best = min(best, time.perf_counter() - start)
print(best)
"""

tessera = f"{a.build}/bin/tessera"
with tempfile.TemporaryDirectory() as work:
    ours = f"{work}/ours.npz"
    run = [tessera, "run", "--input", a.input, "--model", a.bmodel, "--output", ours]
    seconds = best(run, a.runs)
    one = best(run + ["--threads", "1"], a.runs)
    print(f"ours, whole command      {seconds:8.3f} s; one thread {one:.3f} s, {one / seconds:.2f} times")
    report = subprocess.run([f"{a.build}/bin/net_bench", a.bmodel, a.input], check=True, capture_output=True, text=True)
    print(report.stdout, end="")
    loaded = float(report.stdout.split("all threads")[1].split()[0]) / 1e3
    if a.macs:
        for name, limit in limits().items():
            env = dict(os.environ, TESSERA_SIM_KERNEL=name)
            took = best(run, a.runs, env=env)
            print(f"  {name:<9} {took:8.3f} s  {a.macs / took:7.1f} of {limit:.1f} GMAC/s on registers only: "
                  f"{100 * a.macs / took / limit:.0f} %")
    runner = a.oracle and f"{a.oracle}/venv/bin/model_runner"
    if a.vendor_seconds:
        print(f"vendor's simulator       {a.vendor_seconds:8.3f} s (as given), ratio {a.vendor_seconds / seconds:.0f}")
    elif runner and os.path.exists(runner):
        theirs = f"{work}/theirs.npz"
        took = best([runner, "--input", a.input, "--model", a.bmodel, "--output", theirs], 1)
        print(f"vendor's simulator       {took:8.3f} s, ratio {took / seconds:.0f}, "
              f"{differing(ours, theirs)} values differ")
    else:
        print("vendor's simulator is not installed: left out (--oracle DIR)")
    if a.onnx:
        python = f"{a.oracle}/venv/bin/python" if a.oracle else sys.executable
        r = subprocess.run([python, "-c", ORT, a.onnx, work, str(a.runs)], capture_output=True, text=True)
        if r.returncode:
            print("onnxruntime INT8: left out:", r.stderr.strip().splitlines()[-1])
        else:
            took = float(r.stdout.split()[-1])
            print(f"onnxruntime INT8         {took:8.3f} s, both loaded: ours is {took / loaded:.2f} times as fast")
