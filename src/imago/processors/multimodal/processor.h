// From texts with pictures in them to what a model takes: the reference's processors, which join a tokenizer with an
// image processor and give each picture the tokens that its vectors take.
//
//   const auto processor = imago::AutoProcessor::from_pretrained("path-or-id");   // auto/auto_processor.h
//   imago::TensorMap inputs = (*processor)({{"USER: <image>\nWhat is it? ASSISTANT:", {imago::load_image("a.jpg")}}});
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/nn/model.h"
#include "imago/nn/read_fields.h"
#include "imago/processors/image/image_processor.h"
#include "imago/processors/video/video_processor.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {

struct ProcessorText {
  std::string text;             // with the processor's image token where a picture stands
  std::vector<Image> pictures;  // in that order
  // Parts of the text that are somebody else's: what spells a token in them, also that of a picture, stays text.
  LiteralText literal = {};
  bool add_special_tokens = true;
  std::vector<Video> videos = {};  // of processors that take them: where their video token stands
};

// What a processor is made of.
struct ProcessorParts {
  std::string folder;
  Json config;  // processor_config.json, without the parts of other classes
  ImageProcessor image_processor;
  PretrainedTokenizer tokenizer;
};

class Processor {
 public:
  // By the class that processor_config.json, preprocessor_config.json or tokenizer_config.json names, else by the
  // model_type of config.json. Throws Error kUnsupported, naming the classes there are, and what reading throws.
  static std::unique_ptr<Processor> from_folder(const std::string& folder);
  virtual ~Processor() = default;

  // A row for each text: input_ids and attention_mask [rows, tokens], padded on the tokenizer's side, or on the left
  // where `for_generation` says so; with the pictures and videos under the names that the model has for them. Throws
  // Error kInvalidArgument where a text has not as many image and video tokens as pictures and videos, and
  // kUnsupported for videos where the class takes none.
  TensorMap operator()(std::span<const ProcessorText> texts, bool for_generation = false) const;
  TensorMap operator()(const ProcessorText& text) const { return (*this)({&text, 1}); }

  const PretrainedTokenizer& tokenizer() const { return parts_.tokenizer; }
  const ImageProcessor& image_processor() const { return parts_.image_processor; }
  const std::string& image_token() const { return image_token_; }

 protected:
  // `image_token` is what the class has where the tokenizer says no other.
  Processor(ProcessorParts parts, std::string image_token);

  // Throws Error kInvalidArgument where pictures and texts do not belong together.
  virtual void check(std::span<const ProcessorText> texts) const;
  // What stands in the text in the place of a picture, by its number among those of all texts.
  virtual std::string image_text(const ImageFeatures& features, size_t picture) const = 0;
  // Of classes that take videos: the token, and what stands in the place of one.
  virtual std::string video_token() const { return {}; }
  virtual std::string video_text(const VideoFeatures& /*features*/, size_t /*video*/) const { return {}; }
  struct Features {
    ImageFeatures pictures;
    VideoFeatures videos;
  };
  // How many pictures and videos the texts before have.
  struct Before {
    size_t pictures = 0, videos = 0;
  };
  virtual std::vector<int64_t> row(const ProcessorText& text, const Features& features, const Before& before) const;
  // Puts the pictures into the inputs; `counts` are those of each row.
  virtual void add_pictures(TensorMap& inputs, ImageFeatures features, std::span<const size_t> counts) const;
  virtual void add_videos(TensorMap& inputs, VideoFeatures features) const;

  std::vector<int64_t> encode(const std::string& text, const LiteralText& literal, bool add_special_tokens) const;
  // As text. Throws Error kLimitExceeded above kMaxImageTokens, for which there is no model with positions.
  static constexpr int64_t kMaxImageTokens = int64_t{1} << 18;
  std::string image_tokens(int64_t count) const { return repeated(image_token_, count); }
  static std::string repeated(const std::string& token, int64_t count);
  // Throws Error kInvalidFile unless the image processor, whose class another file names, gives what this class needs.
  static void require_features(bool given, std::string_view what);
  const Json& config() const { return parts_.config; }
  // Throws Error kInvalidFile where the tokenizer does not have it.
  int64_t token_id(const std::string& token, std::string_view stands_for) const;
  int64_t image_token_id() const { return image_token_id_; }

 private:
  ProcessorParts parts_;
  Tokenizer plain_;  // neither pads nor truncates
  std::string image_token_;
  int64_t image_token_id_ = 0;
};

// The classes, each in processors/multimodal/<name>_processor.cpp with a register_<name>_processor(ProcessorTable&),
// which CMake finds.
class ProcessorTable {
 public:
  struct Entry {
    std::string name;        // "LlavaProcessor"
    std::string model_type;  // whose checkpoints it is for where no file names it
    std::function<std::unique_ptr<Processor>(ProcessorParts)> make;
  };

  template <class Class>
  void add(std::string_view name, std::string_view model_type) {
    entries_.push_back({std::string(name), std::string(model_type),
                        [](ProcessorParts parts) { return std::make_unique<Class>(std::move(parts)); }});
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

namespace internal {

// Throws Error kUnsupported for a key of `json` that is not known to leave the inputs alone.
void refuse_processor_keys(const Json& json, std::vector<std::string> unknown);

}  // namespace internal

// The fields of a processor's class out of processor_config.json. Throws Error kUnsupported for a key that is neither
// one of them nor known to leave the inputs alone.
template <HasFields Fields>
Fields processor_fields(const Json& json) {
  Fields fields;
  internal::refuse_processor_keys(json, read_fields(json, fields, "processor_config.json").unknown);
  return fields;
}

}  // namespace imago
