#include "tessera/tensor/npz.h"

#include "tessera/support/file.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string_view>
#include <zip.h>

namespace tessera {
namespace {

static_assert(std::endian::native == std::endian::little, "npy data are copied as they lie");

constexpr std::string_view kMagic("\x93NUMPY", 6);
/// Far above what any array needs (a shape and a type), far below what could hurt.
constexpr uint32_t kMaxHeader = 1 << 20;
/// Deflate cannot grow data by more than this (1032 : 1), so a small entry cannot claim a huge
/// array.
constexpr uint64_t kMaxInflate = 1040;

struct DTypeCode {
  const char *code;
  DType dtype;
};
constexpr DTypeCode kCodes[] = {{"<f4", DType::F32}, {"<f2", DType::F16}, {"<f8", DType::F64},
                                {"|i1", DType::I8},  {"|u1", DType::U8},  {"<i2", DType::I16},
                                {"<u2", DType::U16}, {"<i4", DType::I32}, {"<u4", DType::U32},
                                {"<i8", DType::I64}, {"<u8", DType::U64}, {"|b1", DType::Bool}};

const char *codeOf(DType t) {
  if (t == DType::BF16)
    return "<u2"; // NumPy has no bfloat16: the bit patterns are stored
  for (const DTypeCode &c : kCodes)
    if (c.dtype == t)
      return c.code;
  internalError(__FILE__, __LINE__, "type without an npy code");
}

/// Readable part of untrusted text for a message.
std::string shown(std::string_view s) {
  std::string r;
  for (char c : s.substr(0, 80))
    r += std::isprint(static_cast<unsigned char>(c)) ? c : '?';
  return "'" + r + (s.size() > 80 ? "...'" : "'");
}

struct NpyHeader {
  DType dtype;
  Shape shape;
  uint64_t dataBytes;
};

/// The Python dictionary literal of an npy header: 'descr', 'fortran_order' and 'shape' in any
/// order.
class HeaderText {
public:
  HeaderText(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  Result<NpyHeader> parse() {
    bool descr = false, order = false, shape = false;
    NpyHeader h{};
    if (!take('{'))
      return bad("does not start with '{'");
    while (!take('}')) {
      std::string_view key;
      if (!string(key) || !take(':'))
        return bad("holds no key where one must stand");
      if (key == "descr" && !descr) {
        descr = true;
        std::string_view code;
        if (!string(code))
          return bad("has a 'descr' that is no plain type (structured arrays are not read)");
        TESSERA_ASSIGN(h.dtype, dtype(code));
      } else if (key == "fortran_order" && !order) {
        order = true;
        if (word("True"))
          fortran_ = true;
        else if (!word("False"))
          return bad("has a 'fortran_order' that is neither True nor False");
      } else if (key == "shape" && !shape) {
        shape = true;
        if (!tuple(h.shape))
          return bad("has a 'shape' that is no tuple of sizes");
      } else {
        return bad("has the unexpected key " + shown(key));
      }
      if (!take(',')) {
        if (!take('}'))
          return bad("is not a closed dictionary");
        break;
      }
    }
    skip();
    if (at_ != text_.size())
      return bad("goes on after its dictionary");
    if (!descr || !order || !shape)
      return bad("lacks 'descr', 'fortran_order' or 'shape'");
    // A vector is the same bytes in both orders.
    if (fortran_ && h.shape.size() > 1)
      return fail("bad-file", where_, "the array is in Fortran order (fortran_order: True)",
                  "store it with numpy.ascontiguousarray");
    // Sizes other than 0 are multiplied even when another is 0: such a shape must not overflow
    // later.
    uint64_t n = static_cast<uint64_t>(dtypeSize(h.dtype));
    bool none = false;
    for (int64_t d : h.shape) {
      none |= d == 0;
      if (d != 0 && __builtin_mul_overflow(n, static_cast<uint64_t>(d), &n))
        n = UINT64_MAX;
      if (n > (uint64_t{1} << 56))
        return bad("has the impossible shape " + shapeText(h.shape));
    }
    h.dataBytes = none ? 0 : n;
    return h;
  }

private:
  Unexpected bad(const std::string &what) const {
    return fail("bad-file", where_, "the npy header " + what);
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t'))
      ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c)
      return false;
    ++at_;
    return true;
  }
  bool word(std::string_view w) {
    skip();
    if (text_.substr(at_, w.size()) != w)
      return false;
    at_ += w.size();
    return true;
  }
  bool string(std::string_view &out) {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"'))
      return false;
    size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos)
      return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool tuple(Shape &out) {
    if (!take('('))
      return false;
    while (!take(')')) {
      skip();
      int64_t v = 0;
      size_t start = at_;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
        if (at_ - start >= 18)
          return false;
        v = v * 10 + (text_[at_++] - '0');
      }
      if (at_ == start || out.size() >= 64)
        return false;
      word("L"); // Python 2 wrote its long integers so
      out.push_back(v);
      if (!take(',')) {
        if (!take(')'))
          return false;
        break;
      }
    }
    return true;
  }
  Result<DType> dtype(std::string_view code) const {
    for (const DTypeCode &c : kCodes) {
      std::string_view known = c.code;
      // The byte order of one byte says nothing; '=' is the writer's own order, little on our
      // hosts.
      if (code.size() == 3 && code.substr(1) == known.substr(1) &&
          (dtypeSize(c.dtype) == 1 || code[0] == '<' || code[0] == '='))
        return c.dtype;
      if (code.size() == 3 && code[0] == '>' && code.substr(1) == known.substr(1))
        return fail("bad-file", where_, "the array is big-endian (descr " + shown(code) + ")",
                    "store it with a.astype(a.dtype.newbyteorder('<'))");
    }
    return fail("bad-file", where_, "the array has the unsupported type " + shown(code),
                "supported are floats of 2, 4, 8 bytes, integers of 1 to 8 bytes and bool");
  }

