#include "imago/tokenizers/legacy/gguf_tokenizer_entries.h"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/gguf_split.h"
#include "imago/tokenizers/legacy/gguf_vocabulary.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago::tokenizers {
namespace {

constexpr const char* kWhere = "gguf tokenizer";
constexpr std::string_view kWordBegin = "\u2581";
using TokenType = GgufVocabulary::TokenType;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::kUnsupported, kWhere, what, "GGUF files have no place for it");
}

std::string own(std::string_view key) { return fmt::format("tokenizer.ggml.{}", key); }

struct Merge {
  std::string left, right;
};

std::vector<Merge> merges_of(const Json& model) {
  std::vector<Merge> merges;
  for (const Json& rule : model.at("merges")) {
    if (rule.is_array()) {
      merges.push_back({rule[0].get<std::string>(), rule[1].get<std::string>()});
    } else {
      const auto text = rule.get<std::string>();
      const size_t space = text.find(' ');
      merges.push_back({text.substr(0, space), text.substr(space + 1)});
    }
    if ((merges.back().left + merges.back().right).find(' ') != std::string::npos) {
      refuse("a merge of tokens with spaces in them");
    }
  }
  return merges;
}

class Writer {
 public:
  Writer(const PretrainedTokenizer& tokenizer, int64_t rows, GgufEntries& entries)
      : tokenizer_(tokenizer), entries_(entries), json_(parse_json(tokenizer.tokenizer().to_json(false), kWhere)) {
    const Tokenizer& plain = tokenizer.tokenizer();
    if (static_cast<int64_t>(plain.id_limit()) > rows) {
      throw Error(ErrorKind::kInvalidArgument, kWhere,
                  fmt::format("{} tokens for a model with {} embeddings", plain.id_limit(), rows));
    }
    for (int64_t id = 0; id < rows; ++id) {
      const auto token = plain.id_to_token(static_cast<int32_t>(id));
      tokens_.push_back(token.value_or(fmt::format("[PAD{}]", id)));
      types_.push_back(token ? TokenType::kNormal : TokenType::kUnused);
    }
    for (const AddedToken& added : plain.added_tokens()) {
      types_[static_cast<size_t>(added.id)] = added.special ? TokenType::kControl : TokenType::kUserDefined;
    }
  }

  void write() {
    const Json& model = json_.at("model");
    const auto type = model.value("type", std::string());
    if (type == "BPE" && model.value("byte_fallback", false)) {
      write_pieces(model);
    } else if (type == "BPE") {
      write_bytes(model);
    } else if (type == "WordPiece") {
      write_words(model);
    } else {
      refuse(fmt::format("a tokenizer of the kind {}", type));
    }
  }

 private:
  const Json& stage(const char* name) const {
    static const Json kNone;
    const auto found = json_.find(name);
    return found == json_.end() ? kNone : *found;
  }

  void write_bytes(const Json& model) {
    const auto name = gguf_split_name(stage("normalizer"), stage("pre_tokenizer"), model.value("ignore_merges", false));
    if (!name) {
      refuse(fmt::format("this way of splitting text: {} and {}", dump_json(stage("normalizer")),
                         dump_json(stage("pre_tokenizer"))));
    }
    entries_.add_text(own("model"), "gpt2");
    entries_.add_text(own("pre"), *name);
    write_vocabulary();
    write_merges(merges_of(model));
    write_ends();
  }

  // As SentencePiece does, readers join the pair whose token has the highest score: the rank of the merge that makes
  // it.
  void write_pieces(const Json& model) {
    entries_.add_text(own("model"), "llama");
    entries_.add_text(own("pre"), "default");
    const bool prefix = check_pieces();
    std::unordered_map<std::string, size_t> rank;
    const std::vector<Merge> merges = merges_of(model);
    for (size_t i = 0; i < merges.size(); ++i) rank.emplace(merges[i].left + merges[i].right, i);
    std::vector<float> scores;
    const auto unknown = model.find("unk_token");
    for (size_t id = 0; id < tokens_.size(); ++id) {
      const std::string& token = tokens_[id];
      const bool is_byte = token.size() == 6 && token.starts_with("<0x") && token.ends_with('>');
      if (is_byte) types_[id] = TokenType::kByte;
      if (unknown != model.end() && *unknown == token) types_[id] = TokenType::kUnknown;
      const auto found = rank.find(token);
      const bool made = found != rank.end() && types_[id] == TokenType::kNormal;
      const auto last = static_cast<float>(merges.size());
      scores.push_back(made ? -static_cast<float>(found->second) : types_[id] == TokenType::kNormal ? -last : 0);
    }
    write_vocabulary();
    entries_.add_numbers(own("scores"), scores);
    write_merges(merges);
    entries_.add_boolean(own("add_space_prefix"), prefix);
    write_ends();
  }

