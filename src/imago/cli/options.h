// How a command declares what may stand on its command line.
#pragma once

#include <string>
#include <vector>

// CLI11 parses; its header costs every file that includes it many times what the file itself costs, so one file has it.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace imago::cli {

// What more is to be said of one option; each call gives the option itself back.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}
  Option& required();
  Option& positive();  // a number above zero
  Option& one_of(std::vector<std::string> words);
  Option& one_value_each();              // "--stop a --stop b", and not "--stop a b"
  Option& separated_by(char delimiter);  // "a,b" is two values

 private:
  CLI::Option* option_;
};

class Options {
 public:
  explicit Options(CLI::App& app) : app_(&app) {}

  // `name` is "--dtype", "-m,--model", or without dashes what stands at its place. What is not on the command line
  // leaves `value` as it is. Value: std::string, int, int64_t, double, std::vector<std::string>, or std::optional of
  // std::string, int64_t, size_t, float or double (options.cpp lists them).
  template <class Value>
  Option option(const std::string& name, Value& value, const std::string& help);

  // `value` becomes true where the flag is given. std::optional<bool> has a second flag: "--no-sample" makes it false.
  template <class Value>
  void flag(const std::string& name, Value& value, const std::string& help);

 private:
  CLI::App* app_;
};

}  // namespace imago::cli
