// SPDX-License-Identifier: Apache-2.0
//
// The fovea command. Exit codes: 0 done, 1 a check failed, 2 bad usage or input.
#include <csignal>
#include <cstring>
#include <exception>
#include <new>

#include "cli/commands.h"
#include "core/support/error.h"
#include "core/support/parallel.h"

namespace {

using namespace fovea;

constexpr int check_failed = 1, bad_input = 2;

const std::vector<cli::Command> commands = {
    {"devices", "List every device and engine: available, or why not", cli::declare_devices},
    {"summary", "Describe a net layer by layer: shapes, parameters, work, memory", cli::declare_summary},
    {"train", "Train a net and leave a checkpoint", cli::declare_train},
    {"eval", "Measure a checkpoint's accuracy", cli::declare_eval},
    {"predict", "Classify images with a checkpoint", cli::declare_predict},
    {"data", "Check data, draw them, or measure how fast they can be read", cli::declare_data},
    {"compare", "Prove that two devices agree, layer by layer, forward and backward", cli::declare_compare},
    {"gradcheck", "Check the backward pass against finite differences", cli::declare_gradcheck},
    {"op", "Run one layer or loss, forward and backward, on tensors from a file", cli::declare_op},
    {"knn", "Classify images by their nearest neighbours, without training", cli::declare_knn},
    {"bench",
     "Measure how fast a net trains and infers, and how near to what the device can do",
     cli::declare_bench,
     {{"conv", "Measure convolutions: each generation of our kernels, and the library", cli::declare_bench_conv},
      {"gemm", "Measure the product of two matrices likewise", cli::declare_bench_gemm}}},
    {"profile", "Measure each layer of a net inside of real steps: time, work, what bounds it", cli::declare_profile},
    {"replay", "Run the training step again that met NaN or infinity, and say where", cli::declare_replay},
};

// Also when the command line is faulty, its errors are to come as asked for.
bool asks_for_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) return true;
  }
  return false;
}

int run(int argc, char** argv, cli::Output& output) {
  cli::CommonOptions common;
  const cli::Run command = cli::parse_command_line(argc, argv, commands, common);
  if (!command) return 0;
  output = cli::Output(common.json, common.quiet);
  if (common.threads > 0) set_thread_count(static_cast<int>(common.threads));
  return command(output);
}

}  // namespace

int main(int argc, char** argv) {
  // A file beyond the size that the process may write (ulimit -f) is an error of that write, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  cli::Output output(asks_for_json(argc, argv), false);
  try {
    return run(argc, argv, output);
  } catch (const InputError& error) {
    output.error(error.what());
    return bad_input;
  } catch (const DeviceError& error) {
    output.error(error.what());
    return bad_input;
  } catch (const std::bad_alloc&) {
    output.error("out of memory: try a smaller --batch");
  } catch (const std::exception& error) {
    output.error(error.what());
  }
  return check_failed;
}
