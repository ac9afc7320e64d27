// What the ops for stochastic gradient descent have in common.
#pragma once
#include "call.h"

namespace cifar10 {

/**
 * A step of PyTorch's SGD: g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v. With momentum 0: w ← w − lr·g, and v is
 * left alone.
 */
struct Sgd {
  float lr, momentum, weightDecay;
};

/** Whether inputs `first` and the two after it are one number each: lr, momentum and weight decay. */
inline bool HasSgd(const Call& call, int first) {
  for (int input = first; input < first + 3; input++)
    if (call.Elements(input) != 1) return false;
  return true;
}
inline Sgd SgdOf(const Call& call, int first) {
  return {*call.Input(first), *call.Input(first + 1), *call.Input(first + 2)};
}

}  // namespace cifar10
