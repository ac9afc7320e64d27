// BatchNorm and BatchNormGrad: the batch normalisation of a training batch and its gradients, float32. The memory is what
// limits them: forward, x is read twice and y written once, where TensorFlow's own (oneDNN's) reads x three times.
// BatchNormReluGrad goes on through a ReLU and a bias before the norm.
// Source: Ioffe and Szegedy, "Batch Normalization" (2015); the sums of parts are put together as in Chan, Golub and LeVeque,
// "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
#include <algorithm>
#include <cmath>

#include "activation.h"
#include "call.h"
#include "hot.h"
#include "lanes.h"
#include "pixels.h"
#include "team.h"

namespace cifar10 {
namespace {

/** Mean of each channel over some pixels, and the sum of its squared differences from it. `rest` is to work with. */
HOT void Moments(const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, float* mean, float* squares, float* rest) {
  std::fill_n(mean, channels, 0.f);
  std::fill_n(squares, channels, 0.f);
  std::fill_n(rest, channels, 0.f);
  for (std::ptrdiff_t p = 0; p < pixels; p++)
    for (std::ptrdiff_t c = 0; c < channels; c++) mean[c] += x[p * channels + c];
  for (std::ptrdiff_t c = 0; c < channels; c++) mean[c] /= pixels;
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float difference = x[p * channels + c] - mean[c];
      rest[c] += difference;
      squares[c] += difference * difference;
    }
  }
  // A long sum is rounded: what is left of the differences tells by how much the mean is off.
  for (std::ptrdiff_t c = 0; c < channels; c++) {
    const float error = rest[c] / pixels;
    mean[c] += error;
    squares[c] -= error * rest[c];
  }
}

HOT void Normalise(const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, const float* mean, const float* scale,
                   const float* beta, float* y) {
  for (std::ptrdiff_t p = 0; p < pixels; p++)
    for (std::ptrdiff_t c = 0; c < channels; c++) y[p * channels + c] = (x[p * channels + c] - mean[c]) * scale[c] + beta[c];
}

/** The same for multiples of 16 channels, past the caches. */
HOT void StreamNormalised(const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, const float* mean,
                          const float* scale, const float* beta, float* y) {
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    for (std::ptrdiff_t c = 0; c < channels; c += kLanes) {
      const std::ptrdiff_t i = p * channels + c;
      Stream(y + i, (Load(x + i) - Load(mean + c)) * Load(scale + c) + Load(beta + c));
    }
  }
  _mm_sfence();
}

/** For each channel the sum of dy, and of dy times x's difference from the mean. */
HOT void Gradients(const float* dy, const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, const float* mean,
                   float* sum, float* product) {
  std::fill_n(sum, channels, 0.f);
  std::fill_n(product, channels, 0.f);
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float d = dy[p * channels + c];
      sum[c] += d;
      product[c] += d * (x[p * channels + c] - mean[c]);
    }
  }
}

/** dx = a·dy + b·(x − mean) + shift */
HOT void Combine(const float* dy, const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, const float* mean,
                 const float* a, const float* b, const float* shift, float* dx) {
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    APART for (std::ptrdiff_t c = 0; c < channels; c++) {
      const std::ptrdiff_t i = p * channels + c;
      dx[i] = a[c] * dy[i] + (b[c] * (x[i] - mean[c]) + shift[c]);
    }
  }
}

/** Whether inputs from … to are as long as x has channels, and x is images with something in them. */
bool Fits(Call& call, int x, int from, int to) {
  bool isEach = call.ok() && call.Axes(x) == 4 && call.Elements(x) > 0;
  for (int input = from; input <= to && isEach; input++) isEach = call.Elements(input) == call.LastSize(x);
  return call.Require(isEach, "batch norm: expected x [N, H, W, C] that is not empty, and a number for each of C channels");
}

