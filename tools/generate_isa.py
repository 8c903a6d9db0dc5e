#!/usr/bin/env python3
"""Turns tessera/isa/instructions.csv, the one table of all instructions, into C++ and into docs/isa.md.

  generate_isa.py forms CSV OUT_DIR   writes OUT_DIR/forms.h and OUT_DIR/forms.cpp
  generate_isa.py docs CSV            prints docs/isa.md
"""
import csv
import os
import re
import sys

# Bits one instruction takes in a stream, where that is not the end of its last field rounded up.
# SYS: the table goes on with a register image that streams never carry.
STREAM_BITS = {"TIU_long": 1024, "SYS": 128}

# How a stream names its form: (class, minor opcodes or None for all the rest). TIU: tsk_typ and
# tsk_eu_typ; GDMA: cmd_short, cmd_type.
TIU_CLASS = {
    "sCONV": (0, None), "sPorD": (1, None), "sMM": (2, range(0, 4)), "sMM2": (2, range(4, 32)),
    "sAR": (3, None), "sSEG": (3, range(24, 26)), "sRQDQ": (4, None), "sTRANSBC": (5, None),
    "sSG": (6, None), "sSGL": (6, range(17, 20)), "LAR": (7, None), "sSFU": (9, None),
    "sLIN": (10, None), "sCMP": (13, None), "sVC": (14, None), "SYS": (15, None),
    "SYSID": (15, range(5, 6)),
}
GDMA_TYPE = {
    "tensor": 0, "matrix": 1, "masked_select": 2, "general": 3, "cw_transpose": 4, "nonzero": 5,
    "sys": 6, "gather": 7, "scatter": 8,
}


# Classes with a long form. In classes 7 and 15 bit 0 is no length flag.
LONG_CLASSES = [0, 1, 2, 3, 4, 5, 6, 9, 10, 13, 14]


def bit_mask(numbers):
    return sum(1 << n for n in numbers)


def identity(form):
    """(values of the length flag, classes, minor opcodes) of a form, each a bit mask."""
    if form.gdma:
        kind = GDMA_TYPE[form.name.split("DMA_")[1]]
        return (2 if form.name.startswith("s") else 1, 1 << kind, 0xFFFFFFFF)
    if form.name == "TIU_long":
        return (1, bit_mask(LONG_CLASSES), 0xFFFFFFFF)
    typ, minor = TIU_CLASS[form.name]
    if minor is None:
        taken = [m for t, m in TIU_CLASS.values() if t == typ and m is not None]
        minors = 0xFFFFFFFF & ~bit_mask(c for m in taken for c in m)
    else:
        minors = bit_mask(minor)
    return (3 if typ in (7, 15) else 2, 1 << typ, minors)


class Field:
    def __init__(self, row):
        self.name = row["field"]
        self.low = int(row["low_bit"])
        self.width = int(row["width"])
        self.meaning = row["meaning"]
        self.reserved = re.fullmatch(r"(rsvd\d*|[Rr]eserved?)", self.name) is not None
        # "src_cstride(move length)" -> src_cstride; "src_hstride/dst_hstride" -> src_hstride_dst_hstride
        self.member = re.sub(r"\(.*\)", "", self.name).replace("/", "_")


