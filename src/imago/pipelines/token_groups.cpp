#include "imago/pipelines/token_groups.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago {
namespace {

size_t best(const std::vector<float>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

bool has_continuing_prefix(const Tokenizer& tokenizer) {
  const Json json = parse_json(tokenizer.to_json(false), "tokenizer.json");
  const Json prefix = json.at("model").value("continuing_subword_prefix", Json());
  return prefix.is_string() && !prefix.get<std::string>().empty();
}

// "B-PER" begins an entity of PER; labels without a prefix continue one.
bool begins_entity(const std::string& label) { return label.starts_with("B-"); }

std::string_view tag_of(std::string_view label) {
  return label.starts_with("B-") || label.starts_with("I-") ? label.substr(2) : label;
}

std::vector<float> average(const std::vector<TokenScores>& tokens) {
  std::vector<float> sums(tokens[0].scores.size(), 0.0F);
  for (const TokenScores& token : tokens) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += token.scores[i];
  }
  for (float& sum : sums) sum /= static_cast<float>(tokens.size());
  return sums;
}

}  // namespace

AggregationStrategy parse_aggregation_strategy(std::string_view name) {
  if (name == "none") return AggregationStrategy::kNone;
  if (name == "simple") return AggregationStrategy::kSimple;
  if (name == "first") return AggregationStrategy::kFirst;
  if (name == "average") return AggregationStrategy::kAverage;
  if (name == "max") return AggregationStrategy::kMax;
  throw Error(ErrorKind::kInvalidArgument, "token-classification", fmt::format("aggregation_strategy is \"{}\"", name),
              "it is none, simple, first, average or max");
}

TokenGroups::TokenGroups(Tokenizer tokenizer, const std::optional<std::string>& unk_token,
                         std::vector<std::string> labels)
    : tokenizer_(std::move(tokenizer)), labels_(std::move(labels)), marks_subwords_(has_continuing_prefix(tokenizer_)) {
  if (unk_token) unk_id_ = tokenizer_.token_to_id(*unk_token);
}

TokenScores TokenGroups::token(const Encoding& encoding, size_t index, const TextCharacters& text,
                               std::vector<float> scores) const {
  const Offsets place = encoding.offsets[index];
  TokenScores token{encoding.tokens[index], std::move(scores), place.begin, place.end, static_cast<int64_t>(index)};
  const std::string in_text = text.slice(place.begin, place.end);
  if (marks_subwords_) {
    token.is_subword = count_utf8(token.word) != count_utf8(in_text);
  } else {
    // No space between this token and the one before.
    token.is_subword = place.begin > 0 && text.slice(place.begin - 1, place.begin + 1).find(' ') == std::string::npos;
  }
  if (unk_id_ && encoding.ids[index] == *unk_id_) {
    token.word = in_text;
    token.is_subword = false;
  }
  return token;
}

std::vector<Entity> TokenGroups::aggregate(const std::vector<TokenScores>& tokens, AggregationStrategy strategy) const {
  std::vector<Entity> entities;
  if (strategy == AggregationStrategy::kNone || strategy == AggregationStrategy::kSimple) {
    for (const TokenScores& token : tokens) entities.push_back(entity_of(token, token.scores));
  } else {
    std::vector<TokenScores> word;
    for (const TokenScores& token : tokens) {
      if (!word.empty() && !token.is_subword) {
        entities.push_back(entity_of_word(word, strategy));
        word.clear();
      }
      word.push_back(token);
    }
    if (!word.empty()) entities.push_back(entity_of_word(word, strategy));
  }
  return strategy == AggregationStrategy::kNone ? entities : group(entities);
}

Entity TokenGroups::entity_of(const TokenScores& token, const std::vector<float>& scores) const {
  const size_t label = best(scores);
  return {labels_.at(label), scores[label], token.index, token.word, token.start, token.end};
}

Entity TokenGroups::entity_of_word(const std::vector<TokenScores>& word, AggregationStrategy strategy) const {
  const auto surest = std::max_element(word.begin(), word.end(), [](const TokenScores& a, const TokenScores& b) {
    return a.scores[best(a.scores)] < b.scores[best(b.scores)];
  });
  Entity entity = strategy == AggregationStrategy::kAverage ? entity_of(word[0], average(word))
                  : strategy == AggregationStrategy::kMax   ? entity_of(word[0], surest->scores)
                                                            : entity_of(word[0], word[0].scores);
  std::vector<std::string> tokens;
  for (const TokenScores& token : word) tokens.push_back(token.word);
  entity.word = joined(std::move(tokens));
  entity.end = word.back().end;
  return entity;
}

// An entity ends where the tag changes or a B- begins the next.
std::vector<Entity> TokenGroups::group(const std::vector<Entity>& entities) const {
  std::vector<Entity> groups, open;
  for (const Entity& entity : entities) {
    const bool continues =
        !open.empty() && tag_of(entity.label) == tag_of(open.back().label) && !begins_entity(entity.label);
    if (!open.empty() && !continues) {
      groups.push_back(merged(open));
      open.clear();
    }
    open.push_back(entity);
  }
  if (!open.empty()) groups.push_back(merged(open));
  return groups;
}

Entity TokenGroups::merged(const std::vector<Entity>& entities) const {
  Entity group = entities[0];
  const size_t dash = group.label.find('-');
  if (dash != std::string::npos) group.label = group.label.substr(dash + 1);
  double sum = 0;
  std::vector<std::string> words;
  for (const Entity& entity : entities) {
    sum += entity.score;
    words.push_back(entity.word);
  }
  group.score = static_cast<float>(sum / static_cast<double>(entities.size()));
  group.word = joined(std::move(words));
  group.end = entities.back().end;
  return group;
}

std::string TokenGroups::joined(std::vector<std::string> tokens) const {
  const auto& decoder = tokenizer_.parts().decoder;
  if (decoder) decoder->decode(tokens);
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) text += (decoder || i == 0 ? "" : " ") + tokens[i];
  return text;
}

std::vector<Entity> without_overlaps(std::vector<Entity> entities) {
  if (entities.empty()) return entities;
  std::stable_sort(entities.begin(), entities.end(),
                   [](const Entity& a, const Entity& b) { return a.start < b.start; });
  std::vector<Entity> kept = {entities[0]};
  for (const Entity& entity : entities) {
    Entity& last = kept.back();
    if (last.start <= entity.start && entity.start < last.end) {
      const int64_t length = entity.end - entity.start, last_length = last.end - last.start;
      if (length > last_length || (length == last_length && entity.score > last.score)) last = entity;
    } else {
      kept.push_back(entity);
    }
  }
  return kept;
}

}  // namespace imago
