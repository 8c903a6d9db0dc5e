#include "tessera/isa/isa.h"
#include "tessera/support/file.h"
#include <gmock/gmock.h>
#include <map>
#include <random>
#include <set>
#include <sstream>

namespace tessera::isa {
namespace {

using ::testing::HasSubstr;

struct Row {
  Engine engine;
  std::string name;
  std::vector<uint64_t> words;
};

// golden.csv: engine,case,step,words; only `case` may be quoted.
std::vector<Row> goldenRows() {
  std::vector<Row> rows;
  auto text = readText(TESSERA_SOURCE_DIR "/tessera/isa/testdata/golden.csv");
  EXPECT_TRUE(text) << text.error().text();
  std::istringstream lines(*text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    Row row;
    row.engine = line.starts_with("TIU") ? Engine::Tiu : Engine::Gdma;
    size_t from = line.find(',') + 1;
    size_t to = line[from] == '"' ? line.find("\",", from) + 1 : line.find(',', from);
    row.name = line.substr(from, to - from);
    std::istringstream words(line.substr(line.find(',', to + 1) + 1));
    std::string word;
    while (words >> word)
      row.words.push_back(std::stoull(word, nullptr, 16));
    rows.push_back(row);
  }
  return rows;
}

const Row &golden(const std::string &part, size_t skip = 0) {
  static const std::vector<Row> rows = goldenRows();
  for (const Row &row : rows)
    if (row.name.find(part) != std::string::npos && skip-- == 0)
      return row;
  ADD_FAILURE() << "no golden case " << part;
  return rows[0];
}

Command goldenCommand(const std::string &part, size_t skip = 0) {
  const Row &row = golden(part, skip);
  auto c = makeCommand(row.engine, row.words);
  EXPECT_TRUE(c) << row.name;
  return c ? *c : Command{};
}

TEST(Table, FieldsTileEveryForm) {
  for (int i = 0; i < kFormCount; ++i) {
    const FormInfo &form = info(Form(i));
    EXPECT_EQ(form.bits % 128, 0) << form.name;
    std::vector<int> owner(form.bits, 0);
    for (const FieldInfo &f : form.fields)
      for (int b = f.lowBit; b < f.lowBit + f.width; ++b)
        ++owner.at(size_t(b));
    for (size_t b = 0; b < owner.size(); ++b)
      EXPECT_EQ(owner[b], 1) << form.name << " bit " << b;
    withForm(Form(i), [&]<class T>(const T &) {
      EXPECT_EQ(T::kForm, Form(i));
      EXPECT_EQ(engineOf(T::kForm), form.engine);
      size_t named = 0;
      for (const FieldInfo &f : form.fields)
        named += !f.reserved;
      EXPECT_EQ(T::kMembers.size(), named) << form.name;
    });
  }
}

TEST(Table, LengthsAreThoseOfTheReference) {
  // bm1684x.md 3.4.
  std::map<Form, int> bytes = {
      {Form::TIU_long, 128}, {Form::sCONV, 64},     {Form::sPorD, 64},      {Form::sAR, 64},
      {Form::sMM, 48},       {Form::sCMP, 48},      {Form::sSG, 48},        {Form::sSGL, 48},
      {Form::sVC, 48},       {Form::sMM2, 32},      {Form::sRQDQ, 32},      {Form::sTRANSBC, 32},
      {Form::sSFU, 32},      {Form::sLIN, 32},      {Form::sSEG, 16},       {Form::LAR, 16},
      {Form::SYS, 16},       {Form::SYSID, 16},     {Form::DMA_tensor, 96}, {Form::DMA_matrix, 96},
      {Form::sDMA_sys, 16},  {Form::DMA_gather, 96}};
  for (auto [form, length] : bytes)
    EXPECT_EQ(info(form).bits, 8 * length) << info(form).name;
}

TEST(Table, NoTwoFormsClaimTheSameIdentification) {
  std::set<Form> reached;
  for (Engine engine : {Engine::Tiu, Engine::Gdma})
    for (unsigned flag = 0; flag < 2; ++flag)
      for (unsigned type = 0; type < 16; ++type)
        for (unsigned minor = 0; minor < 32; ++minor) {
          std::vector<std::string_view> claims;
          for (const Identity &i : identities())
            if (engineOf(i.form) == engine && i.flags >> flag & 1 && i.types >> type & 1 &&
                i.minors >> minor & 1) {
              claims.push_back(info(i.form).name);
              reached.insert(i.form);
            }
          EXPECT_LE(claims.size(), 1u)
              << flag << " " << type << " " << minor << " " << ::testing::PrintToString(claims);
        }
  EXPECT_EQ(reached.size(), size_t(kFormCount));
}

TEST(Table, DefaultsIdentifyTheirForm) {
  for (const Identity &i : identities())
    withForm(i.form, [&]<class T>(T fields) {
      Words words = encode(fields);
      if (i.minors != 0xFFFFFFFF && engineOf(i.form) == Engine::Tiu)
        setBits(words, 45, 5, uint64_t(__builtin_ctz(i.minors)));
      auto form = identify(engineOf(i.form), words[0]);
      ASSERT_TRUE(form) << info(i.form).name;
      EXPECT_EQ(*form, i.form) << info(*form).name;
    });
}

TEST(Bits, CrossWordsAndFullWidth) {
  Words w{};
  setBits(w, 60, 20, 0xABCDE);
  EXPECT_EQ(w[0], 0xE000000000000000u);
  EXPECT_EQ(w[1], 0xABCDu);
  EXPECT_EQ(getBits(w, 60, 20), 0xABCDEu);
  setBits(w, 64 + 37, 64, 0x0123456789ABCDEF);
  EXPECT_EQ(getBits(w, 64 + 37, 64), 0x0123456789ABCDEFu);
  EXPECT_EQ(getBits(w, 60, 20), 0xABCDEu);
  setBits(w, 60, 20, ~uint64_t(0)); // more bits than the field: only its own change
  EXPECT_EQ(getBits(w, 60, 20), 0xFFFFFu);
  EXPECT_EQ(getBits(w, 80, 21), 0u);
}

TEST(Bits, EveryFieldKeepsItsValueAndTouchesNoOther) {
  for (int i = 0; i < kFormCount; ++i)
    withForm(Form(i), [&]<class T>(const T &) {
      for (const Member<T> &m : T::kMembers) {
        uint64_t ones = m.width == 64 ? ~uint64_t(0) : (uint64_t(1) << m.width) - 1;
        T fields;
        for (const Member<T> &other : T::kMembers)
          fields.*other.value = 0;
        fields.*m.value = ones;
        Words words = encode(fields);
        int set = 0;
        for (uint64_t word : words)
          set += __builtin_popcountll(word);
        EXPECT_EQ(set, m.width) << info(Form(i)).name << "." << m.name;
        EXPECT_EQ(decode<T>(words), fields) << info(Form(i)).name << "." << m.name;
      }
    });
}

TEST(BitsDeathTest, ValueAboveItsWidthIsAnInternalError) {
  sCONV conv;
  conv.res0_n = 65536;
  EXPECT_DEATH(encode(conv), "internal error.*sCONV.res0_n = 0x10000 does not fit 16 bits");
}

TEST(Golden, EveryRowDecodesAndEncodesToTheSameWords) {
  auto rows = goldenRows();
  ASSERT_EQ(rows.size(), 265u);
  for (const Row &row : rows) {
    auto c = makeCommand(row.engine, row.words);
    ASSERT_TRUE(c) << row.name << ": " << c.error().text();
    withForm(c->form, [&]<class T>(const T &) {
      Command again = command(decode<T>(*c));
      EXPECT_EQ(again, *c) << row.name << "\n" << disassemble(*c);
    });
    for (const FieldInfo &f : info(c->form).fields)
      if (f.reserved) {
        EXPECT_EQ(getBits(c->words, f.lowBit, f.width), 0u) << row.name << " " << f.name;
      }
    // Two captures encode strides that no tensor in a lane can have.
    bool huge = row.name.find("big c stride 70000") != std::string::npos ||
                row.name.find("big n stride 70000") != std::string::npos;
    if (auto status = verify(*c); !huge) {
      EXPECT_TRUE(status) << row.name << "\n" << status.error().text();
    }
  }
}

TEST(Golden, PicksTheRightForm) {
  std::map<std::string, Form> want = {{"conv.wrq sym", Form::sCONV},
                                      {"i8 maxpool k2 s2", Form::sPorD},
                                      {"fp32_mm bias", Form::sMM},
                                      {"fp_mm f16->f32", Form::sMM2},
                                      {"int add s8+s8->s8", Form::sAR},
                                      {"int_requant s32->s8", Form::sRQDQ},
                                      {"fp32_requant s32->s8", Form::TIU_long},
                                      {"cw_trans i8", Form::sTRANSBC},
                                      {"maximum_greater_select", Form::sCMP},
                                      {"taylor f32", Form::sSFU},
                                      {"fp_scale f32", Form::sLIN},
                                      {"tiu end", Form::SYS},
                                      {"gdma sys end", Form::sDMA_sys},
                                      {"S2L f32 strided", Form::DMA_tensor},
                                      {"matrix S2L 10x50", Form::DMA_matrix},
                                      {"cw_trans S2L", Form::DMA_cw_transpose},
                                      {"system_cpy 1000", Form::DMA_general}};
  for (const auto &[name, form] : want)
    EXPECT_EQ(goldenCommand(name).form, form) << name;
}

TEST(Golden, ConvolutionFields) {
  auto conv = decode<sCONV>(goldenCommand("conv.wrqrelu same, relu1, pad 1,2,3,4"));
  EXPECT_EQ(conv.tsk_eu_typ, 2u);
  EXPECT_EQ(conv.opd0_up_pad, 1u);
  EXPECT_EQ(conv.opd0_dn_pad, 2u);
  EXPECT_EQ(conv.opd0_lf_pad, 3u);
  EXPECT_EQ(conv.opd0_rt_pad, 4u);
  EXPECT_EQ(conv.res_op_y_str, 2u);
  EXPECT_EQ(conv.res_op_x_str, 3u);
  EXPECT_EQ(conv.opd1_y_ins0, 1u); // dilation 2
  EXPECT_EQ(conv.opd1_x_ins0, 0u);
  EXPECT_EQ(conv.res0_c, 48u);
  EXPECT_EQ(conv.opd0_c, 32u);
  EXPECT_EQ(conv.opd0_h, 10u);
  EXPECT_EQ(conv.opd0_w, 12u);
  EXPECT_EQ(conv.opd1_h, 3u);
  EXPECT_EQ(conv.res0_addr, 0x14000u); // crosses no word, but starts at bit 101
  EXPECT_EQ(conv.opd0_addr, 0x1000u);
  EXPECT_EQ(conv.opd1_addr, 0x8000u);
  EXPECT_EQ(conv.opd2_addr, 0x10000u);
  EXPECT_EQ(conv.opd3_addr, 7u);
  EXPECT_EQ(conv.opd3_const, 1u);
  auto strided = decode<sCONV>(goldenCommand("in stride (5000,130,13,1)"));
  EXPECT_EQ(strided.opd0_str, 3u);
  EXPECT_EQ(strided.opd0_h_str, 13u);
  EXPECT_EQ(strided.opd0_w_str, 1u);
}

TEST(Golden, ArithmeticStridesJoinTheirHighBits) {
  auto ar = decode<sAR>(goldenCommand("fp add f32 with strides"));
  EXPECT_EQ(ar.res0_str, 3u);
  EXPECT_EQ(arStrides(ar, Operand::Res0), (Strides{1000, 400, 21, 1}));
  EXPECT_EQ(arStrides(ar, Operand::Opd0), (Strides{2000, 500, 23, 1}));
  EXPECT_EQ(arStrides(ar, Operand::Opd1), (Strides{3000, 600, 25, 1}));
  auto big = decode<sAR>(goldenCommand("fp add n2 big n stride 70000, h 200000"));
  EXPECT_EQ(arStrides(big, Operand::Res0).n, 70000u);
  EXPECT_EQ(arStrides(big, Operand::Res0).h, 200000u);
  // bm1684x.md 3.6: n stride 70000, h stride 200000.
  sAR wide;
  setArStrides(wide, Operand::Res0, {70000, 3, 200000, 1});
  EXPECT_EQ(wide.res0_n_str, 0x1170u);
  EXPECT_EQ(wide.res0_h_str, 0x70D40u);
  std::mt19937_64 random(7);
  for (Operand operand : {Operand::Res0, Operand::Opd0, Operand::Opd1})
    for (int i = 0; i < 1000; ++i) {
      Strides s{random() >> 46, random() >> 46, random() >> 46, random() >> 46};
      sAR other;
      setArStrides(other, operand, s);
      EXPECT_EQ(arStrides(decode<sAR>(encode(other)), operand), s);
    }
}

TEST(Golden, LoadFields) {
  auto load = decode<DMA_tensor>(goldenCommand("S2L f32 strided 2x3x8x10"));
  EXPECT_EQ(load.stride_enable, 1u);
  EXPECT_EQ(load.nchw_copy, 1u);
  EXPECT_EQ(load.src_data_format, 2u);
  EXPECT_EQ(load.src_nsize, 2u);
  EXPECT_EQ(load.src_csize, 3u);
  EXPECT_EQ(load.src_hsize, 8u);
  EXPECT_EQ(load.src_wsize, 10u);
  EXPECT_EQ(load.src_nstride, 5000u);
  EXPECT_EQ(load.src_cstride, 1000u);
  EXPECT_EQ(load.src_hstride, 20u);
  EXPECT_EQ(load.dst_nstride, 4096u);
  EXPECT_EQ(load.dst_cstride, 1024u);
  EXPECT_EQ(load.dst_hstride, 12u);
  EXPECT_EQ(sourceAddress(load), 0x123456780u);
  EXPECT_EQ(destinationAddress(load), chip::kLmemBase + 5 * 0x40000 + 0x1000);
  EXPECT_EQ(load.localmem_mask_l32, 0xFFFFFFFFu);
  EXPECT_EQ(chip::spaceOf(sourceAddress(load)), chip::Space::Global);
  EXPECT_EQ(chip::spaceOf(destinationAddress(load)), chip::Space::Local);
}

TEST(Golden, RequantFields) {
  auto rq = decode<sRQDQ>(goldenCommand("int_requant s32->s8 mult 1234567 shift -20 off 3"));
  EXPECT_EQ(rq.opd1_const, 1u);
  EXPECT_EQ(rq.opd1_addr, 1234567u);
  EXPECT_EQ(rq.opd2_addr & 0xFF, 0xECu); // -20
  EXPECT_EQ(rq.opd2_addr >> 16, 3u);
  EXPECT_EQ(rq.opd2_n_str, 5u);
  EXPECT_EQ(rq.opd0_prec, uint64_t(chip::Type::Int32));
  EXPECT_EQ(rq.res0_addr, 0x14000u);
  EXPECT_EQ(rq.opd0_addr, 0x1000u); // bits 100..126 cross words
}

TEST(Ids, AreReachedInEveryForm) {
  for (int i = 0; i < kFormCount; ++i)
    withForm(Form(i), [&]<class T>(const T &fields) {
      Command c = command(fields);
      setIds(c, 0xABCDE, 0x54321);
      if constexpr (requires { fields.cmd_id; }) {
        EXPECT_EQ(commandId(c), 0xABCDEu);
        EXPECT_EQ(commandDep(c), c.form == Form::SYS ? 0u : 0x54321u);
        EXPECT_EQ(decode<T>(c).cmd_id, 0xABCDEu) << info(c.form).name;
      } else {
        EXPECT_EQ(c.form, Form::LAR);
      }
      setIds(c, 0, 0);
      EXPECT_EQ(c, command(fields)) << info(c.form).name;
    });
}

TEST(End, IsTheVendors) {
  EXPECT_EQ(endCommand(Engine::Tiu, 6).words[0], golden("tiu end (counter was 5)").words[0]);
  EXPECT_EQ(endCommand(Engine::Gdma, 0).words[0], golden("gdma sys end").words[0]);
  // The vendor's static streams number it: the end of 66 GDMA instructions.
  EXPECT_EQ(endCommand(Engine::Gdma, 66).words[0], 0x0000000600008428u);
  EXPECT_TRUE(isEnd(endCommand(Engine::Tiu, 1)));
  EXPECT_TRUE(isEnd(endCommand(Engine::Gdma, 1)));
  EXPECT_FALSE(isEnd(goldenCommand("gdma sys nop")));
  EXPECT_FALSE(isEnd(goldenCommand("relu s8")));
}

// All golden commands of an engine that may stand inside a stream, and an end.
std::vector<Command> goldenStream(Engine engine) {
  std::vector<Command> stream;
  for (const Row &row : goldenRows())
    if (row.engine == engine)
      if (Command c = *makeCommand(engine, row.words); !isEnd(c))
        stream.push_back(c);
  stream.push_back(endCommand(engine, uint32_t(stream.size() + 1)));
  return stream;
}

TEST(Stream, RoundTrips) {
  for (Engine engine : {Engine::Tiu, Engine::Gdma}) {
    auto stream = goldenStream(engine);
    auto bytes = encodeStream(engine, stream);
    EXPECT_EQ(bytes.size() % 128, 0u);
    for (size_t count : {size_t(0), stream.size()}) {
      auto again = decodeStream(engine, bytes, count);
      ASSERT_TRUE(again) << again.error().text();
      EXPECT_EQ(*again, stream);
    }
    EXPECT_EQ(encodeStream(engine, *decodeStream(engine, bytes)), bytes);
  }
}

TEST(Stream, ErrorsNameThePlace) {
  std::vector<Command> good = {goldenCommand("relu s8"), goldenCommand("int_requant s32->s8"),
                               endCommand(Engine::Tiu, 3)};
  auto bytes = encodeStream(Engine::Tiu, good);
  auto text = [](auto result) { return result ? std::string("no error") : result.error().text(); };
  EXPECT_EQ(text(decodeStream(Engine::Tiu, bytes, 3)), "no error");
  EXPECT_THAT(text(decodeStream(Engine::Tiu, bytes, 2)),
              HasSubstr("TIU stream, instruction 2 at byte 0x40: error[bad-stream]: the last of 2 "
                        "instructions is RQ.int, not an end instruction"));
  EXPECT_THAT(
      text(decodeStream(Engine::Tiu, bytes, 4)),
      HasSubstr("instruction 3 at byte 0x60: error[bad-stream]: an end instruction, yet 4"));
  EXPECT_THAT(text(decodeStream(Engine::Tiu, std::span(bytes).first(96))),
              HasSubstr("instruction 3 at byte 0x60: error[bad-stream]: the stream ends without"));
  EXPECT_THAT(text(decodeStream(Engine::Tiu, std::span(bytes).first(80))),
              HasSubstr("instruction 2 at byte 0x40: error[bad-stream]: sRQDQ takes 32 bytes and "
                        "only 16 are left"));
  EXPECT_THAT(text(decodeStream(Engine::Tiu, {})), HasSubstr("instruction 1 at byte 0x0"));
  auto broken = bytes;
  broken[0x45] = uint8_t(12 << 1); // class 12
  EXPECT_THAT(text(decodeStream(Engine::Tiu, broken)),
              HasSubstr("instruction 2 at byte 0x40: error[bad-stream]: no short TIU instruction "
                        "has class 12"));
  broken = bytes;
  broken.back() = 1;
  EXPECT_THAT(text(decodeStream(Engine::Tiu, broken)), HasSubstr("follow the end instruction"));
  broken = bytes;
  broken.resize(bytes.size() + 128);
  EXPECT_THAT(text(decodeStream(Engine::Tiu, broken)), HasSubstr("144 bytes follow the end"));
}

TEST(Stream, GarbageGivesErrorsAndNeverCrashes) {
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<uint8_t> base[2] = {encodeStream(Engine::Tiu, goldenStream(Engine::Tiu)),
                                  encodeStream(Engine::Gdma, goldenStream(Engine::Gdma))};
  size_t decoded = 0, failed = 0;
  for (int i = 0; i < 3000; ++i) {
    Engine engine = Engine(random() & 1);
    // The exact heap block, so that a sanitizer sees any read past its end.
    std::vector<uint8_t> bytes;
    if (i % 3 == 0) {
      bytes.resize(random() % 300);
      for (uint8_t &b : bytes)
        b = uint8_t(random());
    } else {
      const auto &from = base[int(engine)];
      size_t cut = i % 3 == 1 ? random() % (from.size() + 1) : from.size();
      bytes.assign(from.begin(), from.begin() + long(cut));
      for (int flips = int(random() % 4); flips > 0 && !bytes.empty(); --flips)
        bytes[random() % bytes.size()] ^= uint8_t(1u << random() % 8);
    }
    auto stream = decodeStream(engine, bytes, random() % 4 ? 0 : random() % 300);
    if (!stream) {
      ++failed;
      EXPECT_THAT(stream.error().text(), HasSubstr(engineName(engine)));
      EXPECT_THAT(stream.error().text(), HasSubstr("at byte 0x"));
      continue;
    }
    ++decoded;
    for (const Command &c : *stream) {
      EXPECT_FALSE(disassemble(c).empty());
      (void)verify(c);
    }
  }
  EXPECT_GT(decoded, 0u);
  EXPECT_GT(failed, 1000u);
}

// The message of the one rule that a change of a golden command breaks.
template <class T, class F> std::string broken(const std::string &golden, F change) {
  Command c = goldenCommand(golden);
  EXPECT_TRUE(verify(c));
  T fields = decode<T>(c);
  change(fields);
  Status status = verify(command(fields));
  return status ? "no error" : status.error().text();
}

TEST(Verify, NamesTheRule) {
  auto conv = [](auto change) { return broken<sCONV>("conv.normal asym i8->i32", change); };
  EXPECT_THAT(conv([](sCONV &f) { f.res0_n = 0; }), HasSubstr("res0_n = 0 is outside 1..65535"));
  EXPECT_THAT(conv([](sCONV &f) { f.res_op_x_str = 0; }),
              HasSubstr("x stride = 0 is outside 1..15"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd0_x_ins0 = 15; }),
              HasSubstr("x insertion = 15 is outside 0..14"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd1_y_ins0 = 15; }),
              HasSubstr("y dilation = 16 is outside 1..15"));
  EXPECT_THAT(conv([](sCONV &f) { f.res0_h = 11; }),
              HasSubstr("y windows of 11 results need 13 inputs and the extended input has 12"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd0_prec = 7; }),
              HasSubstr("opd0_prec = 7 is no element type"));
  EXPECT_THAT(conv([](sCONV &f) { f.tsk_eu_typ = 3; }), HasSubstr("tsk_eu_typ = 3"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd0_addr = chip::localAddress(1, 0); }),
              HasSubstr("opd0_addr = 0x40000: the input of a convolution starts at lane 0"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd1_addr = chip::localAddress(2, 0); }),
              HasSubstr("opd1_addr starts at lane 2, the result at lane 0"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd1_addr += 32; }),
              HasSubstr("opd1_addr = 0x8020 is not a multiple of 64 bytes"));
  EXPECT_THAT(conv([](sCONV &f) { f.res0_addr = 0x3FF40; }),
              HasSubstr("ends at byte 262432 of its"));
  EXPECT_THAT(conv([](sCONV &f) { f.opd1_addr = 0x8000000; }),
              HasSubstr("opd1_addr = 0x8000000 lies outside local memory"));
  EXPECT_THAT(broken<sPorD>("i8 maxpool k2 s2", [](sPorD &f) { f.opd0_x_ins0 = 8; }),
              HasSubstr("x insertion = 8 is outside 0..7"));
  EXPECT_THAT(broken<sPorD>("i8 maxpool k2 s2", [](sPorD &f) { f.opd0_addr += 1 << 18; }),
              HasSubstr("opd0_addr starts at lane 1, the result at lane 0"));
  // Pads are loaded also where nothing is padded.
  EXPECT_THAT(
      broken<sPorD>("i8 maxpool k2 s2", [](sPorD &f) { f.opd3_const = 0, f.opd3_addr = 0x3FFFF; }),
      HasSubstr("opd3_addr = 0x3ffff ends at byte 262145 of its lane"));
  auto regions = [](uint64_t table) {
    return [table](sPorD &f) { // a row of results, whatever the height says
      f.tsk_eu_typ = 7, f.res0_h = chip::kMaxDim, f.res0_w = 65, f.opd3_addr = table;
    };
  };
  EXPECT_EQ(broken<sPorD>("i8 maxpool k2 s2", regions(0x3FFF0)), "no error");
  EXPECT_THAT(broken<sPorD>("i8 maxpool k2 s2", regions(0x3FFF2)),
              HasSubstr("opd3_addr = 0x3fff2 ends at byte 262146 of its lane"));
  EXPECT_THAT(broken<sPorD>("i8 maxpool k2 s2", regions(0x3001)),
              HasSubstr("opd3_addr = 0x3001 is not a multiple of 2 bytes"));
  EXPECT_THAT(broken<sAR>("fp add f32 with strides", [](sAR &f) { f.opd0_addr += 2; }),
              HasSubstr("opd0_addr = 0x1002 is not a multiple of 4 bytes"));
  EXPECT_THAT(broken<sAR>("relu s8", [](sAR &f) { f.tsk_opd_num = 0; }),
              HasSubstr("tsk_opd_num = 0"));
  EXPECT_THAT(broken<sAR>("relu s8", [](sAR &f) { f.res0_str = 5; }),
              HasSubstr("res0_addr has unknown layout 5"));
  EXPECT_THAT(broken<sRQDQ>("int_pc_requant s32->s8", [](sRQDQ &f) { f.opd1_addr += 4; }),
              HasSubstr("opd1_addr = 0x8004 is not a multiple of 8 bytes"));
}

