// The kernels of Winograd's convolutions; winograd-kernels.cc is compiled once for each instruction set.
#pragma once
#include <cstddef>

#include "f32x16.h"
#include "winograd.h"

namespace cifar10 {

constexpr int kTile = 4;
constexpr int kPatch = 6;
constexpr int kPositions = kPatch * kPatch;

/** Tiles that lie together in memory. */
constexpr int kGroup = 12;

/**
 * Transformed tiles: for each position a matrix [tiles, columns], in panels of 16 columns: [panels, groups, positions,
 * tiles of a group, 16]. A transformed tile lies within a few pages of memory, for CPUs with a 16-entry store TLB.
 */
struct TileMatrices {
  float* data;
  int groups, panels;
  float* At(int position, int panel, int tile) const {
    return data + panel * PanelStep() +
           (std::size_t(tile / kGroup * kPositions + position) * kGroup + tile % kGroup) * kLanes;
  }
  /** Floats from one position, group or panel to the next. */
  static constexpr std::ptrdiff_t kPositionStep = kGroup * kLanes;
  static constexpr std::ptrdiff_t kGroupStep = kPositions * kPositionStep;
  std::ptrdiff_t PanelStep() const { return groups * kGroupStep; }
};

/** Transformed filters: for each position a matrix [rows, columns]: [positions, panels, rows, 16]. */
struct FilterMatrices {
  float* data;
  int rows, panels;
  float* At(int position, int panel, int row) const {
    return data + ((std::size_t(position) * panels + panel) * rows + row) * kLanes;
  }
  std::ptrdiff_t PanelStep() const { return std::ptrdiff_t(rows) * kLanes; }
};

inline int TileRows(const Convolution& c) { return (c.height + kTile - 1) / kTile; }
inline int TileColumns(const Convolution& c) { return (c.width + kTile - 1) / kTile; }
inline int Tiles(const Convolution& c) { return c.images * TileRows(c) * TileColumns(c); }

struct WinogradKernels {
  /** Transforms tiles first … first + count − 1 of x, and fills up the last group with zeros. */
  void (*TransformImages)(const Convolution&, const float* x, int first, int count, TileMatrices v);
  /** The same for dy: the gradient of an output's transform. */
  void (*TransformGradients)(const Convolution&, const float* dy, int first, int count, TileMatrices z);
  /** m = v · u: [tiles, inputs] × [inputs, outputs]. */
  void (*MultiplyTiles)(TileMatrices v, FilterMatrices u, int tiles, TileMatrices m);
  /** Transforms m to the outputs of tiles first … first + count − 1. */
  void (*WriteTiles)(const Convolution&, TileMatrices m, int first, int count, float* y);
  /** The same, then max(y + bias, 0). */
  void (*WriteBiasRelu)(const Convolution&, TileMatrices m, int first, int count, const float* bias, float* y);
  /** s = vᵀ · z: [tiles, inputs]ᵀ × [tiles, outputs]; with `add`, s += vᵀ · z. */
  void (*AddProduct)(TileMatrices v, TileMatrices z, int tiles, FilterMatrices s, bool add);
  /** The transforms of the filters, for one panel of rows of u, which are the input's channels. */
  void (*TransformFilters)(const Convolution&, const float* filter, int rowPanel, FilterMatrices u);
  /** The same for the backward pass: filters rotated by 180°, inputs and outputs swapped. */
  void (*TransformRotatedFilters)(const Convolution&, const float* filter, int rowPanel, FilterMatrices u);
  /** The filter's gradient for one panel of the input's channels, from `parts` sums that lie `step` floats apart. */
  void (*WriteFilterGradient)(const Convolution&, FilterMatrices s, int parts, std::size_t step, int rowPanel,
                              float* dfilter);
};

extern const WinogradKernels kAvx2Winograd, kAvx512Winograd;

}  // namespace cifar10
