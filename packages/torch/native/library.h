// Shared libraries, on each system.
#pragma once

#include <string>

namespace binding {

/** The folder of the library that holds this address; empty when the system does not tell. */
std::string folderOfLibrary(const void* address);

/** Loads a library for the rest of the process, its symbols for others to find. Empty, or why it does not load. */
std::string loadLibrary(const std::string& path);

/** What a library that is loaded has by this name; nullptr when it has nothing. */
void* symbolOf(const std::string& path, const char* name);

}  // namespace binding
