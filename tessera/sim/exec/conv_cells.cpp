#include "tessera/sim/exec/conv_cells.h"

#include "tessera/sim/kernels/pack.h"

namespace tessera::sim::exec {
namespace {

using kernels::CellFormat;

int64_t edgeByte(const ConvJob &j, int64_t channel, bool insert) {
  if (j.f.tsk_eu_typ != 0) // opd3 is the shift: padded and filled in with 0
    return 0;
  if (j.edge.immediate) // immediates count by their low 8 bits
    return insert ? j.f.res1_addr & 0xFF : j.f.opd3_addr & 0xFF;
  return j.edge.plane(0, channel)[insert ? 1 : 0];
}

/// Whether pads and inserted elements are zeros for every channel.
bool zeroEdges(const ConvJob &j) {
  int64_t any = 0;
  for (int64_t c = 0; c < (j.edge.immediate ? 1 : j.ic); ++c)
    any |= edgeByte(j, c, false) | edgeByte(j, c, true);
  return any == 0;
}

CellAxis cellAxis(const Axis &a, const std::vector<int32_t> &extended, bool skipZeros) {
  CellAxis out;
  int64_t low = 0, high = 0;
  if (skipZeros) {
    // Output o meets tap k at grid position o + k * dilation - pad, which holds input number
    // position / period or a zero.
    int64_t period = a.insert + 1;
    low = std::numeric_limits<int64_t>::max();
    high = std::numeric_limits<int64_t>::min();
    out.taps.resize(size_t(period));
    for (int64_t phase = 0; phase < period; ++phase)
      for (int64_t k = 0; k < a.kernel; ++k) {
        int64_t position = phase + k * a.dilation - a.padBefore;
        if (position % period)
          continue;
        out.taps[size_t(phase)].push_back({k, 0, position / period});
        low = std::min(low, position / period);
        high = std::max(high, position / period);
      }
    for (auto &list : out.taps)
      for (auto &tap : list)
        tap.offset -= low;
    int64_t length = chip::ceilDiv(a.out, period) + high - low;
    out.sources.resize(1);
    for (int64_t i = 0; i < length; ++i)
      out.sources[0].push_back(i + low >= 0 && i + low < a.in ? int32_t(i + low) : Axis::kPad);
    return out;
  }
  std::vector<int64_t> planes; // remainder by the stride of every plane in use
  out.taps.resize(1);
  for (int64_t k = 0; k < a.kernel; ++k) {
    int64_t position = k * a.dilation, remainder = position % a.stride;
    auto at = std::find(planes.begin(), planes.end(), remainder);
    out.taps[0].push_back({k, at - planes.begin(), position / a.stride});
    high = std::max(high, position / a.stride);
    if (at == planes.end())
      planes.push_back(remainder);
  }
  for (int64_t remainder : planes) {
    std::vector<int32_t> list;
    for (int64_t i = 0; i < a.out + high; ++i) {
      int64_t at = i * a.stride + remainder;
      list.push_back(at < int64_t(extended.size()) ? extended[size_t(at)] : Axis::kPad);
    }
    out.sources.push_back(std::move(list));
  }
  return out;
}

/// A plane's columns as `lead` pads, then every `step`th input, then pads.
struct Run {
  int64_t lead = 0, first = 0, step = 1, count = -1; ///< count -1: they are not of that kind
};
Run runOf(const std::vector<int32_t> &sources) {
  Run r;
  auto length = int64_t(sources.size());
  while (r.lead < length && sources[size_t(r.lead)] == Axis::kPad)
    ++r.lead;
  int64_t end = r.lead;
  r.first = end < length ? sources[size_t(end)] : 0;
  if (r.first < 0) // an inserted element
    return r;
  if (end + 1 < length && sources[size_t(end) + 1] > r.first)
    r.step = sources[size_t(end) + 1] - r.first;
  while (end < length && sources[size_t(end)] == r.first + (end - r.lead) * r.step)
    ++end;
  int64_t count = end - r.lead;
  while (end < length && sources[size_t(end)] == Axis::kPad)
    ++end;
  r.count = end == length ? count : -1;
  return r;
}

/// Packs some rows of one group's plane.
class RowPacker {
public:
  RowPacker(const ConvJob &j, const CellMap &map, int64_t n, int64_t group)
      : j_(j), map_(map), n_(n), first_(group * map.per()),
        count_(std::min(map.per(), j.ic - first_)),
        flip_(map.format == CellFormat::Bytes && j.f.opd0_sign ? 0x80 : 0) {
    // The byte kernel multiplies unsigned cells: signed ones are moved up by 128, which the sum's
    // start value undoes. Channels past the last meet zero weights.
    for (int64_t i = 0; i < map.per(); ++i) {
      pad_[i] = uint8_t(edgeByte(j, first_ + std::min(i, count_ - 1), false));
      insert_[i] = uint8_t(edgeByte(j, first_ + std::min(i, count_ - 1), true));
    }
    padCell_ = cellOf(pad_);
  }

