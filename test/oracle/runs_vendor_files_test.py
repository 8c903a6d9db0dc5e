"""Vendor-compiled INT8 bmodels on our simulator: every output element equals the vendor's stored answer."""
import pathlib
import sys
import tempfile

import oracle

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
shared = oracle.find_shared(root)
with tempfile.TemporaryDirectory() as work:
    for case, name in (("unet8_int8", "u8"), ("residual_int8", "res")):
        folder = shared / "oracle/cases" / case
        out = pathlib.Path(work, case + ".npz")
        oracle.run(tessera, "run", "--input", folder / f"{name}_in_f32.npz", "--model", folder / f"{name}.bmodel", "--output", out)
        print(case, oracle.run(tessera, "compare", out, folder / f"{name}_bmodel_outputs.npz", "--exact").strip())
