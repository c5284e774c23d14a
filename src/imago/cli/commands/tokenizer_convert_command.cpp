#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/cli/tokenizer_argument.h"

namespace imago {
namespace {

class TokenizerConvertCommand final : public cli::Command {
 public:
  std::string name() const override { return "tokenizer convert"; }
  std::string description() const override {
    return "save the tokenizer of a folder with older vocabulary files as tokenizer.json";
  }
  std::string example() const override { return "imago tokenizer convert ./bert-base-uncased tokenizer.json"; }

  void add_options(cli::Options& options) override {
    options
        .option("model", model_,
                "a checkpoint's folder or Hub id, or one file: tokenizer.json, vocab.txt, a SentencePiece .model, "
                ".tiktoken or .gguf")
        .required();
    options.option("output", output_, "the tokenizer.json to write").required();
  }

  int run() override {
    cli::load_tokenizer(model_).tokenizer().save(output_);
    return 0;
  }

 private:
  std::string model_, output_;
};

}  // namespace

void register_tokenizer_convert_command(CommandTable& table) { table.add(std::make_unique<TokenizerConvertCommand>()); }

}  // namespace imago