  void fill(uint8_t *out, int64_t cells) const {
    for (int64_t i = 0; i < cells; ++i)
      std::memcpy(out + 4 * i, &padCell_, 4);
  }
  void row(uint8_t *out, int32_t source, const std::vector<int32_t> &columns, const Run &run) {
    if (source == Axis::kPad)
      return fill(out, map_.pitch);
    if (source >= 0 && run.count >= 0) {
      int64_t lead = std::min(run.lead, map_.pitch), count = std::min(run.count, map_.pitch - lead),
              step = run.step * j_.src.strides.w;
      const uint8_t *rows[4];
      for (int64_t i = 0; i < map_.per(); ++i)
        rows[i] = input(i, source) + run.first * j_.src.strides.w;
      if (step != 1) {
        raw_.resize(size_t(4 * count));
        for (int64_t i = 0; i < map_.per(); ++i) {
          kernels::pickBytes(raw_.data() + i * count, rows[i], step, count);
          rows[i] = raw_.data() + i * count;
        }
      }
      fill(out, lead);
      interleave(out + 4 * lead, rows, count);
      return fill(out + 4 * (lead + count), map_.pitch - lead - count);
    }
    raw_.resize(size_t(4 * map_.pitch));
    const uint8_t *rows[4];
    for (int64_t i = 0; i < map_.per(); ++i) {
      uint8_t *to = raw_.data() + i * map_.pitch;
      const uint8_t *from = source >= 0 ? input(i, source) : nullptr;
      rows[i] = to;
      for (int64_t x = 0; x < map_.pitch; ++x) {
        int32_t column = columns[size_t(x)];
        to[x] = column == Axis::kPad  ? pad_[i]
                : column < 0 || !from ? insert_[i]
                                      : from[column * j_.src.strides.w];
      }
    }
    interleave(out, rows, map_.pitch);
  }

private:
  const uint8_t *input(int64_t i, int32_t row) const {
    return j_.src.plane(n_, first_ + std::min(i, count_ - 1)) + row * j_.src.strides.h;
  }
  void interleave(uint8_t *out, const uint8_t *const *rows, int64_t count) const {
    if (map_.format == CellFormat::Bytes)
      kernels::interleaveBytes(out, rows, count, flip_);
    else
      kernels::interleaveWords(out, rows, count, j_.f.opd0_sign);
  }
  uint32_t cellOf(const uint8_t *bytes) const {
    const uint8_t *rows[4] = {bytes, bytes + 1, bytes + 2, bytes + 3};
    uint32_t cell;
    interleave(reinterpret_cast<uint8_t *>(&cell), rows, 1);
    return cell;
  }

