
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/line_filter.h"
#include "imago/cli/options.h"
#include "imago/cli/tokenizer_argument.h"

namespace imago {
namespace {

std::vector<int64_t> parse_ids(std::string_view line) {
  const Json json = parse_json(line, "ids");
  if (!json.is_array()) throw Error(ErrorKind::kInvalidArgument, "ids", "it is not a JSON array of token ids");
  std::vector<int64_t> ids;
  ids.reserve(json.size());
  for (const Json& id : json) {
    const bool in_range = id.is_number_integer() && id.get<int64_t>() >= 0 && id.get<int64_t>() <= INT32_MAX;
    if (!in_range) throw Error(ErrorKind::kInvalidArgument, "ids", dump_json(id) + " is no token id");
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

class DetokenizeCommand final : public cli::Command {
 public:
  std::string name() const override { return "detokenize"; }
  std::string description() const override {
    return "print the text of each line of standard input, a JSON array of token ids";
  }
  std::string example() const override { return "echo \"[15496, 995]\" | imago detokenize -m assets/story"; }

  void add_options(cli::Options& options) override {
    options.option("-m,--model", model_, "a checkpoint's folder or Hub id, or a vocabulary file").required();
    options.flag("--skip-special-tokens", skip_special_tokens_, "leave special tokens out");
    options.flag("--json", json_, "print JSON strings, so that texts may hold newlines");
  }

  int run() override {
    const PretrainedTokenizer tokenizer = cli::load_tokenizer(model_);
    cli::filter_lines([&](std::string_view line, std::string& out) {
      const std::string text = tokenizer.decode(parse_ids(line), skip_special_tokens_);
      if (json_) {
        append_json_string(out, text, false);
      } else {
        out += text;
      }
      out += '\n';
    });
    return 0;
  }

 private:
  std::string model_;
  bool skip_special_tokens_ = false, json_ = false;
};

}  // namespace

void register_detokenize_command(CommandTable& table) { table.add(std::make_unique<DetokenizeCommand>()); }

}  // namespace imago