TEST(Verify, WindowsDoNotReachPastTheirInput) {
  auto conv = [](uint64_t mode, uint64_t pad) {
    return broken<sCONV>("conv.normal asym i8->i32", [&](sCONV &f) {
      f.pad_mode = mode, f.opd0_lf_pad = pad, f.opd0_w = 5, f.res0_w = 1;
    });
  };
  EXPECT_EQ(conv(1, 4), "no error");
  EXPECT_THAT(conv(1, 5), HasSubstr("reach past an input of 5 cells"));
  EXPECT_EQ(conv(3, 5), "no error");
  EXPECT_THAT(conv(3, 6), HasSubstr("reach past an input of 5 cells"));
  EXPECT_EQ(conv(2, 15), "no error");
}

TEST(Verify, TellsTheManualsRulesFromThoseOfAllSimulators) {
  EXPECT_THAT(broken<sCONV>("conv.normal asym i8->i32", [](sCONV &f) { f.opd1_addr += 32; }),
              HasSubstr("error[against-manual]"));
  EXPECT_THAT(broken<sAR>("fp add f32 with strides", [](sAR &f) { f.opd0_addr += 2; }),
              HasSubstr("error[bad-command]"));
  auto table = [](uint64_t offset) {
    return broken<sRQDQ>("int_pc_requant s32->s8", [&](sRQDQ &f) { f.opd1_addr += offset; });
  };
  EXPECT_THAT(table(2), HasSubstr("error[bad-command]"));
  EXPECT_THAT(table(4), HasSubstr("error[against-manual]"));
  EXPECT_THAT(table(1 << 18), HasSubstr("error[against-manual]: opd1_addr starts at lane 1"));
}