  std::string_view text_;
  std::string where_;
  size_t at_ = 0;
  bool fortran_ = false;
};

/// Bytes from a file or an archive entry: reads up to n bytes; fewer only at the end; errors
/// located.
using ReadFn = std::function<Result<uint64_t>(void *, uint64_t)>;

/// One npy stream of exactly `size` bytes.
Result<Tensor> readStream(const ReadFn &read, uint64_t size, const std::string &where) {
  auto exactly = [&](void *to, uint64_t n, const char *what) -> Status {
    TESSERA_ASSIGN(uint64_t got, read(to, n));
    if (got != n)
      return fail("bad-file", where, fmt::format("ends inside the {}", what));
    return {};
  };
  uint8_t start[12] = {};
  TESSERA_TRY(exactly(start, 10, "npy header"));
  if (std::string_view(reinterpret_cast<char *>(start), 6) != kMagic)
    return fail("bad-file", where, "not an npy array: it does not start with \\x93NUMPY");
  uint8_t major = start[6];
  if (major < 1 || major > 3)
    return fail("bad-file", where, fmt::format("npy version {}.{} is not known", major, start[7]));
  uint64_t fixed = 10;
  uint32_t length = start[8] | start[9] << 8;
  if (major > 1) {
    TESSERA_TRY(exactly(start + 10, 2, "npy header"));
    fixed = 12;
    length |= uint32_t{start[10]} << 16 | uint32_t{start[11]} << 24;
  }
  if (length > kMaxHeader || fixed + length > size)
    return fail("bad-file", where,
                fmt::format("the npy header claims {} bytes of a {}-byte array", length, size));
  std::string text(length, '\0');
  TESSERA_TRY(exactly(text.data(), length, "npy header"));
  TESSERA_ASSIGN(NpyHeader h, HeaderText(text, where).parse());
  if (h.dataBytes != size - fixed - length)
    return fail("bad-file", where,
                fmt::format("shape {} of {} needs {} bytes, the file has {}", shapeText(h.shape),
                            dtypeName(h.dtype), h.dataBytes, size - fixed - length));
  Tensor t(h.dtype, std::move(h.shape));
  TESSERA_TRY(exactly(t.bytes().data(), h.dataBytes, "data"));
  return t;
}

std::string npyHeader(const Tensor &t) {
  std::string shape;
  for (int64_t d : t.shape())
    shape += fmt::format("{}, ", d);
  if (t.rank() > 1)
    shape.resize(shape.size() - 2);
  else if (t.rank() == 1)
    shape.pop_back();
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 codeOf(t.dtype()), shape);
  // Data start at a multiple of 64 bytes, so that a mapped file is aligned.
  size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
  text.resize(total - 11, ' ');
  text += '\n';
  std::string h(kMagic);
  h += {'\x01', '\x00', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return h + text;
}

Status writable(const Tensor &t, const std::string &where) {
  if (t.empty())
    return fail("empty-tensor", where, "a tensor without data cannot be written");
  if (t.rank() > 64)
    return fail("bad-shape", where, "npy arrays have at most 64 dimensions");
  return {};
}

std::string zipText(zip_error_t *e) { return zip_error_strerror(e); }

/// TPU-MLIR's weight archives end in a ZIP64 record that states its own size as 68 instead of 44
/// bytes, which reaches past the file. Python passes over it, libzip does not: state the true size.
void repairZip64End(std::vector<uint8_t> &b) {
  constexpr size_t kEnd = 22, kLocator = 20, kRecord = 56;
  if (b.size() < kEnd + kLocator + kRecord)
    return;
  uint8_t *locator = b.data() + b.size() - kEnd - kLocator, *record = locator - kRecord;
  if (std::memcmp(locator, "PK\6\7", 4) == 0 && std::memcmp(record, "PK\6\6", 4) == 0) {
    const uint64_t size = kRecord - 12, at = static_cast<uint64_t>(record - b.data());
    std::memcpy(record + 4, &size, 8);
    std::memcpy(locator + 8, &at,
                8); // and it states the start of the locator as that of the record
  }
}

struct ZipFile {
  zip_t *zip = nullptr;
  ~ZipFile() {
    if (zip)
      zip_discard(zip);
  }
};

} // namespace

