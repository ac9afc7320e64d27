// MatMulF32: y = x · w, the forward pass of a linear layer, [rows, inputs] × [inputs, outputs]. TensorFlow's own
// (oneDNN's) is good on CPUs with AVX-512 and slow on those with AVX2 only. Source of the blocking: Goto and van de
// Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
#include <algorithm>

#include "f32x16.h"
#include "op-context.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

/** Rows of y that are computed at once: 6×16 sums fill 12 of the 16 vector registers. */
constexpr int kRows = 6;
/** Inputs summed at once (kc): a panel of so many weights × 16 columns fits into L1. */
constexpr int kDepth = 384;
/** Columns of y that a part computes (nc): their packed weights fit into L2. */
constexpr int kColumns = 64;

struct Sizes {
  std::ptrdiff_t rows, inputs, outputs;
};

/** Rows × 16 elements of y from `depth` elements of each row of x; `add` adds them to what is there. */
template <int Rows>
CIFAR10_SIMD void Multiply(const Sizes& s, const float* x, const float* packed, int depth, float* y, bool add) {
  F32x16 sum[Rows];
  for (int r = 0; r < Rows; r++) sum[r] = add ? Load(y + r * s.outputs) : F32x16{};
  for (int k = 0; k < depth; k++, packed += kLanes) {
    const F32x16 right = Load(packed);
    for (int r = 0; r < Rows; r++) sum[r] = sum[r] + x[r * s.inputs + k] * right;
  }
  for (int r = 0; r < Rows; r++) Store(y + r * s.outputs, sum[r]);
}

/** Columns first … first + 63 of y's rows row … end − 1. `packed` is [4, kDepth, 16]: the weights in the order of their
 * use. */
CIFAR10_SIMD void Part(const Sizes& s, const float* x, const float* w, float* y, int row, int end, int first,
                       float* packed) {
  for (int k = 0; k < s.inputs; k += kDepth) {
    const int depth = std::min<int>(kDepth, s.inputs - k);
    for (int i = 0; i < depth; i++) {
      for (int j = 0; j < kColumns; j += kLanes) {
        Store(packed + j * kDepth + i * kLanes, Load(w + (k + i) * s.outputs + first + j));
      }
    }
    for (int j = 0; j < kColumns; j += kLanes) {
      const auto rows = [&](auto multiply, int at) CIFAR10_SIMD_LAMBDA {
        multiply(s, x + at * s.inputs + k, packed + j * kDepth, depth, y + at * s.outputs + first + j, k > 0);
      };
      int r = row;
      for (; r + kRows <= end; r += kRows) rows(Multiply<kRows>, r);
      for (; r + 2 <= end; r += 2) rows(Multiply<2>, r);
      for (; r < end; r++) rows(Multiply<1>, r);
    }
  }
}

/** Inputs x [rows, inputs] and w [inputs, outputs], outputs a multiple of 64. */
void ComputeMatMul(OpContext& ctx) {
  const bool fits =
      ctx.HasShape(0, {kAny, kAny}) && ctx.HasShape(1, {ctx.Dim(0, 1), kAny}) && ctx.Dim(1, 1) % kColumns == 0;
  if (!ctx.Require(fits, "MatMulF32: expected x [rows, inputs] and w [inputs, outputs], outputs a multiple of 64"))
    return;
  const Sizes s{ctx.Dim(0, 0), ctx.Dim(0, 1), ctx.Dim(1, 1)};
  ThreadPool& pool = ThreadPool::Shared();
  float* y = ctx.Output(0, {s.rows, s.outputs});
  float* packed = y ? ctx.Scratch(std::size_t(pool.size()) * kDepth * kColumns) : nullptr;
  if (!packed) return;
  const int across = s.outputs / kColumns;
  const int down = std::min<int>((pool.size() + across - 1) / across, (s.rows + kRows - 1) / kRows);
  const int height = (s.rows + down * kRows - 1) / (down * kRows) * kRows;
  pool.Run(across * down, [&](int index, int worker) {
    const int row = std::min<int>(index / across * height, s.rows), end = std::min<int>(row + height, s.rows);
    Part(s, ctx.Input(0), ctx.Input(1), y, row, end, index % across * kColumns, packed + worker * kDepth * kColumns);
  });
}

[[maybe_unused]] const bool registered =
    Register("Cifar10MatMulF32", {"x: float", "w: float"}, {"y: float"}, &Kernel<ComputeMatMul>);

}  // namespace
}  // namespace cifar10
