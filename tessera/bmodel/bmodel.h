#pragma once
// The vendor's deployment file: a header of 64 bytes, a flatbuffer (bmodel.fbs), a blob that it
// points into
// ("BM1684X" reference, section 5), and behind the blob, where the vendor's tools do not look, our
// recipe.
//
// Modelled is what static TPU networks need. Reading drops the rest: the kernel and CPU-operator
// modules (the runtime brings its own), names of coefficient ranges, relocation lists, cascades,
// memory types of single tensors. Subnets of other kinds than TPU are read with their mode and
// without their parameters; dynamic ones without their intermediate code.
#include "tessera/support/bytes.h"
#include "tessera/tensor/tensor.h"

#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>

namespace tessera::bmodel {

struct TensorInfo {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;          ///< of the first shape listed
  uint64_t address = 0; ///< compiled global address, bytes
  uint64_t size = 0;    ///< bytes of the device buffer
  float scale = 1; ///< input: stored = float * scale; output: float = stored * scale (section 5.3)
  int32_t zeroPoint = 0;
  bool operator==(const TensorInfo &) const = default;
};

/// One pair of streams. Counts include the end instruction; 0 = no stream for that engine.
struct CommandGroup {
  std::vector<uint8_t> tiu, gdma;
  uint32_t tiuCount = 0, gdmaCount = 0;
  bool operator==(const CommandGroup &) const = default;
};

struct SubNet {
  int32_t id = 0, mode = 0; ///< mode 0 = TPU, 1 = CPU, higher = merge, switch
  bool dynamic = false;
  std::vector<CommandGroup> groups;
  std::vector<TensorInfo> inputs, outputs;
  std::vector<int32_t> next; ///< ids to run after it; empty = end (the file's -1 is taken off)
  bool operator==(const SubNet &) const = default;
};

/// One compiled input size of a net.
struct Stage {
  std::vector<TensorInfo> inputs, outputs;
  std::vector<SubNet>
      subnets; ///< at least one: files without any get one made of the stage's own groups
  uint64_t coeffAddress = 0, ctxAddress = 0, ctxSize = 0;
  std::vector<uint64_t> ctxSizes; ///< chunks of the context; empty in older files
  uint64_t ioAddress = 0, ioSize = 0;
  Bytes coeff; ///< byte k belongs to coeffAddress + k; of a file read: mapped, not copied
  bool dynamic = false;
  /// What the vendor's compiler embeds with --debug, as text; empty without: the commands of every
  /// op (net_profile), its cycle estimate (compiler_profile_0.txt), where tensors lie (JSON).
  std::string netProfile, netStat, tensorLocations;
  bool operator==(const Stage &) const = default;
};

struct Net {
  std::string name;
  std::vector<Stage> stages;
  int32_t addrMode = 0; ///< 0 basic, 1 io_alone
  bool operator==(const Net &) const = default;
};

struct Model {
  std::string chip = "BM1684X", version = "2.2";
  std::string time; ///< empty when writing: from SOURCE_DATE_EPOCH, else the first second of 1970
  std::vector<Net> nets;
  uint64_t neuronSize = 0;       ///< 0 when writing: the largest context of all stages
  nlohmann::ordered_json recipe; ///< null if none
  bool operator==(const Model &) const = default;
};

/// Error "bad-file", located by file, net, stage and field: too short, wrong magic or sizes, a
/// flatbuffer that its verifier refuses, a blob range outside of the file, an unknown type, a
/// coefficient check code that does not match. Several problems of ranges are listed together.
/// With `check` the comparison of check codes, which reads all coefficients, goes on in the
/// background, and its outcome comes there.
Result<Model> read(const std::filesystem::path &path, std::shared_future<Status> *check = nullptr);
/// `where` stands for the file's name in messages.
Result<Model> parse(Bytes bytes, const std::string &where,
                    std::shared_future<Status> *check = nullptr);

/// The same model gives the same bytes. Equal blobs are stored once. Error "bad-model" for what the
/// format cannot hold: no net, no stage, a blob part over 4 GiB, counts without streams, streams
/// not of 128-byte multiples.
Result<std::vector<uint8_t>> serialize(const Model &model);
Status write(const std::filesystem::path &path, const Model &model); ///< atomic

/// One net of a file, and the stage that comes first in it.
struct Selection {
  std::string net;                ///< empty: the only one
  std::vector<Shape> inputShapes; ///< of the stage wanted; empty: the first
};
/// Leaves the net selected, its selected stage in front of the others. Errors: "unknown-net" for
/// another name and for none where there are several; "shape-mismatch" for shapes of no stage. Both
/// list what there is.
Status select(Model &model, const Selection &selection, const std::string &where);

/// Summary: nets, stages, tensors with shapes, types, scales and addresses, memory sizes, command
/// counts.
nlohmann::ordered_json infoJson(const Model &model);
std::string infoText(const Model &model); ///< the same for people, several lines

} // namespace tessera::bmodel
