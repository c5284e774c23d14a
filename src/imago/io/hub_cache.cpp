#include "imago/io/hub_cache.h"

#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/quote.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere = "hub cache";
constexpr size_t kMaxNameSize = 96;
constexpr int64_t kMaxRefBytes = 4096;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::string home_folder() {
  if (const char* home = std::getenv("HOME")) return home;
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_dir : "~";
}

// Python's expanduser (of one's own home) and expandvars.
std::string expand(std::string path) {
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, home_folder());
  std::string expanded;
  for (size_t i = 0; i < path.size();) {
    const bool braces = path.compare(i, 2, "${") == 0;
    const size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (path[i] == '$' && end < path.size() && is_word(path[end])) ++end;
    const size_t behind = end + (braces ? 1 : 0);
    const bool closed = !braces || (end < path.size() && path[end] == '}');
    const char* value = nullptr;
    if (path[i] == '$' && end > begin && closed) value = std::getenv(path.substr(begin, end - begin).c_str());
    if (value == nullptr) {
      expanded += path[i++];
    } else {
      expanded += value;
      i = behind;
    }
  }
  return expanded;
}

bool is_hub_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameSize && is_word(name.front()) && is_word(name.back()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

// Branches and tags may have slashes ("refs/pr/3"), but no part that leads elsewhere.
void check_revision(const std::string& revision) {
  std::string_view rest = revision;
  bool valid = revision.size() <= 255;
  while (valid) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    valid = !part.empty() && !part.starts_with('.') &&
            std::all_of(part.begin(), part.end(), [](char c) { return c > ' ' && c != '\\' && c != '\x7f'; });
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (!valid) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} is not a revision", quote(revision)),
                "give a branch, a tag or a commit, such as main");
  }
}

// The commit that a branch or tag stood for when it was downloaded.
std::optional<std::string> commit_of(const std::string& repository, const std::string& revision) {
  const std::string path = repository + "/refs/" + revision;
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  std::string commit = read_file(path, kMaxRefBytes);
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == '\r' || commit.back() == ' ')) commit.pop_back();
  if (commit.empty() || commit == "." || commit == ".." || commit.find('/') != std::string::npos) {
    throw Error(ErrorKind::kInvalidFile, kWhere,
                fmt::format("{} holds {}, which is not a commit", path, quote(commit)));
  }
  return commit;
}

std::string list_snapshots(const std::string& repository) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(repository + "/snapshots", ignored)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list.empty() ? "none" : list;
}

std::string repository_folder(const std::string& id, const std::string& cache_folder) {
  std::string name = "models--" + id;
  if (const size_t slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "--");
  return cache_folder + "/" + name;
}

}  // namespace

std::string hub_cache_folder() {
  if (const char* folder = std::getenv("HF_HUB_CACHE")) return expand(folder);
  if (const char* folder = std::getenv("HUGGINGFACE_HUB_CACHE")) return expand(folder);
  if (const char* home = std::getenv("HF_HOME")) return expand(home) + "/hub";
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  return expand(xdg != nullptr ? xdg : "~/.cache") + "/huggingface/hub";
}

bool is_hub_id(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string_view view = text;
  const bool valid = slash == std::string::npos
                         ? is_hub_name(view)
                         : is_hub_name(view.substr(0, slash)) && is_hub_name(view.substr(slash + 1));
  return valid && text.find("--") == std::string::npos && text.find("..") == std::string::npos &&
         !text.ends_with(".git");
}

std::string find_model_folder(const std::string& path_or_id, const std::string& revision,
                              const std::string& cache_folder) {
  std::error_code ignored;
  if (fs::is_directory(path_or_id, ignored)) return path_or_id;
  if (!is_hub_id(path_or_id)) {
    throw Error(ErrorKind::kNotFound, kWhere,
                fmt::format("{} is neither a folder nor the id of a model", quote(path_or_id)),
                "give a folder, or an id such as organization/name");
  }
  check_revision(revision);
  const std::string repository = repository_folder(path_or_id, cache_folder);
  const std::string hint = fmt::format("download it with: hf download {}{}", path_or_id,
                                       revision == "main" ? "" : " --revision " + revision);
  if (!fs::is_directory(repository, ignored)) {
    throw Error(ErrorKind::kNotFound, kWhere,
                fmt::format("{} is not a folder here, and the Hub's cache has no {}", quote(path_or_id), repository),
                hint);
  }
  const std::string snapshot = repository + "/snapshots/" + commit_of(repository, revision).value_or(revision);
  if (!fs::is_directory(snapshot, ignored)) {
    throw Error(ErrorKind::kNotFound, kWhere,
                fmt::format("{} is in the Hub's cache without revision {}: looked for {}/refs/{} and {}; there are the "
                            "snapshots {}",
                            path_or_id, quote(revision), repository, revision, snapshot, list_snapshots(repository)),
                hint);
  }
  return snapshot;
}

}  // namespace imago
