#include "imago/processors/multimodal/processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/processors/known_keys.h"

namespace imago {

void register_all_processors(ProcessorTable& table);

namespace {

constexpr const char* kFile = "processor_config.json";

const ProcessorTable& processor_table() {
  static const ProcessorTable table = [] {
    ProcessorTable all;
    register_all_processors(all);
    return all;
  }();
  return table;
}

Json read_if_there(const std::string& path) { return std::filesystem::exists(path) ? read_json(path) : Json::object(); }

std::string string_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const ProcessorTable::Entry& find_class(const std::string& folder) {
  std::string name;
  for (const char* file : {kFile, "preprocessor_config.json", "tokenizer_config.json"}) {
    if (name.empty()) name = string_at(read_if_there(folder + "/" + file), "processor_class");
  }
  const std::string type = string_at(read_if_there(folder + "/config.json"), "model_type");
  std::vector<std::string> names;
  for (const ProcessorTable::Entry& entry : processor_table().entries()) {
    if (name.empty() ? entry.model_type == type : entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw Error(ErrorKind::kUnsupported, folder,
              name.empty() ? fmt::format("no processor for the model type \"{}\"", type)
                           : fmt::format("no processor \"{}\"", name),
              fmt::format("there are {}", fmt::join(names, ", ")));
}

Tokenizer without_own_limits(Tokenizer tokenizer) {
  tokenizer.set_padding(std::nullopt);
  tokenizer.set_truncation(std::nullopt);
  return tokenizer;
}

// Where `token` stands in the text, outside of what is somebody else's.
std::vector<size_t> places_of(const std::string& token, const ProcessorText& text) {
  std::vector<size_t> places;
  if (token.empty()) return places;
  for (size_t at = text.text.find(token); at != std::string::npos; at = text.text.find(token, at + token.size())) {
    const auto touches = [&](const ByteRange& r) { return r.begin < at + token.size() && at < r.end; };
    if (std::none_of(text.literal.ranges.begin(), text.literal.ranges.end(), touches)) places.push_back(at);
  }
  return places;
}

}  // namespace

void internal::refuse_processor_keys(const Json& json, std::vector<std::string> unknown) {
  // Bookkeeping, and parts that have readers of their own.
  constexpr std::array kInertKeys = {"processor_class",      "auto_map",      "image_processor",  "video_processor",
                                     "tokenizer_class",      "chat_template", "image_token",      "video_token",
                                     "transformers_version", "tokenizer",     "feature_extractor"};
  std::erase_if(unknown, [&](const std::string& key) { return json.at(key).is_null(); });
  refuse_unknown_keys(std::move(unknown), kInertKeys, kFile);
}

std::unique_ptr<Processor> Processor::from_folder(const std::string& folder) {
  const ProcessorTable::Entry& entry = find_class(folder);
  const ErrorScope scope(folder);
  PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(folder);
  Json config = read_if_there(folder + "/" + kFile);
  const Json around = read_if_there(folder + "/tokenizer_config.json");
  for (const char* key : {"image_token", "video_token"}) {
    if (const std::string token = string_at(around, key); !token.empty()) config[key] = token;
  }
  return entry.make({folder, std::move(config), ImageProcessor::from_folder(folder), std::move(tokenizer)});
}

Processor::Processor(ProcessorParts parts, std::string image_token)
    : parts_(std::move(parts)),
      plain_(without_own_limits(parts_.tokenizer.tokenizer())),
      image_token_(std::move(image_token)) {
  if (const std::string own = string_at(parts_.config, "image_token"); !own.empty()) image_token_ = own;
  image_token_id_ = token_id(image_token_, "pictures");
}

int64_t Processor::token_id(const std::string& token, std::string_view stands_for) const {
  if (const auto id = plain_.token_to_id(token)) return *id;
  throw Error(ErrorKind::kInvalidFile, "tokenizer",
              fmt::format("there is no token \"{}\", which stands for {}", token, stands_for));
}

void Processor::require_features(bool given, std::string_view what) {
  if (given) return;
  throw Error(ErrorKind::kInvalidFile, "preprocessor_config.json", fmt::format("its image processor gives no {}", what),
              "name the class there that the processor goes with");
}

std::string Processor::repeated(const std::string& token, int64_t count) {
  if (count > kMaxImageTokens) {
    throw Error(ErrorKind::kLimitExceeded, kFile,
                fmt::format("a picture or video takes {} tokens, above the limit of {}", count, kMaxImageTokens));
  }
  std::string text;
  for (int64_t i = 0; i < count; ++i) text += token;
  return text;
}

std::vector<int64_t> Processor::encode(const std::string& text, const LiteralText& literal,
                                       bool add_special_tokens) const {
  EncodeOptions options;
  options.add_special_tokens = add_special_tokens;
  if (!literal.ranges.empty()) options.literal = &literal;
  const std::vector<int32_t> ids = plain_.encode_ids(text, options);
  return {ids.begin(), ids.end()};
}

std::vector<int64_t> Processor::row(const ProcessorText& text, const Features& features, const Before& before) const {
  // Each place of a token with its length, and what stands there.
  std::map<size_t, std::pair<size_t, std::string>> places;
  size_t picture = before.pictures, video = before.videos;
  for (const size_t at : places_of(image_token_, text))
    places.emplace(at, std::pair(image_token_.size(), image_text(features.pictures, picture++)));
  for (const size_t at : places_of(video_token(), text))
    places.emplace(at, std::pair(video_token().size(), video_text(features.videos, video++)));
  std::string expanded;
  LiteralText literal = text.literal;
  size_t last = 0;
  for (const auto& [at, place] : places) {
    expanded += text.text.substr(last, at - last);
    last = at + place.first;
    expanded += place.second;
    for (size_t i = 0; i < literal.ranges.size(); ++i) {
      const ByteRange& original = text.literal.ranges[i];
      if (original.begin >= last)
        literal.ranges[i] = {original.begin - last + expanded.size(), original.end - last + expanded.size()};
    }
  }
  expanded += text.text.substr(last);
  return encode(expanded, literal, text.add_special_tokens);
}

void Processor::add_pictures(TensorMap& inputs, ImageFeatures features, std::span<const size_t> /*counts*/) const {
  inputs["pixel_values"] = std::move(features.pixel_values);
}

void Processor::add_videos(TensorMap& inputs, VideoFeatures features) const {
  inputs["pixel_values_videos"] = std::move(features.pixel_values_videos);
  inputs["video_grid_thw"] = std::move(features.video_grid_thw);
}

void Processor::check(std::span<const ProcessorText> texts) const {
  const auto expect = [](const char* what, const std::string& token, size_t places, size_t given) {
    if (places == given) return;
    throw Error(ErrorKind::kInvalidArgument, "processor",
                fmt::format("a text has {} {} tokens \"{}\" and {} {}s", places, what, token, given,
                            std::string_view(what) == "image" ? "picture" : what),
                "write one where each stands");
  };
  for (const ProcessorText& text : texts) {
    expect("image", image_token_, places_of(image_token_, text).size(), text.pictures.size());
    expect("video", video_token(), places_of(video_token(), text).size(), text.videos.size());
  }
}

TensorMap Processor::operator()(std::span<const ProcessorText> texts, bool for_generation) const {
  if (texts.empty()) throw Error(ErrorKind::kInvalidArgument, "processor", "there is no text");
  if (video_token().empty() && std::any_of(texts.begin(), texts.end(), [](const auto& t) { return !t.videos.empty(); }))
    throw Error(ErrorKind::kUnsupported, "processor", "the checkpoint's processor takes no videos");
  check(texts);
  std::vector<Image> pictures;
  std::vector<Video> videos;
  std::vector<size_t> counts;
  for (const ProcessorText& text : texts) {
    pictures.insert(pictures.end(), text.pictures.begin(), text.pictures.end());
    videos.insert(videos.end(), text.videos.begin(), text.videos.end());
    counts.push_back(text.pictures.size());
  }
  Features features;
  if (!pictures.empty()) features.pictures = parts_.image_processor(pictures);
  if (!videos.empty()) features.videos = VideoProcessor::from_folder(parts_.folder)(videos);

  std::vector<std::vector<int64_t>> rows;
  size_t longest = 0;
  Before before;
  for (const ProcessorText& text : texts) {
    rows.push_back(row(text, features, before));
    before.pictures += text.pictures.size();
    before.videos += text.videos.size();
    longest = std::max(longest, rows.back().size());
  }
  const bool left = for_generation || parts_.tokenizer.padding_side() == "left";
  const int64_t fill = parts_.tokenizer.pad_token_id().value_or(0);
  std::vector<int64_t> ids, mask;
  for (const std::vector<int64_t>& r : rows) {
    const size_t padding = longest - r.size();
    if (left) ids.insert(ids.end(), padding, fill), mask.insert(mask.end(), padding, 0);
    ids.insert(ids.end(), r.begin(), r.end());
    mask.insert(mask.end(), r.size(), 1);
    if (!left) ids.insert(ids.end(), padding, fill), mask.insert(mask.end(), padding, 0);
  }
  const Shape shape{std::ssize(rows), static_cast<int64_t>(longest)};
  TensorMap inputs;
  inputs["input_ids"] = Tensor::from(ids, shape);
  inputs["attention_mask"] = Tensor::from(mask, shape);
  if (!pictures.empty()) add_pictures(inputs, std::move(features.pictures), counts);
  if (!videos.empty()) add_videos(inputs, std::move(features.videos));
  return inputs;
}

}  // namespace imago