TEST(Verify, KnowsOperandsOfEveryTiuClass) {
  EXPECT_THAT(broken<sMM2>("fp_mm f16->f32", [](sMM2 &f) { f.res0_addr = 0x3FFC0; }),
              HasSubstr("res0_addr = 0x3ffc0 ends at byte"));
  EXPECT_THAT(broken<sMM2>("fp_mm f16->f32", [](sMM2 &f) { f.opd1_w += 1; }),
              HasSubstr("result columns"));
  EXPECT_THAT(broken<sMM>("fp32_mm bias", [](sMM &f) { f.opd1_w = f.opd0_w + 1; }),
              HasSubstr("in the last of"));
  EXPECT_THAT(broken<sMM>("fp32_mm bias", [](sMM &f) { f.opd1_addr += 1; }),
              HasSubstr("opd1_addr"));
  EXPECT_THAT(broken<sTRANSBC>("cw_trans i8", [](sTRANSBC &f) { f.res0_addr = 0x3FFC0; }),
              HasSubstr("res0_addr = 0x3ffc0 ends at byte"));
  EXPECT_THAT(broken<sCMP>("maximum_greater_select", [](sCMP &f) { f.opd0_str = 5; }),
              HasSubstr("opd0_addr has unknown layout 5"));
  EXPECT_THAT(broken<sSFU>("taylor f32", [](sSFU &f) { f.opd1_n = 1; }),
              HasSubstr("opd1_n = 1 is outside 2..65535"));
  // The long form obeys its class.
  EXPECT_THAT(broken<TIU_long>("fp32_requant s32->s8", [](TIU_long &f) { f.tsk_eu_typ = 7; }),
              HasSubstr("tsk_eu_typ = 7"));
}

