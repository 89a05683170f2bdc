#include "workspace.h"

#include <algorithm>
#include <utility>

#include "allocator.h"
#include "call.h"

namespace binding {

namespace {

thread_local Workspace* currentWorkspace = nullptr;

size_t wholePages(size_t size) { return (size + pageSize - 1) / pageSize * pageSize; }

bool meet(const Lifetime& a, const Lifetime& b) { return a.taken < b.freed && b.taken < a.freed; }

}  // namespace

// Largest first, each into the smallest gap that holds it between those that live at the same time.
size_t layOut(std::vector<Lifetime>& lifetimes) {
  std::vector<Lifetime*> largestFirst, byOffset;
  for (auto& lifetime : lifetimes) {
    if (lifetime.freed != Lifetime::never) largestFirst.push_back(&lifetime);
  }
  std::stable_sort(largestFirst.begin(), largestFirst.end(), [](auto* a, auto* b) { return a->size > b->size; });
  size_t total = 0;
  for (auto* lifetime : largestFirst) {
    const size_t size = wholePages(lifetime->size);
    size_t end = 0, smallestGap = SIZE_MAX;
    for (const auto* other : byOffset) {
      if (!meet(*lifetime, *other)) continue;
      if (other->offset >= end + size && other->offset - end < smallestGap) {
        smallestGap = other->offset - end;
        lifetime->offset = end;
      }
      end = std::max(end, other->offset + wholePages(other->size));
    }
    if (smallestGap == SIZE_MAX) lifetime->offset = end;
    total = std::max(total, lifetime->offset + size);
    const auto after = [](auto* a, auto* b) { return a->offset < b->offset; };
    byOffset.insert(std::upper_bound(byOffset.begin(), byOffset.end(), lifetime, after), lifetime);
  }
  return total;
}

Workspace::Scope::Scope(Workspace& workspace) {
  workspace.begin();
  currentWorkspace = &workspace;
}

Workspace::Scope::~Scope() { std::exchange(currentWorkspace, nullptr)->end(); }

Workspace* Workspace::current() { return currentWorkspace; }

void Workspace::begin() {
  next_ = 0;
  if (blockSize_ > 0) block_ = takeLarge(blockSize_);
}

void Workspace::end() {
  if (block_ != nullptr) giveLarge(std::exchange(block_, nullptr));
  living_.clear();
  if (state_ == State::watching) {
    blockSize_ = layOut(lifetimes_);
    state_ = State::following;
  } else if (state_ == State::strayed || next_ != events_.size()) {
    *this = Workspace();
  } else {
    served_++;
  }
}

void* Workspace::take(size_t size) {
  if (state_ == State::watching) return watched(size);
  if (state_ == State::following) return placed(size);
  return takeLarge(size);
}

void* Workspace::watched(size_t size) {
  void* memory = takeLarge(size);
  const auto index = static_cast<int64_t>(lifetimes_.size());
  living_[memory] = index;
  lifetimes_.push_back({size, static_cast<int64_t>(events_.size())});
  events_.push_back(index);
  return memory;
}

void* Workspace::placed(size_t size) {
  const int64_t index = next_ < events_.size() ? events_[next_] : -1;
  if (index < 0 || lifetimes_[index].size != size) {
    state_ = State::strayed;
    return takeLarge(size);
  }
  next_++;
  const auto& lifetime = lifetimes_[index];
  if (lifetime.freed == Lifetime::never) return takeLarge(size);
  void* memory = static_cast<std::byte*>(block_) + lifetime.offset;
  holdLarge(memory);
  living_[memory] = index;
  return memory;
}

void Workspace::given(void* memory) {
  const auto found = living_.find(memory);
  if (found == living_.end()) return;
  const int64_t ended = ~found->second;
  living_.erase(found);
  if (state_ == State::watching) {
    lifetimes_[~ended].freed = static_cast<int64_t>(events_.size());
    events_.push_back(ended);
  } else if (next_ < events_.size() && events_[next_] == ended) {
    next_++;
  } else {
    state_ = State::strayed;
  }
}

// For tests: the offsets of lifetimes, and the size of the block.
FUNCTION(layOut, "sizes", "taken", "freed") {
  const auto sizes = call.integers(0), taken = call.integers(1), freed = call.integers(2);
  std::vector<Lifetime> lifetimes;
  for (size_t i = 0; i < sizes.size(); i++) lifetimes.push_back({static_cast<size_t>(sizes[i]), taken[i], freed[i]});
  const auto total = static_cast<int64_t>(layOut(lifetimes));
  napi_value found;
  call.check(napi_create_array_with_length(call.env(), sizes.size() + 1, &found));
  for (uint32_t i = 0; i < sizes.size(); i++) {
    call.check(napi_set_element(call.env(), found, i, call.result(static_cast<int64_t>(lifetimes[i].offset))));
  }
  call.check(napi_set_element(call.env(), found, static_cast<uint32_t>(sizes.size()), call.result(total)));
  return found;
}

}  // namespace binding
