// The optimizer that training arguments name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imago/train/optimizer.h"
#include "imago/train/trainable_parameters.h"
#include "imago/train/training_arguments.h"

namespace imago {

// What `optim` may be, under the reference's names; "muon", which has none there, moves the matrices inside the network
// and leaves embeddings, heads and vectors to AdamW, with updates as large, so that one learning rate fits both.
std::vector<std::string> optimizer_names();

// What it keeps of each element of a parameter, in bytes; matrices alone, where it treats others differently. Throws
// Error kUnsupported for a name that is none.
int64_t optimizer_state_bytes(const std::string& optim);

// Sorts the parameters into the order of the optimizer's groups, in which its states lie.
// Throws Error kInvalidArgument for an option of optim_args that the optimizer has not, and kUnsupported for one that
// needs whole parameters where processes divide them.
std::unique_ptr<Optimizer> make_optimizer(const TrainingArguments& arguments, std::vector<NamedParameter>& parameters);

}  // namespace imago
