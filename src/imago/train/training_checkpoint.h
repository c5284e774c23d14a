// Checkpoints of a training run: folders `checkpoint-<step>` that hold all that going on needs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "imago/train/optimizer.h"
#include "imago/train/trainable_parameters.h"

namespace imago {

// The folder of the latest checkpoint below `output_dir`, if there is one.
std::optional<std::string> last_checkpoint(const std::string& output_dir);

// Makes the folder `output_dir`/checkpoint-<step> appear whole, or not at all, whenever the process ends: `fill` writes
// into a hidden folder beside it, which is synced and renamed. One that is there is replaced. Throws Error kIo, and
// what `fill` throws; the hidden folder is removed then.
std::string write_checkpoint_atomically(const std::string& output_dir, int64_t step,
                                        const std::function<void(const std::string& folder)>& fill);

// `output_dir`/checkpoint-<step>
std::string checkpoint_folder(const std::string& output_dir, int64_t step);

// Removes what a process that was killed left unfinished below `output_dir`: hidden folders, and the temporaries of
// files that were being written.
void remove_unfinished(const std::string& output_dir);

// Removes the oldest checkpoints beyond the newest `keep`, but the one of step `best`.
void rotate_checkpoints(const std::string& output_dir, std::optional<int64_t> keep, int64_t best = 0);

// The optimizer's state of each parameter, by the parameter's name, in optimizer.safetensors. Of parameters that
// processes divide it is put together, for which all of them call this, and one `writes`.
void save_optimizer(const std::string& folder, Optimizer& optimizer, const std::vector<NamedParameter>& parameters,
                    bool writes = true);
// Throws Error kInvalidFile unless the file holds exactly the state of these parameters.
void load_optimizer(const std::string& folder, Optimizer& optimizer, const std::vector<NamedParameter>& parameters);

}  // namespace imago
