// BatchNorm and BatchNormGrad: batch normalization of a training batch, and its gradients. Memory bandwidth limits
// them: the forward pass reads x twice and writes y once, where TensorFlow's own (oneDNN's) reads x three times.
// BatchNormRelu and BatchNormReluGrad take in the ReLU after the norm; BiasReluBatchNormGrad also computes the gradients
// of a bias and a ReLU before it. Source: Ioffe and Szegedy, "Batch Normalization" (2015); the sums of parts are
// combined as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances"
// (1979).
#include <algorithm>
#include <cmath>

#include "activation.h"
#include "f32x16.h"
#include "op-context.h"
#include "row-partition.h"
#include "simd.h"
#include "thread-pool.h"

namespace cifar10 {
namespace {

/** Of some rows: each channel's mean, and its sum of squared differences from the mean. `residual` is scratch memory.
 */
CIFAR10_SIMD void Moments(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, float* mean, float* squares,
                          float* residual) {
  std::fill_n(mean, channels, 0.f);
  std::fill_n(squares, channels, 0.f);
  std::fill_n(residual, channels, 0.f);
  for (std::ptrdiff_t r = 0; r < rows; r++)
    for (std::ptrdiff_t c = 0; c < channels; c++) mean[c] += x[r * channels + c];
  for (std::ptrdiff_t c = 0; c < channels; c++) mean[c] /= rows;
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float difference = x[r * channels + c] - mean[c];
      residual[c] += difference;
      squares[c] += difference * difference;
    }
  }
  // The mean has a rounding error; the sum of the differences from it, which should be 0, tells its size.
  for (std::ptrdiff_t c = 0; c < channels; c++) {
    const float error = residual[c] / rows;
    mean[c] += error;
    squares[c] -= error * residual[c];
  }
}

/** Where a ReLU stands that an op takes in. */
enum class ReluAt { kNone, kBeforeNorm, kAfterNorm };

/** y = (x − mean)·scale + beta, or the ReLU of that; NaN propagates. */
template <ReluAt relu>
CIFAR10_SIMD void Normalize(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, const float* mean,
                            const float* scale, const float* beta, float* y) {
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float v = (x[r * channels + c] - mean[c]) * scale[c] + beta[c];
      y[r * channels + c] = relu == ReluAt::kAfterNorm && v < 0 ? 0 : v;
    }
  }
}

/** The same with non-temporal stores; channels must be a multiple of 16. */
template <ReluAt relu>
CIFAR10_SIMD void NormalizeNonTemporal(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, const float* mean,
                                       const float* scale, const float* beta, float* y) {
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    for (std::ptrdiff_t c = 0; c < channels; c += kLanes) {
      const std::ptrdiff_t i = r * channels + c;
      const F32x16 v = (Load(x + i) - Load(mean + c)) * Load(scale + c) + Load(beta + c);
      StoreNonTemporal(y + i, relu == ReluAt::kAfterNorm ? Relu(v) : v);
    }
  }
  _mm_sfence();
}

/**
 * The gradient of the norm's output, from that of the ReLU after it, whose output was positive where the norm's was. The
 * norm's is computed again: that takes less time than to read it.
 */
template <ReluAt relu>
CIFAR10_SIMD_INLINE float NormGrad(float dy, float x, float mean, float scale, float beta) {
  return relu != ReluAt::kAfterNorm || (x - mean) * scale + beta > 0 ? dy : 0;
}

/** For each channel the sums of dy and of dy·(x − mean). */
template <ReluAt relu>
CIFAR10_SIMD void Gradients(const float* dy, const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
                            const float* mean, const float* scale, const float* beta, float* sum, float* product) {
  std::fill_n(sum, channels, 0.f);
  std::fill_n(product, channels, 0.f);
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    CIFAR10_IVDEP for (std::ptrdiff_t c = 0; c < channels; c++) {
      const float d = NormGrad<relu>(dy[r * channels + c], x[r * channels + c], mean[c], scale[c], beta[c]);
      sum[c] += d;
      product[c] += d * (x[r * channels + c] - mean[c]);
    }
  }
}

/** dx = scale·dy + b·(x − mean) + shift */
template <ReluAt relu>
CIFAR10_SIMD void Combine(const float* dy, const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
                          const float* mean, const float* scale, const float* beta, const float* b, const float* shift,
                          float* dx) {
  for (std::ptrdiff_t r = 0; r < rows; r++) {
    CIFAR10_IVDEP for (std::ptrdiff_t c = 0; c < channels; c++) {
      const std::ptrdiff_t i = r * channels + c;
      const float d = NormGrad<relu>(dy[i], x[i], mean[c], scale[c], beta[c]);
      dx[i] = scale[c] * d + (b[c] * (x[i] - mean[c]) + shift[c]);
    }
  }
}

