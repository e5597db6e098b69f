// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <map>

#include "core/support/did_you_mean.h"
#include "core/support/error.h"

#ifndef FOVEA_VERSION
#error "FOVEA_VERSION is set by cli/CMakeLists.txt"
#endif

namespace fovea::cli {
namespace {

// Adds an option whose text `read` turns into a value.
CLI::Option* add(CLI::App& app, const std::string& name, const std::string& type, const std::string& help,
                 std::function<void(const std::string&)> read) {
  return app.add_option_function<std::string>(name, std::move(read), help)->type_name(type);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

void add_common(CLI::App& app, CommonOptions& common) {
  app.add_flag("--json", common.json, "Print exactly one JSON object on stdout, everything else on stderr");
  app.add_flag("--quiet,-q", common.quiet, "Print results and errors only");
  add(app, "--threads", "N", "Threads on the host; default: every core this process may use",
      [&common](const std::string& text) {
        common.threads = parse_integer("--threads", text, {1, 1024});
      });
  app.set_help_flag("--help,-h", "Print this help and exit");
}

// "fovea bench conv", or of no command "fovea".
std::string full_name(const CLI::App& app, const CLI::App* command) {
  if (command == nullptr || command == &app) return app.get_name();
  return full_name(app, command->get_parent()) + " " + command->get_name();
}

std::string usage_hint(const CLI::App& app, const CLI::App* command) {
  return fmt::format("; see '{} --help'", full_name(app, command));
}

// The command that was given, or the action behind it; null when none was.
CLI::App* given_command(const CLI::App& app) {
  CLI::App* command = nullptr;
  for (auto given = app.get_subcommands(); !given.empty(); given = command->get_subcommands()) command = given[0];
  return command;
}

// What belongs to a command's own work is a mistake before one of its actions, not a wish to be ignored.
void require_unused_before(const CLI::App& app, const CLI::App& action) {
  const CLI::App& command = *action.get_parent();
  if (&command == &app) return;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    const bool common = name == "--json" || name == "--quiet" || name == "--threads";
    require(common || option->count() == 0, [&] {
      return fmt::format("{}: of no use before an action of '{}'{}", name, full_name(app, &command),
                         usage_hint(app, &action));
    });
  }
}

// What was wrong with the command line, in our words.
std::string usage_error(const CLI::App& app, const CLI::App* command, const CLI::ParseError& error,
                        const std::vector<Command>& commands) {
  const std::string hint = usage_hint(app, command);
  const std::vector<std::string> extras = command != nullptr ? command->remaining() : app.remaining();
  if (command == nullptr) {
    std::vector<std::string> names;
    for (const Command& c : commands) names.push_back(c.name);
    if (extras.empty()) return fmt::format("no command given: expected one of {}{}", fmt::join(names, ", "), hint);
    if (extras[0].substr(0, 1) != "-") {
      return fmt::format("unknown command '{}'{}: expected one of {}{}", extras[0], did_you_mean(extras[0], names),
                         fmt::join(names, ", "), hint);
    }
  }
  if (!extras.empty() && extras[0].substr(0, 1) == "-") {
    const std::string name = extras[0].substr(0, extras[0].find('='));
    return fmt::format("unknown option '{}'{}{}", name,
                       did_you_mean(name, option_names(command != nullptr ? *command : app)), hint);
  }
  if (!extras.empty()) return fmt::format("unexpected argument '{}'{}", extras[0], hint);
  const std::string what = error.what(), name = what.substr(0, what.find(':'));
  if (what.find("missing") != std::string::npos) return fmt::format("{}: expected a value, got none{}", name, hint);
  if (what.find("At Most") != std::string::npos) return fmt::format("{}: given more than once{}", name, hint);
  return what + hint;
}

}  // namespace

void Arguments::text(const std::string& name, std::string& value, const std::string& type, const std::string& help,
                     Presence presence) {
  remember(name, ValueKind::text);
  // An empty value is an unset variable of a shell script, not a wish for the default.
  CLI::Option* option = add(app_, name, type, help, [name, &value](const std::string& text) {
    require(!text.empty(), [&] { return fmt::format("{}: expected a value, got ''", name); });
    value = text;
  });
  if (presence == Presence::required) option->required();
  if (!value.empty()) option->default_str(value);
}

void Arguments::texts(const std::string& name, std::vector<std::string>& values, const std::string& help,
                      Presence presence) {
  app_.add_option(name, values, help)->type_name("")->required(presence == Presence::required);
}

void Arguments::list(const std::string& name, std::vector<std::string>& values, const std::string& type,
                     const std::string& help) {
  remember(name, ValueKind::texts);
  const auto read = [name, &values](const std::vector<std::string>& given) {
    for (const std::string& text : given)
      require(!text.empty(), [&] { return fmt::format("{}: expected a value, got ''", name); });
    values = given;
  };
  app_.add_option_function<std::vector<std::string>>(name, read, help)->type_name(type)->allow_extra_args(false);
}

void Arguments::choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
                       const std::string& help) {
  remember(name, ValueKind::text);
  CLI::Option* option = add(app_, name, fmt::format("{}", fmt::join(choices, "|")), help,
                            [name, &value, choices](const std::string& text) {
                              require(std::find(choices.begin(), choices.end(), text) != choices.end(), [&] {
                                return fmt::format("{}: expected {}, got '{}'{}", name, fmt::join(choices, " or "),
                                                   text, did_you_mean(text, choices));
                              });
                              value = text;
                            });
  if (!value.empty()) option->default_str(value);
}

