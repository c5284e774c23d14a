#include "imago/cli/story_model.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "imago/base/error.h"

namespace imago {

std::string story_model_folder() {
  namespace fs = std::filesystem;
  std::vector<std::string> places;
  if (const char* assets = std::getenv("IMAGO_ASSETS"); assets != nullptr && *assets != '\0') {
    places.push_back((fs::path(assets) / "story").string());
  } else {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (!error) places.push_back((program.parent_path().parent_path() / "share/imago/story").string());
    places.emplace_back(IMAGO_SOURCE_DIR "/assets/story");
  }
  for (const std::string& place : places) {
    if (fs::exists(fs::path(place) / "config.json")) return place;
  }
  throw Error(ErrorKind::kNotFound, "run", fmt::format("the story model is not in {}", fmt::join(places, " or ")),
              "name a model with -m FOLDER_OR_ID");
}

}  // namespace imago