TEST(Verify, NamesTheRuleOfATensorMove) {
  auto load = [](auto change) { return broken<DMA_tensor>("S2L f32 strided 2x3x8x10", change); };
  EXPECT_THAT(load([](DMA_tensor &f) { f.dst_wstride = 33; }),
              HasSubstr("dst_wstride = 33 is 132 bytes and at most 128"));
  EXPECT_EQ(load([](DMA_tensor &f) { f.dst_wstride = 0; }), "no error"); // in local memory
  EXPECT_THAT(load([](DMA_tensor &f) { f.src_wstride = 0; }),
              HasSubstr("src_wstride = 0 outside local memory"));
  EXPECT_THAT(load([](DMA_tensor &f) { setSourceAddress(f, 0x300000000); }),
              HasSubstr("the source address = 0x300000000 lies in no memory"));
  EXPECT_THAT(load([](DMA_tensor &f) { setSourceAddress(f, 0x2FFFFFFF0); }),
              HasSubstr("leave its memory"));
  EXPECT_THAT(load([](DMA_tensor &f) { f.src_start_addr_l32 += 2; }),
              HasSubstr("is not a multiple of 4 bytes"));
  EXPECT_THAT(load([](DMA_tensor &f) { f.dst_cstride = 1 << 17; }), HasSubstr("no error"));
  EXPECT_THAT(load([](DMA_tensor &f) { f.dst_nstride = 1 << 17; }), HasSubstr("leave its lane"));
  EXPECT_THAT(load([](DMA_tensor &f) { f.src_hsize = 0; }),
              HasSubstr("2x3x0x10 has an empty axis"));
  EXPECT_THAT(load([](DMA_tensor &f) { f.cmd_special_function = 7; }),
              HasSubstr("cmd_special_function = 7 is outside 0..6"));
  EXPECT_THAT(broken<DMA_tensor>("channel_bcast S2L", [](DMA_tensor &f) { f.dst_csize = 65; }),
              HasSubstr("the broadcast to 65 lanes"));
  EXPECT_THAT(broken<DMA_tensor>("L2L f16", [](DMA_tensor &f) { f.dst_wsize += 1; }),
              HasSubstr("elements are read and"));
}