/** Requires input `x` to be non-empty images, and inputs first … last to be [C]. */
bool RequireShapes(OpContext& ctx, int x, int first, int last) {
  bool fits = ctx.HasShape(x, kImages) && ctx.ElementCount(x) > 0;
  for (int input = first; input <= last && fits; input++) fits = ctx.HasShape(input, {ctx.LastDim(x)});
  return ctx.Require(fits,
                     "BatchNorm: expected x [N, H, W, C], not empty, and [C] for all that is one number per channel");
}

/** Inputs x [N, H, W, C], gamma, beta, running mean, running variance [C], momentum and epsilon. */
template <ReluAt relu>
void ComputeNorm(OpContext& ctx) {
  if (!RequireShapes(ctx, 0, 1, 4)) return;
  if (!ctx.Require(ctx.AreScalars(5), "BatchNorm: expected scalars for momentum and epsilon")) return;
  const RowPartition s(ctx.ElementCount(0), ctx.LastDim(0));
  const float *x = ctx.Input(0), *gamma = ctx.Input(1), *beta = ctx.Input(2);
  const float momentum = ctx.Scalar(5), epsilon = ctx.Scalar(6);
  float* y = ctx.OutputLike(0, 0);
  float* newMean = y ? ctx.OutputLike(1, 1) : nullptr;
  float* newVariance = newMean ? ctx.OutputLike(2, 1) : nullptr;
  float* mean = newVariance ? ctx.OutputLike(3, 1) : nullptr;
  float* inverse = mean ? ctx.OutputLike(4, 1) : nullptr;
  float* scratch = inverse ? ctx.Scratch((3 * s.parts + 1) * s.channels) : nullptr;
  if (!scratch) return;
  float *scale = scratch, *means = scale + s.channels;
  float *squares = means + s.parts * s.channels, *residual = squares + s.parts * s.channels;
  ThreadPool& pool = ThreadPool::Shared();
  pool.Run(s.parts, [&](int part, int) {
    const std::ptrdiff_t row = part * s.channels;
    Moments(x + s.Offset(part), s.Rows(part), s.channels, means + row, squares + row, residual + row);
  });
  for (std::ptrdiff_t c = 0; c < s.channels; c++) {
    double average = 0, square = 0;
    for (int part = 0; part < s.parts; part++) average += double(means[part * s.channels + c]) * s.Rows(part) / s.count;
    for (int part = 0; part < s.parts; part++) {
      const double difference = means[part * s.channels + c] - average;
      square += squares[part * s.channels + c] + difference * difference * s.Rows(part);
    }
    const double variance = square / s.count, unbiased = s.count > 1 ? square / (s.count - 1) : variance;
    newMean[c] = float((1 - momentum) * ctx.Input(3)[c] + momentum * average);
    newVariance[c] = float((1 - momentum) * ctx.Input(4)[c] + momentum * unbiased);
    mean[c] = float(average);
    inverse[c] = float(1 / std::sqrt(variance + epsilon));
    scale[c] = gamma[c] * inverse[c];
  }
  const auto normalize = s.channels % kLanes == 0 && UseNonTemporalStores(y, ctx.ElementCount(0))
                             ? NormalizeNonTemporal<relu>
                             : Normalize<relu>;
  pool.Run(s.parts, [&](int part, int) {
    normalize(x + s.Offset(part), s.Rows(part), s.channels, mean, scale, beta, y + s.Offset(part));
  });
}

/**
 * Inputs dy and x [N, H, W, C]; gamma, mean and 1 / standard deviation of x [C]. With a ReLU before the norm, x is its
 * output, and dx the gradient of its input, a sum with a bias. With a ReLU after the norm, dy is the gradient of its
 * output, and beta [C] the last input.
 */
