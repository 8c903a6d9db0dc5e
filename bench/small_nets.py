#!/usr/bin/env python3
"""Networks that nobody tuned for, with random weights, compiled by us and by TPU-MLIR: estimated cycles of both.
small_nets.py BUILD OUT IMAGES [NAME ...] [--quantize TYPE] [--oracle DIR --vendor VENDOR_SH] [--check]   (needs numpy and onnx)
OUT receives NAME.onnx, our files and, in OUT/vendor_NAME, theirs; tables and what the vendor made are kept."""
import argparse, json, pathlib, re, subprocess
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Grows a graph; every layer returns the name of its result."""

    def __init__(self, name, h, w, channels=3):
        self.name, self.shape = name, (1, channels, h, w)
        self.nodes, self.weights, self.channels = [], [], {"image": channels}
        self.random = np.random.default_rng(sum(map(ord, name)))

    def constant(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, inputs, channels, **attributes):
        name = f"t{len(self.nodes)}_{op}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.channels[name] = channels
        return name

    def conv(self, x, oc, k=3, stride=1, dilation=1, group=1, relu=True):
        ic = self.channels[x]
        w = self.random.normal(0, (2 * group / (ic * k * k)) ** 0.5, (oc, ic // group, k, k))
        b = self.random.normal(0, 0.05, oc)
        y = self.node("Conv", [x, self.constant(w.astype(np.float32)), self.constant(b.astype(np.float32))], oc,
                      kernel_shape=[k, k], strides=[stride] * 2, dilations=[dilation] * 2,
                      pads=[(k - 1) * dilation // 2] * 4, group=group)
        return self.node("Relu", [y], oc) if relu else y

    def separable(self, x, oc, stride=1):
        return self.conv(self.conv(x, self.channels[x], stride=stride, group=self.channels[x]), oc, k=1)

    def deconv(self, x, oc, k=2):
        """To twice the size."""
        ic = self.channels[x]
        w = self.random.normal(0, (8 / (ic * k * k)) ** 0.5, (ic, oc, k, k)).astype(np.float32)
        return self.node("ConvTranspose", [x, self.constant(w), self.constant(np.zeros(oc, np.float32))], oc,
                         kernel_shape=[k, k], strides=[2, 2], pads=[(k - 1) // 2] * 4, output_padding=[k % 2] * 2)

    def pool(self, x, kind="MaxPool", k=2):
        return self.node(kind, [x], self.channels[x], kernel_shape=[k, k], strides=[k, k])

    def resize(self, x, factor, mode="linear", coordinates="half_pixel"):
        scales = self.constant(np.array([1, 1, factor, factor], np.float32))
        more = {"nearest_mode": "floor"} if mode == "nearest" else {}
        return self.node("Resize", [x, "", scales], self.channels[x], mode=mode,
                         coordinate_transformation_mode=coordinates, **more)

    def concat(self, *xs):
        return self.node("Concat", list(xs), sum(self.channels[x] for x in xs), axis=1)

    def add(self, a, b):
        return self.node("Add", [a, b], self.channels[a])

    def pad(self, x, bottom, right):
        return self.node("Pad", [x, self.constant(np.array([0, 0, 0, 0, 0, 0, bottom, right], np.int64))],
                         self.channels[x])

    def save(self, path, output):
        info = helper.make_tensor_value_info
        graph = helper.make_graph(self.nodes, self.name, [info("image", TensorProto.FLOAT, self.shape)],
                                  [info(output, TensorProto.FLOAT, None)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def unet(net, width, levels, block, up, pool="MaxPool"):
    x, skips = block("image", width), []
    for level in range(1, levels + 1):
        skips.append(x)
        x = block(net.pool(x, pool), width << level)
    for level in range(levels - 1, -1, -1):
        x = block(net.concat(skips[level], up(x, level)), width << level)
    return net.conv(x, 2, k=1, relu=False)


def twice(net):
    return lambda x, c: net.conv(net.conv(x, c), c)


def dilated():
    net = Net("dilated", 192, 320)
    x = net.conv(net.conv("image", 32), 32, stride=2)
    low = net.conv(x, 64)
    x = net.conv(low, 128, stride=2)
    for d in (1, 2, 4, 8):
        x = net.add(x, net.conv(x, 128, dilation=d))
    x = net.concat(*[net.conv(x, 64, dilation=d) for d in (1, 3, 6, 12)])
    x = net.resize(net.conv(x, 64, k=1), 2)
    x = net.conv(net.concat(x, net.conv(low, 16, k=1)), 64)
    return net, net.resize(net.conv(x, 2, k=1, relu=False), 2)


def depthwise():
    net = Net("depthwise", 256, 256)
    block = lambda x, c: net.conv(x, c) if x == "image" else net.separable(net.separable(x, c), c)
    return net, unet(net, 32, 3, block, lambda x, level: net.deconv(x, 32 << level))


def bilinear():
    net = Net("bilinear", 160, 240)
    return net, unet(net, 32, 3, twice(net), lambda x, level: net.resize(x, 2))


def corners():
    net = Net("corners", 160, 240)
    return net, unet(net, 32, 3, twice(net), lambda x, level: net.resize(x, 2, coordinates="align_corners"))


def nearest():
    net = Net("nearest", 160, 240)
    up = lambda x, level: net.conv(net.resize(x, 2, "nearest", "asymmetric"), 32 << level)
    return net, unet(net, 32, 3, twice(net), up)


def odd():
    net = Net("odd", 187, 253)
    sizes = [(187, 253), (93, 126), (46, 63)]
    up = lambda x, level: net.pad(net.deconv(x, 32 << level), sizes[level][0] % 2, sizes[level][1] % 2)
    return net, unet(net, 32, 3, twice(net), up)


def transposed():
    net = Net("transposed", 256, 256)
    x, skips = net.conv("image", 32), []
    for c in (32, 64, 128, 256):
        skips.append(x)
        x = net.conv(x, c, k=3, stride=2)
    for k, skip in zip((4, 3, 4, 3), reversed(skips)):
        x = net.node("Relu", [net.deconv(x, net.channels[skip], k)], net.channels[skip])
        x = net.concat(x, skip)
    return net, net.conv(x, 2, k=1, relu=False)


def averages():
    net = Net("averages", 192, 192)
    x = net.conv(net.conv("image", 32), 64, stride=2)
    x = net.conv(net.pool(x, "AveragePool"), 128)
    x = net.conv(net.pool(x, "AveragePool"), 128)  # 24 x 24
    branches = [net.resize(net.conv(net.pool(x, "AveragePool", k), 32, k=1), k) for k in (2, 4, 8)]
    everywhere = net.conv(net.node("GlobalAveragePool", [x], 128), 128, k=1, relu=False)
    x = net.conv(net.concat(net.add(x, everywhere), *branches), 64)
    return net, net.resize(net.conv(x, 2, k=1, relu=False), 8)


def gated():
    """Attention gates on the skips, squeeze and excitation in the blocks, hard swish."""
    net = Net("gated", 160, 240)
    number = lambda v: net.constant(np.array(v, np.float32))
    mul = lambda a, b: net.node("Mul", [a, b], net.channels[a])

    def swish(x):
        c = net.channels[x]
        gate = net.node("Clip", [net.node("Add", [x, number(3)], c), number(0), number(6)], c)
        return net.node("Div", [mul(x, gate), number(6)], c)

    def block(x, c):
        x = swish(net.conv(swish(net.conv(x, c, relu=False)), c, relu=False))
        s = net.conv(net.node("GlobalAveragePool", [x], c), c // 4, k=1)
        return mul(x, net.node("Sigmoid", [net.conv(s, c, k=1, relu=False)], c))

    x, skips = block("image", 32), []
    for c in (64, 128):
        skips.append(x)
        x = block(net.pool(x), c)
    for skip in reversed(skips):
        c = net.channels[skip]
        x = net.deconv(x, c)
        both = net.node("Relu", [net.add(net.conv(x, c // 2, k=1, relu=False), net.conv(skip, c // 2, k=1, relu=False))], c // 2)
        gate = net.node("Sigmoid", [net.conv(both, 1, k=1, relu=False)], 1)
        x = block(net.concat(mul(skip, gate), x), c)
    return net, net.conv(x, 2, k=1, relu=False)


def mobile():
    """Inverted residuals with ReLU6, its classes last in memory."""
    net = Net("mobile", 192, 256)
    relu6 = lambda x: net.node("Clip", [x, net.constant(np.float32(0)), net.constant(np.float32(6))], net.channels[x])

    def inverted(x, c, stride=1):
        wide = relu6(net.conv(x, 4 * net.channels[x], k=1, relu=False))
        wide = relu6(net.conv(wide, net.channels[wide], stride=stride, group=net.channels[wide], relu=False))
        y = net.conv(wide, c, k=1, relu=False)
        return net.add(x, y) if stride == 1 and net.channels[x] == c else y

    x = relu6(net.conv("image", 16, stride=2, relu=False))
    low = x = inverted(inverted(x, 24, 2), 24)
    for c in (32, 64):
        x = inverted(inverted(x, c, 2), c)
    x = net.resize(net.conv(x, 32, k=1), 4)
    x = net.conv(net.concat(x, net.conv(low, 16, k=1)), 32)
    x = net.resize(net.conv(x, 4, k=1, relu=False), 4)
    return net, net.node("Transpose", [net.node("Softmax", [x], 4, axis=1)], 4, perm=[0, 2, 3, 1])


def atrous():
    """Rates beyond 15, plain and depthwise, and means over large bins."""
    net = Net("atrous", 240, 320)
    x = net.conv(net.conv("image", 16, stride=2), 32)
    low, x = x, net.conv(net.conv(x, 64, stride=2), 64)  # 60 x 80
    plain = [net.conv(x, 32, dilation=d) for d in (6, 12, 18)]
    wide = net.conv(net.conv(x, 64, dilation=24, group=64), 32, k=1)
    bins = [net.resize(net.conv(net.pool(x, "AveragePool", k), 16, k=1), k) for k in (10, 20)]
    x = net.conv(net.concat(*plain, wide, *bins), 64, k=1)
    x = net.conv(net.concat(net.resize(x, 2), net.conv(low, 16, k=1)), 32)
    return net, net.resize(net.conv(x, 21, k=1, relu=False), 2)


ALL = {f.__name__: f for f in (dilated, depthwise, bilinear, corners, nearest, odd, transposed, averages, gated, mobile, atrous)}


def run(*command):
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"$ {' '.join(map(str, command))}\n{(done.stdout + done.stderr)[-1500:]}")
    return done.stdout


def ours(a, name, shape):
    """Estimated milliseconds, and the likeness to the float network on one picture."""
    at, tessera = a.out / name, a.build / "bin/tessera"
    picture = sorted(pathlib.Path(a.images).iterdir())[0]
    run(tessera, "transform", "--model_name", name, "--model_def", f"{at}.onnx", "--input_shapes", shape, "--scale",
        "0.0039216,0.0039216,0.0039216", "--pixel_format", "rgb", "--mlir", f"{at}.mlir")
    if a.quantize == "INT8" and not pathlib.Path(f"{at}.table").exists():
        run(tessera, "calibrate", f"{at}.mlir", "--dataset", a.images, "--input_num", "4", "-o", f"{at}.table")
    command = [tessera, "deploy", "--mlir", f"{at}.mlir", "--quantize", a.quantize, "--model", f"{at}.bmodel", "--json"]
    if a.quantize == "INT8":
        command += ["--calibration_table", f"{at}.table"]
    if a.check:
        run(tessera, "run", "--input", picture, "--model", f"{at}.mlir", "--output", f"{at}_float.npz")
        command += ["--test_input", picture, "--test_reference", f"{at}_float.npz", "--tolerance", "0,-9"]
    report = json.loads(run(*command))
    return report["ms"], report.get("test", {})


def theirs(a, name, shape):
    kind = "" if a.quantize == "INT8" else "_" + a.quantize
    log = a.out / f"vendor_{name}{kind}/compiler_profile_0.txt"
    if not log.exists():
        run("env", "SKIP_RUN=1", "COUNT=4", a.vendor, a.oracle, a.out / f"{name}.onnx", name, shape, a.images, log.parent,
            "--quantize", a.quantize)
    return float(re.search(r"runtime: ([0-9.]+)ms", log.read_text())[1])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path), p.add_argument("out", type=pathlib.Path), p.add_argument("images")
    p.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(ALL))
    p.add_argument("--oracle", help="where the vendor's tools are set up")
    p.add_argument("--vendor", help="vendor.sh, which runs them")
    p.add_argument("--quantize", default="INT8", choices=["INT8", "F16", "BF16", "F32"])
    p.add_argument("--check", action="store_true", help="simulate one picture too, and compare with the float network")
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    for name in a.names or ALL:
        net, output = ALL[name]()
        net.save(a.out / f"{name}.onnx", output)
        shape = json.dumps([list(net.shape)])
        try:
            ms, test = ours(a, name, shape)
            vendor = theirs(a, name, shape) if a.vendor else float("nan")
        except RuntimeError as error:
            print(f"{name}: {error}", flush=True)
            continue
        print(f"| {name} | {net.shape[3]}×{net.shape[2]} | {ms:.3f} | {vendor:.3f} | {test}", flush=True)


if __name__ == "__main__":
    main()
