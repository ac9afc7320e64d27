// HalvingMaxPool and HalvingMaxPoolGrad: max pooling of 2×2 pixels with stride 2, in one pass over the memory.
#include "call.h"
#include "hot.h"
#include "team.h"

namespace cifar10 {
namespace {

/** Images are [2·height, 2·width, channels], their pooled ones [height, width, channels]. */
struct Sizes {
  std::ptrdiff_t height, width, channels;
  /** Floats of a pooled image. */
  std::ptrdiff_t Pooled() const { return height * width * channels; }
  /** Where in an image the square of a pooled pixel begins, and how far below its second row lies. */
  std::ptrdiff_t Square(std::ptrdiff_t row, std::ptrdiff_t column) const { return (4 * row * width + 2 * column) * channels; }
  std::ptrdiff_t Below() const { return 2 * width * channels; }
};

/** What is no number wins, so that it is seen. */
INLINE float Larger(float a, float b) { return a < b || b != b ? b : a; }

HOT void Pool(const Sizes& s, const float* x, float* y) {
  for (std::ptrdiff_t row = 0; row < s.height; row++) {
    for (std::ptrdiff_t column = 0; column < s.width; column++, y += s.channels) {
      const float *top = x + s.Square(row, column), *bottom = top + s.Below();
      for (std::ptrdiff_t c = 0; c < s.channels; c++) {
        y[c] = Larger(Larger(top[c], top[s.channels + c]), Larger(bottom[c], bottom[s.channels + c]));
      }
    }
  }
}

/** Where x is the largest, dx takes the gradient, and nothing is left of it. */
INLINE float Taken(float x, float largest, float& gradient) {
  const float taken = x == largest ? gradient : 0;
  gradient = x == largest ? 0 : gradient;
  return taken;
}

/** The first of the four that was the largest gets the gradient, as in TensorFlow and PyTorch. dx may be x. */
HOT void PoolGradient(const Sizes& s, const float* x, const float* y, const float* dy, float* dx) {
  for (std::ptrdiff_t row = 0; row < s.height; row++) {
    for (std::ptrdiff_t column = 0; column < s.width; column++, y += s.channels, dy += s.channels) {
      const std::ptrdiff_t top = s.Square(row, column), bottom = top + s.Below();
      APART for (std::ptrdiff_t c = 0; c < s.channels; c++) {
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
void ComputePool(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool fits = call.Has(0, kImages) && call.Size(0, 1) % 2 == 0 && call.Size(0, 2) % 2 == 0;
  if (!call.Require(fits, "HalvingMaxPool: expected images [N, H, W, C], H and W even")) return;
  const Sizes s{call.Size(0, 1) / 2, call.Size(0, 2) / 2, call.Size(0, 3)};
  float* y = call.Output(0, {call.Size(0, 0), s.height, s.width, s.channels});
  if (!y) return;
  Team::shared().run(call.Size(0, 0), [&](int image, int) {
    Pool(s, call.Input(0) + 4 * image * s.Pooled(), y + image * s.Pooled());
  });
}

/** Inputs x [N, H, W, C], y and dy [N, H/2, W/2, C]. */
void ComputePoolGrad(void*, TF_OpKernelContext* context) {
  Call call(context);
  const bool isPooled = call.Has(1, kImages);
  const Sizes s = isPooled ? Sizes{call.Size(1, 1), call.Size(1, 2), call.Size(1, 3)} : Sizes{};
  const auto is = [&](int input, int scale) {
    return call.Has(input, {call.Size(1, 0), scale * s.height, scale * s.width, s.channels});
  };
  if (!call.Require(isPooled && is(0, 2) && is(2, 1), "HalvingMaxPoolGrad: expected y and dy half as large as x")) return;
  const int images = call.Size(0, 0);
  float* dx = call.OutputInPlace(0, 0);
  if (!dx) return;
  Team::shared().run(images, [&](int image, int) {
    const std::ptrdiff_t small = image * s.Pooled(), large = 4 * small;
    PoolGradient(s, call.Input(0) + large, call.Input(1) + small, call.Input(2) + small, dx + large);
  });
}

[[maybe_unused]] const bool registered[] = {
    Register("HalvingMaxPool", {"x: float"}, {"y: float"}, &ComputePool),
    Register("HalvingMaxPoolGrad", {"x: float", "y: float", "dy: float"}, {"dx: float"}, &ComputePoolGrad),
};

}  // namespace
}  // namespace cifar10
