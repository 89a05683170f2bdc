// From the logits of an image's windows, at one or more scales, to the probabilities or labels of its pixels.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "alignCorners.h"

namespace binding {

struct Size {
  int64_t height, width;
};

/** The image at one scale, padded and cut into windows. */
struct ScaledImage {
  struct Window {
    /** The upper left corner in the padded image. */
    int64_t top, left;
    /** [1, c, h, w]; or [2, c, h, w], the second those of the window's mirror image. */
    at::Tensor logits;
  };

  /** Of the image at this scale, without padding. */
  Size size;
  /** Padding above and to the left. */
  int64_t top, left;
  Size window;
  /** What the logits are enlarged to: a window's size or more, the rest of which is cut off. */
  Size enlarged;
  std::vector<Window> windows;
};

enum class Answer { labels, probabilities };

/** From row `begin` to before row `end`. */
struct Span {
  int64_t begin, end;
};

/** When logits become probabilities: each view's at once, when a window's are summed, or when they are averaged and resized to the image. */
enum class Softmax : int64_t { view, window, image };

/** How the logits of windows become an image's. */
struct Averaging {
  /** Of the enlargement of the logits. */
  AlignCorners alignCorners;
  Softmax softmax;
  /** To the image: smoothed when shrinking, as MATLAB's imresize, or with the network's corners; else with half-pixel centres. */
  bool smooth, networkCorners;
};

/**
 * The enlarged logits of views and windows averaged, and their softmax; resized to `size`, and averaged over the scales. Of some of the
 * image's rows: probabilities, float32 [c, rows, w], or the best class of each pixel, uint8 [rows, w]. Of the windows only those are needed
 * that lie on what these rows are made of.
 */
at::Tensor averaged(const std::vector<ScaledImage>& scales, Size size, Span span, const Averaging& averaging, Answer answer);

}  // namespace binding
