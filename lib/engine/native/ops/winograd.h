// Convolutions of float32 images [N, H, W, channels] with 3×3 filters, stride 1 and padding 1, by Winograd's minimal
// filtering F(4×4, 3×3): 36 multiplications for 16 outputs, where the definition takes 144.
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
//
// An image is cut into tiles of 4×4 outputs, each of which depends on 6×6 inputs. Tiles and filters are transformed to
// 6×6 positions; there, the convolution is one matrix product for each position: [tiles, inputs] × [inputs, outputs].
#pragma once
#include <cstddef>

namespace cifar10 {

struct Convolution {
  int images, height, width;
  /** Channels, multiples of 16 (`kLanes`). The filter is [3, 3, inputs, outputs]. */
  int inputs, outputs;
};

/** Floats of working memory that each of the functions below needs. */
std::size_t ForwardScratch(const Convolution&);
std::size_t BackpropInputScratch(const Convolution&);
std::size_t BackpropFilterScratch(const Convolution&);

/** y [N, H, W, outputs] from x [N, H, W, inputs]; where there is a bias [outputs], max(y + bias, 0). */
void Forward(const Convolution&, const float* x, const float* filter, const float* bias, float* y, float* scratch);
/** dx [N, H, W, inputs] from dy [N, H, W, outputs]. */
void BackpropInput(const Convolution&, const float* filter, const float* dy, float* dx, float* scratch);
/** dfilter [3, 3, inputs, outputs] from x and dy. */
void BackpropFilter(const Convolution&, const float* x, const float* dy, float* dfilter, float* scratch);

}  // namespace cifar10
