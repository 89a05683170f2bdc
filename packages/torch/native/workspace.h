// The memory of work that is done again and again, laid out once by lifetime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace binding {

/** When memory was taken and freed, in events of its work, and its place in the block. */
struct Lifetime {
  static constexpr int64_t never = -1;

  size_t size;
  int64_t taken;
  int64_t freed = never;
  size_t offset = 0;
};

/** Gives each that is freed its offset, those that live at the same time beside each other; returns the size of the block. */
size_t layOut(std::vector<Lifetime>& lifetimes);

/**
 * The first time the work is done, its large allocations are watched; from the second on they lie in one block, which the work has
 * as long as it lasts. What it keeps beyond its end comes from the pool. Work that allocates otherwise than it did gets the rest
 * from the pool, and is watched anew the next time.
 */
class Workspace {
 public:
  /** The workspace of all that the calling thread allocates until the end of the scope. */
  class Scope {
   public:
    explicit Scope(Workspace& workspace);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

  /** The calling thread's, or nullptr. */
  static Workspace* current();

  /** Bytes of the block; 0 while the work has not been watched to its end. */
  size_t size() const { return blockSize_; }
  /** How many times the work has been done in the block since it was laid out. */
  int64_t served() const { return served_; }

  /** Memory of the block or the pool, to be given back to the pool in either case. */
  void* take(size_t size);
  /** Is told of memory, anyone's, that the thread gives back. */
  void given(void* memory);

 private:
  enum class State { watching, following, strayed };

  State state_ = State::watching;
  std::vector<Lifetime> lifetimes_;
  /** In their order: lifetime i began (i) or ended (~i). */
  std::vector<int64_t> events_;
  size_t next_ = 0;
  size_t blockSize_ = 0;
  int64_t served_ = 0;
  void* block_ = nullptr;
  /** Lifetimes that began and have not ended, by their memory. */
  std::unordered_map<void*, int64_t> living_;

  void begin();
  void end();
  void* watched(size_t size);
  void* placed(size_t size);
};

}  // namespace binding
