#include <algorithm>
#include <charconv>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/line_filter.h"
#include "imago/cli/options.h"
#include "imago/cli/tokenizer_argument.h"

namespace imago {
namespace {

void append_integer(std::string& out, int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

template <class List, class Append>
void append_array(std::string& out, const List& list, Append append) {
  out += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ", ";
    append(list[i]);
  }
  out += ']';
}

void append_ids(std::string& out, const std::vector<int32_t>& ids) {
  append_array(out, ids, [&](int32_t id) { append_integer(out, id); });
}

void append_tokens(std::string& out, const Encoding& encoding) {
  append_array(out, encoding.tokens, [&](const std::string& token) { append_json_string(out, token, false); });
}

void append_offsets(std::string& out, const Encoding& encoding) {
  append_array(out, encoding.offsets, [&](Offsets offsets) {
    out += '[';
    append_integer(out, offsets.begin);
    out += ", ";
    append_integer(out, offsets.end);
    out += ']';
  });
}

template <class T>
void append_optionals(std::string& out, const std::vector<std::optional<T>>& list) {
  append_array(out, list, [&](const std::optional<T>& value) {
    value ? append_integer(out, static_cast<int64_t>(*value)) : void(out += "null");
  });
}

// Every list of the encoding, under the names that the reference's Encoding has for them.
void append_encoding(std::string& out, const Encoding& encoding) {
  const auto key = [&](std::string_view name) {
    out += out.back() == '{' ? "\"" : ", \"";
    out.append(name).append("\": ");
  };
  const auto append_number = [&](int64_t value) { append_integer(out, value); };
  out += '{';
  key("ids"), append_ids(out, encoding.ids);
  key("type_ids"), append_ids(out, encoding.type_ids);
  key("tokens"), append_tokens(out, encoding);
  key("offsets"), append_offsets(out, encoding);
  key("word_ids"), append_optionals(out, encoding.word_ids);
  key("sequence_ids"), append_optionals(out, encoding.sequence_ids());
  key("special_tokens_mask"), append_array(out, encoding.special_tokens_mask, append_number);
  key("attention_mask"), append_array(out, encoding.attention_mask, append_number);
  key("overflowing");
  append_array(out, encoding.overflowing, [&](const Encoding& window) { append_encoding(out, window); });
  out += '}';
}

// One line of --jsonl: a text, or words that are split already.
struct Request {
  std::string text;
  std::optional<std::vector<std::string>> words;
  std::optional<std::string> pair;
  std::optional<bool> add_special_tokens;
};

Request parse_request(std::string_view line) {
  const Json json = parse_json(line, "request");
  if (!json.is_object()) throw Error(ErrorKind::kInvalidArgument, "request", "it is not a JSON object");
  Request request;
  bool has_text = false;
  const auto are_strings = [](const Json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_string(); });
  };
  for (const auto& [key, value] : json.items()) {
    const bool is_text = key == "text" && value.is_string();
    if (is_text) {
      request.text = value.get<std::string>();
      has_text = true;
    } else if (key == "words" && are_strings(value)) {
      request.words = value.get<std::vector<std::string>>();
    } else if (key == "pair" && (value.is_string() || value.is_null())) {
      if (value.is_string()) request.pair = value.get<std::string>();
    } else if (key == "add_special_tokens" && value.is_boolean()) {
      request.add_special_tokens = value.get<bool>();
    } else {
      throw Error(ErrorKind::kInvalidArgument, "request", "\"" + key + "\" is unknown or of the wrong kind",
                  R"(give {"text": "...", "pair": "...", "add_special_tokens": true} or {"words": ["..."]})");
    }
  }
  if (has_text == request.words.has_value()) {
    throw Error(ErrorKind::kInvalidArgument, "request", "there is not one of \"text\" and \"words\"");
  }
  return request;
}

class TokenizeCommand final : public cli::Command {
 public:
  std::string name() const override { return "tokenize"; }
  std::string description() const override {
    return "print the tokens of each line of standard input as a line of JSON";
  }
  std::string example() const override { return "echo \"Hello world\" | imago tokenize -m assets/story --tokens"; }

  void add_options(cli::Options& options) override {
    options.option("-m,--model", model_, "a checkpoint's folder or Hub id, or a vocabulary file").required();
    options.flag("--ids", ids_, "print token ids (the default)");
    options.flag("--tokens", tokens_, "print tokens as the vocabulary spells them");
    options.flag("--offsets", offsets_,
                 "print where tokens come from: characters [begin, end); of several flags, lines are objects");
    options.flag("--encoding", encoding_, "print all that is known of the tokens, as an object");
    options.flag("--json", json_, "print JSON, which is what lines always are");
    options.flag(
        "--jsonl", jsonl_,
        R"(lines are objects {"text": "...", "pair": "...", "add_special_tokens": true} or {"words": ["..."]})");
    options.flag("--no-special-tokens", no_special_tokens_, "add no tokens that the text does not have");
  }

  int run() override {
    if (!tokens_ && !offsets_) ids_ = true;
    const PretrainedTokenizer pretrained = cli::load_tokenizer(model_);
    const Tokenizer& tokenizer = pretrained.tokenizer();
    cli::filter_lines([&](std::string_view line, std::string& out) {
      const Request request = jsonl_ ? parse_request(line) : Request{.text = std::string(line)};
      EncodeOptions options;
      options.add_special_tokens = request.add_special_tokens.value_or(!no_special_tokens_);
      if (request.pair) options.pair = *request.pair;
      append_answer(tokenizer, request, options, out);
    });
    return 0;
  }

 private:
  void append_answer(const Tokenizer& tokenizer, const Request& request, const EncodeOptions& options,
                     std::string& out) const {
    const bool object = ids_ + tokens_ + offsets_ > 1;
    if (!encoding_ && !tokens_ && !offsets_ && !request.words) {
      append_ids(out, tokenizer.encode_ids(request.text, options));
      out += '\n';
      return;
    }
    const Encoding encoding =
        request.words ? tokenizer.encode_words(*request.words, options) : tokenizer.encode(request.text, options);
    if (encoding_) {
      append_encoding(out, encoding);
    } else {
      const char* separator = "{";
      const auto begin_list = [&](std::string_view key) {
        if (!object) return;
        out.append(separator).append("\"").append(key).append("\": ");
        separator = ", ";
      };
      if (ids_) begin_list("ids"), append_ids(out, encoding.ids);
      if (tokens_) begin_list("tokens"), append_tokens(out, encoding);
      if (offsets_) begin_list("offsets"), append_offsets(out, encoding);
      if (object) out += '}';
    }
    out += '\n';
  }

  std::string model_;
  bool ids_ = false, tokens_ = false, offsets_ = false, encoding_ = false, json_ = false, jsonl_ = false,
       no_special_tokens_ = false;
};

}  // namespace

void register_tokenize_command(CommandTable& table) { table.add(std::make_unique<TokenizeCommand>()); }

}  // namespace imago
