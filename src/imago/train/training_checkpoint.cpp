#include "imago/train/training_checkpoint.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "imago/base/error.h"
#include "imago/io/safetensors.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/train/parallel/sharding.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-", kUnfinished = ".checkpoint-";
constexpr const char* kOptimizerFile = "/optimizer.safetensors";
constexpr const char* kSteps = "step";  // how often each parameter was moved, in their order

[[noreturn]] void throw_errno(const char* what, const std::string& path) {
  throw Error(ErrorKind::kIo, path, fmt::format("cannot {}: {}", what, std::strerror(errno)));
}

void sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_errno("open the folder", folder);
  const int result = ::fsync(descriptor);
  ::close(descriptor);
  if (result != 0) throw_errno("sync the folder", folder);
}

std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc{} || at != end) return std::nullopt;
  return step;
}

// By step, the oldest first.
std::vector<std::pair<int64_t, std::string>> checkpoints(const std::string& output_dir) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(output_dir, none)) {
    if (const auto step = step_of(entry.path().filename()); step && entry.is_directory()) {
      found.emplace_back(*step, entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A folder that is in the way is exchanged in one step, so that there is a checkpoint of this name at every moment.
void put_in_place(const std::string& unfinished, const std::string& folder) {
  if (::renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, folder.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno != EEXIST) throw_errno("rename to", folder);
  if (::renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
    throw_errno("replace", folder);
  }
  fs::remove_all(unfinished);
}

}  // namespace

std::optional<std::string> last_checkpoint(const std::string& output_dir) {
  const auto found = checkpoints(output_dir);
  if (found.empty()) return std::nullopt;
  return found.back().second;
}

std::string checkpoint_folder(const std::string& output_dir, int64_t step) {
  return fmt::format("{}/{}{}", output_dir, kPrefix, step);
}

std::string write_checkpoint_atomically(const std::string& output_dir, int64_t step,
                                        const std::function<void(const std::string& folder)>& fill) {
  const std::string folder = checkpoint_folder(output_dir, step);
  const std::string unfinished = fmt::format("{}/{}{}", output_dir, kUnfinished, step);
  try {
    fs::remove_all(unfinished);
    fs::create_directories(unfinished);
    fill(unfinished);
    sync_folder(unfinished);
    put_in_place(unfinished, folder);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::kIo, folder, error.code().message());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    throw;
  }
  sync_folder(output_dir);
  return folder;
}

void remove_unfinished(const std::string& output_dir) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(output_dir, ignored)) {
    const std::string name = entry.path().filename();
    // "log.jsonl.tmp.123.0", as base/file.cpp calls them
    const size_t mark = name.rfind(".tmp.");
    const bool temporary =
        mark != std::string::npos &&
        name.find_first_not_of("0123456789.", mark + std::string_view(".tmp.").size()) == std::string::npos;
    if (name.starts_with(kUnfinished) || (temporary && entry.is_regular_file())) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove_all(path, ignored);
}

void rotate_checkpoints(const std::string& output_dir, std::optional<int64_t> keep, int64_t best) {
  std::error_code ignored;
  if (!keep) return;
  auto found = checkpoints(output_dir);
  // The best one takes one of the places, as in the reference, but never the newest one's.
  const auto is_best = [&](const auto& each) { return each.first == best; };
  if (const auto at = std::find_if(found.begin(), found.end(), is_best); at != found.end() && at + 1 < found.end()) {
    std::rotate(at, at + 1, found.end() - 1);
    if (*keep == 1) keep = 2;
  }
  const size_t kept = std::min(found.size(), static_cast<size_t>(*keep));
  for (size_t i = 0; i + kept < found.size(); ++i) {
    // Renamed first: a folder that is half removed must not be taken for a checkpoint.
    const std::string hidden = fmt::format("{}/{}{}", output_dir, kUnfinished, found[i].first);
    fs::rename(found[i].second, hidden, ignored);
    fs::remove_all(hidden, ignored);
  }
}

void save_optimizer(const std::string& folder, Optimizer& optimizer, const std::vector<NamedParameter>& parameters,
                    bool writes) {
  NamedTensors tensors;
  std::vector<int64_t> steps;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Optimizer::State& state = optimizer.states().at(i);
    steps.push_back(state.step);
    for (const auto& [name, tensor] : state.tensors) {
      const auto& sharding = parameters[i].sharding;
      Tensor whole = sharding ? sharding->gather(tensor) : contiguous(tensor);
      if (writes) tensors.emplace_back(name + "." + parameters[i].name, std::move(whole));
    }
  }
  if (!writes) return;
  tensors.emplace_back(kSteps, Tensor::from(steps));
  save_safetensors(folder + kOptimizerFile, tensors);
}

void load_optimizer(const std::string& folder, Optimizer& optimizer, const std::vector<NamedParameter>& parameters) {
  const SafetensorsFile file = SafetensorsFile::open(folder + kOptimizerFile);
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::kInvalidFile, folder + kOptimizerFile, what,
                "resume with the model and the arguments that the checkpoint was written with");
  };
  const std::vector<int64_t> steps = file.tensor(kSteps).to_vector<int64_t>();
  if (steps.size() != parameters.size()) {
    refuse(fmt::format("it is of {} parameters, the model has {}", steps.size(), parameters.size()));
  }
  std::map<std::string, size_t, std::less<>> index_of;
  for (size_t i = 0; i < parameters.size(); ++i) {
    index_of[parameters[i].name] = i;
    optimizer.states().at(i) = {.step = steps[i], .tensors = {}};
  }
  for (const std::string& name : file.names()) {
    if (name == kSteps) continue;
    const size_t dot = name.find('.');
    const auto parameter = dot == std::string::npos ? index_of.end() : index_of.find(name.substr(dot + 1));
    if (parameter == index_of.end()) refuse(fmt::format("{} is of no parameter of the model", name));
    const auto& sharding = parameters[parameter->second].sharding;
    const Tensor whole = file.tensor(name);
    optimizer.states()[parameter->second].tensors[name.substr(0, dot)] =
        clone(sharding ? sharding->part(whole) : whole);
  }
}

}  // namespace imago
