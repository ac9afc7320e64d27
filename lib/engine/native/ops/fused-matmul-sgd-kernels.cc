#include "fused-matmul-sgd-kernels.h"

#include <algorithm>
#include <cstring>

#include "gemm.h"

namespace cifar10 {
namespace {

static_assert(kGroupInputs % kMr == 0);
/** Rows summed at once: so much of two panels of dy and of a group of x stays in L1. */
constexpr int kKc = 128;

CIFAR10_SIMD void PackGradients(const FusedMatMulSgd& u, int row, int end, float* packed) {
  for (int k = row; k < end; k++) {
    for (int column = 0; column < u.outputs; column += kLanes)
      Store(packed + column * u.rows + k * kLanes, Load(u.dy + k * u.outputs + column));
  }
}

/** Columns first … end − 1 of x in groups: [groups, rows, 12]. */
CIFAR10_SIMD_INLINE void PackInputs(const FusedMatMulSgd& u, int first, int end, float* columns) {
  for (int k = 0; k < u.rows; k++) {
    const float* from = u.x + k * u.inputs;
    for (int input = first; input < end; input += kGroupInputs) {
      float* to = columns + (input - first) * u.rows + k * kGroupInputs;
      if (input + kGroupInputs <= end) {
        std::memcpy(to, from + input, kGroupInputs * sizeof(float));
      } else {
        std::fill_n(std::copy(from + input, from + end, to), input + kGroupInputs - end, 0.0f);
      }
    }
  }
}

/** Panels panel … panel + Panels − 1 of the weights. */
template <int Panels>
CIFAR10_SIMD_INLINE void UpdatePanels(const FusedMatMulSgd& u, const float* packed, int panel, int first, int end,
                                      const float* columns) {
  for (int input = first; input < end; input += kGroupInputs) {
    const int count = std::min(kGroupInputs, end - input);
    const auto forWeights = [&](auto each) CIFAR10_SIMD_LAMBDA {
      for (int r = 0; r < count; r++)
        for (int q = 0; q < Panels; q++) each(r, q, (input + r) * u.outputs + (panel + q) * kLanes);
    };
    // Loaded from memory while the gradient is computed.
    forWeights([&](int, int, std::ptrdiff_t at) CIFAR10_SIMD_LAMBDA {
      __builtin_prefetch(u.w + at);
      __builtin_prefetch(u.newW + at, 1);
      if (u.newV) {
        __builtin_prefetch(u.v + at);
        __builtin_prefetch(u.newV + at, 1);
      }
    });
    float g[Panels][kGroupInputs][kLanes];
    int k = 0;
    do {
      const float* a = columns + (input - first) * u.rows + k * kGroupInputs;
      const float* b = packed + (panel * u.rows + k) * kLanes;
      for (int r = 0; r < kGroupInputs; r += kMr) {
        MultiplyBlock<kMr, Panels>(1, std::min<int>(kKc, u.rows - k), {a + r, 1, kGroupInputs, 0},
                                   {b, u.rows * kLanes, 0}, {g[0][r], kLanes, kGroupInputs * kLanes}, k > 0);
      }
    } while ((k += kKc) < u.rows);
    forWeights([&](int r, int q, std::ptrdiff_t at) CIFAR10_SIMD_LAMBDA {
      const F32x16 w = Load(u.w + at);
      F32x16 step = Load(g[q][r]) + u.sgd.weightDecay * w;
      if (u.newV) {
        const F32x16 velocity = u.sgd.momentum * Load(u.v + at) + step;
        Store(u.newV + at, velocity);
        step = u.sgd.nesterov ? u.sgd.momentum * velocity + step : velocity;
      }
      Store(u.newW + at, w - u.sgd.lr * step);
    });
  }
}

CIFAR10_SIMD void UpdateInputs(const FusedMatMulSgd& u, const float* packed, int first, int end, float* columns) {
  PackInputs(u, first, end, columns);
  const int panels = u.outputs / kLanes;
  int panel = 0;
  for (; panel + kNr <= panels; panel += kNr) UpdatePanels<kNr>(u, packed, panel, first, end, columns);
  for (; panel < panels; panel++) UpdatePanels<1>(u, packed, panel, first, end, columns);
}

}  // namespace

#ifdef CIFAR10_AVX512
const FusedMatMulSgdKernels kAvx512FusedMatMulSgd
#else
const FusedMatMulSgdKernels kAvx2FusedMatMulSgd
#endif
    {PackGradients, UpdateInputs};

}  // namespace cifar10
