// A tensor of any rank as [rows, channels], its rows cut into parts for the threads.
#pragma once
#include <algorithm>
#include <cstddef>

namespace cifar10 {

struct RowPartition {
  /** Floats of a part: 128 KB, so that what is read twice is still in the core's L2. */
  static constexpr std::ptrdiff_t kPartFloats = 1 << 15;
  /** Rows of a part at most: one long sum has a larger rounding error than a sum of sums. */
  static constexpr std::ptrdiff_t kMaxRows = 1 << 10;

  RowPartition(std::ptrdiff_t elements, std::ptrdiff_t channels)
      : channels(channels),
        count(elements / channels),
        partRows(std::clamp<std::ptrdiff_t>(kPartFloats / channels, 1, kMaxRows)),
        parts(int((count + partRows - 1) / partRows)) {}
  /** Floats before a part. */
  std::ptrdiff_t Offset(int part) const { return part * partRows * channels; }
  /** Rows in a part. */
  std::ptrdiff_t Rows(int part) const { return std::min(partRows, count - part * partRows); }

  /** `count` is the number of all rows. */
  const std::ptrdiff_t channels, count, partRows;
  const int parts;
};

/** Adds up sums of parts, [parts, channels]. */
inline void SumParts(const float* sums, const RowPartition& rows, float* total) {
  for (std::ptrdiff_t c = 0; c < rows.channels; c++) {
    double sum = 0;
    for (int part = 0; part < rows.parts; part++) sum += sums[part * rows.channels + c];
    total[c] = float(sum);
  }
}

}  // namespace cifar10
