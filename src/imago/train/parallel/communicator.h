// Processes that train one model together, and how they exchange tensors. Every call is collective: all processes make
// the same calls in the same order, with tensors of the same sizes, or all of them wait.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

enum class Reduction { kSum, kMax };

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;  // from 0
  virtual int size() const = 0;
  bool is_first() const { return rank() == 0; }

  // Tensors are on the CPU and contiguous. All throw Error kIo where the exchange fails.
  // In place, over all processes, each of which then has the same bits.
  virtual void all_reduce(const Tensor& x, Reduction reduction = Reduction::kSum) = 0;
  // The parts of all processes one behind the other, flat; process r gives sizes[r] elements.
  virtual Tensor all_gather(const Tensor& part, std::span<const int64_t> sizes) = 0;
  // The sum over all processes of `whole`, flat, of which process r gets its sizes[r] elements.
  virtual Tensor reduce_scatter(const Tensor& whole, std::span<const int64_t> sizes) = 0;
  // In place, from the process `root`.
  virtual void broadcast(const Tensor& x, int root) = 0;
  // Waits for all.
  virtual void barrier() = 0;

  double all_reduce(double value, Reduction reduction = Reduction::kSum);
  int64_t all_reduce(int64_t value, Reduction reduction = Reduction::kSum);
  // The text of each process, by rank.
  std::vector<std::string> all_gather(const std::string& text);
  // Throws Error kInternal unless the number is the same everywhere: what it stands for would be mixed up otherwise.
  void expect_same(int64_t number, const std::string& what);
};

// The processes that mpirun started this one with. Null where it was started alone. Throws Error kUnsupported where
// there are several and Imago was built without MPI.
std::unique_ptr<Communicator> join_processes();

}  // namespace imago
