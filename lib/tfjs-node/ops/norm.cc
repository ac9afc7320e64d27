// BatchNorm and BatchNormGrad: the batch normalisation of a training batch and its gradients, float32. The memory is what
// limits them: forward, x is read twice and y written once, where TensorFlow's own (oneDNN's) reads x three times.
// Source: Ioffe and Szegedy, "Batch Normalization" (2015); the sums of parts are put together as in Chan, Golub and LeVeque,
// "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
#include <algorithm>
#include <cmath>

#include "call.h"
#include "hot.h"
#include "pixels.h"
#include "team.h"

namespace cifar10 {
namespace {

/** Mean of each channel over some pixels, and the sum of its squared differences from it. */
HOT void Moments(const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, float* mean, float* squares) {
  std::fill_n(mean, channels, 0.f);
  std::fill_n(squares, channels, 0.f);
  for (std::ptrdiff_t p = 0; p < pixels; p++)
    for (std::ptrdiff_t c = 0; c < channels; c++) mean[c] += x[p * channels + c];
  for (std::ptrdiff_t c = 0; c < channels; c++) mean[c] /= pixels;
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float difference = x[p * channels + c] - mean[c];
      squares[c] += difference * difference;
    }
  }
}

HOT void Normalise(const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, const float* scale, const float* shift,
                   float* y) {
  for (std::ptrdiff_t p = 0; p < pixels; p++)
    for (std::ptrdiff_t c = 0; c < channels; c++) y[p * channels + c] = x[p * channels + c] * scale[c] + shift[c];
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

/** dx = a·dy + b·x + shift */
HOT void Combine(const float* dy, const float* x, std::ptrdiff_t pixels, std::ptrdiff_t channels, const float* a,
                 const float* b, const float* shift, float* dx) {
  for (std::ptrdiff_t p = 0; p < pixels; p++) {
    for (std::ptrdiff_t c = 0; c < channels; c++) {
      const std::ptrdiff_t i = p * channels + c;
      dx[i] = a[c] * dy[i] + (b[c] * x[i] + shift[c]);
    }
  }
}

/** Inputs x [N, H, W, C], gamma, beta, running mean, running variance [C], momentum and epsilon. */
void ComputeNorm(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Pixels s(call.Elements(0), call.Elements(1));
  const float *x = call.Input(0), *gamma = call.Input(1), *beta = call.Input(2);
  const float momentum = *call.Input(5), epsilon = *call.Input(6);
  float* y = call.OutputLike(0, 0);
  float* outputs[4];  // new running mean, new running variance, mean, 1 / standard deviation
  for (int i = 0; i < 4 && y; i++) outputs[i] = call.OutputLike(i + 1, 1);
  float* scratch = y && call.ok() ? call.Scratch((2 * s.parts + 2) * s.channels) : nullptr;
  if (!scratch) return;
  float *scale = scratch, *shift = scale + s.channels, *means = shift + s.channels, *squares = means + s.parts * s.channels;
  Team& team = Team::shared();
  team.run(s.parts, [&](int part, int) {
    Moments(x + s.Before(part), s.Height(part), s.channels, means + part * s.channels, squares + part * s.channels);
  });
  for (std::ptrdiff_t c = 0; c < s.channels; c++) {
    double mean = 0, square = 0;
    for (int part = 0; part < s.parts; part++) mean += double(means[part * s.channels + c]) * s.Height(part) / s.count;
    for (int part = 0; part < s.parts; part++) {
      const double difference = means[part * s.channels + c] - mean;
      square += squares[part * s.channels + c] + difference * difference * s.Height(part);
    }
    const double variance = square / s.count, deviation = std::sqrt(variance + epsilon);
    const double unbiased = s.count > 1 ? square / (s.count - 1) : variance;
    outputs[0][c] = (1 - momentum) * call.Input(3)[c] + momentum * mean;
    outputs[1][c] = (1 - momentum) * call.Input(4)[c] + momentum * unbiased;
    outputs[2][c] = mean;
    outputs[3][c] = 1 / deviation;
    scale[c] = gamma[c] / deviation;
    shift[c] = beta[c] - mean * gamma[c] / deviation;
  }
  team.run(s.parts, [&](int part, int) {
    Normalise(x + s.Before(part), s.Height(part), s.channels, scale, shift, y + s.Before(part));
  });
}

/** Inputs dy, x [N, H, W, C], gamma, and the mean and 1 / standard deviation of x [C]. */
void ComputeGrad(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  const Pixels s(call.Elements(1), call.Elements(2));
  const float *dy = call.Input(0), *x = call.Input(1), *gamma = call.Input(2);
  const float *mean = call.Input(3), *inverse = call.Input(4);
  float* dx = call.OutputLike(0, 1);
  float* dgamma = dx ? call.OutputLike(1, 2) : nullptr;
  float* dbeta = dgamma ? call.OutputLike(2, 2) : nullptr;
  float* scratch = dbeta ? call.Scratch((2 * s.parts + 3) * s.channels) : nullptr;
  if (!scratch) return;
  float *a = scratch, *b = a + s.channels, *shift = b + s.channels;
  float *sums = shift + s.channels, *products = sums + s.parts * s.channels;
  Team& team = Team::shared();
  team.run(s.parts, [&](int part, int) {
    Gradients(dy + s.Before(part), x + s.Before(part), s.Height(part), s.channels, mean, sums + part * s.channels,
              products + part * s.channels);
  });
  for (std::ptrdiff_t c = 0; c < s.channels; c++) {
    double sum = 0, product = 0;
    for (int part = 0; part < s.parts; part++) {
      sum += sums[part * s.channels + c];
      product += products[part * s.channels + c];
    }
    dbeta[c] = sum;
    dgamma[c] = product * inverse[c];
    a[c] = gamma[c] * inverse[c];
    b[c] = -double(a[c]) * inverse[c] * inverse[c] * product / s.count;
    shift[c] = -double(b[c]) * mean[c] - double(a[c]) * sum / s.count;
  }
  team.run(s.parts, [&](int part, int) {
    Combine(dy + s.Before(part), x + s.Before(part), s.Height(part), s.channels, a, b, shift, dx + s.Before(part));
  });
}

[[maybe_unused]] const bool registered[] = {
    Register("BatchNorm",
             {"x: float", "gamma: float", "beta: float", "running_mean: float", "running_variance: float",
              "momentum: float", "epsilon: float"},
             {"y: float", "new_mean: float", "new_variance: float", "mean: float", "inverse_deviation: float"}, &ComputeNorm),
    Register("BatchNormGrad",
             {"dy: float", "x: float", "gamma: float", "mean: float", "inverse_deviation: float"},
             {"dx: float", "dgamma: float", "dbeta: float"}, &ComputeGrad),
};

}  // namespace
}  // namespace cifar10
