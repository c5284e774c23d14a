#include <algorithm>
#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/processors/processors.h"

namespace imago::tokenizers {
namespace {

struct Piece {
  std::string special_token;  // empty: a sequence
  size_t sequence = 0;
  int32_t type_id = 0;
};

struct SpecialTokens {
  std::vector<int32_t> ids;
  std::vector<std::string> tokens;
};

// Sequences and special tokens in the order that a template gives, one for a single sequence and one for a pair.
class TemplateProcessing final : public PostProcessor {
 public:
  TemplateProcessing(std::vector<Piece> single, std::vector<Piece> pair, std::map<std::string, SpecialTokens> specials)
      : single_(std::move(single)), pair_(std::move(pair)), specials_(std::move(specials)) {}

  size_t added_tokens(bool pair) const override {
    size_t total = 0;
    for (const Piece& piece : pair ? pair_ : single_) {
      if (!piece.special_token.empty()) total += specials_.at(piece.special_token).ids.size();
    }
    return total;
  }

  void process(std::vector<Encoding>& encodings, bool add_special_tokens) const override {
    if (encodings.size() > 2) {
      throw Error(ErrorKind::kUnsupported, "TemplateProcessing",
                  "a template follows another that joined sequences already");
    }
    std::vector<Encoding> result;
    const bool encodings_are_pair = encodings.size() == 2;
    for (const Piece& piece : encodings_are_pair ? pair_ : single_) {
      if (piece.special_token.empty()) {
        if (piece.sequence >= encodings.size()) {
          throw Error(ErrorKind::kInvalidFile, "TemplateProcessing", "the template for one sequence asks for a second");
        }
        Encoding& encoding = encodings[piece.sequence];
        encoding.type_ids.assign(encoding.size(), piece.type_id);
        encoding.set_sequence(piece.sequence);
        // Most templates name each sequence once; then it need not be copied.
        const auto again = [&](const Piece& other) {
          return other.special_token.empty() && other.sequence == piece.sequence;
        };
        const std::vector<Piece>& pieces = encodings_are_pair ? pair_ : single_;
        const bool once = std::count_if(pieces.begin(), pieces.end(), again) == 1;
        result.push_back(once ? std::move(encoding) : encoding);
      } else if (add_special_tokens) {
        const SpecialTokens& special = specials_.at(piece.special_token);
        Encoding encoding;
        for (size_t i = 0; i < special.ids.size(); ++i) {
          encoding.append_special(special.ids[i], special.tokens[i], piece.type_id);
        }
        result.push_back(std::move(encoding));
      }
    }
    encodings = std::move(result);
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("TemplateProcessing");
    write_template(writer, "single", single_);
    write_template(writer, "pair", pair_);
    writer.key("special_tokens");
    writer.begin_object();
    for (const auto& [name, special] : specials_) {
      writer.key(name);
      writer.begin_object();
      writer.member("id", name);
      writer.array("ids", special.ids, [&](int32_t id) { writer.integer(id); });
      writer.array("tokens", special.tokens, [&](const std::string& token) { writer.string(token); });
      writer.end_object();
    }
    writer.end_object();
    writer.end_object();
  }

 private:
  static void write_template(JsonWriter& writer, std::string_view name, const std::vector<Piece>& pieces) {
    writer.array(name, pieces, [&](const Piece& piece) {
      const bool special = !piece.special_token.empty();
      writer.begin_object();
      writer.key(special ? "SpecialToken" : "Sequence");
      writer.begin_object();
      writer.member("id", special ? piece.special_token : piece.sequence == 0 ? "A" : "B");
      writer.member("type_id", piece.type_id);
      writer.end_object();
      writer.end_object();
    });
  }

  std::vector<Piece> single_, pair_;
  std::map<std::string, SpecialTokens> specials_;  // written in this order, too
};

std::vector<Piece> read_template(StageJson& json, std::string_view name) {
  std::vector<Piece> pieces;
  for (const Json* element : json.elements(name)) {
    const Json& entry = *element;
    const bool special = entry.is_object() && entry.contains("SpecialToken");
    const auto body = entry.is_object() ? entry.find(special ? "SpecialToken" : "Sequence") : entry.end();
    if (!entry.is_object() || entry.size() != 1 || body == entry.end() || !body->is_object() || !body->contains("id") ||
        !(*body)["id"].is_string() || !body->contains("type_id")) {
      json.fail("a piece of '" + std::string(name) + "' is neither a Sequence nor a SpecialToken");
    }
    const std::string id = (*body)["id"].get<std::string>();
    Piece piece;
    piece.type_id = to_token_id((*body)["type_id"], json.where());
    if (special) {
      if (id.empty()) json.fail("a special token has no name");
      piece.special_token = id;
    } else {
      if (id != "A" && id != "B") json.fail("the sequence '" + id + "' is neither A nor B");
      piece.sequence = id == "B" ? 1 : 0;
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace

std::unique_ptr<PostProcessor> make_template_processing(StageJson& json) {
  std::map<std::string, SpecialTokens> specials;
  for (const auto& [name, body] : json.object("special_tokens").items()) {
    SpecialTokens special;
    if (!body.is_object() || !body.contains("ids") || !body.contains("tokens") || !body["ids"].is_array() ||
        !body["tokens"].is_array() || body["ids"].size() != body["tokens"].size()) {
      json.fail("the special token '" + name + "' has no ids and tokens of the same number");
    }
    for (const Json& id : body["ids"]) special.ids.push_back(to_token_id(id, json.where()));
    for (const Json& token : body["tokens"]) {
      if (!token.is_string()) json.fail("a token of '" + name + "' is no string");
      special.tokens.push_back(token.get<std::string>());
    }
    specials[name] = std::move(special);
  }
  std::vector<Piece> single = read_template(json, "single"), pair = read_template(json, "pair");
  for (const auto& pieces : {single, pair}) {
    for (const Piece& piece : pieces) {
      if (!piece.special_token.empty() && !specials.contains(piece.special_token)) {
        json.fail("the special token '" + piece.special_token + "' of a template is not described");
      }
    }
  }
  return std::make_unique<TemplateProcessing>(std::move(single), std::move(pair), std::move(specials));
}

}  // namespace imago::tokenizers