TEST(Verify, CollectAndDistributeTakeTheirSizesFromTheSource) {
  DMA_tensor f;
  f.src_nsize = 1, f.src_csize = 3, f.src_hsize = 2, f.src_wsize = 130;
  setSourceAddress(f, chip::kGlobalBase);
  for (uint64_t special : {2, 4}) {
    f.cmd_special_function = special;
    setDestinationAddress(f, chip::kLmemBase + 0x3FF80); // 130 channels: two slots and a third
    Status status = verify(command(f));
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().text(), HasSubstr("leave its lane"));
    setDestinationAddress(f, chip::kLmemBase + 0x3FF40);
    EXPECT_TRUE(verify(command(f)));
    f.fill_constant_en = 1;
    EXPECT_FALSE(verify(command(f)));
    f.fill_constant_en = 0;
  }
}

TEST(Verify, FourBankCopiesStartInTheFifthEighthOfALane) {
  DMA_tensor f;
  f.cmd_special_function = 5;
  f.nchw_copy = 1;
  f.src_nsize = f.src_csize = f.src_hsize = 1, f.src_wsize = 64;
  setSourceAddress(f, chip::kGlobalBase);
  auto at = [&](uint64_t offset) {
    setDestinationAddress(f, chip::kLmemBase + offset);
    Status status = verify(command(f));
    return status ? "no error" : status.error().text();
  };
  EXPECT_EQ(at(0x20000), "no error");
  EXPECT_EQ(at(0x27FC0), "no error");
  EXPECT_THAT(at(0x1FFC0), HasSubstr("the first of four pieces starts at offset 0x20000"));
  EXPECT_THAT(at(0x28000), HasSubstr("the first of four pieces"));
  EXPECT_THAT(at(0x27FC1), HasSubstr("leave its lane")); // the fourth piece
  setDestinationAddress(f, chip::kGlobalBase);
  EXPECT_THAT(verify(command(f)).error().text(), HasSubstr("goes to local memory"));
}