Result<Tensor> readNpy(const std::filesystem::path &path) {
  TESSERA_ASSIGN(std::vector<uint8_t> bytes, readFile(path));
  uint64_t at = 0;
  auto read = [&](void *to, uint64_t n) -> Result<uint64_t> {
    n = std::min<uint64_t>(n, bytes.size() - at);
    if (n)
      std::memcpy(to, bytes.data() + at, n);
    at += n;
    return n;
  };
  return readStream(read, bytes.size(), path.string());
}

Status writeNpy(const std::filesystem::path &path, const Tensor &t) {
  TESSERA_TRY(writable(t, path.string()));
  std::string header = npyHeader(t);
  std::vector<uint8_t> bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), t.bytes().begin(), t.bytes().end());
  return writeFile(path, bytes);
}

Result<TensorMap> readNpz(const std::filesystem::path &path) {
  TESSERA_ASSIGN(std::vector<uint8_t> bytes, readFile(path));
  if (bytes.empty()) // libzip takes nothing for an archive of nothing
    return fail("bad-file", path.string(), "not an npz archive: the file is empty");
  repairZip64End(bytes);
  const uint64_t fileSize = bytes.size();
  zip_error_t e;
  zip_error_init(&e);
  zip_source_t *memory = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &e);
  // Without ZIP_CHECKCONS: it refuses archives whose local headers are ZIP64, as NumPy streams
  // them.
  ZipFile archive{memory ? zip_open_from_source(memory, ZIP_RDONLY, &e) : nullptr};
  if (!archive.zip) {
    if (memory)
      zip_source_free(memory);
    std::string text = zipText(&e);
    zip_error_fini(&e);
    return fail("bad-file", path.string(), "not an npz archive: " + text);
  }
  TensorMap map;
  zip_int64_t n = zip_get_num_entries(archive.zip, 0);
  uint64_t total = 0;
  for (zip_int64_t i = 0; i < n; ++i) {
    zip_stat_t st;
    if (zip_stat_index(archive.zip, i, ZIP_FL_ENC_RAW, &st) || !(st.valid & ZIP_STAT_NAME) ||
        !(st.valid & ZIP_STAT_SIZE) || !(st.valid & ZIP_STAT_COMP_SIZE))
      return fail("bad-file", path.string(), fmt::format("entry {} is damaged", i));
    std::string name = st.name;
    std::string where = path.string() + ": array " + shown(name);
    if (!name.ends_with(".npy"))
      return fail("bad-file", where, "not an npy entry", "an npz archive holds only .npy entries");
    name.resize(name.size() - 4);
    if (map.contains(name))
      return fail("bad-file", where, "the archive holds this name twice");
    uint64_t factor = st.comp_method == ZIP_CM_STORE ? 1 : kMaxInflate;
    total += st.comp_size;
    if (st.comp_size > fileSize || total > fileSize || st.size / factor > st.comp_size)
      return fail("bad-file", where,
                  fmt::format("claims {} bytes in a file of {}", st.size, fileSize));
    zip_file_t *file = zip_fopen_index(archive.zip, i, 0);
    if (!file)
      return fail("bad-file", where, zipText(zip_get_error(archive.zip)));
    struct Close {
      zip_file_t *f;
      ~Close() { zip_fclose(f); }
    } close{file};
    auto read = [&](void *to, uint64_t want) -> Result<uint64_t> {
      uint64_t got = 0;
      while (got < want) {
        zip_int64_t k = zip_fread(file, static_cast<uint8_t *>(to) + got,
                                  std::min<uint64_t>(want - got, 1 << 26));
        if (k < 0)
          return fail("bad-file", where, zipText(zip_file_get_error(file)));
        if (k == 0)
          break;
        got += static_cast<uint64_t>(k);
      }
      return got;
    };
    TESSERA_ASSIGN(Tensor t, readStream(read, st.size, where));
    uint8_t more; // the check sum is only compared when the end is met
    TESSERA_ASSIGN(uint64_t rest, read(&more, 1));
    if (rest)
      return fail("bad-file", where, "goes on after its data");
    map.set(name, std::move(t));
  }
  return map;
}

