#include <fmt/format.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/cli/command.h"
#include "imago/cli/line_filter.h"
#include "imago/cli/options.h"
#include "imago/pipelines/cross_encoder.h"

namespace imago {
namespace {

constexpr size_t kBatchesAtOnce = 8;  // as in embed
constexpr size_t kMaxInput = size_t{1} << 30;

class RerankCommand final : public cli::Command {
 public:
  std::string name() const override { return "rerank"; }
  std::string description() const override {
    return "print the lines of standard input by their relevance to a query, or the score of each pair of texts";
  }
  std::string example() const override {
    return "imago rerank -m ms-marco-MiniLM-L6-v2 --query \"How many people live in Berlin?\" --top-k 3 < "
           "documents.txt";
  }

  void add_options(cli::Options& options) override {
    options.option("-m,--model", model_, "a cross-encoder's folder or Hub id").required();
    options.option("--query", query_,
                   "what the documents, one per line, are ranked for; without it, lines are two "
                   "texts with a tab between them, and are answered one by one with their scores");
    options.option("--top-k", top_k_, "print only the best").positive();
    options.option("--prompt-name", encode_.prompt_name, "put one of the model's prompts in front of each pair");
    options.option("--prompt", encode_.prompt, "put this in front of each pair");
    options.option("--activation-fn", encode_.activation_fn, "sigmoid, identity, ... (default: the model's)");
    options.flag("--softmax", encode_.apply_softmax,
                 "make the scores of a pair probabilities, where there are several");
    options.option("--batch-size", encode_.batch_size, "pairs to compute together").positive();
    options.option("--dtype", dtype_, "compute in this dtype (default: the checkpoint's)");
    options.option("--threads", threads_, "threads to compute on (default: all processors)").positive();
    options.flag("--json", json_, "print each line as an object with its text");
  }

  int run() override {
    if (threads_ > 0) set_num_threads(threads_);
    PipelineLoadOptions load;
    if (!dtype_.empty()) load.dtype = parse_dtype(dtype_);
    const CrossEncoder model = CrossEncoder::from_pretrained(model_, load);
    if (query_) {
      rank(model);
    } else {
      cli::filter_line_blocks(
          static_cast<size_t>(encode_.batch_size) * kBatchesAtOnce,
          [&](const std::vector<std::string_view>& lines, size_t first) { return score(model, lines, first); });
    }
    return 0;
  }

 private:
  void rank(const CrossEncoder& model) const {
    const std::string input = cli::read_standard_input(kMaxInput);
    std::vector<std::string> documents;
    for (size_t begin = 0; begin < input.size();) {
      const size_t end = std::min(input.find('\n', begin), input.size());
      documents.push_back(input.substr(begin, end - begin));
      begin = end + 1;
    }
    for (const RankedDocument& hit : model.rank(*query_, documents, top_k_, encode_)) {
      const std::string& text = documents[hit.corpus_id];
      if (json_) {
        Json object = Json::object();
        object["corpus_id"] = hit.corpus_id;
        object["score"] = hit.score;
        object["text"] = text;
        fmt::print("{}\n", dump_json(object));
      } else {
        fmt::print("{:.6f}\t{}\n", hit.score, text);
      }
    }
  }

  std::string score(const CrossEncoder& model, const std::vector<std::string_view>& lines, size_t first) const {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const std::string_view line : lines) {
      const size_t tab = line.find('\t');
      if (tab == std::string_view::npos) {
        throw Error(ErrorKind::kInvalidArgument, fmt::format("line {}", first + pairs.size()), "it has no tab",
                    "write two texts with a tab between them, or give --query");
      }
      pairs.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    }
    const std::vector<float> flat = model.predict(pairs, encode_).to_vector<float>();
    const auto labels = static_cast<size_t>(model.num_labels());
    std::string out;
    for (size_t row = 0; row < pairs.size(); ++row) {
      const auto begin = flat.begin() + static_cast<ptrdiff_t>(row * labels);
      Json value = labels == 1 ? Json(*begin) : Json(std::vector<float>(begin, begin + static_cast<ptrdiff_t>(labels)));
      if (json_) {
        Json object = Json::object();
        object["texts"] = std::vector<std::string>{pairs[row].first, pairs[row].second};
        object[labels == 1 ? "score" : "scores"] = value;
        value = object;
      }
      out += dump_json(value) + "\n";
    }
    return out;
  }

  std::string model_, dtype_;
  std::optional<std::string> query_;
  std::optional<size_t> top_k_;
  CrossEncodeOptions encode_;
  int threads_ = 0;
  bool json_ = false;
};

}  // namespace

void register_rerank_command(CommandTable& table) { table.add(std::make_unique<RerankCommand>()); }

}  // namespace imago