  // Whether texts begin with a space. Spaces become a letter, and nothing else happens to the text.
  bool check_pieces() const {
    const Json &normalizer = stage("normalizer"), &split = stage("pre_tokenizer");
    const Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kWordBegin}};
    const Json prepend = {{"type", "Prepend"}, {"prepend", kWordBegin}};
    const Json both = {{"type", "Sequence"}, {"normalizers", Json::array({prepend, replace})}};
    const Json words = {
        {"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
    if (normalizer.is_null() && split.is_object() && split.at("type") == "Metaspace" && !split.value("split", true)) {
      return split.at("prepend_scheme") != "never";
    }
    if (split.is_null() && normalizer == both) return true;
    const Json only = {{"type", "Sequence"}, {"normalizers", Json::array({replace})}};
    // A split at spaces changes nothing once there are none.
    if ((split.is_null() || split == words) && (normalizer == replace || normalizer == only)) return false;
    refuse("this normalization of text: " + dump_json(normalizer) + " and " + dump_json(split));
  }

  // The format marks the pieces that begin a word, WordPiece those that do not.
  void write_words(const Json& model) {
    const Json& normalizer = stage("normalizer");
    const auto is_set = [&](const char* key, bool missing) {
      const auto found = normalizer.find(key);
      return found == normalizer.end() || found->is_null() ? missing : found->get<bool>();
    };
    const bool known = normalizer.is_object() && normalizer.at("type") == "BertNormalizer" &&
                       is_set("lowercase", false) && is_set("strip_accents", true) && is_set("clean_text", true) &&
                       is_set("handle_chinese_chars", true) && stage("pre_tokenizer").is_object() &&
                       stage("pre_tokenizer").at("type") == "BertPreTokenizer" &&
                       model.value("continuing_subword_prefix", std::string()) == "##";
    if (!known) refuse("words that are not lower-cased and split as BERT's (uncased)");
    for (size_t id = 0; id < tokens_.size(); ++id) {
      std::string& token = tokens_[id];
      if (types_[id] != TokenType::kNormal || (token.starts_with('[') && token.ends_with(']'))) continue;
      token = token.starts_with("##") ? token.substr(2) : std::string(kWordBegin) + token;
    }
    entries_.add_text(own("model"), "bert");
    entries_.add_text(own("pre"), "default");
    write_vocabulary();
    const SpecialTokens& special = tokenizer_.special_tokens();
    const auto cls = tokenizer_.id_of(special.cls_token), sep = tokenizer_.id_of(special.sep_token);
    const std::vector<int32_t>& layout = tokenizer_.tokenizer().parts().layout[0][1];
    if (!cls || !sep || layout != std::vector<int32_t>{*cls, TokenizerParts::kFirst, *sep}) {
      refuse("texts that do not stand between [CLS] and [SEP]");
    }
    entries_.add_integer(own("bos_token_id"), *cls);
    entries_.add_integer(own("eos_token_id"), *sep);
    entries_.add_integer(own("cls_token_id"), *cls);
    entries_.add_integer(own("seperator_token_id"), *sep);  // the format's own spelling
    write_role("unknown_token_id", special.unk_token);
    write_role("padding_token_id", special.pad_token);
    write_role("mask_token_id", special.mask_token);
    entries_.add_boolean(own("add_bos_token"), true);
    entries_.add_boolean(own("add_eos_token"), true);
  }

  void write_vocabulary() {
    std::vector<int32_t> types;
    std::transform(types_.begin(), types_.end(), std::back_inserter(types),
                   [](TokenType type) { return static_cast<int32_t>(type); });
    entries_.add_texts(own("tokens"), tokens_);
    entries_.add_integers(own("token_type"), types);
  }

  void write_merges(const std::vector<Merge>& merges) {
    std::vector<std::string> lines;
    for (const Merge& merge : merges) lines.push_back(merge.left + " " + merge.right);
    entries_.add_texts(own("merges"), lines);
  }

  void write_role(const char* key, const std::optional<std::string>& token) {
    if (const auto id = tokenizer_.id_of(token)) entries_.add_integer(own(key), *id);
  }

  // The tokens that have a part to play, and whether texts begin and end with them.
  void write_ends() {
    const SpecialTokens& special = tokenizer_.special_tokens();
    std::vector<int32_t> layout = tokenizer_.tokenizer().parts().layout[0][1];
    auto first = std::find(layout.begin(), layout.end(), TokenizerParts::kFirst);
    const std::vector<int32_t> before(layout.begin(), first), after(first + 1, layout.end());
    const auto bos = tokenizer_.id_of(special.bos_token), eos = tokenizer_.id_of(special.eos_token);
    const auto is_only = [](const std::vector<int32_t>& ids, const std::optional<int32_t>& id) {
      return ids.empty() || (ids.size() == 1 && id == ids[0]);
    };
    if (!is_only(before, bos) || !is_only(after, eos)) refuse("texts that stand between other tokens than bos and eos");
    write_role("bos_token_id", special.bos_token);
    write_role("eos_token_id", special.eos_token);
    write_role("unknown_token_id", special.unk_token);
    write_role("padding_token_id", special.pad_token);
    entries_.add_boolean(own("add_bos_token"), !before.empty());
    entries_.add_boolean(own("add_eos_token"), !after.empty());
  }

  const PretrainedTokenizer& tokenizer_;
  GgufEntries& entries_;
  const Json json_;
  std::vector<std::string> tokens_;
  std::vector<TokenType> types_;
};

}  // namespace

void add_tokenizer(const PretrainedTokenizer& tokenizer, int64_t rows, GgufEntries& entries) {
  Writer(tokenizer, rows, entries).write();
}

}  // namespace imago::tokenizers
