#include "imago/tokenizers/models/unigram.h"

#include <algorithm>
#include <limits>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/models/word_cache.h"

namespace imago::tokenizers {

struct UnigramScratch : ModelScratch {
  // The best way to cut the text up to a byte.
  struct Node {
    double score;
    uint32_t begin;  // of its last token; kUnreached when there is none
    int32_t id;
  };
  static constexpr uint32_t kUnreached = UINT32_MAX;

  WordCache cache;
  std::vector<Node> nodes;
  std::vector<ModelToken> tokens, found;
  std::vector<int32_t> ids;
};

namespace {

constexpr double kUnkPenalty = 10.0;
constexpr uint8_t kPlain = 1;  // every token is the text it stands for

}  // namespace

Unigram::Unigram(const std::vector<Piece>& pieces, std::optional<int32_t> unk_id, bool byte_fallback)
    : unk_id_(unk_id), byte_fallback_(byte_fallback) {
  if (unk_id && (pieces.empty() || *unk_id < 0 || static_cast<size_t>(*unk_id) >= pieces.size())) {
    throw Error(ErrorKind::kInvalidFile, "Unigram", "unk_id " + std::to_string(*unk_id) + " is not in the vocabulary");
  }
  scores_.reserve(pieces.size());
  vocabulary_.reserve(pieces.size(), pieces.size() * 8);
  double min_score = std::numeric_limits<double>::infinity();
  for (size_t id = 0; id < pieces.size(); ++id) {
    const std::string_view text = pieces[id].text;
    const int32_t before = vocabulary_.find(text);
    if (before != Vocabulary::kNone) repeated_.emplace(before, text);
    vocabulary_.add(text, static_cast<int32_t>(id));
    scores_.push_back(pieces[id].score);
    min_score = std::min(min_score, pieces[id].score);
    longest_.add(text);
  }
  unk_score_ = min_score - kUnkPenalty;
  constexpr char kHex[] = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    bytes_[byte] = vocabulary_.find(std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">");
  }
}

std::unique_ptr<ModelScratch> Unigram::make_scratch() const { return std::make_unique<UnigramScratch>(); }

void Unigram::viterbi(std::string_view piece, UnigramScratch& scratch) const {
  const auto size = static_cast<uint32_t>(piece.size());
  scratch.nodes.assign(piece.size() + 1, {0.0, UnigramScratch::kUnreached, 0});
  const auto offer = [&](uint32_t begin, uint32_t end, int32_t id, double score) {
    UnigramScratch::Node& node = scratch.nodes[end];
    if (node.begin == UnigramScratch::kUnreached || score > node.score) node = {score, begin, id};
  };
  for (uint32_t begin = 0; begin < size;) {
    const std::string_view rest = piece.substr(begin);
    const auto character = static_cast<uint32_t>(decode_utf8(rest).size);
    const double score = scratch.nodes[begin].score;
    const uint32_t longest = std::min<uint32_t>(size - begin, longest_.find(rest));
    bool has_character = false;
    for (uint32_t length = character; length <= longest;) {
      const int32_t id = vocabulary_.find(rest.substr(0, length));
      if (id != Vocabulary::kNone) {
        offer(begin, begin + length, id, scores_[static_cast<size_t>(id)] + score);
        has_character = has_character || length == character;
      }
      do {
        ++length;
      } while (length < rest.size() && (static_cast<unsigned char>(rest[length]) & 0xC0) == 0x80);
    }
    if (!has_character) {
      if (!unk_id_) {
        throw Error(ErrorKind::kInvalidFile, "Unigram", "the text has an unknown character, and there is no unk_id");
      }
      offer(begin, begin + character, *unk_id_, unk_score_ + score);
    }
    begin += character;
  }
}

void Unigram::add_unknown(std::string_view piece, uint32_t begin, uint32_t end, UnigramScratch& scratch) const {
  const std::string_view text = piece.substr(begin, end - begin);
  // Several unknown characters together may spell a token.
  const int32_t whole = vocabulary_.find(text);
  if (whole != Vocabulary::kNone) {
    scratch.tokens.push_back({whole, begin, end});
    return;
  }
  const bool in_bytes = byte_fallback_ && std::all_of(text.begin(), text.end(), [&](char byte) {
                          return bytes_[static_cast<unsigned char>(byte)] != Vocabulary::kNone;
                        });
  if (!in_bytes) {
    scratch.tokens.push_back({*unk_id_, begin, end});
    return;
  }
  for (char byte : text) scratch.tokens.push_back({bytes_[static_cast<unsigned char>(byte)], begin, end});
}