/** Inputs x [N, H, W, C], gamma, beta, running mean, running variance [C], momentum and epsilon. */
void ComputeNorm(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!Fits(call, 0, 1, 4)) return;
  const Pixels s(call.Elements(0), call.LastSize(0));
  const float *x = call.Input(0), *gamma = call.Input(1), *beta = call.Input(2);
  const float momentum = *call.Input(5), epsilon = *call.Input(6);
  float* y = call.OutputLike(0, 0);
  float* newMean = y ? call.OutputLike(1, 1) : nullptr;
  float* newVariance = newMean ? call.OutputLike(2, 1) : nullptr;
  float* mean = newVariance ? call.OutputLike(3, 1) : nullptr;
  float* inverse = mean ? call.OutputLike(4, 1) : nullptr;
  float* scratch = inverse ? call.Scratch((3 * s.parts + 1) * s.channels) : nullptr;
  if (!scratch) return;
  float *scale = scratch, *means = scale + s.channels;
  float *squares = means + s.parts * s.channels, *rest = squares + s.parts * s.channels;
  Team& team = Team::shared();
  team.run(s.parts, [&](int part, int) {
    const std::ptrdiff_t row = part * s.channels;
    Moments(x + s.Before(part), s.Height(part), s.channels, means + row, squares + row, rest + row);
  });
  for (std::ptrdiff_t c = 0; c < s.channels; c++) {
    double average = 0, square = 0;
    for (int part = 0; part < s.parts; part++) average += double(means[part * s.channels + c]) * s.Height(part) / s.count;
    for (int part = 0; part < s.parts; part++) {
      const double difference = means[part * s.channels + c] - average;
      square += squares[part * s.channels + c] + difference * difference * s.Height(part);
    }
    const double variance = square / s.count, unbiased = s.count > 1 ? square / (s.count - 1) : variance;
    newMean[c] = float((1 - momentum) * call.Input(3)[c] + momentum * average);
    newVariance[c] = float((1 - momentum) * call.Input(4)[c] + momentum * unbiased);
    mean[c] = float(average);
    inverse[c] = float(1 / std::sqrt(variance + epsilon));
    scale[c] = gamma[c] * inverse[c];
  }
  const auto normalise =
      s.channels % kLanes == 0 && IsStreamed(y, call.Elements(0)) ? StreamNormalised : Normalise;
  team.run(s.parts, [&](int part, int) {
    normalise(x + s.Before(part), s.Height(part), s.channels, mean, scale, beta, y + s.Before(part));
  });
}

/**
 * Inputs dy, x [N, H, W, C], gamma, and the mean and 1 / standard deviation of x [C]. After a ReLU, x is its result, and
 * dx the gradient of what went into it, the sum of a bias, say.
 */
template <bool isAfterRelu>
void ComputeGrad(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!Fits(call, 1, 2, 4)) return;
  const std::vector<std::int64_t> shape{call.Size(1, 0), call.Size(1, 1), call.Size(1, 2), call.Size(1, 3)};
  if (!call.Require(call.Has(0, shape), "batch norm's gradient: dy must have x's shape")) return;
  const Pixels s(call.Elements(1), call.LastSize(1));
  const float *dy = call.Input(0), *x = call.Input(1), *gamma = call.Input(2);
  const float *mean = call.Input(3), *inverse = call.Input(4);
  float* dx = call.OutputInPlace(0, 0);
  float* dgamma = dx ? call.OutputLike(1, 2) : nullptr;
  float* dbeta = dgamma ? call.OutputLike(2, 2) : nullptr;
  float* dbias = dbeta && isAfterRelu ? call.OutputLike(3, 2) : dbeta;
  float* scratch = dbias ? call.Scratch((2 * s.parts + 3) * s.channels) : nullptr;
  if (!scratch) return;
  float *a = scratch, *b = a + s.channels, *shift = b + s.channels;
  float *sums = shift + s.channels, *products = sums + s.parts * s.channels;
  Team& team = Team::shared();
  team.run(s.parts, [&](int part, int) {
    const std::ptrdiff_t at = s.Before(part), row = part * s.channels;
    Gradients(dy + at, x + at, s.Height(part), s.channels, mean, sums + row, products + row);
  });
  for (std::ptrdiff_t c = 0; c < s.channels; c++) {
    double sum = 0, product = 0;
    for (int part = 0; part < s.parts; part++) {
      sum += sums[part * s.channels + c];
      product += products[part * s.channels + c];
    }
    dbeta[c] = float(sum);
    dgamma[c] = float(product * inverse[c]);
    a[c] = gamma[c] * inverse[c];
    b[c] = float(-double(a[c]) * inverse[c] * inverse[c] * product / s.count);
    shift[c] = float(-double(a[c]) * sum / s.count);
  }
  team.run(s.parts, [&](int part, int) {
    const std::ptrdiff_t at = s.Before(part);
    Combine(dy + at, x + at, s.Height(part), s.channels, mean, a, b, shift, dx + at);
    // While it is still in the cache.
    if (isAfterRelu) CutAndSum(dx + at, x + at, s.Height(part), s.channels, dx + at, sums + part * s.channels);
  });
  if (isAfterRelu) AddParts(sums, s, dbias);
}

[[maybe_unused]] const bool registered[] = {
    Register("BatchNorm",
             {"x: float", "gamma: float", "beta: float", "running_mean: float", "running_variance: float",
              "momentum: float", "epsilon: float"},
             {"y: float", "new_mean: float", "new_variance: float", "mean: float", "inverse_deviation: float"}, &ComputeNorm),
    Register("BatchNormGrad",
             {"dy: float", "x: float", "gamma: float", "mean: float", "inverse_deviation: float"},
             {"dx: float", "dgamma: float", "dbeta: float"}, &ComputeGrad<false>),
    Register("BatchNormReluGrad",
             {"dy: float", "x: float", "gamma: float", "mean: float", "inverse_deviation: float"},
             {"dx: float", "dgamma: float", "dbeta: float", "dbias: float"}, &ComputeGrad<true>),
};

}  // namespace
}  // namespace cifar10
