// SPDX-License-Identifier: Apache-2.0
//
// Libraries that are found and opened when the program runs, so that one binary works with and without them.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea::cuda {

// Where to look, in this order.
struct LibrarySearch {
  std::vector<std::string> first;  // folders that the user names: FOVEA_LIBRARY_PATH
  bool loader_path = true;         // wherever dlopen looks by itself: LD_LIBRARY_PATH, ld.so.conf
  std::vector<std::string> then;   // CUDA toolkits and Python environments
};

// Reads an environment variable; "" when it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string process_environment(const char* name);

// The search order for NVIDIA's libraries, from FOVEA_LIBRARY_PATH, CUDA_HOME, CUDA_PATH, VIRTUAL_ENV, CONDA_PREFIX, HOME
// and the `python3` on PATH, whose folders are inspected; nothing is executed. `then` lists existing folders only.
LibrarySearch nvidia_library_search(const Environment& environment = process_environment);

// One open library. Closing is left out on purpose once a library is in use (see keep_open): NVIDIA's libraries run
// code of their own when the process ends.
class SharedLibrary {
 public:
  // `file` is a path, or a bare name for the loader to find. Empty on failure, with the loader's words in `error`.
  static std::optional<SharedLibrary> open(const std::string& file, std::string& error);
  SharedLibrary(SharedLibrary&& other) noexcept;
  SharedLibrary& operator=(SharedLibrary&&) = delete;
  ~SharedLibrary();

  const std::string& path() const { return path_; }  // the file that was opened
  void* native_handle() const { return handle_; }
  void keep_open() { close_ = false; }
  // Throws DeviceError naming the library and the symbol.
  void* symbol(const char* name) const;
  template <class F>
  void load(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(symbol(name));
  }

 private:
  explicit SharedLibrary(void* handle);
  void* handle_ = nullptr;
  bool close_ = true;
  std::string path_;
};

// Opens the first library of the search that bears one of `names` and that `accept` does not reject by throwing
// DeviceError. Throws DeviceError with every place tried and why it did not do. `what` is the library's name for people.
SharedLibrary find_library(std::string_view what, std::span<const std::string> names, const LibrarySearch& search,
                           const std::function<void(const SharedLibrary&)>& accept);

}  // namespace fovea::cuda