// Leaves the tokens of the piece in scratch.tokens.
void Unigram::cut(std::string_view piece, UnigramScratch& scratch) const {
  viterbi(piece, scratch);
  // Back to front: the ranges first, unknown neighbours joined.
  std::vector<ModelToken>& tokens = scratch.tokens;
  tokens.clear();
  for (auto end = static_cast<uint32_t>(piece.size()); end > 0;) {
    const UnigramScratch::Node& node = scratch.nodes[end];
    const bool unknown = unk_id_ == node.id;
    if (unknown && !tokens.empty() && unk_id_ == tokens.back().id) {
      tokens.back().begin = node.begin;
    } else {
      tokens.push_back({node.id, node.begin, end});
    }
    end = node.begin;
  }
  std::reverse(tokens.begin(), tokens.end());
  if (!unk_id_ || std::none_of(tokens.begin(), tokens.end(), [&](const auto& token) { return token.id == *unk_id_; })) {
    return;
  }
  const std::vector<ModelToken> ranges = std::move(tokens);
  tokens.clear();
  for (const ModelToken& range : ranges) {
    if (range.id == *unk_id_) {
      add_unknown(piece, range.begin, range.end, scratch);
    } else {
      tokens.push_back(range);
    }
  }
}

void Unigram::tokenize(std::string_view piece, ModelScratch& base, std::vector<ModelToken>& tokens) const {
  if (piece.empty()) return;
  auto& scratch = static_cast<UnigramScratch&>(base);
  WordCache::Entry* entry = nullptr;
  if (WordCache::fits(piece)) {
    bool found = false;
    entry = &scratch.cache.find(piece, found);
    if (found && (entry->flags & kPlain)) {
      uint32_t begin = 0;
      for (size_t i = 0; i < entry->count; ++i) {
        const uint32_t end = begin + static_cast<uint32_t>(vocabulary_.token(entry->ids[i]).size());
        tokens.push_back({entry->ids[i], begin, end});
        begin = end;
      }
      return;
    }
  }
  cut(piece, scratch);
  tokens.insert(tokens.end(), scratch.tokens.begin(), scratch.tokens.end());
  if (entry == nullptr || scratch.tokens.size() > WordCache::kMaxTokens) return;
  scratch.ids.clear();
  bool plain = true;
  for (const ModelToken& token : scratch.tokens) {
    scratch.ids.push_back(token.id);
    plain = plain && vocabulary_.token(token.id) == piece.substr(token.begin, token.end - token.begin);
  }
  WordCache::put(*entry, piece.size(), scratch.ids, plain ? kPlain : 0);
}

void Unigram::tokenize_ids(std::string_view piece, ModelScratch& base, std::vector<int32_t>& ids) const {
  if (piece.empty()) return;
  auto& scratch = static_cast<UnigramScratch&>(base);
  if (WordCache::fits(piece)) {
    bool found = false;
    const WordCache::Entry& entry = scratch.cache.find(piece, found);
    if (found) {
      ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
      return;
    }
  }
  scratch.found.clear();
  tokenize(piece, base, scratch.found);
  for (const ModelToken& token : scratch.found) ids.push_back(token.id);
}

void Unigram::write_json(JsonWriter& writer) const {
  writer.begin_stage("Unigram");
  if (unk_id_) {
    writer.member("unk_id", *unk_id_);
  } else {
    writer.null_member("unk_id");
  }
  std::vector<size_t> ids(scores_.size());
  for (size_t id = 0; id < ids.size(); ++id) ids[id] = id;
  writer.array("vocab", ids, [&](size_t id) {
    writer.begin_array();
    writer.element();
    const auto repeated = repeated_.find(static_cast<int32_t>(id));
    writer.string(repeated != repeated_.end() ? std::string_view(repeated->second)
                                              : vocabulary_.token(static_cast<int32_t>(id)));
    writer.element();
    writer.number(scores_[id]);
    writer.end_array();
  });
  writer.member("byte_fallback", byte_fallback_);
  writer.end_object();
}

}  // namespace imago::tokenizers
