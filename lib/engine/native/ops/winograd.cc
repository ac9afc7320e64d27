#include "winograd.h"

#include <algorithm>

#include "../isa.h"
#include "thread-pool.h"
#include "winograd-kernels.h"

namespace cifar10 {
namespace {

const WinogradKernels& kernels() {
  static const WinogradKernels& best = BestIsa() >= Isa::kAvx512 ? kAvx512Winograd : kAvx2Winograd;
  return best;
}

/** Floats of matrices [rows, columns], one for each position. */
std::size_t Floats(std::size_t rows, std::size_t columns) { return kPositions * rows * columns; }

/** Groups of tiles that a thread works on at a time: transformed, they should stay in L2 (1 MB). */
int BlockOf(const Convolution& c) {
  const int tiles = (1 << 20) / int(sizeof(float)) / kPositions / (c.inputs + c.outputs);
  return std::clamp(tiles / kGroup, 2, 12);
}

/** The forward pass, or with rotated filters the backward pass. `bias` may be null. */
void Convolve(const Convolution& c, bool isBack, const float* x, const float* filter, const float* bias, float* y,
              float* scratch) {
  const int in = isBack ? c.outputs : c.inputs, out = isBack ? c.inputs : c.outputs;
  const FilterMatrices u{scratch, in, out / kLanes};
  ThreadPool& pool = ThreadPool::Shared();
  const WinogradKernels& k = kernels();
  pool.Run(in / kLanes,
           [&](int panel, int) { (isBack ? k.TransformRotatedFilters : k.TransformFilters)(c, filter, panel, u); });
  const int groups = BlockOf(c), block = groups * kGroup, tiles = Tiles(c);
  pool.RunParts(tiles, block, [&](int first, int end, int worker) {
    float* own = scratch + Floats(in, out) + worker * Floats(block, in + out);
    const TileMatrices v{own, groups, in / kLanes};
    const TileMatrices m{own + Floats(block, in), groups, out / kLanes};
    const int count = end - first;
    k.TransformImages(c, x, first, count, v);
    k.MultiplyTiles(v, u, count, m);
    if (bias) {
      k.WriteBiasRelu(c, m, first, count, bias, y);
    } else {
      k.WriteTiles(c, m, first, count, y);
    }
  });
}

/** How many partial sums of the filter's gradient there are: one per thread, unless they are too large. */
int SumsOf(const Convolution& c) {
  const int most = int((std::size_t(1) << 25) / Floats(c.inputs, c.outputs));
  return std::clamp(most, 1, ThreadPool::Shared().size());
}

/** Floats of such a sum and of the tiles that are added to it at a time. */
std::size_t SumFloats(const Convolution& c) {
  return Floats(c.inputs, c.outputs) + Floats(BlockOf(c) * kGroup, c.inputs + c.outputs);
}

}  // namespace

std::size_t ForwardScratch(const Convolution& c) {
  return Floats(c.inputs, c.outputs) + ThreadPool::Shared().size() * Floats(BlockOf(c) * kGroup, c.inputs + c.outputs);
}
std::size_t BackpropInputScratch(const Convolution& c) { return ForwardScratch(c); }
std::size_t BackpropFilterScratch(const Convolution& c) { return SumsOf(c) * SumFloats(c); }

void Forward(const Convolution& c, const float* x, const float* filter, const float* bias, float* y, float* scratch) {
  Convolve(c, false, x, filter, bias, y, scratch);
}

void BackpropInput(const Convolution& c, const float* filter, const float* dy, float* dx, float* scratch) {
  Convolve(c, true, dy, filter, nullptr, dx, scratch);
}

void BackpropFilter(const Convolution& c, const float* x, const float* dy, float* dfilter, float* scratch) {
  const int groups = BlockOf(c), block = groups * kGroup, tiles = Tiles(c);
  const int sums = std::min(SumsOf(c), (tiles + block - 1) / block);
  const FilterMatrices s{scratch, c.inputs, c.outputs / kLanes};
  ThreadPool& pool = ThreadPool::Shared();
  const WinogradKernels& k = kernels();
  pool.Run(sums, [&](int index, int) {
    const FilterMatrices sum{scratch + index * SumFloats(c), s.rows, s.panels};
    const TileMatrices v{sum.data + Floats(c.inputs, c.outputs), groups, c.inputs / kLanes};
    const TileMatrices z{v.data + Floats(block, c.inputs), groups, c.outputs / kLanes};
    for (int first = index * block; first < tiles; first += sums * block) {
      const int count = std::min(block, tiles - first);
      k.TransformImages(c, x, first, count, v);
      k.TransformGradients(c, dy, first, count, z);
      k.AddProduct(v, z, count, sum, first > index * block);
    }
  });
  pool.Run(c.inputs / kLanes, [&](int panel, int) { k.WriteFilterGradient(c, s, sums, SumFloats(c), panel, dfilter); });
}

}  // namespace cifar10
