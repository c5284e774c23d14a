// How the files of processors are read: a key that is null stands for the class's default, and one that is not known
// may change what is computed.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "imago/base/json.h"

namespace imago {

// The keys that are not null.
Json without_nulls(const Json& json);

// Throws Error kUnsupported naming those of the keys that are not among `inert`, which are of no effect.
void refuse_unknown_keys(std::vector<std::string> keys, std::span<const char* const> inert, const char* file);

}  // namespace imago
