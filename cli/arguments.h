// SPDX-License-Identifier: Apache-2.0
//
// The command line. The one file that includes the parsing library is arguments.cpp.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/numbers.h"
#include "cli/output.h"
#include "cli/recipe.h"
#include "core/ops/fields.h"

namespace CLI {
class App;
}

namespace fovea::cli {

// Declares the arguments of one command. The values must outlive the parse. Names are "--batch" or, for positional
// arguments, "NET".
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}

  void text(const std::string& name, std::string& value, const std::string& type, const std::string& help,
            Presence presence = Presence::optional);
  void texts(const std::string& name, std::vector<std::string>& values, const std::string& help,
             Presence presence = Presence::required);
  // May be given several times, each time with one value.
  void list(const std::string& name, std::vector<std::string>& values, const std::string& type,
            const std::string& help);
  void choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
              const std::string& help);
  void integer(const std::string& name, std::int64_t& value, IntegerLimits limits, const std::string& help);
  void integer(const std::string& name, std::optional<std::int64_t>& value, IntegerLimits limits,
               const std::string& help);
  void real(const std::string& name, double& value, RealLimits limits, const std::string& help);
  void real(const std::string& name, std::optional<double>& value, RealLimits limits, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);
  // --recipe FILE (cli/recipe.h), with values for arguments declared before; "NET" is called net there. What stands on
  // the command line goes first.
  void recipe(const std::vector<std::string>& names);
  // Examples and explanations below the options.
  void footer(const std::string& text);

 private:
  void remember(const std::string& name, ValueKind kind) { kinds_[name] = kind; }

  CLI::App& app_;
  std::map<std::string, ValueKind> kinds_;  // of the arguments declared so far, by name
};

using Run = std::function<int(Output&)>;  // returns the exit code

struct Command {
  std::string name, help;
  std::function<Run(Arguments&)> declare;
  std::vector<Command> actions = {};  // commands of their own behind this one's name: "bench conv"
};

// What every command takes.
struct CommonOptions {
  bool json = false, quiet = false;
  std::int64_t threads = 0;  // 0: every core that this process may use
};

// Parses the command line. Returns what to run, or nothing when help or the version was printed. Throws InputError for
// bad usage, with a did-you-mean.
Run parse_command_line(int argc, const char* const* argv, const std::vector<Command>& commands, CommonOptions& common);

}  // namespace fovea::cli
