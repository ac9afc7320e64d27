// winograd.h as TensorFlow ops: Winograd, WinogradBiasRelu, WinogradBackpropInput and WinogradBackpropFilter.
#include <climits>
#include <optional>

#include "f32x16.h"
#include "op-context.h"
#include "winograd.h"

namespace cifar10 {
namespace {

/** [3, 3, inputs, outputs] */
const Shape kFilter{3, 3, kAny, kAny};

/** Requires the ranks of an op's inputs, so that ConvolutionOf can ask for their sizes. */
bool RequireShapes(OpContext& ctx, const Shape& first, const Shape& second) {
  return ctx.Require(ctx.HasShape(0, first) && ctx.HasShape(1, second),
                     "Winograd: expected images [N, H, W, C] and a filter [3, 3, inputs, outputs]");
}

/**
 * The convolution of an op. Fails it unless its inputs agree, and sizes are such as the kernels take.
 * @param images the input with N, H and W
 * @param agree whether the op's inputs fit together
 */
std::optional<Convolution> ConvolutionOf(OpContext& ctx, int images, std::int64_t inputs, std::int64_t outputs,
                                         bool agree) {
  const bool areFull = inputs > 0 && inputs % kLanes == 0 && outputs > 0 && outputs % kLanes == 0;
  ctx.Require(agree && areFull, "Winograd: expected images and filter of one convolution, channels a multiple of 16");
  // The kernels count tiles, and elements of a filter, by int.
  const double tiles = ctx.Dim(images, 0) * (ctx.Dim(images, 1) / 4. + 1) * (ctx.Dim(images, 2) / 4. + 1);
  const bool areInts = tiles < INT_MAX / 2 && 9. * inputs * outputs < INT_MAX;
  if (!ctx.Require(areInts,
                   "Winograd: too large; expected fewer than 2³⁰ tiles of 4×4 pixels, and a filter of fewer "
                   "than 2³¹ elements"))
    return std::nullopt;
  return Convolution{int(ctx.Dim(images, 0)), int(ctx.Dim(images, 1)), int(ctx.Dim(images, 2)), int(inputs),
                     int(outputs)};
}

/** Inputs x and filter; if hasBias, also a bias [outputs], and ReLU follows. */
template <bool hasBias>
void ComputeForward(OpContext& ctx) {
  if (!RequireShapes(ctx, kImages, kFilter)) return;
  const bool agree = ctx.Dim(0, 3) == ctx.Dim(1, 2) && (!hasBias || ctx.HasShape(2, {ctx.Dim(1, 3)}));
  const auto c = ConvolutionOf(ctx, 0, ctx.Dim(0, 3), ctx.Dim(1, 3), agree);
  float* y = c ? ctx.Output(0, {c->images, c->height, c->width, c->outputs}) : nullptr;
  float* scratch = y ? ctx.Scratch(ForwardScratch(*c)) : nullptr;
  if (scratch) Forward(*c, ctx.Input(0), ctx.Input(1), hasBias ? ctx.Input(2) : nullptr, y, scratch);
}

/** Inputs filter and dy. */
void ComputeBackpropInput(OpContext& ctx) {
  if (!RequireShapes(ctx, kFilter, kImages)) return;
  const auto c = ConvolutionOf(ctx, 1, ctx.Dim(0, 2), ctx.Dim(0, 3), ctx.Dim(0, 3) == ctx.Dim(1, 3));
  float* dx = c ? ctx.Output(0, {c->images, c->height, c->width, c->inputs}) : nullptr;
  float* scratch = dx ? ctx.Scratch(BackpropInputScratch(*c)) : nullptr;
  if (scratch) BackpropInput(*c, ctx.Input(0), ctx.Input(1), dx, scratch);
}

/** Inputs x and dy. */
void ComputeBackpropFilter(OpContext& ctx) {
  if (!RequireShapes(ctx, kImages, kImages)) return;
  const bool agree = ctx.ElementCount(0) > 0 && ctx.HasShape(1, {ctx.Dim(0, 0), ctx.Dim(0, 1), ctx.Dim(0, 2), kAny});
  const auto c = ConvolutionOf(ctx, 0, ctx.Dim(0, 3), ctx.Dim(1, 3), agree);
  float* dfilter = c ? ctx.Output(0, {3, 3, c->inputs, c->outputs}) : nullptr;
  float* scratch = dfilter ? ctx.Scratch(BackpropFilterScratch(*c)) : nullptr;
  if (scratch) BackpropFilter(*c, ctx.Input(0), ctx.Input(1), dfilter, scratch);
}

[[maybe_unused]] const bool registered[] = {
    Register("Cifar10Winograd", {"x: float", "filter: float"}, {"y: float"}, &Kernel<ComputeForward<false>>,
             &ShapesOf<kUnknown>),
    Register("Cifar10WinogradBiasRelu", {"x: float", "filter: float", "bias: float"}, {"y: float"},
             &Kernel<ComputeForward<true>>, &ShapesOf<kUnknown>),
    Register("Cifar10WinogradBackpropInput", {"filter: float", "dy: float"}, {"dx: float"},
             &Kernel<ComputeBackpropInput>, &ShapesOf<kUnknown>),
    Register("Cifar10WinogradBackpropFilter", {"x: float", "dy: float"}, {"dfilter: float"},
             &Kernel<ComputeBackpropFilter>, &ShapesOf<kUnknown>),
};

}  // namespace
}  // namespace cifar10
