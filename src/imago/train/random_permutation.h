// The orders that torch's generator gives.
#pragma once

#include <cstdint>
#include <vector>

namespace imago {

// The numbers 0 to n - 1 as torch.randperm(n, generator=torch.Generator().manual_seed(seed)) shuffles them on the CPU.
// Throws Error kLimitExceeded for n beyond 200 million, from where on torch draws differently.
std::vector<int64_t> random_permutation(int64_t n, uint64_t seed);

}  // namespace imago
