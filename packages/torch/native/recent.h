// Values by key, of which the few that were used last are kept.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <utility>
#include <vector>

namespace binding {

template <typename Value>
class Recent {
 public:
  explicit Recent(size_t most) : most_(most) {}

  /** The value of a key, a new one when there is none. It stays where it is until others have pushed it out. */
  Value& at(const std::vector<int64_t>& key) {
    auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& one) { return one.first == key; });
    if (found == kept_.end()) found = kept_.emplace(found, key, Value());
    kept_.splice(kept_.begin(), kept_, found);
    if (kept_.size() > most_) kept_.pop_back();
    return kept_.front().second;
  }

  void clear() { kept_.clear(); }

 private:
  size_t most_;
  /** The one used last in front. */
  std::list<std::pair<std::vector<int64_t>, Value>> kept_;
};

}  // namespace binding
