// What c10d's ProcessGroupGloo.hpp names of Gloo, declared only. PyPI's libtorch_cpu has Gloo's code but not its headers. Nothing here is
// called, made or looked into: libtorch's own functions do so, so that no more than the names must hold. They do in libtorch 2.11 to 2.15
// (processGroup.cc asks the library which it is).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

namespace rendezvous {

class Store {
 public:
  virtual ~Store() = default;
  virtual void set(const std::string& key, const std::vector<char>& data) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) = 0;
};

}  // namespace rendezvous
}  // namespace gloo
