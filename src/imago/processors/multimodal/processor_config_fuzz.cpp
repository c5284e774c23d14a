// processor_config.json from the Hub: any bytes give a processor or an Error, and a processor gives each picture the
// tokens that its text has for it, or an Error. The first byte chooses the image processor beside it, be it of another
// class: how large pictures become is no business of this file.
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/processors/image/image.h"
#include "imago/processors/multimodal/processor.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace {

void write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

// A folder with all that is around the file: the words of a few letters, and the tokens of every class.
std::string folder_with(const std::string& name, std::string_view image_processor) {
  std::string folder = "/tmp/processor_config_fuzz_" + std::to_string(::getpid()) + "/" + name;
  std::filesystem::create_directories(folder);
  write(folder + "/config.json", R"({"model_type": "llava"})");
  write(folder + "/preprocessor_config.json", image_processor);
  write(folder + "/tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast"})");
  constexpr std::string_view kFlags =
      R"("special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false)";
  write(folder + "/tokenizer.json", fmt::format(R"({{
          "version": "1.0", "pre_tokenizer": {{"type": "Whitespace"}},
          "added_tokens": [{{"id": 3, "content": "<image>", {0}}}, {{"id": 4, "content": "<|image_pad|>", {0}}}],
          "model": {{"type": "WordLevel", "unk_token": "?", "vocab": {{"?": 0, "a": 1, "b": 2}}}}
        }})",
                                                kFlags));
  imago::PretrainedTokenizer::from_folder(folder);  // what is wrong here is no input's fault
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  static const std::array folders = {
      folder_with("clip", R"({"image_processor_type": "CLIPImageProcessor", "do_resize": true,
                              "size": {"height": 8, "width": 8}, "crop_size": {"height": 8, "width": 8}})"),
      folder_with("qwen2_vl", R"({"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 4,
                                  "size": {"shortest_edge": 64, "longest_edge": 320}})"),
      folder_with("idefics3", R"({"image_processor_type": "Idefics3ImageProcessor", "do_image_splitting": true,
                                  "size": {"longest_edge": 16}, "max_image_size": {"longest_edge": 8}})"),
  };
  if (size == 0) return 0;
  const std::string& folder = folders[data[0] % folders.size()];
  try {
    Json config = parse_json({reinterpret_cast<const char*>(data + 1), size - 1}, "processor_config.json");
    if (config.is_object()) config.erase("image_processor");
    write(folder + "/processor_config.json", dump_json(config));
    const auto processor = Processor::from_folder(folder);
    const TensorMap inputs =
        (*processor)({"a " + processor->image_token() + " b", {Image{12, 10, std::vector<uint8_t>(12 * 10 * 3, 99)}}});
    if (inputs.at("input_ids").shape() != inputs.at("attention_mask").shape() || !inputs.contains("pixel_values"))
      std::abort();
  } catch (const Error&) {
  }
  return 0;
}
