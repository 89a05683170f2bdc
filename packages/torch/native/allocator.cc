// The allocator of CPU tensors. Memory fresh from the system costs a page fault every 4 KiB, more than many operations
// that fill it; so blocks of 1 MiB and more are kept when they are freed, and taken again: whole, in part, or several that
// lie side by side as one. A training step that is like the one before then takes nothing from the system. What is kept
// makes the process larger by a sixteenth at most than all that was in use at once: in the place of a new block, old ones
// are given back first. What nobody takes again for a while is given back too.
#include <c10/core/CPUAllocator.h>
#include <c10/core/alignment.h>
#include <c10/core/impl/alloc_cpu.h>

#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#elif defined(__APPLE__)
#include <malloc/malloc.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size)
#define ASAN_UNPOISON_MEMORY_REGION(memory, size)
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>

#include "allocator.h"
#include "call.h"
#include "workspace.h"

namespace binding {

namespace {

/** Blocks from this size on are of the pool. */
constexpr size_t smallestLarge = size_t{1} << 20;
constexpr size_t hugePage = size_t{2} << 20;
/** From here on sizes are whole huge pages; below, a sixteenth of that keeps the waste small. */
constexpr size_t hugeFrom = size_t{16} << 20;

size_t roundedUp(size_t size) {
  const size_t unit = size >= hugeFrom ? hugePage : hugePage / 16;
  return (size + unit - 1) / unit * unit;
}

#ifdef __linux__
/** Whether a part of a block may be given to the system, and blocks that lie side by side taken for one. */
constexpr bool divisible = true;

/** What is taken for a block of this size. */
size_t mappedFor(size_t size) { return (size + hugePage - 1) / hugePage * hugePage; }

void* takeFromSystem(size_t size) {
  // Aligned to a huge page, so that the system can use them: map one more, unmap both ends. It maps downwards, so the last place lies beside the
  // block before.
  void* memory = mmap(nullptr, size + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const auto start = reinterpret_cast<uintptr_t>(memory);
  const auto aligned = (start + hugePage) / hugePage * hugePage;
  munmap(memory, aligned - start);
  if (const size_t tail = start + hugePage - aligned; tail > 0) munmap(reinterpret_cast<void*>(aligned + size), tail);
  madvise(reinterpret_cast<void*>(aligned), size, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}
void giveToSystem(void* memory, size_t size) { munmap(memory, size); }
#elif defined(_WIN32)
constexpr bool divisible = false;
size_t mappedFor(size_t size) { return size; }
void* takeFromSystem(size_t size) { return _aligned_malloc(size, pageSize); }
void giveToSystem(void* memory, size_t) { _aligned_free(memory); }
#else
constexpr bool divisible = false;
size_t mappedFor(size_t size) { return size; }
void* takeFromSystem(size_t size) { return std::aligned_alloc(pageSize, size); }
void giveToSystem(void* memory, size_t) { std::free(memory); }
#endif

// What libtorch's own functions take small memory from differs: on Linux for arm64 it is mimalloc, whose blocks the C library cannot measure.
#ifdef _WIN32
void* takeSmall(size_t size) { return c10::alloc_cpu(size); }
void giveSmall(void* memory) { c10::free_cpu(memory); }
size_t smallSize(void*) { return 0; }
#else
void* takeSmall(size_t size) {
  void* memory = nullptr;
  TORCH_CHECK(posix_memalign(&memory, c10::gAlignment, size) == 0, "out of memory: ", size, " bytes wanted");
  return memory;
}
void giveSmall(void* memory) { std::free(memory); }
#ifdef __linux__
size_t smallSize(void* memory) { return malloc_usable_size(memory); }
#elif defined(__APPLE__)
size_t smallSize(void* memory) { return malloc_size(memory); }
#else
size_t smallSize(void*) { return 0; }
#endif
#endif

using Clock = std::chrono::steady_clock;

/** Blocks of 1 MiB and more. `used + kept <= most + most / 16`, but for a huge page, where `most` is the largest that `used` has been. */
class Pool {
 public:
  void* take(size_t wanted) {
    const size_t size = roundedUp(wanted);
    std::lock_guard lock(mutex_);
    std::byte* memory = reuse(size);
    if (memory == nullptr) {
      const size_t mapped = mappedFor(size);
      most_ = std::max(most_, used_ + size);
      while (!kept_.empty() && used_ + keptBytes_ + mapped > most_ + most_ / 16) releaseOldest();
      memory = static_cast<std::byte*>(takeFromSystem(mapped));
      if (memory == nullptr) {
        while (!kept_.empty()) releaseOldest();
        memory = static_cast<std::byte*>(takeFromSystem(mapped));
      }
      TORCH_CHECK(memory != nullptr, "out of memory: ", size >> 20, " MiB wanted, ", used_ >> 20, " MiB in use by tensors");
      used(memory, size);
      if (mapped > size) keep(memory + size, mapped - size, Clock::now());
    }
    return memory;
  }

  /** The block is given back when each of its holders has given it. */
  void hold(void* part) {
    std::lock_guard lock(mutex_);
    around(part)->second.holders++;
  }

  /** False when the memory is not of this pool. */
  bool give(void* part) {
    std::lock_guard lock(mutex_);
    const auto found = around(part);
    if (found == inUse_.end()) return false;
    if (--found->second.holders > 0) return true;
    const auto [memory, block] = *found;
    const auto now = Clock::now();
    inUse_.erase(found);
    used_ -= block.size;
    keep(memory, block.size, now);
    releaseFreedBefore(now - patience_);
    return true;
  }

  void releaseUnused() {
    std::lock_guard lock(mutex_);
    releaseFreedBefore(Clock::now() - patience_);
  }

  void keepFor(Clock::duration patience) {
    std::lock_guard lock(mutex_);
    patience_ = patience;
  }

  void releaseAll() {
    std::lock_guard lock(mutex_);
    while (!kept_.empty()) releaseOldest();
    most_ = used_;
  }

  void figures(size_t& used, size_t& kept, size_t& most) {
    std::lock_guard lock(mutex_);
    used = used_;
    kept = keptBytes_;
    most = most_;
  }

 private:
  struct InUse {
    size_t size;
    int holders = 1;
  };
  struct Kept {
    size_t size;
    Clock::time_point freed;
  };
  using KeptBlocks = std::map<std::byte*, Kept>;

  std::mutex mutex_;
  std::map<std::byte*, InUse> inUse_;
  KeptBlocks kept_;
  size_t used_ = 0, keptBytes_ = 0, most_ = 0;
  Clock::duration patience_ = std::chrono::seconds(30);

  void used(std::byte* memory, size_t size) {
    inUse_[memory] = {size};
    used_ += size;
    most_ = std::max(most_, used_);
  }

  void keep(std::byte* memory, size_t size, Clock::time_point freed) {
    kept_[memory] = {size, freed};
    keptBytes_ += size;
    ASAN_POISON_MEMORY_REGION(memory, size);
  }

  /** The block in use that memory lies in. */
  std::map<std::byte*, InUse>::iterator around(void* part) {
    const auto after = inUse_.upper_bound(static_cast<std::byte*>(part));
    if (after == inUse_.begin()) return inUse_.end();
    const auto found = std::prev(after);
    return part < found->first + found->second.size ? found : inUse_.end();
  }

  /** Kept memory without a gap: some blocks that lie side by side. */
  struct Run {
    KeptBlocks::iterator first;
    size_t size;
  };

  /** The smallest run that is large enough; where blocks are whole, a block of which at most an eighth is wasted. */
  Run smallestFor(size_t size) {
    Run best{kept_.end(), std::numeric_limits<size_t>::max()};
    for (auto block = kept_.begin(); block != kept_.end();) {
      Run run{block, 0};
      do run.size += block->second.size;
      while (++block != kept_.end() && divisible && block->first == run.first->first + run.size);
      const bool suits = run.size >= size && (divisible || run.size - size <= size / 8);
      if (suits && run.size < best.size) best = run;
    }
    return best;
  }

  /** The beginning of the smallest run of kept blocks, or nullptr. What it leaves of a block is kept as long as that would have been. */
  std::byte* reuse(size_t size) {
    const auto [first, all] = smallestFor(size);
    if (first == kept_.end()) return nullptr;
    std::byte* const memory = first->first;
    const size_t taken = divisible ? size : all;
    auto block = first;
    for (size_t found = 0; found < taken; block = kept_.erase(block)) {
      found += block->second.size;
      if (found > taken) kept_[memory + taken] = {found - taken, block->second.freed};
    }
    keptBytes_ -= taken;
    used(memory, taken);
    ASAN_UNPOISON_MEMORY_REGION(memory, taken);
    return memory;
  }

  void releaseFreedBefore(Clock::time_point time) {
    for (auto block = kept_.begin(); block != kept_.end();) block = block->second.freed <= time ? release(block) : std::next(block);
  }

  void releaseOldest() {
    release(std::min_element(kept_.begin(), kept_.end(), [](const auto& x, const auto& y) { return x.second.freed < y.second.freed; }));
  }

  /** The block after it. */
  KeptBlocks::iterator release(KeptBlocks::iterator block) {
    const auto [memory, kept] = *block;
    keptBytes_ -= kept.size;
    ASAN_UNPOISON_MEMORY_REGION(memory, kept.size);
    giveToSystem(memory, kept.size);
    return kept_.erase(block);
  }
};

// Never destroyed: tensors may outlive every static of this library.
Pool& pool() {
  static auto* instance = new Pool();
  return *instance;
}

}  // namespace

void* takeLarge(size_t size) { return pool().take(size); }
void holdLarge(void* part) { pool().hold(part); }
bool giveLarge(void* part) { return pool().give(part); }
void releaseUnused() { pool().releaseUnused(); }

namespace {

std::atomic<int64_t> smallBytes{0};

void release(void* memory) {
  if (memory == nullptr) return;
  if (reinterpret_cast<uintptr_t>(memory) % pageSize == 0) {
    if (auto* workspace = Workspace::current()) workspace->given(memory);
    if (giveLarge(memory)) return;
  }
  smallBytes -= static_cast<int64_t>(smallSize(memory));
  giveSmall(memory);
}

class KeepingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    void* memory = nullptr;
    if (size >= smallestLarge) {
      auto* workspace = Workspace::current();
      memory = workspace == nullptr ? takeLarge(size) : workspace->take(size);
    } else if (size > 0) {
      memory = takeSmall(size);
      smallBytes += static_cast<int64_t>(smallSize(memory));
    }
    return {memory, memory, &release, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* target, const void* source, std::size_t count) const override {
    default_copy_data(target, source, count);
  }
};

const bool installed = [] {
  c10::SetCPUAllocator(new KeepingAllocator(), /*priority=*/1);
  return true;
}();

}  // namespace

// [bytes in use, bytes kept for reuse, most that was in use in large blocks]
FUNCTION(memoryFigures) {
  size_t used = 0, kept = 0, most = 0;
  pool().figures(used, kept, most);
  napi_value array;
  call.check(napi_create_array_with_length(call.env(), 3, &array));
  const double figures[] = {static_cast<double>(used) + static_cast<double>(smallBytes.load()), static_cast<double>(kept),
                            static_cast<double>(most)};
  for (uint32_t i = 0; i < 3; i++) call.check(napi_set_element(call.env(), array, i, call.result(figures[i])));
  return array;
}

// For tests: how long a freed block waits to be taken again.
FUNCTION(keepMemoryFor, "milliseconds") {
  pool().keepFor(std::chrono::milliseconds(call.integer(0, 0)));
  return call.undefined();
}

FUNCTION(releaseMemory) {
  pool().releaseAll();
  return call.undefined();
}

}  // namespace binding
