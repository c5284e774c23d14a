#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <new>

#include "imago/base/error.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"

namespace imago {

void register_all_commands(CommandTable& table);

namespace {

// "tokenizer train" hangs below "tokenizer", which is made when it is first needed.
CLI::App* add_command(CLI::App& program, const cli::Command& command) {
  CLI::App* parent = &program;
  std::string name = command.name();
  if (const size_t space = name.find(' '); space != std::string::npos) {
    const std::string group = name.substr(0, space);
    const auto groups = program.get_subcommands([&](CLI::App* app) { return app->get_name() == group; });
    parent = groups.empty() ? program.add_subcommand(group, "commands of " + group)->require_subcommand(1) : groups[0];
    name = name.substr(space + 1);
  }
  CLI::App* app = parent->add_subcommand(name, command.description());
  app->footer("Example:\n  " + command.example());
  return app;
}

int run_command(cli::Command& command) {
  try {
    return command.run();
  } catch (const Error& error) {
    fmt::print(stderr, "imago: {}\n", error.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "imago: not enough memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "imago: internal error: {}\n", error.what());
  }
  return 1;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App program("Hub checkpoints in native C++: load, run, train, serve.", "imago");
  program.set_version_flag("--version", IMAGO_VERSION);
  program.require_subcommand(1);
  program.footer("Example:\n  imago run text-generation \"Once upon a time\"");
  CommandTable table;
  register_all_commands(table);
  int status = 0;
  for (const auto& command : table.commands()) {
    CLI::App* app = add_command(program, *command);
    cli::Options options(*app);
    command->add_options(options);
    app->callback([&status, &command] { status = run_command(*command); });
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  return status;
}

}  // namespace imago
