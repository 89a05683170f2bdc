#include "parallel.h"

#include <ATen/TensorIterator.h>
#include <ATen/ops/from_blob.h>

namespace binding {

void parallelFor(int64_t count, int64_t grain, c10::function_ref<void(int64_t, int64_t)> work) {
  if (count <= 0) return;
  // An iterator over bytes that nobody reads: where one stands is its number.
  const auto first = reinterpret_cast<char*>(uintptr_t{4096});
  const auto places = at::from_blob(first, {count}, at::kByte);
  auto iterator = at::TensorIteratorConfig().set_check_mem_overlap(false).check_all_same_dtype(false).resize_outputs(false).add_output(places).build();
  iterator.for_each(
      [&](char** data, const int64_t*, int64_t length) {
        const int64_t begin = data[0] - first;
        work(begin, begin + length);
      },
      grain);
}

}  // namespace binding
