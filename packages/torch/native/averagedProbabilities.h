// From the logits of an image's windows, at one or more scales, to the probabilities or labels of its pixels.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

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

/**
 * Softmax of the enlarged logits, averaged with the mirrored one of the mirror image and over the windows that lie on a pixel; then,
 * bilinearly resized to `size`, over the scales. Of some of the image's rows: probabilities, float32 [c, rows, w], or the best class of
 * each pixel, uint8 [rows, w]. Of the windows only those are needed that lie on what these rows are made of.
 */
at::Tensor averaged(const std::vector<ScaledImage>& scales, Size size, Span span, bool alignCorners, Answer answer);

}  // namespace binding
