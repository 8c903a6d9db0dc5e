// Walks the instruction table: every operation that has a name, with every element type of its
// first operand, executes here, or stands in a short list with the reason why it does not.
#include "test/soak/memory.h"

#include "tessera/sim/plan.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace tessera::soak {
namespace {

/// An operation and a type code.
using Pair = std::pair<std::string, uint64_t>;

bool isNumber(char c) { return c >= '0' && c <= '9'; }

/// Names of all operations of the table: a code that means nothing prints as a number.
std::set<std::string> operations() {
  std::set<std::string> names;
  for (isa::Engine engine : {isa::Engine::Tiu, isa::Engine::Gdma})
    for (uint64_t type = 0; type < 16; ++type)
      for (uint64_t minor = 0; minor < 32; ++minor)
        for (uint64_t flag : {0, 1}) {
          isa::Words w{};
          bool tiu = engine == isa::Engine::Tiu;
          isa::setBits(w, tiu ? 0 : 3, 1, flag);
          isa::setBits(w, tiu ? 41 : 32, 4, type);
          isa::setBits(w, tiu ? 45 : 36, tiu ? 5 : 4, minor); // the GDMA's fill flag is on top
          auto c = isa::makeCommand(engine, w);
          if (!c || isa::isSystem(*c))
            continue;
          std::string name = isa::operationName(*c);
          if (name.find('.') == std::string::npos || !isNumber(name[name.rfind('.') + 1]))
            names.insert(name);
        }
  return names;
}

uint64_t typeOf(const isa::Command &c) {
  for (std::string_view name : {"opd0_prec", "src_data_format", "res0_prec"})
    for (const isa::FieldInfo &f : isa::info(c.form).fields)
      if (f.name == name)
        return isa::getBits(c.words, f.lowBit, f.width);
  return 0;
}

/// What does not execute. Types: 0 int8, 1 fp16, 2 fp32, 3 int16, 4 int32, 5 bf16, 6 int4. A name
/// that ends in a star stands for all that begin so.
struct Excuse {
  std::vector<std::string_view> operations;
  std::string_view types, reason;
};
const Excuse kExcuses[] = {
    {{"*"}, "6", "no command takes 4-bit integers: the vendor's simulator stops"},
    {{"LAR.*"}, "012345", "the vendor's simulator does nothing for this class"},
    {{"AR.clamp"}, "012345", "the vendor's simulator reads bounds that it never loaded"},
    {{"AR.copy_batch"}, "012345", "runs, but is not drawn: the vendor's overruns its own buffer"},
    {{"AR.div", "VC.div"}, "034", "integer quotients are memory that the vendor's never wrote"},
    {{"AR.div", "VC.div", "SFU.rsqrt"}, "15", "fp32 only: halves abort or are misread"},
    {{"AR.abs_diff", "VC.abs_diff"}, "034", "floats only: integers abort"},
    {{"AR.add_sat", "AR.sub_sat", "AR.mul_sat", "AR.mul_dhr", "AR.and",
      "AR.or",      "AR.xor",     "AR.not",     "AR.shift_*", "AR.rotate",
      "AR.first_*", "VC.add_sat", "VC.sub_sat", "VC.mul_sat", "VC.mul_dhr",
      "VC.and",     "VC.or",      "VC.xor",     "VC.shift_*", "VC.rotate"},
     "125",
     "integers only"},
    {{"VC.abs", "VC.not", "VC.cast", "VC.copy*", "VC.first_*", "VC.clamp", "VC.mac", "VC.sel_*",
      "VC.*_index"},
     "012345",
     "two vectors need an operation of two operands"},
    {{"AR.*_index"}, "15", "indices are integers or fp32; halves get bytes of wider numbers"},
    {{"CONV", "MM2.*", "LIN.*", "PorD.*"},
     "34",
     "16 and 32-bit integers: the cube has none, LIN is "
     "for floats; aborts or does nothing"},
    {{"MM2.*"}, "2", "fp32 goes to MM"},
    {{"MM.normal"}, "15", "the vendor's simulator gives zeros; halves go to MM2"},
    {{"CONV.rq*", "MM.rq*"}, "12345", "requantizes sums of int8 only"},
    {{"DQ.*"}, "1245", "dequantizes int8 and int16 only"},
    {{"LIN.*", "SFU.*"}, "034", "floats only"},
    {{"SG.nonzero*"}, "125", "integers only"},
    {{"SG.scatter_pp"}, "1245", "counts in int16"},
    {{"SG.pe_gather_row", "SG.pe_scatter_row"},
     "012345",
     "the vendor's simulator has no such code"},
};

bool matches(std::string_view name, std::string_view pattern) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return name == pattern;
  return name.starts_with(pattern.substr(0, star)) && name.ends_with(pattern.substr(star + 1));
}

TEST(Coverage, EveryOperationExecutesWithEveryTypeOrSaysWhyNot) {
  std::set<Pair> left;
  for (const std::string &name : operations())
    for (uint64_t type = 0; type < 7; ++type)
      left.insert({name, type});
  sim::Machine machine;
  Memories memories = memoriesOf(machine);
  fill(memories, 1);
  for (const Class &c : classes())
    for (uint64_t i = 0; i < 5000 && !c.forms.empty(); ++i) {
      Draw d(i);
      Case drawn = c.generate(d);
      Pair p{isa::operationName(drawn.command), typeOf(drawn.command)};
      if (!left.contains(p))
        continue;
      writePatches(memories, drawn.patches);
      if (sim::execute(machine, drawn.command))
        left.erase(p);
    }
  std::set<size_t> used;
  for (const auto &[name, type] : left) {
    bool excused = false;
    for (size_t i = 0; i < std::size(kExcuses) && !excused; ++i) {
      const Excuse &e = kExcuses[i];
      excused = e.types.find(char('0' + type)) != std::string_view::npos &&
                std::any_of(e.operations.begin(), e.operations.end(),
                            [&](std::string_view o) { return matches(name, o); });
      if (excused)
        used.insert(i);
    }
    EXPECT_TRUE(excused) << name << " with type code " << type << " never executed";
  }
  for (size_t i = 0; i < std::size(kExcuses); ++i)
    EXPECT_TRUE(used.contains(i)) << "needed no longer: " << kExcuses[i].reason;
}

} // namespace
} // namespace tessera::soak
