// Tasks in one line: text in, answers out, with any checkpoint of the right kind.
//
//   auto pipe = imago::pipeline("fill-mask", "path-or-id");
//   auto out = pipe("Paris is the [MASK] of France.", {{"top_k", 3}});
//   std::cout << out[0]["token_str"].text() << " " << out[0]["score"].number() << "\n";
//
// Tasks, options and the keys of answers are named as in the reference's pipelines.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "imago/base/json.h"
#include "imago/tensor/dtype.h"

namespace imago {

// What an option can be set to: nothing (nullptr), a truth value, a number, a text, or a list of texts or numbers.
class OptionValue {
 public:
  using Value =
      std::variant<std::nullptr_t, bool, int64_t, double, std::string, std::vector<std::string>, std::vector<double>>;

  OptionValue(std::nullptr_t)
      : value_(nullptr) {}  // NOLINT(google-explicit-constructor): values convert, here and below
  OptionValue(const char* text) : value_(std::string(text)) {}               // NOLINT(google-explicit-constructor)
  OptionValue(std::string text) : value_(std::move(text)) {}                 // NOLINT(google-explicit-constructor)
  OptionValue(std::vector<std::string> texts) : value_(std::move(texts)) {}  // NOLINT(google-explicit-constructor)
  OptionValue(std::vector<double> numbers) : value_(std::move(numbers)) {}   // NOLINT(google-explicit-constructor)
  template <class Number>
  requires std::is_arithmetic_v<Number> OptionValue(Number number) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::is_same_v<Number, bool>) {
      value_ = number;
    } else if constexpr (std::is_integral_v<Number>) {
      value_ = static_cast<int64_t>(number);
    } else {
      value_ = static_cast<double>(number);
    }
  }

  const Value& value() const { return value_; }

 private:
  Value value_;
};

using PipelineOptions = std::map<std::string, OptionValue>;

struct Audio;
struct Image;

// A picture, or the file that it is read from.
struct PictureInput {
  std::string file;
  std::shared_ptr<const Image> image;

  PictureInput(const char* path) : file(path) {}             // NOLINT(google-explicit-constructor)
  PictureInput(std::string path) : file(std::move(path)) {}  // NOLINT(google-explicit-constructor)
  PictureInput(Image picture);                               // NOLINT(google-explicit-constructor)
};

// A part of a message: a picture, a video as the pictures that it shows one after the other, or a text.
struct ChatContent {
  std::string text;
  std::optional<PictureInput> picture;
  std::vector<PictureInput> video = {};

  static ChatContent of_text(std::string text) { return {std::move(text), {}}; }
  static ChatContent of_picture(PictureInput picture) { return {{}, std::move(picture)}; }
  static ChatContent of_video(std::vector<PictureInput> pictures) { return {{}, {}, std::move(pictures)}; }
};

// The pictures of a video that was cut into files: those of the folder, in the order of their names. Throws Error
// kUnsupported, saying what to do, for a file: videos are not decoded; and kNotFound for a folder without pictures.
std::vector<PictureInput> video_pictures(const std::string& folder);

// Its content is a text, or where there are any its parts.
struct ChatMessage {
  std::string role, content = {};
  std::vector<ChatContent> parts = {};
};

// One input: a text, a text with a second one or with pictures, a conversation, a picture or a sound.
struct PipelineInput {
  std::string text;                      // of tasks on pictures and sounds the path of a file
  std::optional<std::string> text_pair;  // of question-answering the context
  std::vector<ChatMessage> messages;
  std::vector<PictureInput> pictures;  // of image-text-to-text: what the image tokens in `text` stand for
  std::shared_ptr<const Image> image;
  std::shared_ptr<const Audio> audio;

  PipelineInput(const char* one_text) : text(one_text) {}                      // NOLINT(google-explicit-constructor)
  PipelineInput(std::string one_text) : text(std::move(one_text)) {}           // NOLINT(google-explicit-constructor)
  PipelineInput(std::vector<ChatMessage> chat) : messages(std::move(chat)) {}  // NOLINT(google-explicit-constructor)

  static PipelineInput pair(std::string first, std::string second);
  static PipelineInput picture(Image image);
  static PipelineInput with_pictures(std::string text, std::vector<PictureInput> pictures);
  static PipelineInput sound(Audio audio);
};

// What a pipeline counted while it worked.
struct PipelineStatistics {
  int64_t input_tokens = 0;      // padding left out
  int64_t generated_tokens = 0;  // of tasks that generate
};

// An answer: a list, an object, a text or a number, whose parts are answers too. Cheap to copy.
class PipelineOutput {
 public:
  PipelineOutput(Json value, PipelineStatistics statistics);

  size_t size() const;  // of a list or an object; 1 of anything else
  // A part of it. Throws Error kNotFound, naming what there is.
  PipelineOutput operator[](size_t index) const;
  PipelineOutput operator[](std::string_view key) const;

  // Throw Error kInvalidArgument where the value is of another kind.
  std::string text() const;
  double number() const;
  bool is_null() const;

  // As JSON, on one line where indent < 0; value() is for code that looks inside.
  std::string json(int indent = -1) const;
  const Json& value() const { return *value_; }
  const PipelineStatistics& statistics() const { return statistics_; }

 private:
  PipelineOutput(std::shared_ptr<const Json> root, const Json* value, PipelineStatistics statistics)
      : root_(std::move(root)), value_(value), statistics_(statistics) {}

  std::shared_ptr<const Json> root_;  // keeps value_ alive
  const Json* value_;
  PipelineStatistics statistics_;
};

struct PipelineHooks {
  // Text of input i as it is generated, in pieces that never split a character. Not called for beams and for several
  // sequences of one input, which are only known at the end.
  std::function<void(size_t input, std::string_view piece)> on_text;
};

struct PipelineLoadOptions {
  std::string revision = "main";           // of a Hub id
  std::optional<DType> dtype;              // none keeps the checkpoint's
  std::vector<std::string> adapters = {};  // folders in PEFT's format, all of which the model computes with
};

class PipelineTask;

// A task with its model. Cheap to copy: copies share the model.
class Pipeline {
 public:
  explicit Pipeline(std::shared_ptr<const PipelineTask> task) : task_(std::move(task)) {}

  // The answer to one input, or the list of answers to several. `options` are the task's; an unknown one is refused
  // by name. Of several inputs, batch_size (default 1) are computed together. Throws Error.
  PipelineOutput operator()(const PipelineInput& input, const PipelineOptions& options = {},
                            const PipelineHooks& hooks = {}) const;
  PipelineOutput operator()(const std::vector<PipelineInput>& inputs, const PipelineOptions& options = {},
                            const PipelineHooks& hooks = {}) const;

 private:
  std::shared_ptr<const PipelineTask> task_;
};

// Loads the model for the task ("fill-mask", ...) from a folder or a Hub id. Throws Error kUnsupported, naming the
// tasks there are, and what loading throws.
Pipeline pipeline(std::string_view task, const std::string& path_or_id, const PipelineLoadOptions& options = {});

// The names of the tasks, for help texts.
std::vector<std::string> pipeline_tasks();

}  // namespace imago
