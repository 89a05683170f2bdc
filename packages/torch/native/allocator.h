// The pool that large CPU tensors live in.
#pragma once

#include <cstddef>

namespace binding {

constexpr size_t pageSize = 4096;

/** A block of at least `size` bytes. Throws c10::Error when there is no more memory. */
void* takeLarge(size_t size);

/** Keeps the block that `part` lies in for one more {@link giveLarge}. */
void holdLarge(void* part);

/** Gives back a block or a held part of one; false when the memory is not of the pool. */
bool giveLarge(void* part);

/** Gives back to the system what nobody has taken again for half a minute, such as the memory of a rare large photograph. */
void releaseUnused();

}  // namespace binding
