// SPDX-License-Identifier: Apache-2.0
//
// Where libraries are looked for, and what is said when none will do. FAKE_LIBRARIES holds the libraries of
// fake_cudnn.cpp and fake_cublaslt.cpp, each in a folder named after its fault.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/support/error.h"
#include "cuda/cudnn/cublaslt_loader.h"
#include "cuda/cudnn/cudnn_loader.h"
#include "cuda/cudnn/shared_library.h"

namespace fovea::cuda {
namespace {

namespace fs = std::filesystem;

std::string fake(const std::string& folder) { return std::string(FAKE_LIBRARIES) + "/" + folder; }
LibrarySearch only(std::vector<std::string> folders) {
  return {.first = std::move(folders), .loader_path = false, .then = {}};
}

// What `action` says when it throws DeviceError; "" when it does not.
template <class F>
std::string device_error(F&& action) {
  try {
    action();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

class SearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / ("fovea_search_" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string folder(const std::string& path) {
    fs::create_directories(root_ / path);
    return (root_ / path).string();
  }
  std::string at(const std::string& path) const { return (root_ / path).string(); }
  // The search with just these variables, without what this machine has in /usr/local/cuda.
  LibrarySearch search(std::map<std::string, std::string> variables) {
    LibrarySearch found = nvidia_library_search([&](const char* name) { return variables[name]; });
    std::erase_if(found.then, [&](const std::string& f) { return f.rfind(root_.string(), 0) != 0; });
    return found;
  }

  fs::path root_;
};

using Folders = std::vector<std::string>;

TEST_F(SearchTest, LibraryPathComesFirstAndSkipsEmptyParts) {
  const LibrarySearch found = search({{"FOVEA_LIBRARY_PATH", "/one::/two:"}});
  EXPECT_EQ(found.first, (Folders{"/one", "/two"}));
  EXPECT_TRUE(found.loader_path);
  EXPECT_TRUE(found.then.empty());
}

TEST_F(SearchTest, ToolkitFolders) {
  folder("toolkit/lib64");
  EXPECT_EQ(search({{"CUDA_HOME", at("toolkit")}}).then, Folders{at("toolkit/lib64")});
  EXPECT_EQ(search({{"CUDA_PATH", at("toolkit")}}).then, Folders{at("toolkit/lib64")});
  EXPECT_EQ(search({{"CUDA_HOME", at("elsewhere")}}).then, Folders{}) << "only folders that exist";
}

TEST_F(SearchTest, VirtualEnvironment) {
  const std::string cudnn = folder("venv/lib/python3.11/site-packages/nvidia/cudnn/lib");
  const std::string cu13 = folder("venv/lib/python3.11/site-packages/nvidia/cu13/lib");
  folder("venv/lib/node/site-packages/nvidia/cudnn/lib");
  EXPECT_EQ(search({{"VIRTUAL_ENV", at("venv")}}).then, (Folders{cudnn, cu13}));
}

TEST_F(SearchTest, CondaEnvironment) {
  const std::string lib = folder("conda/lib");
  EXPECT_EQ(search({{"CONDA_PREFIX", at("conda")}}).then, Folders{lib});
}

TEST_F(SearchTest, PythonOnPathAndThePythonItLinksTo) {
  const std::string environment = folder("env/lib/python3.12/site-packages/nvidia/cudnn/lib");
  const std::string base = folder("base/lib/python3.12/site-packages/nvidia/cublas/lib");
  const std::string debian = folder("base/local/lib/python3.12/dist-packages/nvidia/cudnn/lib");
  folder("env/bin"), folder("base/bin"), folder("empty/bin");
  std::ofstream(at("base/bin/python3.12")) << "";
  fs::create_symlink(at("base/bin/python3.12"), at("env/bin/python3"));
  EXPECT_EQ(search({{"PATH", at("empty/bin") + ":" + at("env/bin")}}).then, (Folders{environment, base, debian}));
}

TEST_F(SearchTest, UserPackages) {
  const std::string user = folder("home/.local/lib/python3.11/site-packages/nvidia/cublas/lib");
  EXPECT_EQ(search({{"HOME", at("home")}}).then, Folders{user});
}

TEST(SharedLibrary, NamesTheFileAndTheMissingSymbol) {
  std::string error;
  const auto library = SharedLibrary::open(fake("old") + "/libcudnn.so.9", error);
  ASSERT_TRUE(library) << error;
  EXPECT_EQ(library->path(), fake("old") + "/libcudnn.so.9");
  EXPECT_NE(library->symbol("cudnnGetVersion"), nullptr);
  const std::string said = device_error([&] { library->symbol("cudnnCreate"); });
  EXPECT_NE(said.find(fake("old") + "/libcudnn.so.9 does not contain cudnnCreate"), std::string::npos) << said;
}

TEST(CudnnLoader, MissingSaysWhatWasSearched) {
  const std::string said = device_error([] { load_cudnn(only({"/nowhere", fake("newer_toolkit")})); });
  EXPECT_NE(said.find("cuDNN (libcudnn.so.9) cannot be used"), std::string::npos) << said;
  EXPECT_NE(said.find("searched /nowhere, " + fake("newer_toolkit")), std::string::npos) << said;
  EXPECT_NE(said.find("FOVEA_LIBRARY_PATH"), std::string::npos) << said;
}

TEST(CudnnLoader, TooOld) {
  const std::string said = device_error([] { load_cudnn(only({fake("old")})); });
  EXPECT_NE(said.find("is cuDNN 8.9.7, but 9.0.0 or newer is needed"), std::string::npos) << said;
}

TEST(CudnnLoader, SymbolMissing) {
  const std::string said = device_error([] { load_cudnn(only({fake("incomplete")})); });
  EXPECT_NE(said.find(fake("incomplete") + "/libcudnn.so.9 does not contain cudnn"), std::string::npos) << said;
}

TEST(CudnnLoader, NotALibrary) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("fovea_text_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "libcudnn.so.9") << "text";
  const std::string said = device_error([&] { load_cudnn(only({folder.string()})); });
  EXPECT_NE(said.find((folder / "libcudnn.so.9").string()), std::string::npos) << said;
  fs::remove_all(folder);
}

TEST(CudnnLoader, TakesTheFirstThatWillDo) {
  const CudnnLibrary cudnn = load_cudnn(only({"/nowhere", fake("old"), fake("incomplete"), fake("good")}));
  EXPECT_EQ(cudnn.version, "9.19.2");
  EXPECT_EQ(cudnn.library.path(), fake("good") + "/libcudnn.so.9");
}

TEST(CublasLtLoader, MissingNamesBothMajorVersions) {
  const std::string said = device_error([] { load_cublaslt(only({"/nowhere"})); });
  EXPECT_NE(said.find("cuBLASLt (libcublasLt.so.13 or libcublasLt.so.12) cannot be used"), std::string::npos) << said;
}

TEST(CublasLtLoader, TooOld) {
  const std::string said = device_error([] { load_cublaslt(only({fake("old")})); });
  EXPECT_NE(said.find("is cuBLASLt 11.11.3, but 12.0.0 or newer is needed"), std::string::npos) << said;
}

TEST(CublasLtLoader, SymbolMissing) {
  const std::string said = device_error([] { load_cublaslt(only({fake("incomplete")})); });
  EXPECT_NE(said.find(fake("incomplete") + "/libcublasLt.so.13 does not contain cublasLt"), std::string::npos) << said;
}

TEST(CublasLtLoader, TakesTheFirstThatWillDo) {
  const CublasLtLibrary cublaslt = load_cublaslt(only({fake("old"), fake("good")}));
  EXPECT_EQ(cublaslt.version, "13.1.0");
  EXPECT_NE(cublaslt.functions.matmul, nullptr);
}

// The libraries of this machine, where there are any: their versions can be asked for without a GPU.
TEST(InstalledLibraries, Cudnn) {
  try {
    const CudnnLibrary& cudnn = cudnn_library();
    EXPECT_EQ(cudnn.version.rfind("9.", 0), 0u) << cudnn.version;
    EXPECT_EQ(fs::path(cudnn.library.path()).filename(), "libcudnn.so.9");
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
}

TEST(InstalledLibraries, CublasLt) {
  try {
    const CublasLtLibrary& cublaslt = cublaslt_library();
    EXPECT_TRUE(cublaslt.version.rfind("12.", 0) == 0 || cublaslt.version.rfind("13.", 0) == 0) << cublaslt.version;
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
}

}  // namespace
}  // namespace fovea::cuda