Status writeNpz(const std::filesystem::path &path, const TensorMap &tensors) {
  for (const auto &[name, t] : tensors) {
    TESSERA_TRY(writable(t, path.string() + ": array " + shown(name)));
    if (name.size() > 60000 || name.find('\0') != std::string::npos)
      return fail("bad-name", path.string(),
                  "the tensor name " + shown(name) + " cannot be stored");
  }
  return writeAtomically(path, [&](const std::filesystem::path &to) -> Status {
    auto bad = [&](const std::string &text) {
      return fail("write-failed", path.string(), "cannot be written: " + text,
                  "check the folder's permissions and free space");
    };
    if (tensors.empty()) { // libzip makes no file for an archive without entries
      const uint8_t end[22] = {'P', 'K', 5, 6};
      return writeFile(to, end);
    }
    // In memory first: given a path, libzip writes a temporary file of its own beside it, which an
    // interrupt would leave behind.
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *memory = zip_source_buffer_create(nullptr, 0, 0, &error);
    std::unique_ptr<zip_source_t, void (*)(zip_source_t *)> release(memory, zip_source_free);
    if (!memory)
      return bad(zipText(&error));
    zip_source_keep(memory); // the archive frees its own hold
    ZipFile archive{zip_open_from_source(memory, ZIP_CREATE | ZIP_TRUNCATE, &error)};
    if (!archive.zip) {
      zip_source_free(memory);
      return bad(zipText(&error));
    }
    zip_t *zip = archive.zip;
    std::vector<std::string> headers;
    headers.reserve(tensors.size()); // libzip keeps pointers into them until zip_close
    for (const auto &[name, t] : tensors) {
      const std::string &header = headers.emplace_back(npyHeader(t));
      zip_buffer_fragment_t parts[2] = {
          {reinterpret_cast<zip_uint8_t *>(const_cast<char *>(header.data())), header.size()},
          {const_cast<zip_uint8_t *>(t.bytes().data()), t.bytes().size()}};
      zip_source_t *source = zip_source_buffer_fragment(zip, parts, t.bytes().empty() ? 1 : 2, 0);
      if (!source)
        return bad(zipText(zip_get_error(zip)));
      zip_int64_t i = zip_file_add(zip, (name + ".npy").c_str(), source, ZIP_FL_ENC_GUESS);
      if (i < 0) {
        std::string text = zipText(zip_get_error(zip));
        zip_source_free(source);
        return bad(shown(name) + ": " + text);
      }
      // 1980-01-01, the first day of the format: no run may differ from another by its date.
      if (zip_set_file_compression(zip, i, ZIP_CM_STORE, 0) ||
          zip_file_set_dostime(zip, i, 0, 0x21, 0) ||
          zip_file_set_external_attributes(zip, i, 0, ZIP_OPSYS_UNIX, 0100644u << 16))
        return bad(zipText(zip_get_error(zip)));
    }
    if (zip_close(zip))
      return bad(zipText(zip_get_error(zip)));
    archive.zip = nullptr;
    errno = 0;
    std::ofstream out(to, std::ios::binary);
    if (!out || zip_source_open(memory))
      return bad(std::strerror(errno));
    std::vector<char> piece(1 << 20);
    zip_int64_t n = 0;
    while (out && (n = zip_source_read(memory, piece.data(), piece.size())) > 0)
      out.write(piece.data(), n);
    zip_source_close(memory);
    if (out)
      out.close();
    if (!out || n < 0)
      return bad(std::strerror(errno));
    return {};
  });
}

} // namespace tessera
