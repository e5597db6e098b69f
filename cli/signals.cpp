// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <unistd.h>

#include <array>
#include <csignal>

namespace fovea::cli {
namespace {

constexpr std::array stop_signals{SIGINT, SIGTERM, SIGUSR1};
volatile std::sig_atomic_t received = 0;

extern "C" void on_stop_signal(int signal) {
  if (received != 0) _exit(128 + signal);
  received = signal;
}

}  // namespace

StopSignals::StopSignals() {
  received = 0;
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;  // reads and writes of the running step go on
  for (const int signal : stop_signals) {
    // A signal that our parent had us ignore (nohup, a shell's background job) stays ignored.
    struct sigaction old {};
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (const int signal : stop_signals) {
    struct sigaction old {};
    if (sigaction(signal, nullptr, &old) == 0 && old.sa_handler == on_stop_signal) std::signal(signal, SIG_DFL);
  }
}

bool StopSignals::requested() const { return received != 0; }

std::string StopSignals::name() const {
  const int signal = received;
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : signal == SIGUSR1 ? "SIGUSR1" : "";
}

}  // namespace fovea::cli
