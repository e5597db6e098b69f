// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace fovea::cli {
namespace {

constexpr std::chrono::milliseconds redraw{100};
constexpr std::chrono::seconds plain_line{10};

bool is_terminal(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  return isatty(fileno(stream)) != 0 && term != nullptr && std::strcmp(term, "dumb") != 0;
}

// https://no-color.org: set and not empty means no colour.
bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

std::string clock_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::min(seconds, 359999.0) + 0.5);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

ProgressDisplay::ProgressDisplay(Output& out, std::int64_t first_step, std::int64_t last_step)
    : out_(out),
      first_step_(first_step),
      last_step_(last_step),
      terminal_(!out.quiet() && is_terminal(out.text_stream())),
      colour_(terminal_ && wants_colour()) {}

ProgressDisplay::~ProgressDisplay() { erase(); }

std::string ProgressDisplay::text(const Progress& p) const {
  return fmt::format("loss {:.4f}  accuracy {}  {} images/s", p.loss, percent(p.accuracy),
                     grouped(static_cast<std::int64_t>(p.images_per_second)));
}

std::string ProgressDisplay::time_left(const Progress& p) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto done = static_cast<double>(p.step - first_step_), left = static_cast<double>(last_step_ - p.step);
  return clock_text(seconds / done * left);
}

void ProgressDisplay::draw(const Progress& p) {
  constexpr std::int64_t width = 24;
  const std::int64_t in_epoch = (p.step - 1) % p.steps_per_epoch + 1;
  const std::int64_t filled = in_epoch * width / p.steps_per_epoch;
  std::string bar;
  for (std::int64_t i = 0; i < width; ++i) bar += i < filled ? '=' : i == filled ? '>' : ' ';
  if (colour_) bar = fmt::format("\x1b[32m{}\x1b[0m", bar);
  // Carriage return and erase to the end of the line: one line, redrawn.
  fmt::print(out_.text_stream(), "\r\x1b[Kepoch {}/{} [{}] {}/{}  {}  ETA {}", p.epoch, p.epochs, bar, in_epoch,
             p.steps_per_epoch, text(p), time_left(p));
  std::fflush(out_.text_stream());
  drawn_ = true;
}

void ProgressDisplay::erase() {
  if (!drawn_) return;
  fmt::print(out_.text_stream(), "\r\x1b[K");
  std::fflush(out_.text_stream());
  drawn_ = false;
}

bool ProgressDisplay::is_due(std::int64_t steps) const {
  if (out_.quiet()) return false;
  const auto since = Clock::now() - last_shown_;
  return terminal_ ? steps == first_step_ + 1 || since >= redraw : since >= plain_line;
}

void ProgressDisplay::step(const Progress& p) {
  if (out_.quiet()) return;
  const bool due = is_due(p.step);
  const Clock::time_point now = Clock::now();
  if (p.epoch_finished) {
    erase();
    out_.say(fmt::format("epoch {}/{}  {}", p.epoch, p.epochs, text(p)));
    last_shown_ = now;
  } else if (due && terminal_) {
    draw(p);
    last_shown_ = now;
  } else if (due) {
    out_.say(fmt::format("epoch {}/{}  step {}/{}  {}  ETA {}", p.epoch, p.epochs, (p.step - 1) % p.steps_per_epoch + 1,
                         p.steps_per_epoch, text(p), time_left(p)));
    last_shown_ = now;
  }
}

}  // namespace fovea::cli
