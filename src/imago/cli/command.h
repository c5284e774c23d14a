// The commands of the program `imago`: one file each in cli/commands/<name>_command.cpp, found by CMake, which writes a
// table of calls to register_<name>_command(CommandTable&).
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace imago::cli {

class Options;

class Command {
 public:
  virtual ~Command() = default;
  virtual std::string name() const = 0;         // "verify"; "tokenizer train" is a command of a command
  virtual std::string description() const = 0;  // one line
  virtual std::string example() const = 0;      // a line that works
  virtual void add_options(Options& options) = 0;
  virtual int run() = 0;  // the exit status; errors are thrown
};

}  // namespace imago::cli

namespace imago {

class CommandTable {
 public:
  void add(std::unique_ptr<cli::Command> command) { commands_.push_back(std::move(command)); }
  const std::vector<std::unique_ptr<cli::Command>>& commands() const { return commands_; }

 private:
  std::vector<std::unique_ptr<cli::Command>> commands_;
};

// Runs the program: parses the arguments, runs the command, prints errors to standard error. Gives the exit status: 0,
// 1 when the command failed, 2 when the arguments are wrong.
int run_program(int argc, char** argv);

}  // namespace imago
