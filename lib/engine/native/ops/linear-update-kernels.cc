#include "linear-update-kernels.h"

#include <algorithm>
#include <cstring>

#include "multiply.h"

namespace cifar10 {
namespace {

static_assert(kGroupInputs % kRows == 0);
/** Rows that are summed at once: so much of two panels of dy and of a group of x stays in the first cache. */
constexpr int kDepth = 128;

HOT void PackGradients(const LinearUpdate& u, int row, int end, float* packed) {
  for (int k = row; k < end; k++) {
    for (int column = 0; column < u.outputs; column += kLanes)
      Store(packed + column * u.rows + k * kLanes, Load(u.dy + k * u.outputs + column));
  }
}

/** Columns first … end − 1 of x in groups: [groups, rows, 12]. */
INLINE void PackInputs(const LinearUpdate& u, int first, int end, float* columns) {
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
INLINE void UpdatePanels(const LinearUpdate& u, const float* packed, int panel, int first, int end, const float* columns) {
  for (int input = first; input < end; input += kGroupInputs) {
    const int count = std::min(kGroupInputs, end - input);
    const auto forWeights = [&](auto each) INLINED {
      for (int r = 0; r < count; r++)
        for (int q = 0; q < Panels; q++) each(r, q, (input + r) * u.outputs + (panel + q) * kLanes);
    };
    // The memory brings what is needed while the gradient is computed.
    forWeights([&](int, int, std::ptrdiff_t at) INLINED {
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
      for (int r = 0; r < kGroupInputs; r += kRows) {
        Multiply<kRows, Panels, kGroupInputs, 1>(1, std::min<int>(kDepth, u.rows - k), a + r, 0, b, 0, u.rows * kLanes, g[0][r],
                                                 kGroupInputs * kLanes, k > 0);
      }
    } while ((k += kDepth) < u.rows);
    forWeights([&](int r, int q, std::ptrdiff_t at) INLINED {
      const Vec w = Load(u.w + at);
      Vec step = Load(g[q][r]) + u.sgd.weightDecay * w;
      if (u.newV) {
        step = u.sgd.momentum * Load(u.v + at) + step;
        Store(u.newV + at, step);
      }
      Store(u.newW + at, w - u.sgd.lr * step);
    });
  }
}

HOT void UpdateInputs(const LinearUpdate& u, const float* packed, int first, int end, float* columns) {
  PackInputs(u, first, end, columns);
  const int panels = u.outputs / kLanes;
  int panel = 0;
  for (; panel + kPanels <= panels; panel += kPanels) UpdatePanels<kPanels>(u, packed, panel, first, end, columns);
  for (; panel < panels; panel++) UpdatePanels<1>(u, packed, panel, first, end, columns);
}

}  // namespace

#ifdef CIFAR10_AVX512
const LinearUpdateKernels kAvx512LinearUpdate
#else
const LinearUpdateKernels kAvx2LinearUpdate
#endif
    {PackGradients, UpdateInputs};

}  // namespace cifar10