TEST(Verify, RowsMovedByNumber) {
  DMA_gather f;
  f.src_csize = f.index_csize = 3, f.src_hsize = 9, f.src_wsize = 4;
  f.dst_hsize = f.index_hsize = 5;
  setSourceAddress(f, chip::kGlobalBase);
  setDestinationAddress(f, chip::kGlobalBase + 4096);
  f.index_start_addr_h8 = 1;
  f.index_start_addr_l32 = 8192;
  EXPECT_TRUE(verify(command(f)));
  auto text = [](DMA_gather g) {
    Status status = verify(command(g));
    return status ? "no error" : status.error().text();
  };
  DMA_gather g = f;
  g.index_hsize = 6;
  EXPECT_THAT(text(g), HasSubstr("error[against-manual]: index_hsize = 6 for 5 rows"));
  g = f, g.index_csize = 2;
  EXPECT_THAT(text(g), HasSubstr("3 channels of rows and 2 of row numbers"));
  g = f, g.dst_hsize = g.index_hsize = 0;
  EXPECT_THAT(text(g), HasSubstr("has an empty axis"));
  g = f, g.index_start_addr_h8 = 0;
  EXPECT_THAT(text(g), HasSubstr("the index address = 0x2000 lies in no memory"));
  g = f, g.nchw_copy = 1;
  EXPECT_THAT(text(g), HasSubstr("nchw_copy with 9 rows of source and 5 of result"));
}

