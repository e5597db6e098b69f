// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/support/error.h"

namespace fovea::cuda {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

void add_folder(std::vector<std::string>& folders, const fs::path& path) {
  if (is_folder(path) && std::find(folders.begin(), folders.end(), path.string()) == folders.end()) {
    folders.push_back(path.string());
  }
}

// The package folders of the Pythons installed under `prefix`, newest first.
std::vector<fs::path> python_packages(const fs::path& prefix) {
  std::vector<fs::path> found;
  for (const char* lib : {"lib", "lib64"}) {
    std::error_code error;
    for (fs::directory_iterator entry(prefix / lib, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().filename().string().rfind("python3", 0) != 0) continue;
      for (const char* packages : {"site-packages", "dist-packages"}) {
        if (is_folder(entry->path() / packages)) found.push_back(entry->path() / packages);
      }
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

// The installation that the `python3` on PATH belongs to: its own prefix (a virtual environment) and the one it links
// to.
std::vector<fs::path> python_prefixes(const std::string& path_variable) {
  std::vector<fs::path> prefixes;
  for (const std::string& folder : split(path_variable, ':')) {
    const fs::path python = fs::path(folder) / "python3";
    std::error_code error;
    if (!fs::exists(python, error)) continue;
    prefixes.push_back(fs::path(folder).parent_path());
    const fs::path real = fs::canonical(python, error);
    if (!error) prefixes.push_back(real.parent_path().parent_path());
    break;
  }
  return prefixes;
}

void add_nvidia_wheels(std::vector<std::string>& folders, const fs::path& prefix) {
  for (const fs::path& packages : python_packages(prefix)) {
    for (const char* wheel : {"cudnn/lib", "cu13/lib", "cublas/lib"}) add_folder(folders, packages / "nvidia" / wheel);
  }
}

}  // namespace

std::string process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

LibrarySearch nvidia_library_search(const Environment& environment) {
  LibrarySearch search;
  search.first = split(environment("FOVEA_LIBRARY_PATH"), ':');

  std::vector<std::string>& folders = search.then;
  for (const std::string& toolkit :
       {environment("CUDA_HOME"), environment("CUDA_PATH"), std::string("/usr/local/cuda")}) {
    if (toolkit.empty()) continue;
    for (const char* lib : {"lib64", "lib"}) add_folder(folders, fs::path(toolkit) / lib);
  }
  if (const std::string venv = environment("VIRTUAL_ENV"); !venv.empty()) add_nvidia_wheels(folders, venv);
  if (const std::string conda = environment("CONDA_PREFIX"); !conda.empty()) {
    add_folder(folders, fs::path(conda) / "lib");
    add_nvidia_wheels(folders, conda);
  }
  for (const fs::path& prefix : python_prefixes(environment("PATH"))) {
    add_nvidia_wheels(folders, prefix);
    add_nvidia_wheels(folders, prefix / "local");  // Debian installs the administrator's packages there
  }
  if (const std::string home = environment("HOME"); !home.empty()) {
    add_nvidia_wheels(folders, fs::path(home) / ".local");
  }
  return search;
}

SharedLibrary::SharedLibrary(void* handle) : handle_(handle) {
  link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr) path_ = map->l_name;
}

SharedLibrary::SharedLibrary(SharedLibrary&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), close_(other.close_), path_(std::move(other.path_)) {}

SharedLibrary::~SharedLibrary() {
  if (handle_ != nullptr && close_) dlclose(handle_);
}

std::optional<SharedLibrary> SharedLibrary::open(const std::string& file, std::string& error) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    error = reason == nullptr ? "dlopen failed" : reason;
    return std::nullopt;
  }
  return SharedLibrary(handle);
}

void* SharedLibrary::symbol(const char* name) const {
  void* address = dlsym(handle_, name);
  if (address == nullptr) throw DeviceError(fmt::format("{} does not contain {}", path_, name));
  return address;
}

SharedLibrary find_library(std::string_view what, std::span<const std::string> names, const LibrarySearch& search,
                           const std::function<void(const SharedLibrary&)>& accept) {
  std::vector<std::string> rejected;  // candidates that exist, each with its fault
  const auto attempt = [&](const std::string& file) -> std::optional<SharedLibrary> {
    std::string error;
    std::optional<SharedLibrary> library = SharedLibrary::open(file, error);
    if (!library) {
      rejected.push_back(std::move(error));
      return std::nullopt;
    }
    try {
      accept(*library);
    } catch (const DeviceError& fault) {
      rejected.push_back(fault.what());
      return std::nullopt;
    }
    return library;
  };
  const auto attempt_in = [&](const std::vector<std::string>& folders) -> std::optional<SharedLibrary> {
    for (const std::string& folder : folders) {
      for (const std::string& name : names) {
        const fs::path file = fs::path(folder) / name;
        std::error_code error;
        if (!fs::exists(file, error)) continue;
        if (auto library = attempt(file.string())) return library;
      }
    }
    return std::nullopt;
  };

  if (auto library = attempt_in(search.first)) return std::move(*library);
  if (search.loader_path) {
    for (const std::string& name : names) {
      if (auto library = attempt(name)) return std::move(*library);
    }
  }
  if (auto library = attempt_in(search.then)) return std::move(*library);

  std::vector<std::string> folders = search.first;
  folders.insert(folders.end(), search.then.begin(), search.then.end());
  throw DeviceError(
      fmt::format("{} ({}) cannot be used: {}{}searched {}{}; install it, or name its folder in FOVEA_LIBRARY_PATH",
                  what, fmt::join(names, " or "), fmt::join(rejected, "; "), rejected.empty() ? "" : "; ",
                  search.loader_path ? "the loader's path" : "",
                  folders.empty() ? std::string()
                                  : fmt::format("{}{}", search.loader_path ? " and " : "", fmt::join(folders, ", "))));
}

}  // namespace fovea::cuda
