// MaxPool2x2 and MaxPool2x2Grad: max pooling with 2×2 windows and stride 2, in one pass over the memory.
#include "op-context.h"
#include "simd.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

/** Of a pooled image; the image itself is [2·height, 2·width, channels]. */
struct Sizes {
  std::ptrdiff_t height, width, channels;
  /** Floats of a pooled image. */
  std::ptrdiff_t Pooled() const { return height * width * channels; }
  /** Offset of a pooled pixel's window in an image, and of the window's second row from its first. */
  std::ptrdiff_t Window(std::ptrdiff_t row, std::ptrdiff_t column) const {
    return (4 * row * width + 2 * column) * channels;
  }
  std::ptrdiff_t Below() const { return 2 * width * channels; }
};

/** NaN wins, so it propagates. */
CIFAR10_SIMD_INLINE float Larger(float a, float b) { return a < b || b != b ? b : a; }

CIFAR10_SIMD void Pool(const Sizes& s, const float* x, float* y) {
  for (std::ptrdiff_t row = 0; row < s.height; row++) {
    for (std::ptrdiff_t column = 0; column < s.width; column++, y += s.channels) {
      const float *top = x + s.Window(row, column), *bottom = top + s.Below();
      for (std::ptrdiff_t c = 0; c < s.channels; c++) {
        y[c] = Larger(Larger(top[c], top[s.channels + c]), Larger(bottom[c], bottom[s.channels + c]));
      }
    }
  }
}

/** The gradient if x is the largest, whereupon none is left for others; else 0. */
CIFAR10_SIMD_INLINE float Taken(float x, float largest, float& gradient) {
  const float taken = x == largest ? gradient : 0;
  gradient = x == largest ? 0 : gradient;
  return taken;
}

/** The first of the four that was the largest gets the gradient, as in TensorFlow and PyTorch. dx may be x. */
CIFAR10_SIMD void PoolGradient(const Sizes& s, const float* x, const float* y, const float* dy, float* dx) {
  for (std::ptrdiff_t row = 0; row < s.height; row++) {
    for (std::ptrdiff_t column = 0; column < s.width; column++, y += s.channels, dy += s.channels) {
      const std::ptrdiff_t top = s.Window(row, column), bottom = top + s.Below();
      CIFAR10_IVDEP for (std::ptrdiff_t c = 0; c < s.channels; c++) {
        float gradient = dy[c];
        dx[top + c] = Taken(x[top + c], y[c], gradient);
        dx[top + s.channels + c] = Taken(x[top + s.channels + c], y[c], gradient);
        dx[bottom + c] = Taken(x[bottom + c], y[c], gradient);
        dx[bottom + s.channels + c] = Taken(x[bottom + s.channels + c], y[c], gradient);
      }
    }
  }
}

/** Input x [N, H, W, C], H and W even. */
void ComputePool(OpContext& ctx) {
  const bool fits = ctx.HasShape(0, kImages) && ctx.Dim(0, 1) % 2 == 0 && ctx.Dim(0, 2) % 2 == 0;
  if (!ctx.Require(fits, "MaxPool2x2: expected images [N, H, W, C], H and W even")) return;
  const Sizes s{ctx.Dim(0, 1) / 2, ctx.Dim(0, 2) / 2, ctx.Dim(0, 3)};
  float* y = ctx.Output(0, {ctx.Dim(0, 0), s.height, s.width, s.channels});
  if (!y) return;
  ThreadPool::Shared().Run(
      ctx.Dim(0, 0), [&](int image, int) { Pool(s, ctx.Input(0) + 4 * image * s.Pooled(), y + image * s.Pooled()); });
}

/** Inputs x [N, H, W, C], y and dy [N, H/2, W/2, C]. */
void ComputePoolGrad(OpContext& ctx) {
  const bool isPooled = ctx.HasShape(1, kImages);
  const Sizes s = isPooled ? Sizes{ctx.Dim(1, 1), ctx.Dim(1, 2), ctx.Dim(1, 3)} : Sizes{};
  const auto is = [&](int input, int scale) {
    return ctx.HasShape(input, {ctx.Dim(1, 0), scale * s.height, scale * s.width, s.channels});
  };
  if (!ctx.Require(isPooled && is(0, 2) && is(2, 1),
                   "MaxPool2x2Grad: expected x [N, H, W, C], and y and dy [N, H/2, W/2, C]"))
    return;
  const int images = ctx.Dim(0, 0);
  float* dx = ctx.OutputInPlace(0, 0);
  if (!dx) return;
  ThreadPool::Shared().Run(images, [&](int image, int) {
    const std::ptrdiff_t small = image * s.Pooled(), large = 4 * small;
    PoolGradient(s, ctx.Input(0) + large, ctx.Input(1) + small, ctx.Input(2) + small, dx + large);
  });
}

[[maybe_unused]] const bool registered[] = {
    Register("Cifar10MaxPool2x2", {"x: float"}, {"y: float"}, &Kernel<ComputePool>, &ShapesOf<kUnknown>),
    Register("Cifar10MaxPool2x2Grad", {"x: float", "y: float", "dy: float"}, {"dx: float"}, &Kernel<ComputePoolGrad>,
             &ShapesOf<0>),
};

}  // namespace
}  // namespace cifar10
