// Finding a model's folder: on the disk, or in the cache that the Hub's Python client fills.
#pragma once

#include <string>

namespace imago {

// The client's cache folder: HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else hub/ in HF_HOME, else huggingface/hub/ in
// XDG_CACHE_HOME or ~/.cache.
std::string hub_cache_folder();

// Whether text has the form of a Hub id: "name" or "organization/name" of ASCII letters, digits, '-', '_' and '.'.
bool is_hub_id(const std::string& text);

// The folder of a model: `path_or_id` itself where there is such a folder, else the snapshot of that Hub id in the
// cache at `revision`, a branch, a tag or a commit. Nothing is downloaded. Throws Error kNotFound saying where it
// looked, kInvalidArgument for a revision that is not one.
std::string find_model_folder(const std::string& path_or_id, const std::string& revision = "main",
                              const std::string& cache_folder = hub_cache_folder());

}  // namespace imago
