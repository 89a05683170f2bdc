// Shared libraries, on each system.
#pragma once

#include <string>

namespace binding {

/** The folder of the library that holds this address; empty when the system does not tell. */
std::string folderOfLibrary(const void* address);

/** Loads a library for the rest of the process, its symbols for others to find. Empty, or why it does not load. */
std::string loadLibrary(const std::string& path);

}  // namespace binding
