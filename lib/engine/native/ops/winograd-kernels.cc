#include "winograd-kernels.h"

#include <algorithm>

#include "gemm.h"
#include "winograd-transforms.h"

namespace cifar10 {
namespace {

/** Rows of vᵀ · z that are computed at once, out of panels of 16: 6, 6 and 4 if kMr is 6. */
constexpr int kColumns = kMr > kLanes / 2 ? kLanes / 2 : kMr;
static_assert(kGroup % kMr == 0);
/** Groups of tiles summed at once: their panels fit into L1. */
constexpr int kGroups = 10;

/** The square of pixels that belongs to a tile; it may extend beyond the image's edges. */
struct Window {
  int image, top, left;
};
CIFAR10_SIMD_INLINE Window WindowOf(const Convolution& c, int tile, int margin) {
  const int columns = TileColumns(c), rows = TileRows(c);
  return {tile / columns / rows, tile / columns % rows * kTile - margin, tile % columns * kTile - margin};
}
CIFAR10_SIMD_INLINE std::ptrdiff_t FirstPixel(const Convolution& c, Window w) {
  return (std::ptrdiff_t(w.image) * c.height + w.top) * c.width + w.left;
}

/** Transforms the windows of tiles first … first + count − 1 of x; outside the image is zero. */
template <class Transform>
CIFAR10_SIMD_INLINE void TransformTiles(const Convolution& c, const float* x, int first, int count, TileMatrices v) {
  constexpr int size = Transform::kIn;
  const int channels = v.panels * kLanes;
  const std::ptrdiff_t line = std::ptrdiff_t(c.width) * channels;
  for (int tile = 0; tile < count; tile++) {
    const Window window = WindowOf(c, first + tile, (size - kTile) / 2);
    const int top = std::max(0, -window.top), bottom = std::min(size, c.height - window.top);
    const int left = std::max(0, -window.left), right = std::min(size, c.width - window.left);
    const bool isInside = bottom - top == size && right - left == size;
    for (int panel = 0; panel < v.panels; panel++) {
      // An offset, not a pointer: at the upper edge it lies before the image.
      const std::ptrdiff_t corner = FirstPixel(c, window) * channels + panel * kLanes;
      float* to = v.At(0, panel, tile);
      Apply<Transform>(
          [&](int i, int j) CIFAR10_SIMD_LAMBDA {
            const bool isPixel = isInside || (i >= top && i < bottom && j >= left && j < right);
            return isPixel ? Load(x + (corner + i * line + j * channels)) : F32x16{};
          },
          [&](int i, int j, F32x16 value)
              CIFAR10_SIMD_LAMBDA { Store(to + (i * kPatch + j) * TileMatrices::kPositionStep, value); });
    }
  }
  for (int tile = count; tile % kGroup != 0; tile++)
    for (int panel = 0; panel < v.panels; panel++)
      for (int p = 0; p < kPositions; p++) Store(v.At(p, panel, tile), F32x16{});
}

/** Transforms m to the outputs of tiles first … first + count − 1; calls write(address, output, panel). */
template <class Write>
CIFAR10_SIMD_INLINE void TransformOutputs(const Convolution& c, TileMatrices m, int first, int count, float* y,
                                          Write write) {
  const int channels = m.panels * kLanes;
  const std::ptrdiff_t line = std::ptrdiff_t(c.width) * channels;
  for (int tile = 0; tile < count; tile++) {
    const Window window = WindowOf(c, first + tile, 0);
    const int bottom = c.height - window.top, right = c.width - window.left;
    for (int panel = 0; panel < m.panels; panel++) {
      const float* from = m.At(0, panel, tile);
      float* corner = y + FirstPixel(c, window) * channels + panel * kLanes;
      Apply<OutputTransform>(
          [&](int i, int j) CIFAR10_SIMD_LAMBDA { return Load(from + (i * kPatch + j) * TileMatrices::kPositionStep); },
          [&](int i, int j, F32x16 value) CIFAR10_SIMD_LAMBDA {
            if (i < bottom && j < right) write(corner + i * line + j * channels, value, panel);
          });
    }
  }
}

/** The same; stores finish(output, panel). */
template <class Finish>
CIFAR10_SIMD_INLINE void WriteOutputs(const Convolution& c, TileMatrices m, int first, int count, float* y,
                                      Finish finish) {
  if (UseNonTemporalStores(y, std::size_t(c.images) * c.height * c.width * m.panels * kLanes)) {
    TransformOutputs(c, m, first, count, y, [&](float* to, F32x16 value, int panel) CIFAR10_SIMD_LAMBDA {
      StoreNonTemporal(to, finish(value, panel));
    });
    _mm_sfence();
  } else {
    TransformOutputs(c, m, first, count, y,
                     [&](float* to, F32x16 value, int panel) CIFAR10_SIMD_LAMBDA { Store(to, finish(value, panel)); });
  }
}

CIFAR10_SIMD void WriteTiles(const Convolution& c, TileMatrices m, int first, int count, float* y) {
  WriteOutputs(c, m, first, count, y, [](F32x16 value, int) CIFAR10_SIMD_LAMBDA { return value; });
}
CIFAR10_SIMD void WriteBiasRelu(const Convolution& c, TileMatrices m, int first, int count, const float* bias,
                                float* y) {
  WriteOutputs(c, m, first, count, y,
               [&](F32x16 value, int panel) CIFAR10_SIMD_LAMBDA { return Relu(value + Load(bias + panel * kLanes)); });
}

/** Panels panel … panel + Panels − 1 of m = v · u at one position. */
template <int Panels>
CIFAR10_SIMD_INLINE void MultiplyPanels(TileMatrices v, FilterMatrices u, int tiles, int p, int panel, TileMatrices m) {
  for (int tile = 0; tile < tiles; tile += kMr) {
    MultiplyBlock<kMr, Panels>(v.panels, kLanes, {v.At(p, 0, tile), kLanes, 1, v.PanelStep()},
                               {u.At(p, panel, 0), u.PanelStep(), kLanes * kLanes},
                               {m.At(p, panel, tile), kLanes, m.PanelStep()}, false);
  }
}

CIFAR10_SIMD void MultiplyTiles(TileMatrices v, FilterMatrices u, int tiles, TileMatrices m) {
  for (int p = 0; p < kPositions; p++) {
    int panel = 0;
    for (; panel + kNr <= u.panels; panel += kNr) MultiplyPanels<kNr>(v, u, tiles, p, panel, m);
    for (; panel < u.panels; panel++) MultiplyPanels<1>(v, u, tiles, p, panel, m);
  }
}

/** Panels panel … panel + Panels − 1 of s += vᵀ · z at one position, over some groups of tiles. */
template <int Panels>
CIFAR10_SIMD_INLINE void AddPanels(TileMatrices v, TileMatrices z, int tile, int groups, int p, int panel,
                                   FilterMatrices s, bool add) {
  for (int left = 0; left < v.panels; left++) {
    const auto multiply = [&](auto rows, int first) CIFAR10_SIMD_LAMBDA {
      MultiplyBlock<rows, Panels>(groups, kGroup, {v.At(p, left, tile) + first, 1, kLanes, TileMatrices::kGroupStep},
                                  {z.At(p, panel, tile), z.PanelStep(), TileMatrices::kGroupStep},
                                  {s.At(p, panel, left * kLanes + first), kLanes, s.PanelStep()}, add);
    };
    for (int first = 0; first + kColumns <= kLanes; first += kColumns) multiply(Number<kColumns>{}, first);
    if constexpr (kLanes % kColumns > 0) multiply(Number<kLanes % kColumns>{}, kLanes - kLanes % kColumns);
  }
}

CIFAR10_SIMD void AddProduct(TileMatrices v, TileMatrices z, int tiles, FilterMatrices s, bool add) {
  const int groups = (tiles + kGroup - 1) / kGroup;
  for (int p = 0; p < kPositions; p++) {
    for (int group = 0; group < groups; group += kGroups) {
      const int count = std::min(kGroups, groups - group), tile = group * kGroup;
      const bool isMore = add || group > 0;
      int panel = 0;
      for (; panel + kNr <= z.panels; panel += kNr) AddPanels<kNr>(v, z, tile, count, p, panel, s, isMore);
      for (; panel < z.panels; panel++) AddPanels<1>(v, z, tile, count, p, panel, s, isMore);
    }
  }
}

CIFAR10_SIMD void TransformFilters(const Convolution& c, const float* filter, int rowPanel, FilterMatrices u) {
  for (int row = rowPanel * kLanes; row < (rowPanel + 1) * kLanes; row++) {
    for (int panel = 0; panel < u.panels; panel++) {
      const float* taps = filter + row * c.outputs + panel * kLanes;
      Apply<FilterTransform>(
          [&](int i, int j) CIFAR10_SIMD_LAMBDA { return Load(taps + (i * 3 + j) * c.inputs * c.outputs); },
          [&](int i, int j, F32x16 value) CIFAR10_SIMD_LAMBDA { Store(u.At(i * kPatch + j, panel, row), value); });
    }
  }
}

CIFAR10_SIMD void TransformRotatedFilters(const Convolution& c, const float* filter, int rowPanel, FilterMatrices u) {
  for (int row = rowPanel * kLanes; row < (rowPanel + 1) * kLanes; row++) {
    for (int panel = 0; panel < u.panels; panel++) {
      const float* taps = filter + panel * kLanes * c.outputs + row;
      Apply<FilterTransform>(
          [&](int i, int j) CIFAR10_SIMD_LAMBDA {
            float lanes[kLanes];
            for (int l = 0; l < kLanes; l++) lanes[l] = taps[((8 - i * 3 - j) * c.inputs + l) * c.outputs];
            return Load(lanes);
          },
          [&](int i, int j, F32x16 value) CIFAR10_SIMD_LAMBDA { Store(u.At(i * kPatch + j, panel, row), value); });
    }
  }
}

CIFAR10_SIMD void WriteFilterGradient(const Convolution& c, FilterMatrices s, int parts, std::size_t step, int rowPanel,
                                      float* dfilter) {
  for (int row = rowPanel * kLanes; row < (rowPanel + 1) * kLanes; row++) {
    for (int panel = 0; panel < s.panels; panel++) {
      float* taps = dfilter + row * c.outputs + panel * kLanes;
      Apply<FilterGradient>(
          [&](int i, int j) CIFAR10_SIMD_LAMBDA {
            const float* from = s.At(i * kPatch + j, panel, row);
            F32x16 sum = Load(from);
            for (int part = 1; part < parts; part++) sum = sum + Load(from + part * step);
            return sum;
          },
          [&](int i, int j, F32x16 value)
              CIFAR10_SIMD_LAMBDA { Store(taps + (i * 3 + j) * c.inputs * c.outputs, value); });
    }
  }
}

CIFAR10_SIMD void TransformImages(const Convolution& c, const float* x, int first, int count, TileMatrices v) {
  TransformTiles<InputTransform>(c, x, first, count, v);
}
CIFAR10_SIMD void TransformGradients(const Convolution& c, const float* dy, int first, int count, TileMatrices z) {
  TransformTiles<OutputGradient>(c, dy, first, count, z);
}

}  // namespace

#ifdef CIFAR10_AVX512
const WinogradKernels kAvx512Winograd
#else
const WinogradKernels kAvx2Winograd
#endif
    {TransformImages, TransformGradients, MultiplyTiles,           WriteTiles,         WriteBiasRelu,
     AddProduct,      TransformFilters,   TransformRotatedFilters, WriteFilterGradient};

}  // namespace cifar10
