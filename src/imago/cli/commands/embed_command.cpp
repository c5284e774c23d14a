#include <fmt/format.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/cli/command.h"
#include "imago/cli/line_filter.h"
#include "imago/cli/options.h"
#include "imago/pipelines/sentence_transformer.h"

namespace imago {
namespace {

constexpr size_t kBatchesAtOnce = 8;  // so that texts of one length are computed together, and yet answers come soon

class EmbedCommand final : public cli::Command {
 public:
  std::string name() const override { return "embed"; }
  std::string description() const override {
    return "print the sentence embedding of each line of standard input as a line of JSON";
  }
  std::string example() const override {
    return "printf 'A man is eating.\\nSomeone has a meal.\\n' | imago embed -m all-MiniLM-L6-v2";
  }

  void add_options(cli::Options& options) override {
    options.option("-m,--model", model_, "a folder or Hub id of sentence-transformers, or of any encoder").required();
    options.option("--prompt-name", encode_.prompt_name, "put one of the model's prompts in front of each text");
    options.option("--prompt", encode_.prompt, "put this in front of each text");
    options.flag("--query", query_, "the texts are questions: the model's prompt for them");
    options.flag("--document", document_, "the texts are to be found: the model's prompt for them");
    options.option("--truncate-dim", encode_.truncate_dim, "keep so many numbers of each embedding");
    options.flag("--normalize", encode_.normalize_embeddings, "make embeddings of length one");
    options.option("--batch-size", encode_.batch_size, "texts to compute together").positive();
    options.option("--similarity", similarity_, "print how alike each line is to this text, instead of its embedding");
    options.option("--dtype", dtype_, "compute in this dtype (default: the checkpoint's)");
    options.option("--threads", threads_, "threads to compute on (default: all processors)").positive();
    options.flag("--json", json_, "print each line as an object with its text");
  }

  int run() override {
    if (query_ + document_ + encode_.prompt.has_value() + encode_.prompt_name.has_value() > 1) {
      throw Error(ErrorKind::kInvalidArgument, "embed", "several prompts are asked for",
                  "give one of --prompt, --prompt-name, --query and --document");
    }
    if (threads_ > 0) set_num_threads(threads_);
    PipelineLoadOptions load;
    if (!dtype_.empty()) load.dtype = parse_dtype(dtype_);
    const SentenceTransformer model = SentenceTransformer::from_pretrained(model_, load);
    Tensor other;
    if (similarity_) other = encode(model, {*similarity_});
    cli::filter_line_blocks(
        static_cast<size_t>(encode_.batch_size) * kBatchesAtOnce,
        [&](const std::vector<std::string_view>& lines, size_t) { return answer(model, lines, other); });
    return 0;
  }

 private:
  Tensor encode(const SentenceTransformer& model, const std::vector<std::string>& texts) const {
    if (query_) return model.encode_query(texts, encode_);
    if (document_) return model.encode_document(texts, encode_);
    return model.encode(texts, encode_);
  }

  static Json record(const std::string& text, const char* key, const Json& value) {
    Json object = Json::object();
    object["text"] = text;
    object[key] = value;
    return object;
  }

  std::string answer(const SentenceTransformer& model, const std::vector<std::string_view>& lines,
                     const Tensor& other) const {
    const std::vector<std::string> texts(lines.begin(), lines.end());
    Tensor values = encode(model, texts);
    if (other) values = model.similarity(values, other);
    const std::vector<float> flat = values.to_vector<float>();
    const auto columns = static_cast<size_t>(values.size(1));
    std::string out;
    for (size_t row = 0; row < texts.size(); ++row) {
      const auto begin = flat.begin() + static_cast<ptrdiff_t>(row * columns);
      Json value = other ? Json(*begin) : Json(std::vector<float>(begin, begin + static_cast<ptrdiff_t>(columns)));
      out += dump_json(json_ ? record(texts[row], other ? "similarity" : "embedding", value) : value) + "\n";
    }
    return out;
  }

  std::string model_, dtype_;
  std::optional<std::string> similarity_;
  SentenceEncodeOptions encode_;
  int threads_ = 0;
  bool query_ = false, document_ = false, json_ = false;
};

}  // namespace

void register_embed_command(CommandTable& table) { table.add(std::make_unique<EmbedCommand>()); }

}  // namespace imago
