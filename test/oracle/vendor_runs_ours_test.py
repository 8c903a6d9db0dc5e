"""Our bmodels on the vendor's tools: model_tool reads them, model_runner's outputs equal ours in every element.
The demo network on a synthetic picture; the width-8 UNet, the residual one and the matting one with a Sigmoid where shared/ is there."""
import pathlib
import sys
import tempfile

import oracle

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
vendor = oracle.find_vendor()
shared = root.parent / "shared"
unit = ["--scale", "0.0039216,0.0039216,0.0039216"]
networks = [("unet8_synth_240x160", root / "models", "[[1,3,160,240]]", unit, None)]
if (shared / "models").is_dir():
    cars = shared / "data/carvana/calib"
    networks += [("unet8_carvana_240x160", shared / "models", "[[1,3,160,240]]", unit, cars),
                 ("residual_unet_256", shared / "models", "[[1,3,256,256]]", [], cars),
                 ("prisma_portrait_256", shared / "models", "[[1,3,256,256]]", unit, cars)]
for name, folder, shape, recipe, images in networks:
    with tempfile.TemporaryDirectory() as work:
        if images is None:
            oracle.run(tessera, "synth", "--output", "d", "--count", 4, "--size", "240x160", cwd=work)
            images = pathlib.Path(work, "d/images")
        picture = sorted(images.iterdir())[0]
        oracle.run(tessera, "transform", "--model_name", "n", "--model_def", folder / f"{name}.onnx", "--input_shapes", shape,
                   "--pixel_format", "rgb", *recipe, "--mlir", "n.mlir", cwd=work)
        oracle.run(tessera, "calibrate", "n.mlir", "--dataset", images, "--input_num", 4, "-o", "table", cwd=work)
        oracle.run(tessera, "deploy", "--mlir", "n.mlir", "--calibration_table", "table", "--model", "n.bmodel", cwd=work)
        oracle.run(tessera, "run", "--input", picture, "--model", "n.bmodel", "--save_input", "in.npz", "--output", "ours.npz", cwd=work)
        oracle.run(vendor / "model_tool", "--info", "n.bmodel", cwd=work, path=vendor)
        oracle.run(vendor / "model_runner", "--input", "in.npz", "--model", "n.bmodel", "--output", "theirs.npz", cwd=work, path=vendor)
        print(name, oracle.run(tessera, "compare", "ours.npz", "theirs.npz", "--exact", cwd=work).strip())