TEST(Verify, MatricesFiltersAndLinearCopies) {
  EXPECT_THAT(broken<DMA_matrix>("matrix S2L 10x50", [](DMA_matrix &f) { f.dst_nsize += 1; }),
              HasSubstr("10 rows of 50 columns in 11 rows"));
  EXPECT_THAT(broken<DMA_matrix>("matrix S2L 10x50",
                                 [](DMA_matrix &f) { setSourceAddress(f, chip::kLmemBase); }),
              HasSubstr("a matrix moves between local and other memory"));
  EXPECT_THAT(
      broken<DMA_general>("system_cpy 1000",
                          [](DMA_general &f) { setSourceAddress(f, chip::kGlobalEnd - 64); }),
      HasSubstr("leave its memory"));
  EXPECT_THAT(broken<DMA_general>("system_cpy 1000", [](DMA_general &f) { f.src_cstride = 0; }),
              HasSubstr("the element count, is 0"));
  DMA_nonzero f;
  f.index_data_format = 4;
  f.src_nsize = f.src_csize = f.src_hsize = 1, f.src_wsize = 8;
  setSourceAddress(f, chip::kLmemBase);
  setDestinationAddress(f, chip::kGlobalBase);
  EXPECT_TRUE(verify(command(f)));
  setDestinationAddress(f, chip::kLmemBase + 4096);
  EXPECT_THAT(verify(command(f)).error().text(), HasSubstr("outside L2 and global memory"));
  setDestinationAddress(f, chip::kGlobalBase + 2);
  EXPECT_THAT(verify(command(f)).error().text(), HasSubstr("is not a multiple of 4 bytes"));
  f.index_data_format = 1;
  EXPECT_THAT(verify(command(f)).error().text(), HasSubstr("index_data_format = 1"));
}

