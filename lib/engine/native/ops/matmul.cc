// MatMulF32: y = x · w, the forward pass of a linear layer, [rows, inputs] × [inputs, outputs]. TensorFlow's own
// (oneDNN's) is good on CPUs with AVX-512 and slow on those with AVX2 only.
#include <algorithm>

#include "f32x16.h"
#include "gemm.h"
#include "op-context.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

/** Inputs summed at once: a panel of so many weights × 16 columns fits into L1. */
constexpr int kKc = 384;
/** Columns of y that a part computes: their packed weights fit into L2. */
constexpr int kNc = 64;

struct Sizes {
  std::ptrdiff_t rows, inputs, outputs;
};

/** kNc columns of y from `first` on, rows row … end − 1. `packed` is scratch memory, [kNc / 16, kKc, 16]. */
CIFAR10_SIMD void Part(const Sizes& s, const float* x, const float* w, float* y, int row, int end, int first,
                       float* packed) {
  for (int k = 0; k < s.inputs; k += kKc) {
    const int depth = std::min<int>(kKc, s.inputs - k);
    for (int i = 0; i < depth; i++) {
      for (int j = 0; j < kNc; j += kLanes) {
        Store(packed + j * kKc + i * kLanes, Load(w + (k + i) * s.outputs + first + j));
      }
    }
    for (int j = 0; j < kNc; j += kLanes) {
      const auto multiply = [&](auto rows, int r) CIFAR10_SIMD_LAMBDA {
        MultiplyBlock<rows, 1>(1, depth, {x + r * s.inputs + k, s.inputs, 1, 0}, {packed + j * kKc, 0, 0},
                               {y + r * s.outputs + first + j, s.outputs, 0}, k > 0);
      };
      int r = row;
      for (; r + kMr <= end; r += kMr) multiply(Number<kMr>{}, r);
      for (; r + 2 <= end; r += 2) multiply(Number<2>{}, r);
      for (; r < end; r++) multiply(Number<1>{}, r);
    }
  }
}

/** Inputs x [rows, inputs] and w [inputs, outputs], outputs a multiple of 64. */
void ComputeMatMul(OpContext& ctx) {
  const bool fits = ctx.HasShape(0, {kAny, kAny}) && ctx.HasShape(1, {ctx.Dim(0, 1), kAny}) &&
                    ctx.Dim(1, 1) % kNc == 0 && ctx.ElementCount(0) > 0 && ctx.ElementCount(1) > 0;
  if (!ctx.Require(fits,
                   "MatMulF32: expected x [rows, inputs] and w [inputs, outputs], not empty, outputs a multiple of 64"))
    return;
  const Sizes s{ctx.Dim(0, 0), ctx.Dim(0, 1), ctx.Dim(1, 1)};
  ThreadPool& pool = ThreadPool::Shared();
  float* y = ctx.Output(0, {s.rows, s.outputs});
  float* packed = y ? ctx.Scratch(std::size_t(pool.size()) * kKc * kNc) : nullptr;
  if (!packed) return;
  const int across = s.outputs / kNc;
  const int down = std::min<int>((pool.size() + across - 1) / across, (s.rows + kMr - 1) / kMr);
  const int height = (s.rows + down * kMr - 1) / (down * kMr) * kMr;
  pool.Run(across * down, [&](int index, int worker) {
    const int row = std::min<int>(index / across * height, s.rows), end = std::min<int>(row + height, s.rows);
    Part(s, ctx.Input(0), ctx.Input(1), y, row, end, index % across * kNc, packed + worker * kKc * kNc);
  });
}

[[maybe_unused]] const bool registered =
    Register("Cifar10MatMulF32", {"x: float", "w: float"}, {"y: float"}, &Kernel<ComputeMatMul>, &ShapesOf<kUnknown>);

}  // namespace
}  // namespace cifar10
