// A tensor of any number of axes as [pixels, channels], cut into parts for the threads.
#pragma once
#include <algorithm>
#include <cstddef>

namespace cifar10 {

struct Pixels {
  /** Floats that a thread takes at a time: 128 KB, so that what is read twice is still in its cache. */
  static constexpr std::ptrdiff_t kPart = 1 << 15;
  /** Pixels at most: a long sum is rounded more than a sum of sums. */
  static constexpr std::ptrdiff_t kHeight = 1 << 10;

  Pixels(std::ptrdiff_t elements, std::ptrdiff_t channels)
      : channels(channels),
        count(elements / channels),
        height(std::clamp<std::ptrdiff_t>(kPart / channels, 1, kHeight)),
        parts(int((count + height - 1) / height)) {}
  /** Floats before a part, and pixels in it. */
  std::ptrdiff_t Before(int part) const { return part * height * channels; }
  std::ptrdiff_t Height(int part) const { return std::min(height, count - part * height); }

  const std::ptrdiff_t channels, count, height;
  const int parts;
};

/** Adds up the sums of the parts, [parts, channels]. */
inline void AddParts(const float* sums, const Pixels& pixels, float* total) {
  for (std::ptrdiff_t c = 0; c < pixels.channels; c++) {
    double sum = 0;
    for (int part = 0; part < pixels.parts; part++) sum += sums[part * pixels.channels + c];
    total[c] = float(sum);
  }
}

}  // namespace cifar10
