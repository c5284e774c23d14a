// Operations whose outputs the tape does not keep for those that read them: backward computes them again. It costs a
// pass over the inputs, and those are kept; so it's for what takes one such pass and has inputs that are kept anyway,
// activations and norms.
#pragma once

#include "imago/ops/apply.h"

namespace imago {

// Called beside the registration of a kernel, with which uses of the operation are meant: all where `which` is null.
void recompute_in_backward(const OpInfo& info, bool (*which)(const void* op) = nullptr);

bool is_recomputed(const OpInfo& info, const void* op);

}  // namespace imago