template <ReluAt relu>
void ComputeGrad(OpContext& ctx) {
  if (!RequireShapes(ctx, 1, 2, relu == ReluAt::kAfterNorm ? 5 : 4)) return;
  if (!ctx.Require(ctx.HasShape(0, ctx.ShapeOf(1)), "BatchNormGrad: expected dy of x's shape")) return;
  const RowPartition s(ctx.ElementCount(1), ctx.LastDim(1));
  const float *dy = ctx.Input(0), *x = ctx.Input(1), *gamma = ctx.Input(2);
  const float *mean = ctx.Input(3), *inverse = ctx.Input(4);
  const float* beta = relu == ReluAt::kAfterNorm ? ctx.Input(5) : gamma;
  float* dx = ctx.OutputInPlace(0, 0);
  float* dgamma = dx ? ctx.OutputLike(1, 2) : nullptr;
  float* dbeta = dgamma ? ctx.OutputLike(2, 2) : nullptr;
  float* dbias = dbeta && relu == ReluAt::kBeforeNorm ? ctx.OutputLike(3, 2) : dbeta;
  float* scratch = dbias ? ctx.Scratch((2 * s.parts + 3) * s.channels) : nullptr;
  if (!scratch) return;
  float *scale = scratch, *b = scale + s.channels, *shift = b + s.channels;
  float *sums = shift + s.channels, *products = sums + s.parts * s.channels;
  for (std::ptrdiff_t c = 0; c < s.channels; c++) scale[c] = gamma[c] * inverse[c];
  ThreadPool& pool = ThreadPool::Shared();
  pool.Run(s.parts, [&](int part, int) {
    const std::ptrdiff_t at = s.Offset(part), row = part * s.channels;
    Gradients<relu>(dy + at, x + at, s.Rows(part), s.channels, mean, scale, beta, sums + row, products + row);
  });
  for (std::ptrdiff_t c = 0; c < s.channels; c++) {
    double sum = 0, product = 0;
    for (int part = 0; part < s.parts; part++) {
      sum += sums[part * s.channels + c];
      product += products[part * s.channels + c];
    }
    dbeta[c] = float(sum);
    dgamma[c] = float(product * inverse[c]);
    b[c] = float(-double(scale[c]) * inverse[c] * inverse[c] * product / s.count);
    shift[c] = float(-double(scale[c]) * sum / s.count);
  }
  pool.Run(s.parts, [&](int part, int) {
    const std::ptrdiff_t at = s.Offset(part);
    Combine<relu>(dy + at, x + at, s.Rows(part), s.channels, mean, scale, beta, b, shift, dx + at);
    // While dx is still in the cache.
    if (relu == ReluAt::kBeforeNorm)
      ReluGradAndBiasGrad(dx + at, x + at, s.Rows(part), s.channels, dx + at, sums + part * s.channels);
  });
  if (relu == ReluAt::kBeforeNorm) SumParts(sums, s, dbias);
}

using Names = std::initializer_list<const char*>;
constexpr Names kNormInputs{
    "x: float",        "gamma: float",  "beta: float", "running_mean: float", "running_variance: float",
    "momentum: float", "epsilon: float"};
constexpr Names kNormOutputs{"y: float", "new_mean: float", "new_variance: float", "mean: float",
                             "inverse_deviation: float"};
constexpr Names kGradInputs{"dy: float", "x: float", "gamma: float", "mean: float", "inverse_deviation: float"};
constexpr Names kGradOutputs{"dx: float", "dgamma: float", "dbeta: float"};

[[maybe_unused]] const bool registered[] = {
    Register("Cifar10BatchNorm", kNormInputs, kNormOutputs, &Kernel<ComputeNorm<ReluAt::kNone>>,
             &ShapesOf<0, 1, 1, 1, 1>),
    Register("Cifar10BatchNormRelu", kNormInputs, kNormOutputs, &Kernel<ComputeNorm<ReluAt::kAfterNorm>>,
             &ShapesOf<0, 1, 1, 1, 1>),
    Register("Cifar10BatchNormGrad", kGradInputs, kGradOutputs, &Kernel<ComputeGrad<ReluAt::kNone>>,
             &ShapesOf<1, 2, 2>),
    Register("Cifar10BatchNormReluGrad",
             {"dy: float", "x: float", "gamma: float", "mean: float", "inverse_deviation: float", "beta: float"},
             kGradOutputs, &Kernel<ComputeGrad<ReluAt::kAfterNorm>>, &ShapesOf<1, 2, 2>),
    Register("Cifar10BiasReluBatchNormGrad", kGradInputs,
             {"dx: float", "dgamma: float", "dbeta: float", "dbias: float"}, &Kernel<ComputeGrad<ReluAt::kBeforeNorm>>,
             &ShapesOf<1, 2, 2, 2>),
};

}  // namespace
}  // namespace cifar10
