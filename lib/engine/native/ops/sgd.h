// What the ops for stochastic gradient descent share.
#pragma once
#include "op-context.h"

namespace cifar10 {

/**
 * A step of PyTorch's SGD: g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·(nesterov ? g + momentum·v : v).
 * With momentum 0: w ← w − lr·g, and v stays as it is.
 */
struct Sgd {
  float lr, momentum, weightDecay;
  bool nesterov;

  /** From the last four inputs of an op, from `first` on, which must be scalars. */
  static Sgd From(const OpContext& ctx, int first) {
    return {ctx.Scalar(first), ctx.Scalar(first + 1), ctx.Scalar(first + 2), ctx.Scalar(first + 3) != 0};
  }
};

}  // namespace cifar10