void Arguments::integer(const std::string& name, std::int64_t& value, IntegerLimits limits, const std::string& help) {
  remember(name, ValueKind::integer);
  add(app_, name, "N", help, [name, &value, limits](const std::string& text) {
    value = parse_integer(name, text, limits);
  })->default_str(fmt::format("{}", value));
}

void Arguments::integer(const std::string& name, std::optional<std::int64_t>& value, IntegerLimits limits,
                        const std::string& help) {
  remember(name, ValueKind::integer);
  add(app_, name, "N", help,
      [name, &value, limits](const std::string& text) { value = parse_integer(name, text, limits); });
}

void Arguments::real(const std::string& name, double& value, RealLimits limits, const std::string& help) {
  remember(name, ValueKind::real);
  add(app_, name, "X", help, [name, &value, limits](const std::string& text) {
    value = parse_real(name, text, limits);
  })->default_str(fmt::format("{}", value));
}

void Arguments::real(const std::string& name, std::optional<double>& value, RealLimits limits,
                     const std::string& help) {
  remember(name, ValueKind::real);
  add(app_, name, "X", help,
      [name, &value, limits](const std::string& text) { value = parse_real(name, text, limits); });
}

void Arguments::flag(const std::string& name, bool& value, const std::string& help) {
  remember(name, ValueKind::flag);
  app_.add_flag(name, value, help);
}

void Arguments::recipe(const std::vector<std::string>& names) {
  std::vector<RecipeKey> keys;
  std::map<std::string, CLI::Option*> options;  // by key
  for (const std::string& name : names) {
    const std::string key = name == "NET" ? "net" : name.substr(2);
    keys.push_back({key, kinds_.at(name)});
    options[key] = app_.get_option(name);
  }
  // The parser runs this before it looks for required arguments that are missing.
  add(app_, "--recipe", "FILE", "Take what is not given here from a TOML file of options, such as recipes/*.toml",
      [keys, options](const std::string& path) {
        require(!path.empty(), [] { return std::string("--recipe: expected a file, got ''"); });
        for (const RecipeValue& value : read_recipe(path, keys)) {
          CLI::Option* option = options.at(value.name);
          if (option->count() > 0 || value.texts.empty()) continue;
          try {
            option->add_result(value.texts);
            option->run_callback();
          } catch (const InputError& error) {
            throw InputError(fmt::format("{}: {}", value.place, error.what()));
          }
        }
      });
}

void Arguments::footer(const std::string& text) { app_.footer(text); }

Run parse_command_line(int argc, const char* const* argv, const std::vector<Command>& commands, CommonOptions& common) {
  CLI::App app("Fovea: a CNN framework in C++20 and CUDA.", "fovea");
  add_common(app, common);
  app.set_version_flag("--version", std::string("fovea ") + FOVEA_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Start here:\n"
      "  fovea devices                                   what this machine can use\n"
      "  fovea summary lenet5                            a net, layer by layer\n"
      "  fovea train lenet5 --data digits --epochs 3     train it; no download needed\n"
      "  fovea compare lenet5 --devices reference,emu    prove one device against another\n\n"
      "'fovea COMMAND --help' explains a command with examples.\n"
      "Exit codes: 0 done; 1 a check failed; 2 bad usage or input.");
  std::map<const CLI::App*, Run> runs;
  const std::function<void(CLI::App&, const std::vector<Command>&)> add_commands =
      [&](CLI::App& to, const std::vector<Command>& list) {
        for (const Command& command : list) {
          CLI::App* sub = to.add_subcommand(command.name, command.help);
          Arguments arguments(*sub);
          runs[sub] = command.declare(arguments);
          add_common(*sub, common);
          add_commands(*sub, command.actions);
        }
      };
  add_commands(app, commands);
  const CLI::App* command = nullptr;
  try {
    app.parse(argc, argv);
    command = given_command(app);
    require_unused_before(app, *command);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version);
    return {};
  } catch (const CLI::ParseError& error) {
    throw InputError(usage_error(app, given_command(app), error, commands));
  }
  return runs.at(command);
}

}  // namespace fovea::cli
