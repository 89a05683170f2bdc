#include "library.h"

#include <filesystem>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace binding {

#ifdef _WIN32
std::string folderOfLibrary(const void* address) {
  HMODULE library = nullptr;
  const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  if (!GetModuleHandleExA(flags, static_cast<LPCSTR>(address), &library)) return "";
  char path[4096];
  const DWORD length = GetModuleFileNameA(library, path, sizeof path);
  return std::filesystem::path(std::string(path, length)).parent_path().string();
}

std::string loadLibrary(const std::string& path) {
  return LoadLibraryA(path.c_str()) != nullptr ? "" : "error " + std::to_string(GetLastError()) + " of Windows";
}

void* symbolOf(const std::string& path, const char* name) { return reinterpret_cast<void*>(GetProcAddress(GetModuleHandleA(path.c_str()), name)); }
#else
std::string folderOfLibrary(const void* address) {
  Dl_info information{};
  if (dladdr(address, &information) == 0) return "";
  return std::filesystem::path(information.dli_fname).parent_path().string();
}

std::string loadLibrary(const std::string& path) { return dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr ? "" : dlerror(); }

void* symbolOf(const std::string& path, const char* name) { return dlsym(dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD), name); }
#endif

}  // namespace binding
