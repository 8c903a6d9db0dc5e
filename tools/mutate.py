#!/usr/bin/env python3
"""Changes the rules of test/mutation/mutations.csv (file, old text, new text, rule) one at a time and demands that a
test fails: the numerics tests, the replay of the soak's vectors, the golden vectors. Old and new are whole expressions,
or whole statements (then both end in a semicolon): all changes are built once, into a scratch copy build-mutate/, each
behind a switch that the environment variable TESSERA_MUTANT chooses at run time.
  tools/mutate.py                  all of them
  tools/mutate.py --only N[,N...]  some rows, counted from 1
  tools/mutate.py --check          only that every old text occurs exactly once in its file
Exit code 1 when a change survives, or a text is not there."""
import argparse
import concurrent.futures
import csv
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "build-mutate"
# Quick ones first: most changes never get to the last.
TESTS = ["tessera_numerics_test", "tessera_soak_replay_test", "tessera_sim_test"]


def read_rows():
    with open(ROOT / "test/mutation/mutations.csv", newline="") as file:
        return list(csv.DictReader(file))


def check(rows):
    problems = 0
    for number, row in enumerate(rows, 1):
        count = (ROOT / row["file"]).read_text().count(row["old"])
        if count != 1:
            print(f"mutations.csv row {number} ({row['rule']}): {count} times in {row['file']}: {row['old']!r}")
            problems += 1
    if problems:
        print("each row must name a rule as the source spells it: change the row with the source")
    return problems == 0


SWITCH = """#ifndef TESSERA_MUTANT_SWITCH
#define TESSERA_MUTANT_SWITCH
#include <cstdlib>
namespace tessera {
inline const int kMutant = std::getenv("TESSERA_MUTANT") ? std::atoi(std::getenv("TESSERA_MUTANT")) : 0;
}
#endif
"""


def with_switches(name, text, rows):
    """The source with each of its rows behind a switch."""
    mine = [(n, row) for n, row in enumerate(rows, 1) if row["file"] == name]
    for number, row in mine:
        old, new, chosen = row["old"], row["new"], f"::tessera::kMutant == {number}"
        text = text.replace(old, f"{{ if ({chosen}) {{ {new} }} else {{ {old} }} }}" if old.endswith(";")
                            else f"({chosen} ? ({new}) : ({old}))")
    return SWITCH + text if mine else text


def copy_sources(rows):
    """Writes only what has changed, so that the rest is not compiled again."""
    source = SCRATCH / "source"
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "CMakeLists.txt", "VERSION", "cmake",
                            "docs", "fuzz", "tessera", "test", "tools"],
                           cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        data = (ROOT / name).read_bytes()
        if any(row["file"] == name for row in rows):
            data = with_switches(name, data.decode(), rows).encode()
        to = source / name
        if not to.exists() or to.read_bytes() != data:
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(data)
    for path in list(source.rglob("*.cpp")) + list(source.rglob("*.txt")):
        if str(path.relative_to(source)) not in names:
            path.unlink()
    return source


def failing_test(folder, mutant, name=""):
    """The first test that fails, or None. The vectors of the changed file's own class are replayed first."""
    own = pathlib.Path(name).stem.split("_")[0]
    runs = [(TESTS[1], f"*/{own}*")] if "/exec/" in name else []
    for test, only in runs + [(test, "*") for test in TESTS]:
        try:
            run = subprocess.run([folder / "bin" / test, "--gtest_brief=1", "--gtest_fail_fast", f"--gtest_filter={only}"],
                                 capture_output=True, text=True, timeout=900, errors="replace",
                                 env={**os.environ, "TESSERA_MUTANT": str(mutant)})
        except subprocess.TimeoutExpired:
            return f"{test} (does not end)"
        if run.returncode:
            names = [line.split("]")[1].split(",")[0].split("(")[0].strip() for line in run.stdout.splitlines()
                     if "FAILED  ]" in line]
            return names[0] if names else f"{test} (exit {run.returncode})"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    rows = read_rows()
    if not check(rows):
        return 1
    if options.check:
        print(f"{len(rows)} mutations name their rules")
        return 0
    wanted = [int(n) for n in options.only.split(",")] if options.only else list(range(1, len(rows) + 1))
    source, folder = copy_sources(rows), SCRATCH / "build"
    subprocess.run(["cmake", "-S", source, "-B", folder, "-G", "Ninja", "-DTESSERA_COMPILER=OFF",
                    "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"], check=True, capture_output=True)
    jobs = os.environ.get("TESSERA_JOBS", str(os.cpu_count()))
    built = subprocess.run(["cmake", "--build", folder, "-j", jobs, "--target", *TESTS], capture_output=True, text=True)
    if built.returncode:
        sys.exit("the changed sources do not compile:\n" + built.stdout[-3000:])
    if test := failing_test(folder, 0):
        sys.exit(f"unchanged rules fail: {test}")
    start, survivors = time.time(), 0
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        outcomes = pool.map(lambda number: failing_test(folder, number, rows[number - 1]["file"]), wanted)
        for number, outcome in zip(wanted, outcomes):
            survivors += outcome is None
            row = rows[number - 1]
            print(f"{number:3} {outcome or 'SURVIVES'}: {row['rule']} ({row['file']})", flush=True)
    print(f"{len(wanted)} rules changed, {survivors} not noticed, {time.time() - start:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
