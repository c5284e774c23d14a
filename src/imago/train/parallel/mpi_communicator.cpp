// Compiled with IMAGO_MPI where CMake found it; else only the error that says so.
#include <cstdlib>

#include "imago/base/error.h"
#include "imago/train/parallel/communicator.h"

#ifdef IMAGO_MPI
#define OMPI_SKIP_MPICXX 1
#include <fmt/core.h>
#include <mpi.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <exception>
#include <utility>

#include "imago/ops/cast/cast.h"
#include "imago/tensor/grad_meta.h"
#endif

namespace imago {
namespace {

// How many processes mpirun says there are; 1 without it.
int64_t started_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const char* text = std::getenv(name)) return std::strtoll(text, nullptr, 10);
  }
  return 1;
}

#ifdef IMAGO_MPI
constexpr const char* kWhere = "parallel";
// Elements of one message: MPI counts them in an int.
constexpr int64_t kMostElements = int64_t{1} << 30;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ErrorKind::kIo, kWhere, fmt::format("{} failed: {}", what, text), "look whether all processes are alive");
}

MPI_Datatype number_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return MPI_FLOAT;
    case DType::f64: return MPI_DOUBLE;
    case DType::i64: return MPI_INT64_T;
    default: break;
  }
  throw Error(ErrorKind::kInternal, kWhere, fmt::format("{} is not added up between processes", to_string(dtype)));
}

bool is_half(DType dtype) { return dtype == DType::bf16 || dtype == DType::f16; }

// Counts and offsets of each process's part.
std::pair<std::vector<int>, std::vector<int>> parts(std::span<const int64_t> sizes, int64_t unit) {
  std::vector<int> counts, offsets;
  int64_t next = 0;
  for (const int64_t size : sizes) {
    counts.push_back(static_cast<int>(size * unit));
    offsets.push_back(static_cast<int>(next));
    next += size * unit;
    if (next > INT_MAX) {
      throw Error(ErrorKind::kLimitExceeded, kWhere, "a parameter of more than 2 GiB is divided",
                  "train with parallel: data");
    }
  }
  return {std::move(counts), std::move(offsets)};
}

int64_t total(std::span<const int64_t> sizes) {
  int64_t sum = 0;
  for (const int64_t size : sizes) sum += size;
  return sum;
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  // To finish is collective. A process that ends by an error must not wait for the others: without MPI_Finalize its end
  // makes mpirun end them.
  ~MpiCommunicator() override {
    if (std::uncaught_exceptions() == 0) MPI_Finalize();
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  using Communicator::all_gather;
  using Communicator::all_reduce;

  void all_reduce(const Tensor& x, Reduction reduction) override {
    const NoGrad no_grad;
    if (is_half(x.dtype())) {
      const Tensor wide = cast(x, DType::f32);
      all_reduce(wide, reduction);
      copy_bytes(cast(wide, x.dtype()), x);
      return;
    }
    const auto type = number_type(x.dtype());
    const auto size = static_cast<int64_t>(size_of(x.dtype()));
    auto* data = static_cast<char*>(x.data_raw());
    for (int64_t first = 0; first < x.numel(); first += kMostElements) {
      const int64_t count = std::min(kMostElements, x.numel() - first);
      check(MPI_Allreduce(MPI_IN_PLACE, data + first * size, static_cast<int>(count), type,
                          reduction == Reduction::kSum ? MPI_SUM : MPI_MAX, MPI_COMM_WORLD),
            "all_reduce");
    }
  }

  Tensor all_gather(const Tensor& part, std::span<const int64_t> sizes) override {
    // As bytes, which serves every type.
    const auto [counts, offsets] = parts(sizes, static_cast<int64_t>(size_of(part.dtype())));
    Tensor whole = Tensor::empty({total(sizes)}, part.dtype());
    check(MPI_Allgatherv(part.const_data_raw(), counts[static_cast<size_t>(rank_)], MPI_BYTE, whole.data_raw(),
                         counts.data(), offsets.data(), MPI_BYTE, MPI_COMM_WORLD),
          "all_gather");
    return whole;
  }

  Tensor reduce_scatter(const Tensor& whole, std::span<const int64_t> sizes) override {
    const NoGrad no_grad;
    if (is_half(whole.dtype())) return cast(reduce_scatter(cast(whole, DType::f32), sizes), whole.dtype());
    const auto [counts, offsets] = parts(sizes, 1);
    Tensor part = Tensor::empty({sizes[static_cast<size_t>(rank_)]}, whole.dtype());
    check(MPI_Reduce_scatter(whole.const_data_raw(), part.data_raw(), counts.data(), number_type(whole.dtype()),
                             MPI_SUM, MPI_COMM_WORLD),
          "reduce_scatter");
    return part;
  }

  void broadcast(const Tensor& x, int root) override {
    auto* data = static_cast<char*>(x.data_raw());
    for (int64_t first = 0; first < x.nbytes(); first += kMostElements) {
      const int64_t count = std::min(kMostElements, x.nbytes() - first);
      check(MPI_Bcast(data + first, static_cast<int>(count), MPI_BYTE, root, MPI_COMM_WORLD), "broadcast");
    }
  }

  void barrier() override { check(MPI_Barrier(MPI_COMM_WORLD), "barrier"); }

 private:
  static void copy_bytes(const Tensor& from, const Tensor& to) {
    std::memcpy(to.data_raw(), from.const_data_raw(), static_cast<size_t>(from.nbytes()));
  }

  int rank_ = 0, size_ = 1;
};
#endif

}  // namespace

std::unique_ptr<Communicator> join_processes() {
  if (started_processes() <= 1) return nullptr;
#ifdef IMAGO_MPI
  return std::make_unique<MpiCommunicator>();
#else
  throw Error(ErrorKind::kUnsupported, "parallel", "several processes were started, and Imago was built without MPI",
              "install libopenmpi-dev and build again");
#endif
}

}  // namespace imago