class Form:
    def __init__(self, name):
        self.name = name
        self.gdma = "DMA_" in name
        self.fields = []
        self.beyond = []  # fields of the register image behind the stream's bits

    def finish(self):
        end = max(f.low + f.width for f in self.fields)
        self.bits = STREAM_BITS.get(self.name, (end + 127) // 128 * 128)
        self.beyond = [f for f in self.fields if f.low >= self.bits]
        self.fields = [f for f in self.fields if f.low < self.bits]
        used = 0
        members = set()
        for f in self.fields:
            if not 1 <= f.width <= 64 or f.low + f.width > self.bits:
                sys.exit(f"{self.name}.{f.name}: does not fit {self.bits} bits")
            mask = ((1 << f.width) - 1) << f.low
            if used & mask:
                sys.exit(f"{self.name}.{f.name}: overlaps another field")
            used |= mask
            if not f.reserved:
                if f.member in members or not f.member.isidentifier():
                    sys.exit(f"{self.name}.{f.name}: needs a name of its own")
                members.add(f.member)
        self.gaps = [b for b in range(self.bits) if not used >> b & 1]

    def constant(self, f):
        """The value every command of this form carries, or None."""
        if f.member == "cmd_short":
            return 0 if self.name == "TIU_long" or self.name.startswith("DMA_") else 1
        if self.gdma:
            if f.member == "cmd_type":
                return GDMA_TYPE[self.name.split("DMA_")[1]]
            if f.member == "cmd_id_en":
                return 1
            if f.member.startswith("localmem_mask_"):
                return 0xFFFFFFFF
        else:
            if f.member == "tsk_typ" and self.name != "TIU_long":
                return TIU_CLASS[self.name][0]
            if f.member == "cmd_id_en" and self.name != "SYSID":
                return 1
            if f.member == "tsk_lane_num":
                return (1 << 64) - 1
        return None


def load(path):
    forms = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            name = row["instruction"]
            forms.setdefault(name, Form(name)).fields.append(Field(row))
    for form in forms.values():
        form.finish()
    return list(forms.values())


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def header(forms):
    out = ["#pragma once",
           "// Generated by tools/generate_isa.py from tessera/isa/instructions.csv. Do not edit.",
           "// One plain struct a form; included by tessera/isa/isa.h.",
           "#include <array>", "#include <cstdint>", "",
           "namespace tessera::isa {", "",
           "enum class Form : uint8_t {"]
    out += [f"  {f.name}," for f in forms]
    out += ["};", f"inline constexpr int kFormCount = {len(forms)};", "",
            "/// A member of a form's struct and the bits it takes in the command.",
            "template <class T> struct Member {",
            "  uint64_t T::*value;", "  uint16_t lowBit, width;", "  const char *name;", "};", ""]
    for form in forms:
        named = [f for f in form.fields if not f.reserved]
        out += [f"struct {form.name} {{",
                f"  static constexpr Form kForm = Form::{form.name};"]
        for f in named:
            value = form.constant(f)
            init = "0" if value is None else (f"{value:#x}" if value > 9 else str(value))
            out.append(f"  uint64_t {f.member} = {init}; ///< {f.meaning}")
        out += [f"  bool operator==(const {form.name} &) const = default;",
                f"  static const std::array<Member<{form.name}>, {len(named)}> kMembers;", "};",
                f"inline constexpr std::array<Member<{form.name}>, {len(named)}> {form.name}::kMembers = {{{{"]
        out += [f"    {{&{form.name}::{f.member}, {f.low}, {f.width}, {quote(f.member)}}}," for f in named]
        out += ["}};", ""]
    out += ["/// Calls `visit(T{})` with the struct type of `form` and returns what it returns.",
            "template <class V> decltype(auto) withForm(Form form, V &&visit) {",
            "  switch (form) {"]
    out += [f"  case Form::{f.name}:\n    return visit({f.name}{{}});" for f in forms if f is not forms[-1]]
    out += [f"  default:\n    return visit({forms[-1].name}{{}});", "  }", "}", "",
            "} // namespace tessera::isa", ""]
    return "\n".join(out)


def source(forms):
    out = ["// Generated by tools/generate_isa.py from tessera/isa/instructions.csv. Do not edit.",
           '#include "tessera/isa/isa.h"', "",
           "namespace tessera::isa {", "namespace {", ""]
    for form in forms:
        out.append(f"constexpr FieldInfo k{form.name}[] = {{")
        for f in form.fields:
            reserved = "true" if f.reserved else "false"
            out.append(f"    {{{quote(f.name if f.reserved else f.member)}, {f.low}, {f.width}, "
                       f"{quote(f.meaning)}, {reserved}}},")
        out.append("};")
    out.append("")
    out.append("constexpr FormInfo kForms[] = {")
    for form in forms:
        engine = "Gdma" if form.gdma else "Tiu"
        out.append(f"    {{{quote(form.name)}, Engine::{engine}, {form.bits}, k{form.name}}},")
    out += ["};", "", "constexpr Identity kIdentities[] = {"]
    for form in forms:
        flags, types, minors = identity(form)
        out.append(f"    {{Form::{form.name}, {flags}, {types:#x}, {minors:#x}}},")
    out += ["};", "", "} // namespace", "",
            "std::span<const Identity> identities() { return kIdentities; }", "",
            "const FormInfo &info(Form form) { return kForms[int(form)]; }", "",
            "} // namespace tessera::isa", ""]
    return "\n".join(out)


def identification(form):
    if form.gdma:
        short = 1 if form.name.startswith("s") else 0
        return f"`cmd_short` {short}, `cmd_type` {GDMA_TYPE[form.name.split('DMA_')[1]]}"
    if form.name == "TIU_long":
        return "bit 0 is 0, `tsk_typ` " + ", ".join(map(str, LONG_CLASSES))
    typ, minor = TIU_CLASS[form.name]
    text = f"`tsk_typ` {typ}"
    if typ not in (7, 15):
        text = "bit 0 is 1, " + text
    if minor is not None:
        codes = [str(c) for c in minor]
        text += ", `tsk_eu_typ` " + (codes[0] if len(codes) == 1 else f"{codes[0]} to {codes[-1]}")
    elif any(t == typ and m is not None for t, m in TIU_CLASS.values()):
        text += ", any other `tsk_eu_typ`"
    return text


def docs(forms):
    out = ["# Instructions of the BM1684X", "",
           "Generated by `tools/generate_isa.py docs tessera/isa/instructions.csv`; do not edit.", "",
           "Bit 0 is the least significant bit of the first byte; all fields are unsigned. A command is",
           "known by its class: see *known by* of each form. Reserved bits are written 0.", ""]
    for gdma in (False, True):
        out += ["## " + ("GDMA: moves" if gdma else "TIU: computes"), "",
                "| form | bytes | known by |", "|---|---|---|"]
        out += [f"| [{f.name}](#{f.name.lower()}) | {f.bits // 8} | {identification(f)} |"
                for f in forms if f.gdma == gdma]
        out.append("")
    for form in forms:
        out += [f"### {form.name}", "",
                f"{form.bits // 8} bytes; {identification(form)}.", "",
                "| bits | field | always | meaning |", "|---|---|---|---|"]
        for f in form.fields:
            if f.reserved:
                continue
            bits = str(f.low) if f.width == 1 else f"{f.low}..{f.low + f.width - 1}"
            value = form.constant(f)
            value = "" if value is None else (f"{value:#x}" if value > 9 else str(value))
            meaning = f.meaning.replace("|", "\\|")
            out.append(f"| {bits} | `{f.member}` | {value} | {meaning} |")
        out.append("")
        if form.beyond:
            out += ["The register image goes on behind the bits a stream carries: " +
                    ", ".join(f"`{f.name}` {f.low}..{f.low + f.width - 1}" for f in form.beyond) + ".", ""]
    return "\n".join(out).rstrip("\n") + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "forms":
        forms = load(sys.argv[2])
        write(os.path.join(sys.argv[3], "forms.h"), header(forms))
        write(os.path.join(sys.argv[3], "forms.cpp"), source(forms))
    elif len(sys.argv) == 3 and sys.argv[1] == "docs":
        sys.stdout.write(docs(load(sys.argv[2])))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