  const ConvJob &j_;
  const CellMap &map_;
  int64_t n_, first_, count_;
  uint8_t flip_, pad_[4] = {}, insert_[4] = {};
  uint32_t padCell_;
  std::vector<uint8_t> raw_;
};

/// Chooses the strips: enough for every core, small enough for its cache, high enough that the rows
/// that neighbours share cost little. One strip, worked on by all, where there are too few rows.
void cutStrips(CellMap &m) {
  constexpr int64_t kStripBytes = 512 << 10;
  int64_t reach = m.y.length() - m.outRows, least = std::max<int64_t>(4, 3 * reach),
          threads = threadCount(), rowBytes = 4 * m.pitch * m.groups * m.y.planes() * m.x.planes();
  int64_t strips = std::max(threads, chip::ceilDiv(rowBytes * m.outRows, kStripBytes));
  strips = std::min(chip::alignUp(strips, threads), m.outRows / least);
  if (strips < threads)
    strips = 1;
  else
    strips -= strips % threads;
  m.stripRows = chip::ceilDiv(m.outRows, std::max<int64_t>(strips, 1));
  m.strips = chip::ceilDiv(m.outRows, m.stripRows);
  m.rows = m.stripRows + reach;
}

} // namespace

CellMap cellMap(const ConvJob &j, CellFormat format) {
  const Axis &ya = j.window.y, &xa = j.window.x;
  bool zeros = j.window.mode == PadMode::Constant && zeroEdges(j);
  auto skips = [&](const Axis &a) { return zeros && a.insert > 0 && a.stride == 1; };
  CellMap m{};
  m.y = cellAxis(ya, j.rows, skips(ya));
  m.x = cellAxis(xa, j.columns, skips(xa));
  m.format = format;
  const auto &columns = m.x.sources.front();
  auto isData = [](int32_t s) { return s != Axis::kPad; };
  if (m.x.planes() == 1) {
    int64_t lead = std::find_if(columns.begin(), columns.end(), isData) - columns.begin(),
            trail = std::find_if(columns.rbegin(), columns.rend(), isData) - columns.rbegin();
    m.shared = lead == m.x.length() ? 0 : std::min(lead, trail);
  }
  m.outRows = chip::ceilDiv(ya.out, m.y.phases());
  m.outColumns = chip::ceilDiv(xa.out, m.x.phases());
  // A position belongs to one row of results only.
  m.shared = std::min(m.shared, m.x.length() - m.outColumns);
  m.pitch = m.x.length() - m.shared;
  m.groups = chip::ceilDiv(j.ic, m.per());
  cutStrips(m);
  m.planeCells = m.rows * m.pitch + m.shared;
  m.groupBytes = 4 * m.planeCells * m.y.planes() * m.x.planes();
  int64_t before = 0;
  for (const auto &rows : m.y.taps)
    for (const auto &list : m.x.taps) {
      CellMap::Phase phase{{}, {}, before};
      for (const auto &ky : rows)
        for (const auto &kx : list) {
          int64_t plane = ky.plane * m.x.planes() + kx.plane;
          phase.taps.push_back(4 * (plane * m.planeCells + ky.offset * m.pitch + kx.offset));
          phase.index.push_back(j.tapIndex(ky.kernel, kx.kernel));
        }
      before += int64_t(phase.taps.size());
      m.phases.push_back(std::move(phase));
    }
  return m;
}

void packCells(const ConvJob &j, const CellMap &map, int64_t n, int64_t strip, uint8_t *out) {
  std::vector<Run> runs;
  for (const auto &columns : map.x.sources)
    runs.push_back(runOf(columns));
  // Pieces of rows, so that few channels also give every core something to do.
  constexpr int64_t kRows = 16;
  int64_t first = strip * map.stripRows, rows = std::min(map.rows, map.y.length() - first),
          pieces = chip::ceilDiv(rows, kRows), planes = map.y.planes() * map.x.planes();
  parallelFor(map.groups * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      int64_t group = item % map.groups, from = item / map.groups * kRows,
              to = std::min(from + kRows, rows);
      RowPacker packer(j, map, n, group);
      for (int64_t plane = 0; plane < planes; ++plane) {
        uint8_t *base = out + group * map.groupBytes + 4 * plane * map.planeCells;
        const auto &sources = map.y.sources[size_t(plane / map.x.planes())];
        const auto &columns = map.x.sources[size_t(plane % map.x.planes())];
        for (int64_t r = from; r < to; ++r)
          packer.row(base + 4 * r * map.pitch, sources[size_t(first + r)], columns,
                     runs[size_t(plane % map.x.planes())]);
        if (to == rows)
          packer.fill(base + 4 * rows * map.pitch, map.shared);
      }
    }
  });
}

} // namespace tessera::sim::exec
