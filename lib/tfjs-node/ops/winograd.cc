#include "winograd.h"

#include <algorithm>

#include "team.h"
#include "winograd-transforms.h"

namespace cifar10 {
namespace {

/** Rows of a product that are computed at once: 6×16 sums fill 12 of the 16 vector registers. */
constexpr int kRows = 6;
/** Products that are summed at once where both factors are long: panels of as many rows fit into the first cache. */
constexpr int kDepth = 128;

/** One matrix for each position, [rows, columns], in panels of 16 columns: [positions, panels, rows, 16]. */
struct Matrices {
  float* data;
  int rows, panels;
  INLINE float* At(int position, int panel, int row) const {
    return data + ((std::size_t(position) * panels + panel) * rows + row) * kLanes;
  }
};
std::size_t Floats(std::size_t rows, std::size_t columns) { return kPositions * rows * columns; }

int RoundedUp(int value, int step) { return (value + step - 1) / step * step; }
int TileRows(const Convolution& c) { return (c.height + kTile - 1) / kTile; }
int TileColumns(const Convolution& c) { return (c.width + kTile - 1) / kTile; }
int Tiles(const Convolution& c) { return c.images * TileRows(c) * TileColumns(c); }

/** The square of pixels of an image that belongs to a tile; it may stand over the image's edge. */
struct Window {
  int image, top, left;
};
INLINE Window WindowOf(const Convolution& c, int tile, int margin) {
  const int columns = TileColumns(c), rows = TileRows(c);
  return {tile / columns / rows, tile / columns % rows * kTile - margin, tile % columns * kTile - margin};
}
INLINE std::ptrdiff_t FirstPixel(const Convolution& c, Window w) {
  return (std::ptrdiff_t(w.image) * c.height + w.top) * c.width + w.left;
}

/** Transforms the windows of tiles first … first + count − 1 of x into rows row … of v; outside the image is zero. */
template <class Transform>
HOT void TransformTiles(const Convolution& c, const float* x, int channels, int first, int count, Matrices v, int row) {
  constexpr int size = Transform::kIn;
  const std::ptrdiff_t line = std::ptrdiff_t(c.width) * channels;
  for (int tile = first; tile < first + count; tile++, row++) {
    const Window window = WindowOf(c, tile, (size - kTile) / 2);
    const int top = std::max(0, -window.top), bottom = std::min(size, c.height - window.top);
    const int left = std::max(0, -window.left), right = std::min(size, c.width - window.left);
    const bool isInside = bottom - top == size && right - left == size;
    for (int panel = 0; panel < channels / kLanes; panel++) {
      const float* corner = x + FirstPixel(c, window) * channels + panel * kLanes;
      Apply<Transform>(
          [&](int i, int j) INLINED {
            const bool isPixel = isInside || (i >= top && i < bottom && j >= left && j < right);
            return isPixel ? Load(corner + i * line + j * channels) : Vec{};
          },
          [&](int i, int j, Vec value) INLINED { Store(v.At(i * kPatch + j, panel, row), value); });
    }
  }
}

/** Transforms the rows of m to the outputs of tiles first … first + count − 1. */
HOT void WriteTiles(const Convolution& c, Matrices m, int first, int count, float* y) {
  const int channels = m.panels * kLanes;
  const std::ptrdiff_t line = std::ptrdiff_t(c.width) * channels;
  for (int row = 0; row < count; row++) {
    const Window window = WindowOf(c, first + row, 0);
    const int bottom = c.height - window.top, right = c.width - window.left;
    for (int panel = 0; panel < m.panels; panel++) {
      float* corner = y + FirstPixel(c, window) * channels + panel * kLanes;
      Apply<OutputTransform>([&](int i, int j) INLINED { return Load(m.At(i * kPatch + j, panel, row)); },
                             [&](int i, int j, Vec value) INLINED {
                               if (i < bottom && j < right) Store(corner + i * line + j * channels, value);
                             });
    }
  }
}

/**
 * Rows × 16 sums of products: sums[r] = Σ a[panel · panelStep + k · step + r · rowStep] · b[k][0 … 15], over `panels`
 * panels of `depth` steps each. With `add` they are added to what was there, and only then: a sum of a few sums is rounded
 * less than one long sum.
 */
template <int Rows, int step, int rowStep>
INLINE void Multiply(const float* a, int panels, std::size_t panelStep, int depth, const float* b, float* sums, bool add) {
  Vec sum[Rows];
  for (int r = 0; r < Rows; r++) sum[r] = Vec{};
  for (int panel = 0; panel < panels; panel++, a += panelStep) {
    for (int k = 0; k < depth; k++, b += kLanes) {
      const Vec right = Load(b);
      for (int r = 0; r < Rows; r++) sum[r] = sum[r] + a[k * step + r * rowStep] * right;
    }
  }
  for (int r = 0; r < Rows; r++) Store(sums + r * kLanes, add ? Load(sums + r * kLanes) + sum[r] : sum[r]);
}

/** m = v · u: [tiles, inputs] × [inputs, outputs]. */
HOT void MultiplyTiles(Matrices v, Matrices u, int tiles, Matrices m) {
  for (int p = 0; p < kPositions; p++) {
    for (int panel = 0; panel < u.panels; panel++) {
      for (int row = 0; row < tiles; row += kRows) {
        Multiply<kRows, 1, kLanes>(v.At(p, 0, row), v.panels, std::size_t(v.rows) * kLanes, kLanes, u.At(p, panel, 0),
                                   m.At(p, panel, row), false);
      }
    }
  }
}

/** s += vᵀ · z at one position: [tiles, inputs]ᵀ × [tiles, outputs]. */
HOT void AddProduct(Matrices v, Matrices z, int tiles, int p, Matrices s, bool add) {
  for (int row = 0; row < tiles; row += kDepth) {
    const int depth = std::min(kDepth, tiles - row);
    const bool isMore = add || row > 0;
    for (int panel = 0; panel < z.panels; panel++) {
      for (int left = 0; left < v.panels; left++) {
        const float *a = v.At(p, left, row), *b = z.At(p, panel, row);
        float* sums = s.At(p, panel, left * kLanes);
        Multiply<6, kLanes, 1>(a, 1, 0, depth, b, sums, isMore);
        Multiply<6, kLanes, 1>(a + 6, 1, 0, depth, b, sums + 6 * kLanes, isMore);
        Multiply<4, kLanes, 1>(a + 12, 1, 0, depth, b, sums + 12 * kLanes, isMore);
      }
    }
  }
}

/** Transforms the filters of one panel of rows of u, which are the input's channels. */
HOT void TransformFilters(const Convolution& c, const float* filter, int rowPanel, Matrices u) {
  for (int row = rowPanel * kLanes; row < (rowPanel + 1) * kLanes; row++) {
    for (int panel = 0; panel < u.panels; panel++) {
      const float* taps = filter + row * c.outputs + panel * kLanes;
      Apply<FilterTransform>(
          [&](int i, int j) INLINED { return Load(taps + (i * 3 + j) * c.inputs * c.outputs); },
          [&](int i, int j, Vec value) INLINED { Store(u.At(i * kPatch + j, panel, row), value); });
    }
  }
}

/** The same for the way back: the filters are turned by 180°, and inputs and outputs change places. */
HOT void TransformTurnedFilters(const Convolution& c, const float* filter, int rowPanel, Matrices u) {
  for (int row = rowPanel * kLanes; row < (rowPanel + 1) * kLanes; row++) {
    for (int panel = 0; panel < u.panels; panel++) {
      const float* taps = filter + panel * kLanes * c.outputs + row;
      Apply<FilterTransform>(
          [&](int i, int j) INLINED {
            float lanes[kLanes];
            for (int l = 0; l < kLanes; l++) lanes[l] = taps[((8 - i * 3 - j) * c.inputs + l) * c.outputs];
            return Load(lanes);
          },
          [&](int i, int j, Vec value) INLINED { Store(u.At(i * kPatch + j, panel, row), value); });
    }
  }
}

HOT void WriteFilterGradient(const Convolution& c, Matrices s, int rowPanel, float* dfilter) {
  for (int row = rowPanel * kLanes; row < (rowPanel + 1) * kLanes; row++) {
    for (int panel = 0; panel < s.panels; panel++) {
      float* taps = dfilter + row * c.outputs + panel * kLanes;
      Apply<FilterGradient>(
          [&](int i, int j) INLINED { return Load(s.At(i * kPatch + j, panel, row)); },
          [&](int i, int j, Vec value) INLINED { Store(taps + (i * 3 + j) * c.inputs * c.outputs, value); });
    }
  }
}

/** Tiles that a thread works on at a time: transformed, they take one to three megabytes, which should stay in its cache. */
int BlockOf(const Convolution& c) {
  const int tiles = (2 << 20) / int(sizeof(float)) / kPositions / (c.inputs + c.outputs);
  return RoundedUp(std::clamp(tiles, 4 * kRows, 16 * kRows), kRows);
}

/** Tiles whose filter gradients all threads sum together: about 8 MB, which should stay in the cache that they share. */
int ChunkOf(const Convolution& c) {
  return std::min(std::max(64, (8 << 20) / int(sizeof(float)) / kPositions / (c.inputs + c.outputs)), Tiles(c));
}

/** Forward, or with turned filters the way back: from `in` channels to `out`. */
void Convolve(const Convolution& c, bool isBack, const float* x, const float* filter, float* y, float* scratch) {
  const int in = isBack ? c.outputs : c.inputs, out = isBack ? c.inputs : c.outputs;
  const Matrices u{scratch, in, out / kLanes};
  Team& team = Team::shared();
  team.run(in / kLanes, [&](int panel, int) { (isBack ? TransformTurnedFilters : TransformFilters)(c, filter, panel, u); });
  const int block = BlockOf(c), tiles = Tiles(c);
  team.run((tiles + block - 1) / block, [&](int index, int worker) {
    float* own = scratch + Floats(in, out) + worker * Floats(block, in + out);
    const Matrices v{own, block, in / kLanes};
    const Matrices m{own + Floats(block, in), block, out / kLanes};
    const int first = index * block, count = std::min(block, tiles - first);
    TransformTiles<InputTransform>(c, x, in, first, count, v, 0);
    MultiplyTiles(v, u, count, m);
    WriteTiles(c, m, first, count, y);
  });
}

}  // namespace

std::size_t ForwardScratch(const Convolution& c) {
  return Floats(c.inputs, c.outputs) + Team::shared().size() * Floats(BlockOf(c), c.inputs + c.outputs);
}
std::size_t BackpropInputScratch(const Convolution& c) { return ForwardScratch(c); }
std::size_t BackpropFilterScratch(const Convolution& c) {
  return Floats(c.inputs, c.outputs) + Floats(ChunkOf(c), c.inputs + c.outputs);
}

void Forward(const Convolution& c, const float* x, const float* filter, float* y, float* scratch) {
  Convolve(c, false, x, filter, y, scratch);
}

void BackpropInput(const Convolution& c, const float* filter, const float* dy, float* dx, float* scratch) {
  Convolve(c, true, dy, filter, dx, scratch);
}

void BackpropFilter(const Convolution& c, const float* x, const float* dy, float* dfilter, float* scratch) {
  constexpr int part = 16;
  const int tiles = Tiles(c), chunk = ChunkOf(c);
  const Matrices s{scratch, c.inputs, c.outputs / kLanes};
  const Matrices v{scratch + Floats(c.inputs, c.outputs), chunk, c.inputs / kLanes};
  const Matrices z{v.data + Floats(chunk, c.inputs), chunk, c.outputs / kLanes};
  Team& team = Team::shared();
  for (int first = 0; first < tiles; first += chunk) {
    const int count = std::min(chunk, tiles - first);
    team.run((count + part - 1) / part, [&](int index, int) {
      const int row = index * part, size = std::min(part, count - row);
      TransformTiles<InputTransform>(c, x, c.inputs, first + row, size, v, row);
      TransformTiles<OutputGradient>(c, dy, c.outputs, first + row, size, z, row);
    });
    team.run(kPositions, [&](int p, int) { AddProduct(v, z, count, p, s, first > 0); });
  }
  team.run(c.inputs / kLanes, [&](int panel, int) { WriteFilterGradient(c, s, panel, dfilter); });
}

}  // namespace cifar10