TEST(Verify, SeesReservedBitsAndNamesAllProblems) {
  Command c = goldenCommand("relu s8");
  setBits(c.words, 508, 4, 2);
  setBits(c.words, 96, 16, 0); // res0_n
  Status status = verify(c);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().diagnostics().size(), 2u);
  EXPECT_THAT(status.error().text(), HasSubstr("TIU command 1 (AR.max): error[bad-command]: "
                                               "reserved bits 508..511 are 0x2"));
  EXPECT_THAT(disassemble(c), HasSubstr("rsvd2@508=0x2"));
}

TEST(Names, AreStable) {
  EXPECT_EQ(operationName(goldenCommand("conv.normal asym")), "CONV");
  EXPECT_EQ(operationName(goldenCommand("int add s8+s8->s8")), "AR.add_sat");
  EXPECT_EQ(operationName(goldenCommand("int_requant s32->s8")), "RQ.int");
  EXPECT_EQ(operationName(goldenCommand("fp32_requant s32->s8")), "RQ.float");
  EXPECT_EQ(operationName(goldenCommand("i8 maxpool")), "PorD.max_pool");
  EXPECT_EQ(operationName(goldenCommand("channel_bcast S2L")), "GDMA.tensor.broadcast");
  EXPECT_EQ(operationName(goldenCommand("matrix S2L 10x50")), "GDMA.matrix");
  EXPECT_EQ(operationName(goldenCommand("set_C_local")), "GDMA.tensor.fill");
  EXPECT_EQ(operationName(goldenCommand("gdma sys end")), "SYS.end");
  sAR unknown;
  unknown.tsk_eu_typ = 31;
  EXPECT_EQ(operationName(command(unknown)), "AR.31");
}

TEST(Names, OneLineForPeople) {
  EXPECT_EQ(disassemble(goldenCommand("relu s8")),
            "TIU id=1 dep=0 AR.max sAR opd1_const=1 tsk_opd_num=2 opd0_sign=1 opd1_sign=1 "
            "res0_n=1 res0_c=64 res0_h=16 res0_w=20 res0_addr=0x14000 opd0_addr=0x1000");
  for (const Row &row : goldenRows()) {
    std::string line = disassemble(*makeCommand(row.engine, row.words));
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(line.find("  "), std::string::npos) << line;
  }
}

} // namespace
} // namespace tessera::isa
